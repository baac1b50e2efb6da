// Copies of traces in other tenants, and links between traces.
#include "trace/fixture.h"

namespace letterlock::trace {
namespace {

using hop::Hop;
using hop::Level;

struct CopyTest : test::Fixture {
  void started(const Trace& trace, const Hop& first) {
    EXPECT_TRUE(in<void>(acorn, [&](auto& tx) { return begun_with(tx, trace, first); }));
  }
  std::vector<Hop> before(const Trace& trace, std::optional<unsigned> recipient, base::TraceId into,
                          Carry::Sight sight = Carry::Sight::another_tenants) {
    const Carry options{recipient, into, sight, 500};
    return in<std::vector<Hop>>(
               acorn, [=, this](auto& tx) { return hops_before(tx, acorn, trace.id, options); })
        .value();
  }
  void copied(const Trace& copy, const std::vector<Hop>& hops) {
    EXPECT_TRUE(in<void>(birch, [=, this](auto& tx) { return begin_copy(tx, birch, copy, hops); }));
  }
  LoadedTrace at_birch(base::TraceId id) {
    return in<LoadedTrace>(birch, [=, this](auto& tx) { return load(tx, birch, id); }).value();
  }
  static Hop expansion(const Trace& trace, unsigned recipient) {
    const End alias{End::Role::alias, trace.recipients.at(recipient).address, "", ""};
    auto hop = hop_of(trace, hop::Kind::expansion, node(), alias, Level::local, {recipient});
    hop.changes = {hop::Change::expanded};
    return hop;
  }
  Link link_to(const Trace& other, Link::Relation relation) {
    return {relation, other.id, birch, "all@birch.example", true};
  }
};

TEST_F(CopyTest, CarriesTheHopsBeforeItWithoutNames) {
  const Trace trace = trace_of(1, {"bob@birch.example", "dave@old.example", "eve@birch.example"});
  auto first = submission(trace, Level::clear);
  first.recipients = {0, 1, 2};
  started(trace, first);
  recorded(relay(trace, Level::clear, 1, "mx.old.example"));  // no way into birch's mailbox
  recorded(delivery(trace, 0));
  copied(copy_for(trace, {0}), before(trace, 0, trace.id));
  auto copy = at_birch(trace.id);
  ASSERT_EQ(copy.hops.size(), 1U);
  const auto& way_in = copy.hops[0];
  EXPECT_EQ(way_in.kind, hop::Kind::submission);
  EXPECT_EQ(way_in.number, 1U);
  EXPECT_EQ(way_in.protection.level, Level::clear);
  EXPECT_EQ(way_in.protection.network, hop::Network::public_);
  EXPECT_TRUE(way_in.recipients.empty()) << "how many others there were is nobody's business";
  EXPECT_EQ(way_in.from.who + way_in.from.address + way_in.to.who + way_in.to.address, "");
  EXPECT_EQ(copy.ways.at(0).hops, std::vector<std::size_t>{0});

  // The second recipient is added to the copy that is there, and found in it.
  copied(copy_for(trace, {2}), before(trace, 2, trace.id));
  copied(copy_for(trace, {2}), before(trace, 2, trace.id));
  copy = at_birch(trace.id);
  ASSERT_EQ(copy.ways.size(), 2U);
  EXPECT_EQ(copy.ways[0].recipient.address, "bob@birch.example");
  EXPECT_EQ(copy.ways[1].recipient.address, "eve@birch.example");
  EXPECT_EQ(copy.ways[1].hops, std::vector<std::size_t>{0});
  EXPECT_EQ(copy.hops.size(), 1U);
  const auto found =
      in<Found>(birch, [&](auto& tx) { return find(tx, birch, {.to = "eve@birch.example"}); });
  EXPECT_EQ(found->traces.size(), 1U);
  EXPECT_EQ(found->traces.at(0).first_recipient, "eve@birch.example");
}

// A group's copy in the same tenant is no stranger's.
TEST_F(CopyTest, WithinATenantItIsCarriedInFull) {
  const Trace trace = trace_of(1, {"all@acorn.example"});
  started(trace, submission(trace));
  recorded(expansion(trace, 0));
  const auto other = trace_of(2, {"bob@acorn.example"});
  const auto hops = before(trace, 0, other.id, Carry::Sight::same_tenant);
  ASSERT_EQ(hops.size(), 2U);
  EXPECT_EQ(hops[0].from, submission(trace).from);
  EXPECT_EQ(hops[0].trace, other.id);
  EXPECT_EQ(hops[0].protection.tls.exporter_digest, "") << "it names the other trace";
  EXPECT_EQ(hops[1].changes, std::vector{hop::Change::expanded});
}

// Whoever had it by an attempt that failed had what goes on. Its end isn't told twice.
TEST_F(CopyTest, CarriesAttemptsThatGaveContentInVain) {
  const Trace trace = trace_of(1, {"dave@old.example", "erin@old.example"});
  started(trace, submission(trace));
  recorded(failed(relay(trace, Level::clear, 0, "mx0.old.example"), hop::Given::envelope,
                  hop::Answer::take, ""));
  recorded(failed(relay(trace, Level::clear, 0, "mx1.old.example"), hop::Given::content,
                  hop::Answer::take, ""));
  intended(relay(trace, Level::clear, 1, "mx2.old.example"));
  const auto other = trace_of(2, {"alice@acorn.example"});
  const auto of_dave = before(trace, 0, other.id, Carry::Sight::same_tenant);
  ASSERT_EQ(of_dave.size(), 2U);
  EXPECT_EQ(of_dave[1].to.who, "mx1.old.example");
  const auto of_all = before(trace, {}, other.id, Carry::Sight::same_tenant);
  ASSERT_EQ(of_all.size(), 3U);
  EXPECT_EQ(of_all[2].to.who, "mx2.old.example");
  EXPECT_EQ(of_all[2].outcome, hop::Outcome::unknown);
}

// One that was forgotten and begun again lacks the first hop: so does its copy, whatever it says
// of it.
TEST_F(CopyTest, WithoutAWayInNoneIsInvented) {
  const Trace trace = begun(1, {"bob@birch.example"});
  recorded(delivery(trace, 0));
  EXPECT_TRUE(before(trace, 0, trace.id).empty());
  copied(copy_for(trace, {0}), {});
  EXPECT_TRUE(at_birch(trace.id).hops.empty());
}

TEST_F(CopyTest, LinksGoBothWaysAndAreForgottenWithTheTrace) {
  const auto empty = store.contents();
  const Trace sent = begun(1, {"all@birch.example"});
  Trace copy = trace_of(2, {"bob@birch.example"});
  copy.owner = birch;
  const auto into = link_to(copy, Link::Relation::expanded_into);
  const auto put = [&](const Link& link) {
    return in<void>(acorn, [=, this](auto& tx) { return put_link(tx, acorn, sent.id, link); });
  };
  EXPECT_TRUE(put(into));
  EXPECT_TRUE(put(into));
  EXPECT_TRUE(put(link_to(trace_of(3, {}), Link::Relation::reported_in)));
  const auto links = loaded(sent.id).links;
  ASSERT_EQ(links.size(), 2U);
  EXPECT_EQ(links[0], into);
  EXPECT_EQ(name(links[1].relation), "reported-in");
  // What came back from the copy, and what went on into it by another name, doesn't take its place.
  auto back = into;
  back.relation = Link::Relation::expanded_from;
  EXPECT_TRUE(put(back));
  auto by_another_name = into;
  by_another_name.name = "bob@birch.example";
  EXPECT_TRUE(put(by_another_name));
  EXPECT_EQ(loaded(sent.id).links.size(), 4U);
  EXPECT_THAT(loaded(sent.id).links, testing::Contains(into));
  EXPECT_TRUE(loaded(sent.id).has_all_links);
  EXPECT_TRUE(in<Expired>(acorn, [&](auto& tx) { return expire(tx, acorn, sent.expires, 10); }));
  EXPECT_EQ(store.contents(), empty);
  // Nothing is left behind for a trace that is gone.
  EXPECT_TRUE(put(into));
  EXPECT_EQ(store.contents(), empty);
}

TEST_F(CopyTest, WhenAMessageLeftAMailbox) {
  const auto empty = store.contents();
  const Trace trace = begun(1, {"bob@birch.example"});
  const auto account = base::AccountId::make(test::at("10:00:00"), {7});
  const auto leave = [&](base::Time when) {
    return in<void>(acorn,
                    [=, this](auto& tx) { return put_left(tx, acorn, trace.id, account, when); });
  };
  EXPECT_TRUE(leave(test::at("11:00:00")));
  EXPECT_TRUE(leave(test::at("12:00:00")));
  ASSERT_EQ(loaded(trace.id).left.size(), 1U);
  EXPECT_EQ(loaded(trace.id).left[0], std::pair(account, test::at("12:00:00")));
  EXPECT_TRUE(in<Expired>(acorn, [&](auto& tx) { return expire(tx, acorn, trace.expires, 10); }));
  EXPECT_TRUE(leave(test::at("12:00:00")));
  EXPECT_EQ(store.contents(), empty);
}

// A receiving tenant's list says nothing of recipients whom the header hides, unless they are asked
// for by name; the sender's says all.
TEST_F(CopyTest, HiddenRecipientsAreFoundByTheirNameAlone) {
  Trace trace = trace_of(1, {"carol@birch.example", "bob@birch.example"});
  trace.recipients[0].hidden = true;
  started(trace, submission(trace));
  copied(trace, {});
  const auto summary = [&](const base::TenantId& tenant, std::optional<std::string> to) {
    return in<Found>(tenant, [=](auto& tx) { return find(tx, tenant, {.to = to}); })
        .value()
        .traces.at(0);
  };
  EXPECT_EQ(summary(acorn, {}).recipients, 2U);
  EXPECT_EQ(summary(acorn, {}).first_recipient, "carol@birch.example");
  EXPECT_EQ(summary(birch, {}).recipients, 1U);
  EXPECT_EQ(summary(birch, {}).first_recipient, "bob@birch.example");
  EXPECT_EQ(summary(birch, "bob@birch.example").recipients, 1U);
  EXPECT_EQ(summary(birch, "carol@birch.example").first_recipient, "carol@birch.example");
  trace.from_outside = true;
  EXPECT_FALSE(shows_hidden(trace, acorn));
}

}  // namespace
}  // namespace letterlock::trace
