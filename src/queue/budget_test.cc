// How the window's places are shared, whoever comes with however much.
#include "queue/budget.h"

#include <random>
#include <set>

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
  EXPECT_FALSE((Budget{1, 1}.allows(0)));
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
  // As many as it has shown to take (11), less one, and less two for tenants with none there.
  EXPECT_EQ(startable(window), 8U);
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
  // The place on trial is free for another.
  bool has_other = false;
  while (const auto job = window.take(now))
    has_other = has_other || job->destination == "b.example";
  EXPECT_TRUE(has_other);
}

TEST(Window, APlaceOnTrialIsFreeAgain) {
  WindowLimits limits;
  limits.remote_concurrency = 4;
  Remote window(limits);
  for (std::uint8_t i = 1; i <= 20; ++i)
    window.add(item(1, i, std::to_string(i) + ".example"), now);
  for (int i = 1; i <= 20; ++i) {
    const auto job = window.take(now);
    ASSERT_TRUE(job && job->on_trial) << i;
    EXPECT_FALSE(window.take(now)) << i;
    (void)window.finish(*job, now);
  }
}

// Three minutes after it took something it is on trial while a job is under way there, and proven
// when that has ended: what waits behind another destination on trial goes then.
TEST(Window, WhatIsProvenAgainWaitsForNoneOnTrial) {
  WindowLimits limits;
  limits.remote_concurrency = 4;
  Remote window(limits);
  window.add(item(1, 1, "a.example"), now);
  const auto first = window.take(now);
  (void)window.note("a.example", Showed::takes, now);
  (void)window.finish(*first, now);
  window.add(item(1, 2, "a.example"), now);
  const auto long_one = window.take(now);
  ASSERT_TRUE(long_one);
  EXPECT_FALSE(long_one->on_trial);
  const auto later = now + proven_for + 1min;
  window.add(item(1, 3, "b.example"), later);
  ASSERT_TRUE(window.take(later)->on_trial);
  window.add(item(1, 4, "b.example"), later);
  window.add(item(1, 5, "a.example"), later);
  EXPECT_FALSE(window.take(later));
  (void)window.finish(*long_one, later);
  const auto next = window.take(later);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->destination, "a.example");
  EXPECT_FALSE(window.take(later));
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

// … also those who only asked, and came no further.
TEST(Window, SaysWhenThereIsRoomForThoseWhoAsked) {
  LaneLimits limits;
  limits.destination_recipients_first = 4;
  LaneWindow window(Lane::remote, limits);
  for (std::uint8_t i = 1; i <= 4; ++i) window.add(item(1, i, "a.example"), now);
  EXPECT_EQ(window.wanted(numbered<base::TenantId>(1), "a.example", now).what, Wanted::What::full);
  EXPECT_EQ(window.wanted(numbered<base::TenantId>(1), "b.example", now).what, Wanted::What::yes);
  const auto first = window.take(now);
  const auto second = window.take(now);
  EXPECT_FALSE(window.finish(*first, now));
  EXPECT_TRUE(window.finish(*second, now));
}

// ---- whatever comes ----

// Any flood, by tenants who never let a job end: then somebody comes new, in each lane, and his
// job is there at once.
TEST(Window, NoFloodKeepsAnotherTenantsMailOrAnotherLane) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
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
