// One lane's window: turns, places, rests.
#include "queue/window.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace letterlock::queue {
namespace {

using namespace std::chrono_literals;
const base::Time now = base::from_milliseconds(1'000'000);

template <class IdType>
IdType numbered(std::uint8_t number) {
  return IdType::make(base::from_milliseconds(1), {number});
}

Due item(std::uint8_t tenant, std::uint8_t message, std::string destination, unsigned recipient = 0,
         Lane lane = Lane::remote) {
  return {numbered<base::TenantId>(tenant),
          numbered<base::MessageId>(message),
          recipient,
          now,
          lane,
          std::move(destination)};
}

// The lane of mail that leaves.
class Remote : public LaneWindow {
 public:
  explicit Remote(const WindowLimits& limits = {})
      : LaneWindow(Lane::remote, limits_of(Lane::remote, limits)) {}
};

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

std::size_t startable(LaneWindow& window) {
  std::size_t count = 0;
  while (count < 10'000 && window.take(now)) ++count;
  return count;
}

TEST(Window, ADestinationThatTakesGetsMoreAtOnceAndOneThatDoesntFewer) {
  WindowLimits limits;
  limits.destination_concurrency_first = 4;
  limits.destination_concurrency = 6;
  Remote window(limits);
  for (std::uint8_t i = 0; i < 100; ++i) window.add(item(1, i, "a.example"), now);
  EXPECT_EQ(startable(window), 4U);
  (void)window.note("a.example", Showed::takes, now);
  EXPECT_EQ(startable(window), 1U);
  for (int i = 0; i < 10; ++i) (void)window.note("a.example", Showed::takes, now);
  EXPECT_EQ(startable(window), 1U);
  EXPECT_EQ(window.under_way(), 6U);
  for (int i = 0; i < 10; ++i) (void)window.note("a.example", Showed::crowded, now);
  EXPECT_EQ(startable(window), 0U);
  // Others know nothing of it.
  for (std::uint8_t i = 0; i < 9; ++i) window.add(item(1, 200 + i, "b.example"), now);
  EXPECT_EQ(startable(window), 4U);
  (void)window.note("unknown.example", Showed::takes, now);
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

// ---- budgets ----

TEST(Budget, OneAloneLeavesPlacesForOthersAndTheLastAreForWhoHasNone) {
  Budget budget{10};
  std::size_t own = 0;
  for (; budget.allows(own); ++own) ++budget.used;
  EXPECT_EQ(own, 7U);
  EXPECT_TRUE(budget.allows(1));
  ++budget.used;
  EXPECT_FALSE(budget.allows(1));
  EXPECT_TRUE(budget.allows(0));
  budget.used = 9;
  EXPECT_TRUE(budget.allows(0));
  budget.used = 10;
  EXPECT_FALSE(budget.allows(0));
}

TEST(Budget, OneOfOneIsForWhoHasNone) {
  EXPECT_TRUE((Budget{1, 0}.allows(0)));
  EXPECT_FALSE((Budget{1, 0}.allows(1)));
  EXPECT_FALSE((Budget{0, 0}.allows(0)));
}

TEST(Budget, ThirtyTwoFindFewPlacesOfManyThoughNobodyGivesAnyBack) {
  Budget budget{14'000};
  for (int tenant = 0; tenant < 32; ++tenant) {
    std::size_t own = 0;
    for (; budget.allows(own); ++own) ++budget.used;
    EXPECT_GE(own, 100U) << tenant;
  }
}

TEST(Window, EveryTenantFindsAPlaceThoughOthersKeepAllTheyCan) {
  WindowLimits limits;
  limits.remote_concurrency = 200;
  Remote window(limits);
  for (std::uint8_t tenant = 1; tenant <= 20; ++tenant) {
    // Each comes after the others took all that they could, and none of those ever ends.
    for (std::uint8_t i = 0; i < 200; ++i)
      window.add(item(tenant, i, std::to_string(tenant) + "-" + std::to_string(i), tenant), now);
    const auto job = window.take(now);
    ASSERT_TRUE(job) << static_cast<int>(tenant);
    while (window.take(now)) {
    }
  }
  EXPECT_LE(window.under_way(), 200U);
}

// However many destinations stay silent, those that answer have places.
TEST(Window, SilentDestinationsHaveHalfOfThePlacesAtMost) {
  WindowLimits limits;
  limits.remote_concurrency = 100;
  Remote window(limits);
  window.add(item(1, 1, "good.example"), now);
  (void)window.take(now);
  (void)window.note("good.example", Showed::takes, now);
  for (std::uint8_t i = 0; i < 200; ++i)
    window.add(item(1, i, "silent" + std::to_string(i), 7), now);
  EXPECT_EQ(startable(window), 30U);  // three fifths of fifty, with the first one
  for (std::uint8_t i = 0; i < 200; ++i) window.add(item(1, i, "good.example", 8), now);
  EXPECT_EQ(startable(window), 10U);  // as many as it has shown to take, less one
}

TEST(Window, ADestinationIsProvenForAsLongAsItTakes) {
  WindowLimits limits;
  limits.destination_recipients_first = 2;
  limits.destination_recipients_max = 4;
  Remote window(limits);
  std::uint8_t message = 0;
  const auto fills = [&](base::Time at) {
    std::size_t count = 0;
    while (window.add(item(1, ++message, "a.example"), at) == LaneWindow::Added::added) ++count;
    return count;
  };
  EXPECT_EQ(fills(now), 2U);
  const auto job = window.take(now);
  EXPECT_TRUE(window.note("a.example", Showed::takes, now));  // there is room again
  // With a job under way that doesn't end: two minutes.
  EXPECT_EQ(fills(now + proven_for), 0U);
  EXPECT_EQ(fills(now + proven_for - 1ms), 2U);
  (void)window.finish(*job, now);
  // With none: an hour.
  EXPECT_EQ(fills(now + remembered_for), 0U);
  EXPECT_EQ(fills(now + remembered_for - 1ms), 1U);
  // One that gave no session is on trial again.
  for (int i = 0; i < 2; ++i) (void)window.finish(*window.take(now), now);
  (void)window.note("a.example", Showed::crowded, now);
  EXPECT_EQ(fills(now), 0U);
}

// What took mail is known for a while, though nothing waits for it: a bounded number of names.
TEST(Window, RemembersThoseThatTook) {
  Remote window;
  const auto take_one = [&](const std::string& name, base::Time at) {
    window.add(item(1, 1, name), at);
    const auto job = window.take(at);
    (void)window.note(name, Showed::takes, at);
    (void)window.finish(*job, at);
    return job->on_trial;
  };
  EXPECT_TRUE(take_one("a.example", now));
  EXPECT_FALSE(take_one("a.example", now + remembered_for - 1ms));
  EXPECT_TRUE(take_one("a.example", now + remembered_for * 2 - 1ms));
  for (std::size_t i = 1; i <= remembered_max; ++i)
    take_one(std::to_string(i), now + remembered_for * 2);
  EXPECT_TRUE(take_one(std::to_string(remembered_max), now + remembered_for * 2));
  EXPECT_FALSE(take_one(std::to_string(remembered_max - 1), now + remembered_for * 2));
  // All are forgotten in time.
  EXPECT_FALSE(window.take(now + remembered_for * 4));
  EXPECT_FALSE(window.next_time());
}

// It stood among many on trial that may not begin; once proven it doesn't wait for them.
TEST(Window, WhatIsProvenMeanwhileLeavesTheQueueOfThoseOnTrial) {
  WindowLimits limits;
  limits.remote_concurrency = 10;
  Remote window(limits);
  window.add(item(1, 1, "a.example"), now);
  (void)window.take(now);
  for (std::uint8_t i = 2; i < 50; ++i) window.add(item(1, i, std::to_string(i)), now);
  window.add(item(1, 60, "a.example"), now);
  EXPECT_EQ(startable(window), 3U);
  (void)window.note("a.example", Showed::takes, now);
  const auto job = window.take(now);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->destination, "a.example");
  EXPECT_FALSE(job->on_trial);
  // It proves nothing any more two minutes later, and is one of the many again.
  window.add(item(1, 61, "a.example"), now);
  EXPECT_FALSE(window.take(now + proven_for));
}

TEST(Window, APlaceOnTrialPassesToAProvenFollower) {
  WindowLimits limits;
  limits.remote_concurrency = 4;  // two on trial, one of them for whoever has none
  Remote window(limits);
  for (std::uint8_t i = 1; i < 5; ++i) window.add(item(1, i, "a.example"), now);
  window.add(item(1, 9, "b.example"), now);
  auto first = window.take(now);
  ASSERT_TRUE(first->on_trial);
  EXPECT_FALSE(window.take(now));
  (void)window.note("a.example", Showed::takes, now);
  const auto second = window.follow(*first, now);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->on_trial);
  const auto other = window.take(now);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->destination, "b.example");  // has the place on trial that is free now
}

TEST(Window, APlaceGivenBackIsFreeThoughItsItemsStayKnown) {
  WindowLimits limits;
  limits.remote_concurrency = 1;
  Remote window(limits);
  window.add(item(1, 1, "a.example"), now);
  window.add(item(1, 2, "b.example"), now);
  auto job = window.take(now);
  window.give_place_back(*job, now);
  EXPECT_EQ(window.under_way(), 0U);
  EXPECT_EQ(window.add(item(1, 1, "a.example"), now), LaneWindow::Added::known);
  EXPECT_TRUE(window.take(now));
  (void)window.finish(*job, now);
  EXPECT_EQ(window.under_way(), 1U);
  EXPECT_EQ(window.count(), 1U);
}

TEST(Window, SaysWhenThereIsRoomForThoseTurnedAway) {
  LaneLimits limits;
  limits.destination_recipients_first = 4;
  LaneWindow window(Lane::remote, limits);
  std::vector<Job> jobs;
  for (std::uint8_t i = 1; i <= 4; ++i) window.add(item(1, i, "a.example"), now);
  EXPECT_EQ(window.add(item(1, 5, "a.example"), now), LaneWindow::Added::destination_full);
  for (int i = 0; i < 4; ++i) jobs.push_back(*window.take(now));
  EXPECT_FALSE(window.finish(jobs[0], now));
  EXPECT_TRUE(window.finish(jobs[1], now));
  EXPECT_FALSE(window.finish(jobs[2], now));  // said once
}

// ---- whatever comes ----

// Any flood, by tenants who never let a job end: then somebody comes new, in each lane, and his
// job is there at once.
TEST(Window, NoFloodKeepsAnotherTenantsMailOrAnotherLane) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::minstd_rand random(seed);
    const auto below = [&](unsigned end) { return static_cast<unsigned>(random() % end); };
    Window window({});
    const auto tenants = 1 + below(8);
    const auto destinations = 1 + below(5000);
    const auto count = 1000 + below(30'000);
    std::vector<Job> jobs;
    for (unsigned i = 0; i < count; ++i) {
      const auto lane = all_lanes[below(8) == 0 ? below(3) : 1 + below(2)];
      auto one = item(static_cast<std::uint8_t>(1 + below(tenants)), 0,
                      std::to_string(below(destinations)), i & 0xffff, lane);
      one.message = base::MessageId::make(base::from_milliseconds(i / 3), {9});
      window.add(one, now);
      if (auto job = below(3) == 0 ? window.lane(lane).take(now) : std::nullopt) {
        const auto showed = below(10) == 0 ? Showed::takes : Showed::crowded;
        if (below(4) == 0) (void)window.lane(lane).note(job->destination, showed, now);
        if (below(4) == 0)
          (void)window.lane(lane).finish(*job, now);
        else
          jobs.push_back(std::move(*job));
      }
    }
    for (const auto lane : all_lanes)
      while (window.lane(lane).take(now)) {
      }
    ASSERT_LE(window.count(), 20'000U);
    for (const auto lane : all_lanes) {
      EXPECT_EQ(window.add(item(200, 1, "fresh.example", 0, lane), now), Window::Added::added)
          << "seed " << seed << ' ' << name(lane);
      const auto job = window.lane(lane).take(now);
      ASSERT_TRUE(job) << "seed " << seed << ' ' << name(lane);
      EXPECT_EQ(job->tenant, numbered<base::TenantId>(200));
    }
  }
}

}  // namespace
}  // namespace letterlock::queue
