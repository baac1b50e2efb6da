#include "queue/window.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace letterlock::queue {
namespace {

using namespace std::chrono_literals;
const base::Time now = base::from_milliseconds(1'000'000);

template <class IdType>
IdType numbered(std::uint8_t number) {
  return IdType::make(base::from_milliseconds(1), {number});
}

Due item(std::uint8_t tenant, std::uint8_t message, std::string destination,
         unsigned recipient = 0) {
  return {numbered<base::TenantId>(tenant),
          numbered<base::MessageId>(message),
          recipient,
          now,
          Lane::remote,
          std::move(destination)};
}

TEST(Window, TenantsTakeTurnsWhateverTheirBacklog) {
  Window window({});
  for (std::uint8_t i = 0; i < 100; ++i) window.add(item(1, i, "big.example"), now);
  window.add(item(2, 200, "other.example"), now);
  std::vector<base::TenantId> order;
  for (int i = 0; i < 3; ++i) order.push_back(window.take(Lane::remote, now)->tenant);
  EXPECT_NE(std::ranges::find(order, numbered<base::TenantId>(2)), order.end());
}

TEST(Window, DestinationsOfATenantTakeTurns) {
  Window window({});
  for (std::uint8_t i = 0; i < 100; ++i) window.add(item(1, i, "big.example"), now);
  window.add(item(1, 200, "small.example"), now);
  EXPECT_EQ(window.take(Lane::remote, now)->destination, "big.example");
  EXPECT_EQ(window.take(Lane::remote, now)->destination, "small.example");
}

TEST(Window, RecipientsOfOneMessageForOneDestinationTravelTogether) {
  WindowLimits limits;
  limits.job_recipients_max = 3;
  Window window(limits);
  for (unsigned r = 0; r < 5; ++r) window.add(item(1, 1, "a.example", r), now);
  EXPECT_EQ(window.take(Lane::remote, now)->items.size(), 3U);
  EXPECT_EQ(window.take(Lane::remote, now)->items.size(), 2U);
  EXPECT_FALSE(window.take(Lane::remote, now));
}

TEST(Window, KnowsWhatIsReadyOrUnderWay) {
  Window window({});
  EXPECT_EQ(window.add(item(1, 1, "a.example"), now), Window::Added::added);
  EXPECT_EQ(window.add(item(1, 1, "a.example"), now), Window::Added::known);
  const auto job = window.take(Lane::remote, now);
  EXPECT_EQ(window.add(item(1, 1, "a.example"), now), Window::Added::known);
  window.finish(*job);
  EXPECT_EQ(window.add(item(1, 1, "a.example"), now), Window::Added::added);
}

TEST(Window, ConcurrencyOfADestinationIsKeptAndFreed) {
  WindowLimits limits;
  limits.destination_concurrency = 2;
  Window window(limits);
  for (std::uint8_t i = 0; i < 5; ++i) window.add(item(1, i, "a.example"), now);
  const auto first = window.take(Lane::remote, now);
  const auto second = window.take(Lane::remote, now);
  EXPECT_FALSE(window.take(Lane::remote, now));
  window.finish(*first);
  EXPECT_TRUE(window.take(Lane::remote, now));
  EXPECT_FALSE(window.take(Lane::remote, now));
  window.finish(*second);
  EXPECT_TRUE(window.take(Lane::remote, now));
}

TEST(Window, RateOfADestination) {
  WindowLimits limits;
  limits.destination_per_minute = 60;
  Window window(limits);
  window.add(item(1, 1, "a.example"), now);
  window.add(item(1, 2, "a.example"), now);
  EXPECT_TRUE(window.take(Lane::remote, now));
  EXPECT_FALSE(window.take(Lane::remote, now + 999ms));
  EXPECT_EQ(window.next_time(), now + 1s);
  EXPECT_TRUE(window.take(Lane::remote, now + 1s));
}

TEST(Window, IsBounded) {
  WindowLimits limits;
  limits.recipients_max = 3;
  limits.destination_recipients_max = 2;
  Window window(limits);
  EXPECT_EQ(window.add(item(1, 1, "a.example"), now), Window::Added::added);
  EXPECT_EQ(window.add(item(1, 2, "a.example"), now), Window::Added::added);
  EXPECT_EQ(window.add(item(1, 3, "a.example"), now), Window::Added::destination_full);
  EXPECT_EQ(window.add(item(1, 4, "b.example"), now), Window::Added::added);
  EXPECT_EQ(window.add(item(1, 5, "c.example"), now), Window::Added::full);
}

TEST(Window, ARestingDestinationHoldsNobodyUp) {
  Window window({});
  for (std::uint8_t i = 0; i < 3; ++i) window.add(item(1, i, "dead.example"), now);
  window.add(item(2, 9, "dead.example"), now);
  window.add(item(1, 10, "live.example"), now);
  const auto job = window.take(Lane::remote, now);
  ASSERT_EQ(job->destination, "dead.example");
  const auto ready = window.rest(Lane::remote, "dead.example", now + 1min);
  EXPECT_EQ(ready.size(), 3U);
  window.finish(*job);
  EXPECT_EQ(window.add(ready[0], now), Window::Added::resting);
  EXPECT_EQ(window.resting_until(Lane::remote, "dead.example", now), now + 1min);
  EXPECT_EQ(window.take(Lane::remote, now)->destination, "live.example");
  EXPECT_FALSE(window.take(Lane::remote, now));
  EXPECT_EQ(window.add(ready[0], now + 1min), Window::Added::added);
  EXPECT_TRUE(window.take(Lane::remote, now + 1min));
}

TEST(Window, ForgetsWhatAnOperatorTookAway) {
  Window window({});
  window.add(item(1, 1, "a.example"), now);
  window.add(item(1, 2, "a.example"), now);
  window.forget(numbered<base::MessageId>(1));
  EXPECT_EQ(window.take(Lane::remote, now)->message, numbered<base::MessageId>(2));
  EXPECT_FALSE(window.take(Lane::remote, now));
  EXPECT_EQ(window.count(), 1U);
}

// A year of names: what is idle leaves nothing behind.
TEST(Window, EmptyAgainAfterManyDestinations) {
  Window window({});
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(window.add(item(1, 1, std::to_string(i) + ".example"), now), Window::Added::added);
    window.finish(*window.take(Lane::remote, now));
  }
  EXPECT_EQ(window.count(), 0U);
  EXPECT_EQ(window.under_way(Lane::remote), 0U);
  EXPECT_FALSE(window.next_time());
}

// ---- one after the other, in one place ----

TEST(Window, AJobIsFollowedInItsPlace) {
  WindowLimits limits;
  limits.destination_concurrency = 1;
  Window window(limits);
  for (std::uint8_t i = 1; i <= 3; ++i) window.add(item(1, i, "a.example"), now);
  auto first = window.take(Lane::remote, now);
  EXPECT_FALSE(window.take(Lane::remote, now));
  auto second = window.follow(*first, now);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->message, numbered<base::MessageId>(2));
  EXPECT_EQ(window.under_way(Lane::remote), 1U);
  // What is written later frees no place.
  window.finish(*first);
  EXPECT_FALSE(window.take(Lane::remote, now));
  auto third = window.follow(*second, now);
  ASSERT_TRUE(third);
  EXPECT_FALSE(window.follow(*third, now));
  window.finish(*second);
  EXPECT_EQ(window.under_way(Lane::remote), 1U);
  // What comes again has its turn, once.
  window.add(item(1, 4, "a.example"), now);
  window.finish(*third);
  const auto fourth = window.take(Lane::remote, now);
  ASSERT_TRUE(fourth);
  EXPECT_FALSE(window.take(Lane::remote, now));
  window.finish(*fourth);
  EXPECT_EQ(window.count(), 0U);
  EXPECT_EQ(window.under_way(Lane::remote), 0U);
}

TEST(Window, NothingFollowsWhereOthersWaitOrTheDestinationRests) {
  WindowLimits limits;
  limits.destination_concurrency = 1;
  Window window(limits);
  for (std::uint8_t i = 1; i <= 3; ++i) window.add(item(1, i, "a.example"), now);
  window.add(item(2, 9, "a.example"), now);
  auto first = window.take(Lane::remote, now);
  EXPECT_FALSE(window.take(Lane::remote, now));  // both wait for the place
  EXPECT_FALSE(window.follow(*first, now));
  EXPECT_TRUE(first->has_place);
  window.finish(*first);
  auto second = window.take(Lane::remote, now);
  ASSERT_TRUE(second);
  window.rest(Lane::remote, "a.example", now + 1min);
  EXPECT_FALSE(window.follow(*second, now));
  window.finish(*second);
}

TEST(Window, FollowersDontKeepAFullLaneFromOthers) {
  WindowLimits limits;
  limits.remote_concurrency = 1;
  Window window(limits);
  window.add(item(1, 1, "a.example"), now);
  window.add(item(1, 2, "a.example"), now);
  window.add(item(1, 3, "b.example"), now);
  auto first = window.take(Lane::remote, now);
  EXPECT_FALSE(window.follow(*first, now));
  window.finish(*first);
  EXPECT_EQ(window.take(Lane::remote, now)->destination, "b.example");
}

std::size_t startable(Window& window) {
  std::size_t count = 0;
  while (count < 10'000 && window.take(Lane::remote, now)) ++count;
  return count;
}

TEST(Window, ADestinationThatTakesGetsMoreAtOnceAndOneThatDoesntFewer) {
  WindowLimits limits;
  limits.destination_concurrency_first = 4;
  limits.destination_concurrency = 6;
  Window window(limits);
  for (std::uint8_t i = 0; i < 100; ++i) window.add(item(1, i, "a.example"), now);
  EXPECT_EQ(startable(window), 4U);
  window.note(Lane::remote, "a.example", Window::Showed::takes);
  EXPECT_EQ(startable(window), 1U);
  for (int i = 0; i < 10; ++i) window.note(Lane::remote, "a.example", Window::Showed::takes);
  EXPECT_EQ(startable(window), 1U);
  EXPECT_EQ(window.under_way(Lane::remote), 6U);
  for (int i = 0; i < 10; ++i) window.note(Lane::remote, "a.example", Window::Showed::crowded);
  EXPECT_EQ(startable(window), 0U);
  // Others know nothing of it.
  for (std::uint8_t i = 0; i < 9; ++i) window.add(item(1, 200 + i, "b.example"), now);
  EXPECT_EQ(startable(window), 4U);
  window.note(Lane::remote, "unknown.example", Window::Showed::takes);
}

// Fewer are allowed than are under way: they end one after the other, and nobody follows.
TEST(Window, NothingFollowsWhereFewerAreAllowed) {
  WindowLimits limits;
  limits.destination_concurrency_first = 2;
  Window window(limits);
  for (std::uint8_t i = 0; i < 9; ++i) window.add(item(1, i, "a.example"), now);
  auto first = window.take(Lane::remote, now);
  auto second = window.take(Lane::remote, now);
  ASSERT_TRUE(first && second);
  window.note(Lane::remote, "a.example", Window::Showed::crowded);
  EXPECT_FALSE(window.follow(*first, now));
  window.finish(*first);
  EXPECT_TRUE(window.follow(*second, now));
  EXPECT_FALSE(window.take(Lane::remote, now));
}

}  // namespace
}  // namespace letterlock::queue
