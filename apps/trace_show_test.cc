// Traces as their readers see them: mail goes through queue, lists and mailboxes, and the operation
// is asked what protected it. What isn't seen must not be called safe, delivered or deleted.
#include "apps/show_fixture.h"

namespace letterlock::apps {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using hop::End;
using hop::Kind;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using trace::Link;

class TraceShow : public test::Show {};

// ---- what goes on out of sight ----

// Alice writes to birch's group; a member outside gets it in clear.
TEST_F(TraceShow, AGroupWithAMemberOutsideInClear) {
  add_group("team@birch.example", {"bob@birch.example", "dave@old.example"});
  const auto id = taken(submitted({"team@birch.example"}, hop::Level::mutual));
  const auto link = link_of(acorn, id);
  EXPECT_EQ(link.relation, Link::Relation::expanded_into);
  EXPECT_EQ(link.tenant, birch);
  EXPECT_EQ(link.name, "team@birch.example");
  EXPECT_TRUE(link.has_content);
  const auto back = link_of(birch, link.trace);
  EXPECT_EQ(back.relation, Link::Relation::expanded_from);
  EXPECT_EQ(back.trace, id);
  EXPECT_EQ(back.tenant, acorn);
  record(birch, link.trace, Kind::relay, 1, hop::Level::clear);

  // Acorn's people don't see what became of it.
  const auto acorns = shown(id, {{"tenant", "acorn.example"}});
  claims_nothing(acorns);
  EXPECT_THAT(table_of(acorns), HasSubstr("went on to a list's members"));
  EXPECT_THAT(table_of(acorns), Not(HasSubstr("delivered")));
  EXPECT_THAT(all_could(acorns), Each(Not(testing::StrEq("no"))));
  EXPECT_THAT(json::serialize(acorns), Not(HasSubstr("bob")));
  EXPECT_THAT(json::serialize(acorns), Not(HasSubstr("dave")));

  // The operator does.
  const auto all = shown(id);
  claims_nothing(all);
  EXPECT_EQ(could(all, "listener"), "YES");
  EXPECT_EQ(could(all, "legal-order"), "yes") << "bob's mailbox has it, and birch's queue";

  // The group's own trace: how it came here is known, as birch may know it.
  const auto groups = shown(link.trace, {{"tenant", "birch.example"}});
  claims_nothing(groups);
  const auto inside = trace_of(birch, link.trace).value();
  ASSERT_FALSE(inside.hops.empty());
  EXPECT_EQ(inside.hops[0].kind, Kind::submission);
  EXPECT_EQ(inside.hops[0].protection.level, hop::Level::mutual);
  EXPECT_EQ(inside.hops[0].from.who, "");
  EXPECT_TRUE(inside.hops[0].told);
}

// Submitted in clear: the group's members have a message that crossed a network in clear.
TEST_F(TraceShow, TheGroupsTraceKnowsHowTheMessageCame) {
  add_group("team@birch.example", {"bob@birch.example"});
  const auto id = taken(submitted({"team@birch.example"}, hop::Level::clear));
  const auto groups = shown(link_of(acorn, id).trace, {{"tenant", "birch.example"}});
  EXPECT_EQ(could(groups, "listener"), "YES");
}

TEST_F(TraceShow, NestedGroupsCarryOn) {
  add_group("inner@birch.example", {"bob@birch.example"});
  add_group("outer@acorn.example", {"inner@birch.example"});
  const auto id = taken(submitted({"outer@acorn.example"}, hop::Level::clear));
  const auto outer = link_of(acorn, id);
  // Within the tenant in full.
  const auto outers = trace_of(acorn, outer.trace).value();
  EXPECT_EQ(outers.hops.at(0).from.who, "alice@acorn.example");
  EXPECT_FALSE(outers.hops.at(0).told);
  const auto into = std::ranges::find(outers.links, Link::Relation::expanded_into, &Link::relation);
  ASSERT_NE(into, outers.links.end());
  const auto inner = shown(into->trace, {{"tenant", "birch.example"}});
  EXPECT_EQ(could(inner, "listener"), "YES");
  EXPECT_EQ(could(shown(id), "listener"), "YES");
}

// An alias whose target still waits.
TEST_F(TraceShow, AnAliasWhoseTargetWaits) {
  add_alias("sales@acorn.example", {"dave@old.example"});
  const auto id = taken(submitted({"sales@acorn.example"}, hop::Level::mutual));
  const auto result = shown(id);
  EXPECT_THAT(table_of(result), Not(HasSubstr("delivered")));
  EXPECT_THAT(table_of(result), Not(HasSubstr("deleted")));
  EXPECT_THAT(table_of(result), Not(HasSubstr("fetched")));
  EXPECT_EQ(could(result, "legal-order"), "yes") << "it is in the queue";
}

// ---- first hops ----

TEST_F(TraceShow, TheReceivingTenantsCopyKnowsHowItCame) {
  const auto id = taken(submitted({"bob@birch.example"}, hop::Level::encrypted));
  const auto birchs = shown(id, {{"tenant", "birch.example"}});
  EXPECT_THAT(table_of(birchs), HasSubstr("a client -> this node encrypted"));
  EXPECT_THAT(table_of(birchs), Not(HasSubstr("no content has crossed")));
  EXPECT_NE(could(birchs, "interferer"), "no") << "encrypted to whomever";
  EXPECT_NE(could(birchs, "devices"), "no");
  EXPECT_THAT(json::serialize(birchs), Not(HasSubstr("192.0.2.77")));
}

TEST_F(TraceShow, BegunAgainNothingOfItsWayIsKnown) {
  add_group("wait@acorn.example", {"dave@old.example"});
  const auto id = taken(from_outside({"bob@birch.example"}, hop::Level::mutual));
  ASSERT_TRUE(ask_for<trace::Expired>(birch, [&](store::Transaction& tx) {
    return trace::expire(tx, birch, world.clock().now() + std::chrono::days(200));
  }));
  trace::Trace again;
  again.id = id;
  again.owner = birch;
  again.recipients = {{0, "bob@birch.example"}};
  again.accepted = world.clock().now();
  again.expires = again.accepted + std::chrono::days(90);
  ASSERT_TRUE(wait(store.transact(store::Scope::tenant(birch), [&](store::Transaction& tx) {
    return trace::begin(tx, birch, again);
  })));
  const auto result = shown(id);
  claims_nothing(result);
  EXPECT_THAT(table_of(result), HasSubstr("nothing recorded"));
  EXPECT_THAT(table_of(result), Not(HasSubstr("waits")));
  EXPECT_THAT(all_could(result), Each(Not(testing::StrEq("no"))));
  EXPECT_EQ(could(result, "legal-order"), "yes") << "bob's mailbox has it: it was asked";
}

// ---- one message, several traces ----

TEST_F(TraceShow, OutsideMailToTwoTenants) {
  const auto id =
      taken(from_outside({"alice@acorn.example", "bob@birch.example"}, hop::Level::mutual),
            {"alice@acorn.example", "bob@birch.example"});
  record(birch, id, Kind::fetch, 1, hop::Level::clear);
  const auto all = shown(id);
  ASSERT_EQ(all.at("traces").as_array().size(), 2U);
  EXPECT_THAT(table_of(all), HasSubstr("In the records of acorn.example:"));
  EXPECT_THAT(table_of(all), HasSubstr("In the records of birch.example:"));
  EXPECT_EQ(could(all.at("traces").as_array()[1].as_object(), "listener"), "YES");

  const auto acorns = shown(id, {{"tenant", "acorn.example"}});
  EXPECT_EQ(acorns.at("traces_not_shown"), 1);
  EXPECT_THAT(table_of(acorns), HasSubstr("1 more trace of this message is kept by other tenants"));
  EXPECT_THAT(json::serialize(acorns), Not(HasSubstr("bob")));
  EXPECT_THAT(all_could(acorns), Each(Not(testing::StrEq("no"))));
}

TEST_F(TraceShow, BobAndCarol) {
  add_account("carol@birch.example");
  const auto id = taken(submitted({"bob@birch.example", "carol@birch.example"}, hop::Level::mutual),
                        {"bob@birch.example"});
  // The sender sees both, each with its hops.
  for (const auto& arguments : {json::object(), json::object{{"tenant", "acorn.example"}}}) {
    const auto result = shown(id, arguments);
    ASSERT_EQ(result.at("ways").as_array().size(), 2U);
    for (const auto& way : result.at("ways").as_array())
      EXPECT_GE(way.at("hops").as_array().size(), 2U);
    EXPECT_THAT(table_of(result), HasSubstr("carol@birch.example"));
  }
  // Her tenant finds her by her address alone.
  const auto birchs = shown(id, {{"tenant", "birch.example"}});
  EXPECT_THAT(json::serialize(birchs), Not(HasSubstr("carol")));
  EXPECT_EQ(birchs.at("recipients_not_shown"), 1);
  const auto bobs = shown(id, {{"tenant", "birch.example"}, {"to", "bob@birch.example"}});
  EXPECT_THAT(json::serialize(bobs), Not(HasSubstr("carol")));
  EXPECT_EQ(bobs.at("recipients_not_shown"), 0);
  EXPECT_EQ(bobs.at("traces_not_shown"), 0);
  EXPECT_THAT(table_of(bobs), HasSubstr("Shown is the way to bob@birch.example alone"));
  const auto hers = shown(id, {{"tenant", "birch.example"}, {"to", "carol@birch.example"}});
  EXPECT_THAT(json::serialize(hers), Not(HasSubstr("bob")));
  ASSERT_EQ(hers.at("ways").as_array().size(), 1U);
  EXPECT_GE(hers.at("ways").as_array()[0].at("hops").as_array().size(), 2U);
  // She is in the index, too.
  const auto found = asked({{"tenant", "birch.example"}, {"to", "carol@birch.example"}});
  ASSERT_TRUE(found) << found.error().what;
  ASSERT_EQ(found->at("rows").as_array().size(), 1U);
  EXPECT_EQ(found->at("rows").as_array()[0].at("to").as_string(), "carol@birch.example");
  const auto rows = asked({{"tenant", "birch.example"}, {"since", "1h"}});
  ASSERT_TRUE(rows);
  EXPECT_THAT(json::serialize(*rows), Not(HasSubstr("carol")));
}

// A program on this machine is no end of the way: whom it had it from isn't seen.
TEST_F(TraceShow, SubmittedByAWebmailOnThisMachine) {
  auto reception = submitted({"bob@birch.example"}, hop::Level::encrypted);
  reception.protection.network = hop::Network::local;
  const auto result = shown(taken(std::move(reception)));
  claims_nothing(result);
  EXPECT_THAT(table_of(result), Not(HasSubstr("never left the node")));
  EXPECT_THAT(table_of(result),
              HasSubstr("how alice's client on this machine came by it: unknown from here"));
  EXPECT_THAT(all_could(result), Each(Not(testing::StrEq("no"))));
}

// The mailbox is asked by the trace, wherever in it the message lies.
TEST_F(TraceShow, WhatLiesInAMailboxIsAsked) {
  const auto id = taken(submitted({"bob@birch.example"}, hop::Level::mutual));
  const mailbox::Owner owner{birch, bob.id};
  const auto place = [&](std::string name) {
    return ask<mailbox::Mailbox>(
               birch, [=](store::Transaction& tx) { return mailbox::find(tx, owner, name); })
        .value()
        .place;
  };
  const auto inbox = place("INBOX");
  const auto archive = place("Archive");
  ASSERT_TRUE(ask_for<mailbox::Copied>(
      birch, [&](store::Transaction& tx) { return mailbox::move(tx, inbox, {1}, archive); }));
  EXPECT_EQ(could(shown(id), "legal-order"), "yes");
  EXPECT_THAT(table_of(shown(id)), HasSubstr("now: bob's mailbox"));
  ASSERT_TRUE(ask_for<std::vector<mailbox::Message>>(
      birch, [&](store::Transaction& tx) { return mailbox::expunge(tx, archive, {1}); }));
  EXPECT_THAT(table_of(shown(id)), Not(HasSubstr("now: bob's mailbox")));
  EXPECT_THAT(table_of(shown(id)), HasSubstr("has it any more"));
}

// By the calendar it was made after the message came; what is known of its mailbox still counts.
TEST_F(TraceShow, WhereTheCalendarWasSetBackAMailboxIsStillSeen) {
  world.clock().jump(-1h);
  (void)calendar.clock().now();
  const auto id = taken(submitted({"bob@birch.example"}, hop::Level::mutual));
  ASSERT_GT(bob.created, world.clock().now());
  EXPECT_EQ(could(shown(id), "listener"), "no");
  EXPECT_THAT(table_of(shown(id)), HasSubstr("now: bob's mailbox"));
  const directory::SignInFact in_clear{birch,
                                       bob.id,
                                       bob.address,
                                       bob.keys,
                                       {directory::Opening::How::in_clear},
                                       hop::Network::public_,
                                       world.clock().now()};
  ASSERT_TRUE(ask_for<std::vector<directory::Opening::How>>(
      birch, [&](store::Transaction& tx) { return directory::record(tx, in_clear); }));
  EXPECT_EQ(could(shown(id), "listener"), "YES");
}

// A link to a mailbox that has the message by a list leads to its tenant's copy of the list's
// trace; what the list's own tenant knows of it counts all the same, whichever link comes first.
TEST_F(TraceShow, WhatALinkLeadsToIsSeenWhole) {
  add_alias("way@acorn.example", {"alice@acorn.example"});
  add_alias("farther@acorn.example", {"way@acorn.example"});
  // By their names' digests the second one's link stands behind alice's, the first one's before.
  for (const std::string list : {"crew@birch.example", "folk@birch.example"}) {
    add_group(list, {"bob@birch.example", "alice@acorn.example"});
    const auto id = taken(submitted({list, "farther@acorn.example"}, hop::Level::mutual));
    EXPECT_EQ(could(shown(id), "listener"), "no") << list;
    const auto links =
        ask<trace::LoadedTrace>(
            acorn, [=, this](store::Transaction& tx) { return trace::load(tx, acorn, id); })
            .value()
            .links;
    const auto group = std::ranges::find(links, list, &trace::Link::name);
    ASSERT_NE(group, links.end());
    record(birch, group->trace, Kind::fetch, 0, hop::Level::clear);
    EXPECT_EQ(could(shown(id), "listener"), "YES") << list;
  }
  EXPECT_EQ(events.count("mda.delivered_before"), 2U);
}

}  // namespace
}  // namespace letterlock::apps
