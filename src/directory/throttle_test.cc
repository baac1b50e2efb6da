#include "directory/throttle.h"

#include <gtest/gtest.h>

namespace letterlock::directory {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

net::IpAddress ip(std::string_view text) {
  return net::IpAddress::parse(text).value();
}
// The number-th address of as many networks.
net::IpAddress stranger(unsigned number) {
  return net::IpAddress::v4(
      {10, static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number), 1});
}
const os::Steady start{hours(100)};

void fail_times(Throttle& throttle, unsigned times, std::string_view login,
                const net::IpAddress& source, os::Steady now) {
  for (unsigned i = 0; i < times; ++i) (void)throttle.begin(login, source, now);
}
// Guesses on for as long as it takes, waiting where there is something to wait for.
os::Steady guess(Throttle& throttle, unsigned times, std::string_view login,
                 const net::IpAddress& source, os::Steady now) {
  for (unsigned i = 0; i < times;) {
    const auto wait = throttle.begin(login, source, now);
    now += wait;
    if (wait.count() == 0) ++i;
  }
  return now;
}

TEST(Throttle, DoublesUpToItsMost) {
  Throttle throttle;
  const auto source = ip("192.0.2.1");
  fail_times(throttle, 4, "alice", source, start);
  EXPECT_EQ(throttle.begin("Alice", source, start).count(), 0);  // the fifth
  EXPECT_EQ(throttle.begin("alice", source, start), seconds(1));
  EXPECT_EQ(throttle.begin("alice", source, start + seconds(1)).count(), 0);
  EXPECT_EQ(throttle.begin("alice", source, start + seconds(1)), seconds(2));
  const auto end = guess(throttle, 30, "alice", source, start);
  EXPECT_EQ(throttle.begin("alice", source, end), account_delay_max);
  EXPECT_EQ(throttle.begin("alice", source, end + failures_kept + seconds(1)).count(), 0);
}

// A day of guessing from one place: so many tries and no more.
TEST(Attack26, ADayOfGuessesFromOnePlace) {
  Throttle throttle;
  const auto source = ip("192.0.2.1");
  unsigned looked_at = 0;
  for (auto now = start; now < start + hours(24); now += seconds(1))
    looked_at += throttle.begin("alice", source, now).count() == 0 ? 1 : 0;
  EXPECT_LT(looked_at, 120U);
}

// What is sent at once is no more than what is sent one after the other.
TEST(Attack26, AttemptsAtOnceCountAtOnce) {
  Throttle throttle;
  unsigned looked_at = 0;
  for (int i = 0; i < 50; ++i)
    looked_at += throttle.begin("alice", ip("192.0.2.1"), start).count() == 0 ? 1 : 0;
  EXPECT_EQ(looked_at, account_failures_free);
}

TEST(Throttle, ForgetsWhenTheRightOneComes) {
  Throttle throttle;
  const auto source = ip("192.0.2.1");
  const auto now = guess(throttle, 8, "alice", source, start);
  throttle.succeeded("alice", source, now);
  EXPECT_EQ(throttle.begin("alice", source, now).count(), 0);
}

// A client that signs in all day, rightly, is never slowed down.
TEST(Throttle, SuccessCostsNothing) {
  Throttle throttle;
  const auto source = ip("192.0.2.1");
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(throttle.begin("alice", source, start).count(), 0);
    throttle.succeeded("alice", source, start);
  }
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(throttle.begin("carol", source, start).count(), 0);
    throttle.take_back("carol", source);
  }
}

TEST(Throttle, SourcesAreTakenApart) {
  Throttle throttle;
  fail_times(throttle, 10, "alice", ip("2001:db8:1:2::1"), start);
  EXPECT_GT(throttle.begin("alice", ip("2001:db8:1:2:ffff::9"), start).count(), 0);  // the same /64
  EXPECT_EQ(throttle.begin("alice", ip("2001:db8:1:3::1"), start).count(), 0);
  EXPECT_EQ(throttle.begin("alice", ip("192.0.2.1"), start).count(), 0);
}

TEST(Throttle, ManyNamesFromOneSourceSlowItDown) {
  Throttle throttle;
  const auto owner = ip("192.0.2.200");
  throttle.succeeded("alice", owner, start);
  auto now = start;
  for (unsigned i = 0; i < source_failures_free + 20; ++i)
    now = guess(throttle, 1, "user" + std::to_string(i), stranger(i % 2), now);
  for (unsigned i = 0; i < source_failures_free + 20; ++i)
    now = guess(throttle, 1, "user" + std::to_string(i), ip("192.0.2." + std::to_string(i)), now);
  EXPECT_EQ(throttle.begin("fresh", ip("192.0.2.99"), now), source_delay_max);
  EXPECT_EQ(throttle.begin("fresh", ip("192.0.3.99"), now).count(), 0);
  // Who signed in from there lately is not held up by neighbours.
  EXPECT_EQ(throttle.begin("alice", owner, now).count(), 0);
}

// An account under attack from everywhere: strangers have one try each, its owner loses nothing
// where he is known, and gets in at the first try from anywhere else.
TEST(Attack26, AnAccountIsNotLockedByItsAttackers) {
  Throttle throttle;
  const auto home = ip("198.51.100.7");
  throttle.succeeded("alice", home, start);
  for (unsigned i = 0; i < 60'000; ++i) fail_times(throttle, 2, "alice", stranger(i), start);
  EXPECT_EQ(throttle.begin("alice", ip("203.0.113.9"), start).count(), 0);
  EXPECT_EQ(throttle.begin("alice", ip("203.0.113.9"), start), seconds(64));
  for (unsigned i = 0; i + 1 < account_failures_free; ++i)
    EXPECT_EQ(throttle.begin("alice", home, start).count(), 0) << i;
  throttle.succeeded("alice", home, start);
  EXPECT_EQ(throttle.begin("alice", home, start).count(), 0);
  // Other accounts don't notice.
  EXPECT_EQ(throttle.begin("carol", ip("203.0.113.9"), start).count(), 0);
}

// Whoever shares the owner's address has no more guesses than any stranger, at once and in a day.
TEST(Attack26, WhoSharesTheOwnersAddressIsSlowedDown) {
  Throttle throttle;
  const auto home = ip("198.51.100.7");
  throttle.succeeded("alice", home, start);
  fail_times(throttle, account_failures_free - 1, "alice", home, start);
  EXPECT_EQ(throttle.begin("alice", home, start).count(), 0);  // the last free one
  EXPECT_EQ(throttle.begin("alice", home, start), seconds(1));
  EXPECT_EQ(throttle.begin("alice", home, start + seconds(1)).count(), 0);
  EXPECT_EQ(throttle.begin("alice", home, start + seconds(1)), seconds(2));
  unsigned looked_at = 0;
  for (auto now = start; now < start + hours(24); now += seconds(1))
    looked_at += throttle.begin("alice", home, now).count() == 0 ? 1 : 0;
  EXPECT_LT(looked_at, 120U);
  EXPECT_GT(looked_at, 50U);
}

// Attack53: memory stays bounded whoever tries whatever.
TEST(Attack53, TheThrottleIsBounded) {
  Throttle throttle;
  for (unsigned i = 0; i < 60'000; ++i) {
    const auto login = "user" + std::to_string(i);
    fail_times(throttle, 1 + i % 7, login, stranger(i), start);
    throttle.succeeded(login, stranger(i + 1), start);
  }
  EXPECT_LE(throttle.entries(), 6 * throttle_entries_max + good_accounts_max);
}

// Whoever has used up his tries isn't forgotten because he, or others, fail 30,000 times elsewhere.
TEST(Attack53, AFloodMakesNobodyForgotten) {
  Throttle throttle;
  const auto guesser = ip("192.0.2.1");
  const auto home = ip("198.51.100.7");
  throttle.succeeded("alice", home, start);
  const auto now = guess(throttle, 12, "alice", guesser, start);
  ASSERT_GT(throttle.begin("alice", guesser, now), minutes(1));
  for (unsigned i = 0; i < 30'000; ++i)
    fail_times(throttle, account_failures_free - 1, "user" + std::to_string(i), stranger(i), now);
  EXPECT_GT(throttle.begin("alice", guesser, now), minutes(1));
  EXPECT_TRUE(throttle.is_known("alice", home, now));
}

// An account that signs in from thousands of places pushes out its own alone.
TEST(Attack53, PlacesOfOneAccountAreItsOwn) {
  Throttle throttle;
  throttle.succeeded("alice", ip("198.51.100.7"), start);
  for (unsigned i = 0; i < 30'000; ++i) throttle.succeeded("mallory", stranger(i), start);
  EXPECT_TRUE(throttle.is_known("alice", ip("198.51.100.7"), start));
  EXPECT_FALSE(throttle.is_known("alice", ip("198.51.100.7"), start + success_kept + seconds(1)));
}

TEST(Attack53, WhatWasTouchedLongestAgoGoesFirst) {
  Recent<int> recent(3);
  for (int i = 0; i < 10; ++i) recent.get("k" + std::to_string(i)) = i;
  EXPECT_EQ(recent.size(), 3U);
  EXPECT_EQ(recent.find("k6"), nullptr);
  ASSERT_NE(recent.find("k7"), nullptr);  // touched, so k8 is the oldest now
  recent.get("k10") = 10;
  EXPECT_EQ(recent.find("k8"), nullptr);
  EXPECT_EQ(*recent.find("k7"), 7);
  recent.erase("k7");
  recent.erase("k7");
  EXPECT_EQ(recent.size(), 2U);
}

}  // namespace
}  // namespace letterlock::directory
