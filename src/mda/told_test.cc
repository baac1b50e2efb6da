// What one tenant's trace says of mailboxes and lists in another: what it wrote to, and the same
// whoever is behind it.
#include "mda/fixture.h"

namespace letterlock::mda {
namespace {

using custody::test::at;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class ToldTest : public test::MdaTest {
 protected:
  base::TraceId sent(const std::vector<std::string>& to) {
    auto mail = from_alice("");
    mail.to = to;
    const auto id = accept(mail);
    settle();
    return id;
  }
  // As acorn's people may see it, without what is another message's: ids and times.
  std::vector<std::string> acorns(const base::TraceId& id) {
    auto loaded = trace_of(acorn, id).value();
    std::vector<std::string> out;
    for (auto hop : loaded.hops) {
      hop.trace = {};
      hop.time = hop.finished = {};
      hop.digest_in = hop.digest_out = hop.digest_in == hop.digest_out ? "same" : "other";
      out.push_back(hop::to_json(hop));
    }
    for (const auto& link : loaded.links)
      out.push_back(std::string(trace::name(link.relation)) + " " + link.name);
    return out;
  }
  static std::size_t count_of(const trace::LoadedTrace& trace, hop::Kind kind) {
    return static_cast<std::size_t>(std::ranges::count(trace.hops, kind, &hop::Hop::kind));
  }
};

// Alice has a way of her own to bob, and asks whether he is in birch's group.
TEST_F(ToldTest, WhoIsAMemberCantBeFoundOutByASecondWay) {
  add_account("eve@birch.example");
  add_alias("way@acorn.example", {"bob@birch.example"});
  add_alias("farther@acorn.example", {"way@acorn.example"});
  add_group("crew@birch.example", {"eve@birch.example"});
  const auto without = sent({"crew@birch.example", "farther@acorn.example"});
  EXPECT_EQ(events.count("mda.delivered_before"), 0U);
  ASSERT_TRUE(wait(operations.remove_group(at("crew@birch.example"), "test")));
  add_group("crew@birch.example", {"bob@birch.example"});
  const auto with = sent({"crew@birch.example", "farther@acorn.example"});
  ASSERT_EQ(events.count("mda.delivered_before"), 1U);
  EXPECT_EQ(acorns(with), acorns(without));
  EXPECT_EQ(count_of(trace_of(acorn, with).value(), hop::Kind::delivery), 1U);
  // Birch's own record says how it was, and by which way bob has it.
  const auto birchs = trace_of(birch, with).value();
  ASSERT_THAT(birchs.links, SizeIs(2)) << "its own list's copy too";
  const auto bobs = std::ranges::find(birchs.links, "bob@birch.example", &trace::Link::name);
  ASSERT_NE(bobs, birchs.links.end());
  EXPECT_TRUE(std::ranges::any_of(birchs.links, [](const trace::Link& link) {
    return link.name == "crew@birch.example" &&
           link.relation == trace::Link::Relation::expanded_into;
  }));
  EXPECT_THAT(birchs.hops.back().reason, HasSubstr(bobs->trace.text()));
}

TEST_F(ToldTest, NorWhichListIsInAnother) {
  add_group("crew@birch.example", {"bob@birch.example"});
  add_group("big@birch.example", {"crew@birch.example"});
  add_group("other@birch.example", {"bob@birch.example"});
  const auto with = sent({"big@birch.example", "crew@birch.example"});
  const auto hops = acorns(with);
  ASSERT_THAT(hops, SizeIs(3 + 2));
  for (const auto& hop : hops) {
    EXPECT_THAT(hop, Not(HasSubstr("already")));
    EXPECT_THAT(hop, Not(HasSubstr("for 1 other"))) << "nor how many are in one";
  }
}

// A role, a further address, a detail: who has it is birch's business, and that it is one account.
TEST_F(ToldTest, AMailboxIsNamedAsItWasWrittenTo) {
  set_account("bob@birch.example", {.add_addresses = {at("b@birch.example")}});
  const auto id = sent({"b@birch.example", "B+1@birch.example"});
  EXPECT_THAT(inbox(bob), SizeIs(1));
  const auto trace = trace_of(acorn, id).value();
  ASSERT_THAT(trace.hops, SizeIs(3));
  for (const unsigned which : {0U, 1U}) {
    const auto& hop = trace.hops[1 + which];
    EXPECT_EQ(hop.to.who, trace.trace.recipients[which].address);
    EXPECT_THAT(hop.recipients, ElementsAre(which));
    EXPECT_TRUE(hop.told);
  }
  for (const auto& [key, value] : store.contents()) {
    if (key.starts_with(store::tenant_prefix(acorn))) EXPECT_THAT(value, Not(HasSubstr("bob@")));
  }
  const auto birchs = trace_of(birch, id).value();
  ASSERT_THAT(birchs.hops, SizeIs(2));
  EXPECT_EQ(birchs.hops[1].to.who, "bob@birch.example");
  EXPECT_THAT(birchs.hops[1].recipients, ElementsAre(0, 1));
}

// So many as events can name apart are one delivery; the others have it already.
TEST_F(ToldTest, ManyAddressesOfOneMailbox) {
  std::vector<std::string> to;
  for (std::size_t i = 0; i < 2 * trace::told_apart_max; ++i)
    to.push_back("bob+" + std::to_string(i) + "@birch.example");
  const auto id = sent(to);
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_EQ(count_of(trace_of(acorn, id).value(), hop::Kind::delivery), to.size());
  EXPECT_THAT(queued(acorn), testing::IsEmpty());
}

// Within one tenant the trace says which other way it was, and leads there.
TEST_F(ToldTest, TheOtherWayIsLinked) {
  add_group("all@birch.example", {"bob@birch.example"});
  add_alias("way@birch.example", {"bob@birch.example"});
  add_alias("farther@birch.example", {"way@birch.example"});
  Mail mail;
  mail.to = {"all@birch.example", "farther@birch.example"};
  const auto id = accept(mail);
  settle();
  ASSERT_EQ(events.count("mda.delivered_before"), 1U);
  const auto trace = trace_of(birch, id).value();
  EXPECT_EQ(trace.hops.back().to.role, hop::End::Role::list);
  std::vector<std::string> names;
  for (const auto& link : trace.links) names.push_back(link.name);
  EXPECT_THAT(names, testing::Contains(testing::AnyOf("bob@birch.example", "all@birch.example")));
}

}  // namespace
}  // namespace letterlock::mda
