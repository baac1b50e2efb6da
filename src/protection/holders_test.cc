// Those who hold it, each cause alone: the operator's places, what others keep, the devices; and
// the gaps that make their answers unknown.
#include <gmock/gmock.h>

#include "protection/exposure_fixture.h"
#include "protection/unseen.h"

namespace letterlock::protection {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

std::string reason(Party party, std::vector<Hop> hops, AtRest at_rest = in_mailbox()) {
  return of(exposure_of(std::move(hops), std::move(at_rest)), party).reason;
}

TEST(Holders, TheOperatorsPlacesAreThoseThatAreKnown) {
  const auto places = [](std::vector<Hop> hops, AtRest at_rest) {
    return reason(Party::operator_, std::move(hops), std::move(at_rest));
  };
  using enum AtRest::InQueue;
  for (const auto in_queue : {no, unknown})
    EXPECT_EQ(places({submission()}, {.in_queue = in_queue}), "in memory and in the queue");
  EXPECT_EQ(places({submission()}, {.in_queue = yes}),
            "in memory and in the queue, where it is now");
  // By its delivery, or by what lies there; by both it is named once.
  EXPECT_EQ(places({submission(), delivery(2)}, {}),
            "in memory, in the queue and in bob's mailbox");
  EXPECT_EQ(places({submission()}, in_mailbox(true)),
            "in memory, in the queue and in bob's mailbox");
  EXPECT_EQ(places({submission(), delivery(2), delivery(3)}, in_mailbox(true)),
            "in memory, in the queue and in bob's mailbox");
  EXPECT_EQ(places({submission()}, in_mailbox(false)), "in memory and in the queue");
  AtRest many;
  for (const char* person : {"ann", "bob", "cid", "dan"})
    many.mailboxes.push_back({.account = person, .holds = true});
  EXPECT_EQ(places({submission()}, many),
            "in memory, in the queue, in ann's mailbox, in bob's mailbox, in cid's mailbox and in "
            "dan's mailbox");
  many.mailboxes.push_back({.account = "eve", .holds = true});
  EXPECT_THAT(places({submission()}, many),
              HasSubstr("in cid's mailbox, in dan's mailbox and 1 more"));
}

TEST(Holders, WhatLiesBeyondIsUnknownWhereContentWentOut) {
  const std::string kept = "what others keep is unknown from here";
  const std::string had = "those beyond this platform: unknown from here";
  const auto gone = relay(3, Level::mutual);
  for (const auto& [hops, is_beyond] :
       {std::pair{std::vector{submission(), delivery(2)}, false},
        {std::vector{submission(), delivery(2), gone}, true},
        {std::vector{submission(), gone, delivery(2)}, true},
        {std::vector{submission(), failed(gone, Given::content)}, true},
        {std::vector{submission(), failed(gone, Given::envelope)}, false},
        {std::vector{reception(), delivery(2)}, false}}) {
    const auto legal = reason(Party::legal_order, hops);
    const auto devices = reason(Party::devices, hops);
    EXPECT_EQ(legal.find(kept) != std::string::npos, is_beyond) << legal;
    EXPECT_EQ(devices.find(had) != std::string::npos, is_beyond) << devices;
  }
}

TEST(Holders, AClientIsNamedOnceAndFourAre) {
  const std::string who = "it went to no other operator's mail server; who runs the machine";
  const std::string unknown = " is unknown from here";
  std::vector<Hop> hops{submission(), submission(), delivery(2)};
  EXPECT_EQ(reason(Party::others, hops), who + " of alice's client" + unknown);
  for (unsigned i = 1; i <= 3; ++i) {
    hops.push_back(fetch(2 + i, Level::mutual));
    hops.back().to.who = "bob" + std::to_string(i);
  }
  const std::string four = "s of alice's client, bob1's client, bob2's client";
  EXPECT_EQ(reason(Party::others, hops), who + four + " and bob3's client" + unknown);
  hops.push_back(fetch(6, Level::mutual));
  EXPECT_EQ(reason(Party::others, hops), who + four + ", bob3's client and 1 more" + unknown);
}

TEST(Holders, WhoHasNotFetchedIsNamedWhereThatIsSeen) {
  const std::string not_yet = "nobody has fetched it from bob's mailbox yet";
  EXPECT_THAT(reason(Party::devices, {submission(), delivery(2)}), HasSubstr(not_yet));
  EXPECT_THAT(reason(Party::devices, {submission(), delivery(2), fetch(3, Level::mutual)}),
              Not(HasSubstr(not_yet)));
  EXPECT_THAT(reason(Party::devices, {submission(), fetch(2, Level::mutual), delivery(3)}),
              Not(HasSubstr(not_yet)));
  const auto in_vain = failed(fetch(3, Level::mutual), Given::nothing);
  EXPECT_THAT(reason(Party::devices, {submission(), delivery(2), in_vain}), HasSubstr(not_yet));
  EXPECT_THAT(reason(Party::devices, {submission(), delivery(2)}, {}), Not(HasSubstr(not_yet)));
}

TEST(Gaps, OfOneKindAreSaidOnce) {
  auto here = fetch(3, Level::encrypted);
  here.protection.network = Network::local;
  const auto gaps = gaps_of({{submission(), delivery(2), here, here}, {}, true, in_mailbox()});
  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_EQ(gaps[0].hides, Hides::roads);
}

// A fetch by somebody else would be recorded: only who was on the road isn't known.
TEST(Gaps, OfSignInsThatAreNotRecordedHideRoadsAlone) {
  auto at_rest = in_mailbox();
  for (const auto how : {Opening::How::unrecorded, Opening::How::by_program}) {
    at_rest.mailboxes[0].openings = {{.how = how,
                                      .network = Network::local,
                                      .first = at("2026-11-20T10:00:00Z"),
                                      .last = at("2026-11-25T10:00:00Z")}};
    const auto gaps = gaps_of({{submission(), delivery(2)}, {}, true, at_rest});
    ASSERT_EQ(gaps.size(), 1U);
    EXPECT_EQ(gaps[0].hides, Hides::roads);
  }
}

}  // namespace
}  // namespace letterlock::protection
