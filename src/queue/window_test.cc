// One lane's window: turns, places, rests.
#include "queue/window.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "queue/window_fixture.h"

namespace letterlock::queue {
namespace {

using namespace std::chrono_literals;
using test::item;
using test::now;
using test::numbered;
using test::Remote;
using test::startable;

TEST(Window, TenantsTakeTurnsWhateverTheirBacklog) {
  Remote window;
  for (std::uint8_t i = 0; i < 100; ++i) window.add(item(1, i, "big.example"), now);
  window.add(item(2, 200, "other.example"), now);
  std::vector<base::TenantId> order;
  for (int i = 0; i < 3; ++i) order.push_back(window.take(now)->tenant);
  EXPECT_NE(std::ranges::find(order, numbered<base::TenantId>(2)), order.end());
}

TEST(Window, DestinationsOfATenantTakeTurns) {
  Remote window;
  for (std::uint8_t i = 0; i < 100; ++i) window.add(item(1, i, "big.example"), now);
  window.add(item(1, 200, "small.example"), now);
  EXPECT_EQ(window.take(now)->destination, "big.example");
  EXPECT_EQ(window.take(now)->destination, "small.example");
}

TEST(Window, RecipientsOfOneMessageForOneDestinationTravelTogether) {
  WindowLimits limits;
  limits.job_recipients_max = 3;
  Remote window(limits);
  for (unsigned r = 0; r < 5; ++r) window.add(item(1, 1, "a.example", r), now);
  EXPECT_EQ(window.take(now)->items.size(), 3U);
  EXPECT_EQ(window.take(now)->items.size(), 2U);
  EXPECT_FALSE(window.take(now));
}

TEST(Window, KnowsWhatIsReadyOrUnderWay) {
  Remote window;
  EXPECT_EQ(window.add(item(1, 1, "a.example"), now), LaneWindow::Added::added);
  EXPECT_EQ(window.add(item(1, 1, "a.example"), now), LaneWindow::Added::known);
  const auto job = window.take(now);
  EXPECT_EQ(window.add(item(1, 1, "a.example"), now), LaneWindow::Added::known);
  (void)window.finish(*job, now);
  EXPECT_EQ(window.add(item(1, 1, "a.example"), now), LaneWindow::Added::added);
}

TEST(Window, ConcurrencyOfADestinationIsKeptAndFreed) {
  WindowLimits limits;
  limits.destination_concurrency = 2;
  Remote window(limits);
  for (std::uint8_t i = 0; i < 5; ++i) window.add(item(1, i, "a.example"), now);
  const auto first = window.take(now);
  const auto second = window.take(now);
  EXPECT_FALSE(window.take(now));
  (void)window.finish(*first, now);
  EXPECT_TRUE(window.take(now));
  EXPECT_FALSE(window.take(now));
  (void)window.finish(*second, now);
  EXPECT_TRUE(window.take(now));
}

TEST(Window, RateOfADestination) {
  WindowLimits limits;
  limits.destination_per_minute = 60;
  Remote window(limits);
  window.add(item(1, 1, "a.example"), now);
  window.add(item(1, 2, "a.example"), now);
  EXPECT_TRUE(window.take(now));
  EXPECT_FALSE(window.take(now + 999ms));
  EXPECT_EQ(window.next_time(), now + 1s);
  EXPECT_TRUE(window.take(now + 1s));
}

TEST(Window, IsBounded) {
  LaneLimits limits;
  limits.recipients_max = 8;
  limits.destination_recipients_max = limits.destination_recipients_first = 3;
  LaneWindow window(Lane::remote, limits);
  std::uint8_t message = 0;
  const auto add = [&](std::uint8_t tenant, std::string destination) {
    return window.add(item(tenant, ++message, std::move(destination)), now);
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(add(1, "a.example"), LaneWindow::Added::added);
  EXPECT_EQ(add(1, "a.example"), LaneWindow::Added::destination_full);
  // All are on trial: half of the lane's, and one is left for somebody else.
  EXPECT_EQ(add(1, "b.example"), LaneWindow::Added::destination_full);
  EXPECT_EQ(add(2, "b.example"), LaneWindow::Added::added);
  EXPECT_EQ(add(3, "c.example"), LaneWindow::Added::destination_full);
  EXPECT_EQ(window.count(), 4U);
}

TEST(Window, ARestingDestinationHoldsNobodyUp) {
  Remote window;
  for (std::uint8_t i = 0; i < 3; ++i) window.add(item(1, i, "dead.example"), now);
  window.add(item(2, 9, "dead.example"), now);
  window.add(item(1, 10, "live.example"), now);
  const auto job = window.take(now);
  ASSERT_EQ(job->destination, "dead.example");
  const auto whose = window.rest("dead.example", now + 1min);
  EXPECT_EQ(whose.size(), 2U);
  EXPECT_EQ(window.count(), 2U);  // under way, and to the live one
  (void)window.finish(*job, now);
  EXPECT_EQ(window.add(item(2, 9, "dead.example"), now), LaneWindow::Added::resting);
  EXPECT_EQ(window.resting_until("dead.example", now), now + 1min);
  EXPECT_EQ(window.take(now)->destination, "live.example");
  EXPECT_FALSE(window.take(now));
  EXPECT_EQ(window.add(item(2, 9, "dead.example"), now + 1min), LaneWindow::Added::added);
  EXPECT_TRUE(window.take(now + 1min));
}

TEST(Window, ForgetsWhatAnOperatorTookAway) {
  Remote window;
  window.add(item(1, 1, "a.example"), now);
  window.add(item(1, 2, "a.example"), now);
  window.forget(numbered<base::TenantId>(1), {numbered<base::MessageId>(1)}, now);
  EXPECT_EQ(window.take(now)->message, numbered<base::MessageId>(2));
  EXPECT_FALSE(window.take(now));
  EXPECT_EQ(window.count(), 1U);
}

// A year of names: what is idle leaves nothing behind.
TEST(Window, EmptyAgainAfterManyDestinations) {
  Remote window;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(window.add(item(1, 1, std::to_string(i) + ".example"), now),
              LaneWindow::Added::added);
    (void)window.finish(*window.take(now), now);
  }
  EXPECT_EQ(window.count(), 0U);
  EXPECT_EQ(window.under_way(), 0U);
  EXPECT_FALSE(window.next_time());
}

// ---- one after the other, in one place ----

TEST(Window, AJobIsFollowedInItsPlace) {
  WindowLimits limits;
  limits.destination_concurrency = 1;
  Remote window(limits);
  for (std::uint8_t i = 1; i <= 3; ++i) window.add(item(1, i, "a.example"), now);
  auto first = window.take(now);
  EXPECT_FALSE(window.take(now));
  auto second = window.follow(*first, now);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->message, numbered<base::MessageId>(2));
  EXPECT_EQ(window.under_way(), 1U);
  // What is written later frees no place.
  (void)window.finish(*first, now);
  EXPECT_FALSE(window.take(now));
  auto third = window.follow(*second, now);
  ASSERT_TRUE(third);
  EXPECT_FALSE(window.follow(*third, now));
  (void)window.finish(*second, now);
  EXPECT_EQ(window.under_way(), 1U);
  // What comes again has its turn, once.
  window.add(item(1, 4, "a.example"), now);
  (void)window.finish(*third, now);
  const auto fourth = window.take(now);
  ASSERT_TRUE(fourth);
  EXPECT_FALSE(window.take(now));
  (void)window.finish(*fourth, now);
  EXPECT_EQ(window.count(), 0U);
  EXPECT_EQ(window.under_way(), 0U);
}

TEST(Window, NothingFollowsWhereOthersWaitOrTheDestinationRests) {
  WindowLimits limits;
  limits.destination_concurrency = 1;
  Remote window(limits);
  for (std::uint8_t i = 1; i <= 3; ++i) window.add(item(1, i, "a.example"), now);
  window.add(item(2, 9, "a.example"), now);
  auto first = window.take(now);
  EXPECT_FALSE(window.take(now));  // both wait for the place
  EXPECT_FALSE(window.follow(*first, now));
  EXPECT_TRUE(first->has_place);
  (void)window.finish(*first, now);
  auto second = window.take(now);
  ASSERT_TRUE(second);
  window.rest("a.example", now + 1min);
  EXPECT_FALSE(window.follow(*second, now));
  (void)window.finish(*second, now);
}

TEST(Window, FollowersDontKeepAFullLaneFromOthers) {
  WindowLimits limits;
  limits.remote_concurrency = 1;
  Remote window(limits);
  window.add(item(1, 1, "a.example"), now);
  window.add(item(1, 2, "a.example"), now);
  window.add(item(1, 3, "b.example"), now);
  auto first = window.take(now);
  EXPECT_FALSE(window.follow(*first, now));
  (void)window.finish(*first, now);
  EXPECT_EQ(window.take(now)->destination, "b.example");
}

TEST(Window, ADestinationThatTakesGetsMoreAtOnceAndOneThatDoesntFewer) {
  WindowLimits limits;
  limits.destination_concurrency_first = 4;
  limits.destination_concurrency = 6;
  Remote window(limits);
  for (std::uint8_t i = 0; i < 100; ++i) window.add(item(1, i, "a.example"), now);
  EXPECT_EQ(startable(window), 3U);
  (void)window.note("a.example", Showed::takes, now);
  EXPECT_EQ(startable(window), 1U);
  for (int i = 0; i < 10; ++i) (void)window.note("a.example", Showed::takes, now);
  EXPECT_EQ(startable(window), 1U);
  EXPECT_EQ(window.under_way(), 5U);
  for (int i = 0; i < 10; ++i) (void)window.note("a.example", Showed::crowded, now);
  EXPECT_EQ(startable(window), 0U);
  // Others know nothing of it.
  for (std::uint8_t i = 0; i < 9; ++i) window.add(item(1, 200 + i, "b.example"), now);
  EXPECT_EQ(startable(window), 3U);
  (void)window.note("unknown.example", Showed::takes, now);
}

// A host that is slow to answer one tenant's mail.
TEST(Window, TheLastPlacesToADestinationAreForTenantsWithNoneThere) {
  WindowLimits limits;
  limits.destination_concurrency_first = 8;
  Remote window(limits);
  for (std::uint8_t i = 0; i < 20; ++i) window.add(item(1, i, "a.example"), now);
  EXPECT_EQ(startable(window), 6U);
  for (const std::uint8_t tenant : {2, 3, 4})
    for (std::uint8_t i = 0; i < 3; ++i)
      window.add(item(tenant, static_cast<std::uint8_t>(50 + 10 * tenant + i), "a.example"), now);
  const auto second = window.take(now);
  const auto third = window.take(now);
  ASSERT_TRUE(second && third);
  EXPECT_NE(second->tenant, third->tenant);
  EXPECT_NE(second->tenant, numbered<base::TenantId>(1));
  EXPECT_FALSE(window.take(now));
  // Its place goes to the tenant that has had none yet.
  (void)window.finish(*second, now);
  const auto fourth = window.take(now);
  ASSERT_TRUE(fourth);
  EXPECT_NE(fourth->tenant, third->tenant);
  EXPECT_NE(fourth->tenant, numbered<base::TenantId>(1));
  EXPECT_FALSE(window.take(now));
}

// Fewer are allowed than are under way: they end one after the other, and nobody follows.
TEST(Window, NothingFollowsWhereFewerAreAllowed) {
  WindowLimits limits;
  limits.destination_concurrency_first = 2;
  Remote window(limits);
  for (std::uint8_t i = 0; i < 9; ++i) window.add(item(1, i, "a.example"), now);
  auto first = window.take(now);
  auto second = window.take(now);
  ASSERT_TRUE(first && second);
  (void)window.note("a.example", Showed::crowded, now);
  EXPECT_FALSE(window.follow(*first, now));
  (void)window.finish(*first, now);
  EXPECT_TRUE(window.follow(*second, now));
  EXPECT_FALSE(window.take(now));
}

// Whoever settles without a try has them alone: nobody begins with them, whose place is whosever.
TEST(Window, AClaimKeepsOthersFromBeginning) {
  WindowLimits limits;
  limits.destination_concurrency_first = 1;
  Remote window(limits);
  const std::vector<Due> both{item(1, 2, "a.example", 0), item(1, 2, "a.example", 1)};
  for (std::uint8_t i = 1; i <= 3; ++i) window.add(item(1, i, "a.example"), now);
  const auto first = window.take(now);
  ASSERT_TRUE(first);
  EXPECT_FALSE(window.claim(first->items, now)) << "it is under way";
  const auto claimed = window.claim(both, now);
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->items, both);
  EXPECT_FALSE(window.claim(both, now)) << "somebody has them";
  EXPECT_EQ(window.add(both[0], now), LaneWindow::Added::known);
  EXPECT_EQ(window.add(both[1], now), LaneWindow::Added::known);
  EXPECT_EQ(window.count(), 4U);
  EXPECT_EQ(window.under_way(), 1U) << "a claim takes no place";
  (void)window.finish(*first, now);
  const auto third = window.take(now);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->message, numbered<base::MessageId>(3));
  (void)window.finish(*third, now);
  EXPECT_FALSE(window.take(now));
  (void)window.finish(*claimed, now);
  EXPECT_EQ(window.count(), 0U);
  EXPECT_EQ(window.count(numbered<base::TenantId>(1)), 0U);
  EXPECT_EQ(window.add(both[0], now), LaneWindow::Added::added);
  EXPECT_TRUE(window.take(now));
}

// Nothing of it was in memory, and its destination rests.
TEST(Window, WhatRestsCanBeClaimed) {
  Remote window;
  (void)window.rest("a.example", now + 1h);
  const auto claimed = window.claim({item(1, 1, "a.example")}, now);
  ASSERT_TRUE(claimed);
  EXPECT_FALSE(window.take(now));
  (void)window.finish(*claimed, now);
  EXPECT_EQ(window.count(), 0U);
  EXPECT_EQ(window.add(item(1, 1, "a.example"), now), LaneWindow::Added::resting);
}

// A fifth is the house's own, a tenth reports', the rest what leaves; each lane has at least one.
TEST(Window, EachLaneHasItsPart) {
  WindowLimits limits;
  limits.destination_per_minute = 7;
  const auto local = limits_of(Lane::local, limits);
  EXPECT_EQ(local.recipients_max, 4'000U);
  EXPECT_EQ(local.concurrency, 64U);
  EXPECT_EQ(local.destination_concurrency, 40U);
  EXPECT_EQ(local.destination_per_minute, 0U) << "nobody's host is here";
  EXPECT_EQ(local.trials, LaneLimits::Trials::none);
  const auto remote = limits_of(Lane::remote, limits);
  EXPECT_EQ(remote.recipients_max, 14'000U);
  EXPECT_EQ(remote.concurrency, 500U);
  EXPECT_EQ(remote.destination_concurrency, 40U);
  EXPECT_EQ(remote.destination_concurrency_first, 10U);
  EXPECT_EQ(remote.destination_recipients_max, 5'000U);
  EXPECT_EQ(remote.destination_recipients_first, 1'000U);
  EXPECT_EQ(remote.job_recipients_max, 100U);
  EXPECT_EQ(remote.destination_per_minute, 7U);
  EXPECT_EQ(remote.trials, LaneLimits::Trials::yes);
  const auto report = limits_of(Lane::report, limits);
  EXPECT_EQ(report.recipients_max, 2'000U);
  EXPECT_EQ(report.concurrency, 100U);
  EXPECT_EQ(report.destination_concurrency, 5U);
  EXPECT_EQ(report.destination_recipients_first, 100U);
  EXPECT_EQ(report.trials, LaneLimits::Trials::yes);
  limits.destination_recipients_first = 99;
  EXPECT_EQ(limits_of(Lane::report, limits).destination_recipients_first, 99U);
  for (const std::size_t few : {0U, 1U, 2U, 9U}) {
    limits.recipients_max = few;
    for (const auto lane : all_lanes) EXPECT_GE(limits_of(lane, limits).recipients_max, 1U) << few;
    EXPECT_LE(limits_of(Lane::remote, limits).recipients_max, std::max<std::size_t>(1, few));
  }
}

// Of all lanes: the earliest, and how many there are.
TEST(Window, TheWholeWindow) {
  Window window{WindowLimits()};
  EXPECT_FALSE(window.next_time());
  EXPECT_EQ(window.count(), 0U);
  (void)window.lane(Lane::report).rest("a.example", now + 3s);
  EXPECT_EQ(window.next_time(), now + 3s);
  (void)window.lane(Lane::remote).rest("a.example", now + 2s);
  EXPECT_EQ(window.next_time(), now + 2s);
  (void)window.lane(Lane::local).rest("a.example", now + 4s);
  EXPECT_EQ(window.next_time(), now + 2s);
  for (const auto lane : all_lanes) {
    const auto added =
        window.add(item(1, static_cast<std::uint8_t>(lane), "b.example", 0, lane), now);
    EXPECT_EQ(added, LaneWindow::Added::added);
  }
  EXPECT_EQ(window.count(), 3U);
  window.forget(numbered<base::TenantId>(1),
                {numbered<base::MessageId>(0), numbered<base::MessageId>(2)}, now);
  EXPECT_EQ(window.count(), 1U);
}

}  // namespace
}  // namespace letterlock::queue
