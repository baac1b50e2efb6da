// What of a message's evidence concerns one recipient, and what hides in it.
#include <gmock/gmock.h>

#include "base/bytes.h"
#include "protection/exposure_fixture.h"
#include "protection/unseen.h"

namespace letterlock::protection {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

const End erins{End::Role::mailbox, "erin@birch.example", "", ""};

Evidence two_ways() {
  auto to_erin = delivery(4);
  to_erin.to = erins;
  Evidence all;
  all.hops = {submission(), delivery(2), expansion(3, End::Role::list, "team@birch.example"),
              to_erin};
  all.children = {{Child::What::expanded, "team@birch.example", "01A"},
                  {Child::What::expanded, "all@birch.example", "01B"},
                  {Child::What::report, "01R", "01R"},
                  {Child::What::header, "01H", "01H"}};
  all.complete = false;
  all.at_rest = in_mailbox();
  all.at_rest.mailboxes.push_back({.account = "ERIN@birch.example"});
  all.at_rest.backups = {{at("2026-11-23T10:00:00Z")}};
  all.lost = {{at("2026-11-20T10:00:00Z"), at("2026-11-21T10:00:00Z")}};
  return all;
}
std::vector<std::string> names_of(const std::vector<Child>& children) {
  std::vector<std::string> names;
  for (const auto& child : children) names.push_back(child.name);
  return names;
}

TEST(OfWay, ListsAndMailboxesAreThoseThatItsHopsLeadTo) {
  const auto all = two_ways();
  const auto bobs_way = of_way(all, {all.hops[0], all.hops[1]});
  EXPECT_EQ(bobs_way.hops.size(), 2U);
  EXPECT_THAT(names_of(bobs_way.children), ElementsAre("01R", "01H"));
  ASSERT_EQ(bobs_way.at_rest.mailboxes.size(), 1U);
  EXPECT_EQ(bobs_way.at_rest.mailboxes[0].account, "bob@birch.example");

  const auto teams_way = of_way(all, {all.hops[0], all.hops[2]});
  EXPECT_THAT(names_of(teams_way.children), ElementsAre("team@birch.example", "01R", "01H"));
  EXPECT_THAT(teams_way.at_rest.mailboxes, IsEmpty());

  const auto erins_way = of_way(all, {all.hops[0], all.hops[3]});
  ASSERT_EQ(erins_way.at_rest.mailboxes.size(), 1U);
  EXPECT_EQ(erins_way.at_rest.mailboxes[0].account, "ERIN@birch.example");
}

TEST(OfWay, WhatConcernsTheWholeMessageConcernsEach) {
  const auto all = two_ways();
  const auto way = of_way(all, {all.hops[0]});
  EXPECT_EQ(way.complete, all.complete);
  EXPECT_EQ(way.at_rest.in_queue, all.at_rest.in_queue);
  EXPECT_EQ(way.at_rest.backups, all.at_rest.backups);
  EXPECT_EQ(way.lost, all.lost);
}

TEST(DeliversTo, OnlyWhatArrivedInThisMailbox) {
  const std::string bob = "Bob@birch.example";
  EXPECT_TRUE(delivers_to(delivery(1), bob));
  EXPECT_FALSE(delivers_to(delivery(1), "erin@birch.example"));
  for (const auto outcome : {Outcome::failed, Outcome::intended, Outcome::unknown}) {
    auto hop = delivery(1);
    hop.outcome = outcome;
    EXPECT_FALSE(delivers_to(hop, bob));
  }
  auto to_a_list = delivery(1);
  to_a_list.to.role = End::Role::list;
  EXPECT_FALSE(delivers_to(to_a_list, bob));
  auto expanded = delivery(1);
  expanded.kind = Kind::expansion;
  EXPECT_FALSE(delivers_to(expanded, bob));
}

// ---- what each gap hides ----

std::vector<Gap> gaps(std::vector<Hop> hops, std::vector<Child> children = {}) {
  return gaps_of({std::move(hops), std::move(children), true, in_mailbox()});
}

TEST(Gaps, OfChildrenOutOfSight) {
  const std::string long_name(300, 'a');
  const auto list = gaps({submission()}, {{Child::What::expanded, long_name}});
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].hides, Hides::everybody);
  EXPECT_EQ(list[0].clause, "beyond " + base::printable(long_name, 255) + ": unknown from here");
  const auto report = gaps({submission()}, {{Child::What::report, long_name}});
  ASSERT_EQ(report.size(), 1U);
  EXPECT_EQ(report[0].hides, Hides::everybody);
  EXPECT_EQ(report[0].clause, "what became of the report that returned it is not shown here (" +
                                  base::printable(long_name, 80) + ")");
}

TEST(Gaps, OfAProgramOnThisMachineHideRoadsAlone) {
  auto sent = submission();
  sent.protection.network = Network::local;
  const auto found = gaps({sent});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].hides, Hides::roads);
}

// It left while the mailbox was open, though not any more when that was last seen.
TEST(Openings, BeginWithTheirFirst) {
  auto at_rest = in_mailbox();
  at_rest.mailboxes[0].openings = {{.how = Opening::How::in_clear,
                                    .network = Network::public_,
                                    .first = at("2026-11-23T10:00:00Z"),
                                    .last = at("2026-11-23T12:00:00Z")}};
  at_rest.mailboxes[0].left = at("2026-11-23T11:00:00Z");
  EXPECT_EQ(openings_of({{submission(), delivery(2)}, {}, true, at_rest}).size(), 1U);
}

}  // namespace
}  // namespace letterlock::protection
