#include "directory/throttle.h"

#include <algorithm>
#include <vector>

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

using Answer = Throttle::Answer;
using Outcome = Throttle::Outcome;
using Turn = std::shared_ptr<Throttle::Turn>;

// One attempt at a time is never told to wait for others.
Answer ask(Throttle& throttle, std::string_view login, const net::IpAddress& source,
           os::Steady now) {
  const auto asked = throttle.begin(login, source, now);
  EXPECT_TRUE(std::holds_alternative<Answer>(asked));
  return std::holds_alternative<Answer>(asked) ? std::get<Answer>(asked) : Answer();
}
// How long until one is looked at: 0 for an attempt that goes at once, which then comes to nothing.
base::Milliseconds wait_of(Throttle& throttle, std::string_view login, const net::IpAddress& source,
                           os::Steady now) {
  const auto answer = ask(throttle, login, source, now);
  if (answer.goes) throttle.end(login, source, Outcome::undone, now);
  return answer.wait;
}
// Guesses where it may; false if none is looked at.
bool guess_once(Throttle& throttle, std::string_view login, const net::IpAddress& source,
                os::Steady now) {
  const auto answer = ask(throttle, login, source, now);
  if (answer.goes) throttle.end(login, source, Outcome::failed, now + answer.wait);
  return answer.goes;
}
void fail_times(Throttle& throttle, unsigned times, std::string_view login,
                const net::IpAddress& source, os::Steady now) {
  for (unsigned i = 0; i < times; ++i) (void)guess_once(throttle, login, source, now);
}
void sign_in(Throttle& throttle, std::string_view login, const net::IpAddress& source,
             os::Steady now) {
  const auto answer = ask(throttle, login, source, now);
  ASSERT_TRUE(answer.goes);
  throttle.end(login, source, Outcome::succeeded, now + answer.wait);
}
// Guesses on for as long as it takes, waiting where there is something to wait for.
os::Steady guess(Throttle& throttle, unsigned times, std::string_view login,
                 const net::IpAddress& source, os::Steady now) {
  for (unsigned i = 0; i < times;) {
    const auto answer = ask(throttle, login, source, now);
    now += answer.wait;
    if (!answer.goes) continue;
    throttle.end(login, source, Outcome::failed, now);
    ++i;
  }
  return now;
}

TEST(Throttle, DoublesUpToItsMost) {
  Throttle throttle;
  const auto source = ip("192.0.2.1");
  fail_times(throttle, 4, "alice", source, start);
  EXPECT_TRUE(guess_once(throttle, "Alice", source, start));  // the fifth
  EXPECT_EQ(wait_of(throttle, "alice", source, start), seconds(1));
  EXPECT_TRUE(guess_once(throttle, "alice", source, start + seconds(1)));
  EXPECT_EQ(wait_of(throttle, "alice", source, start + seconds(1)), seconds(2));
  const auto end = guess(throttle, 30, "alice", source, start);
  EXPECT_EQ(wait_of(throttle, "alice", source, end), account_delay_max);
  EXPECT_EQ(throttle.closed("alice", source, end), account_delay_max);
  EXPECT_EQ(wait_of(throttle, "alice", source, end + failures_kept + seconds(1)).count(), 0);
}

// A day of guessing from one place: so many tries and no more.
TEST(Attack26, ADayOfGuessesFromOnePlace) {
  Throttle throttle;
  const auto source = ip("192.0.2.1");
  unsigned looked_at = 0;
  for (auto now = start; now < start + hours(24); now += seconds(1))
    looked_at += guess_once(throttle, "alice", source, now) ? 1 : 0;
  EXPECT_LT(looked_at, 120U);
}

// Attempts that were begun at once, and how each of them ends.
struct Burst {
  Throttle& throttle;
  os::Steady now = start;
  struct One {
    std::string login;
    net::IpAddress source;
    bool goes = false;
    Turn turn;
  };
  std::vector<One> attempts = {};
  unsigned looked_at = 0;
  unsigned refused = 0;
  unsigned at_once_most = 0;

  void begin(const std::string& login, const net::IpAddress& source) {
    const auto asked = throttle.begin(login, source, now);
    if (const auto* answer = std::get_if<Answer>(&asked)) {
      refused += answer->goes ? 0 : 1;
      attempts.push_back({login, source, answer->goes, nullptr});
    } else {
      attempts.push_back({login, source, false, std::get<Turn>(asked)});
    }
  }
  // What was told since.
  void hear() {
    unsigned at_once = 0;
    for (auto& one : attempts) {
      if (one.turn && one.turn->told.is_set()) {
        one.goes = one.turn->answer.goes;
        refused += one.goes ? 0 : 1;
        one.turn = nullptr;
      }
      at_once += one.goes ? 1 : 0;
    }
    at_once_most = std::max(at_once_most, at_once);
  }
  // The oldest that goes ends; false if none goes.
  bool end_one(Outcome outcome) {
    hear();
    const auto one = std::ranges::find(attempts, true, &One::goes);
    if (one == attempts.end()) return false;
    one->goes = false;
    ++looked_at;
    throttle.end(one->login, one->source, outcome, now);
    return true;
  }
};

// A thousand guesses at the same time are no more tries than one after the other: so many are
// looked at, the others wait for them and are told to come later.
TEST(Attack26, GuessesAtOnceAreNoMoreThanInARow) {
  Throttle throttle;
  Burst burst{throttle};
  for (int i = 0; i < 1000; ++i) burst.begin("alice", ip("192.0.2.1"));
  while (burst.end_one(Outcome::failed)) {
  }
  EXPECT_EQ(burst.looked_at, account_failures_free);
  EXPECT_EQ(burst.at_once_most, account_failures_free);
  EXPECT_EQ(burst.refused, 1000 - account_failures_free);
  EXPECT_EQ(throttle.waiting(), 0U);
}
TEST(Attack26, GuessesAtOnceAtManyAccountsAreNoMoreThanInARow) {
  Throttle throttle;
  Burst burst{throttle};
  for (int i = 0; i < 1000; ++i) burst.begin("user" + std::to_string(i), ip("192.0.2.1"));
  while (burst.end_one(Outcome::failed)) {
  }
  EXPECT_EQ(burst.looked_at, source_failures_free);
  EXPECT_EQ(burst.refused, 1000 - source_failures_free);
}
// From everywhere at once: once so many have failed each place has one try, also where those before
// it have only begun.
TEST(Attack26, GuessesAtOnceFromEverywhereAreNoMoreThanInARow) {
  Throttle throttle;
  Burst burst{throttle};
  for (unsigned i = 0; i < 1000; ++i) burst.begin("alice", stranger(i / 5));
  while (burst.end_one(Outcome::failed)) {
  }
  EXPECT_LE(burst.looked_at, attack_failures + 200);
  EXPECT_EQ(burst.looked_at + burst.refused, 1000U);
}

// After a start nobody is known. Right passwords are all welcome, however many come at once.
TEST(Throttle, RightPasswordsAtOnceAreAllWelcome) {
  Throttle throttle;
  Burst one_account{throttle};
  for (int i = 0; i < 20; ++i) one_account.begin("alice", ip("192.0.2.1"));
  while (one_account.end_one(Outcome::succeeded)) {
  }
  EXPECT_EQ(one_account.looked_at, 20U);
  Burst one_network{throttle};
  for (unsigned i = 0; i < 120; ++i)
    one_network.begin("user" + std::to_string(i), ip("198.51.100." + std::to_string(i)));
  while (one_network.end_one(Outcome::succeeded)) {
  }
  EXPECT_EQ(one_network.looked_at, 120U);
  Burst dropped{throttle};
  for (int i = 0; i < 200; ++i) dropped.begin("carol", ip("203.0.113.1"));
  while (dropped.end_one(Outcome::undone)) {
  }
  EXPECT_EQ(dropped.looked_at, 200U);
}
// One right password behind wrong ones: it is looked at while there are tries, and not after.
TEST(Throttle, TheLastFreeTryCounts) {
  for (const unsigned wrong : {account_failures_free - 1, account_failures_free}) {
    Throttle throttle;
    Burst burst{throttle};
    for (unsigned i = 0; i <= wrong; ++i) burst.begin("alice", ip("192.0.2.1"));
    for (unsigned i = 0; i < wrong; ++i) ASSERT_TRUE(burst.end_one(Outcome::failed));
    EXPECT_EQ(burst.end_one(Outcome::succeeded), wrong < account_failures_free);
  }
}

// An attempt that is cancelled while it waits, or just as its turn has come, keeps nobody waiting.
TEST(Throttle, WhoLeavesKeepsNobodyWaiting) {
  Throttle throttle;
  const auto source = ip("192.0.2.1");
  Burst burst{throttle};
  for (unsigned i = 0; i < account_failures_free + 3; ++i) burst.begin("alice", source);
  const auto first = burst.attempts[account_failures_free].turn;
  const auto second = burst.attempts[account_failures_free + 1].turn;
  throttle.leave(second, "alice", source, start);
  EXPECT_EQ(throttle.waiting(), 2U);
  ASSERT_TRUE(burst.end_one(Outcome::undone));
  ASSERT_TRUE(first->told.is_set());
  burst.attempts[account_failures_free].goes = false;
  burst.attempts[account_failures_free].turn = nullptr;
  throttle.leave(first, "alice", source, start);
  EXPECT_EQ(throttle.waiting(), 0U);
  while (burst.end_one(Outcome::undone)) {
  }
  EXPECT_EQ(throttle.entries(), 0U) << "nothing is under way, nobody has failed";
}

TEST(Throttle, ForgivesWhenTheRightOneComes) {
  Throttle throttle;
  const auto source = ip("192.0.2.1");
  const auto now = guess(throttle, 8, "alice", source, start) + minutes(15);
  sign_in(throttle, "alice", source, now);
  EXPECT_EQ(wait_of(throttle, "alice", source, now).count(), 0);
}

// A client that signs in all day, rightly, is never slowed down.
TEST(Throttle, SuccessCostsNothing) {
  Throttle throttle;
  const auto source = ip("192.0.2.1");
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(ask(throttle, "alice", source, start).wait.count(), 0);
    throttle.end("alice", source, Outcome::succeeded, start);
    ASSERT_EQ(wait_of(throttle, "carol", source, start).count(), 0);
  }
}

TEST(Throttle, SourcesAreTakenApart) {
  Throttle throttle;
  fail_times(throttle, 10, "alice", ip("2001:db8:1:2::1"), start);
  EXPECT_GT(wait_of(throttle, "alice", ip("2001:db8:1:2:ffff::9"), start).count(),
            0);  // the same /64
  EXPECT_EQ(wait_of(throttle, "alice", ip("2001:db8:1:3::1"), start).count(), 0);
  EXPECT_EQ(wait_of(throttle, "alice", ip("192.0.2.1"), start).count(), 0);
}

TEST(Throttle, ManyNamesFromOneSourceSlowItDown) {
  Throttle throttle;
  const auto owner = ip("192.0.2.200");
  sign_in(throttle, "alice", owner, start);
  auto now = start;
  for (unsigned i = 0; i < source_failures_free + 20; ++i)
    now = guess(throttle, 1, "user" + std::to_string(i), ip("192.0.2." + std::to_string(i)), now);
  EXPECT_EQ(wait_of(throttle, "fresh", ip("192.0.2.99"), now), source_delay_max);
  EXPECT_EQ(wait_of(throttle, "fresh", ip("192.0.3.99"), now).count(), 0);
  // Who signed in from there lately is not held up by neighbours.
  EXPECT_EQ(wait_of(throttle, "alice", owner, now).count(), 0);
}
TEST(Throttle, TheSourcesLimitIsExact) {
  Throttle throttle;
  for (unsigned i = 0; i + 1 < source_failures_free; ++i)
    fail_times(throttle, 1, "user" + std::to_string(i), ip("192.0.2.1"), start);
  EXPECT_EQ(wait_of(throttle, "fresh", ip("192.0.2.1"), start).count(), 0);
  fail_times(throttle, 1, "last", ip("192.0.2.1"), start);
  EXPECT_EQ(wait_of(throttle, "fresh", ip("192.0.2.1"), start), seconds(1));
}
TEST(Throttle, TheAttacksLimitIsExact) {
  Throttle throttle;
  for (unsigned i = 0; i + 1 < attack_failures; ++i)
    fail_times(throttle, 1, "alice", stranger(i), start);
  const auto before = stranger(2000);
  fail_times(throttle, 1, "alice", before, start);  // the hundredth
  EXPECT_EQ(wait_of(throttle, "alice", before, start), seconds(64));
  Throttle one_less;
  for (unsigned i = 0; i + 2 < attack_failures; ++i)
    fail_times(one_less, 1, "alice", stranger(i), start);
  fail_times(one_less, 1, "alice", before, start);
  EXPECT_EQ(wait_of(one_less, "alice", before, start).count(), 0);
}

// An account under attack from everywhere: strangers have one try each, its owner loses nothing
// where he is known, and gets in at the first try from anywhere else.
TEST(Attack26, AnAccountIsNotLockedByItsAttackers) {
  Throttle throttle;
  const auto home = ip("198.51.100.7");
  sign_in(throttle, "alice", home, start);
  for (unsigned i = 0; i < 60'000; ++i) fail_times(throttle, 2, "alice", stranger(i), start);
  EXPECT_TRUE(guess_once(throttle, "alice", ip("203.0.113.9"), start));
  EXPECT_EQ(wait_of(throttle, "alice", ip("203.0.113.9"), start), seconds(64));
  for (unsigned i = 0; i + 1 < account_failures_free; ++i)
    EXPECT_TRUE(guess_once(throttle, "alice", home, start)) << i;
  sign_in(throttle, "alice", home, start);
  EXPECT_EQ(wait_of(throttle, "alice", home, start).count(), 0);
  // Other accounts don't notice.
  EXPECT_EQ(wait_of(throttle, "carol", ip("203.0.113.9"), start).count(), 0);
}

// A guesser behind the owner's own address has as many tries as anybody, then one in two seconds;
// no more because the owner signs in meanwhile. The owner waits for a turn, and is never refused.
TEST(Attack26, WhoSharesTheOwnersAddressIsSlowedDown) {
  Throttle throttle;
  const auto shared = ip("198.51.100.7");
  sign_in(throttle, "alice", shared, start);
  fail_times(throttle, account_failures_free - 1, "alice", shared, start);
  EXPECT_EQ(wait_of(throttle, "alice", shared, start).count(), 0);
  fail_times(throttle, 1, "alice", shared, start);
  EXPECT_EQ(ask(throttle, "alice", shared, start).wait, known_delay);
  EXPECT_EQ(ask(throttle, "alice", shared, start).wait, 2 * known_delay);
  EXPECT_EQ(ask(throttle, "alice", shared, start).wait, 3 * known_delay);
  EXPECT_EQ(throttle.closed("alice", shared, start).count(), 0);
}
TEST(Attack26, TheOwnersSuccessGivesANeighbourOneTry) {
  Throttle throttle;
  const auto shared = ip("198.51.100.7");
  sign_in(throttle, "alice", shared, start);
  unsigned guesses = 0;
  auto now = start;
  while (now < start + hours(1)) {
    now += seconds(10);
    const auto answer = ask(throttle, "alice", shared, now);
    ASSERT_TRUE(answer.goes) << "the owner is never refused";
    ASSERT_LE(answer.wait, 2 * known_delay);
    now += answer.wait;
    throttle.end("alice", shared, Outcome::succeeded, now);
    // As many as go at once.
    for (int i = 0; i < 100; ++i) {
      const auto guess = ask(throttle, "alice", shared, now);
      ASSERT_TRUE(guess.goes);
      if (guess.wait > base::Milliseconds(0)) {
        throttle.end("alice", shared, Outcome::undone, now);
        break;
      }
      throttle.end("alice", shared, Outcome::failed, now);
      ++guesses;
    }
  }
  EXPECT_LE(guesses, 360U + account_failures_free) << "one for each of the owner's";
}
// Fifty connections of guesses are what one address may have: the owner comes after them.
TEST(Attack26, TheOwnersTurnComesBehindFiftyGuesses) {
  Throttle throttle;
  const auto shared = ip("198.51.100.7");
  sign_in(throttle, "alice", shared, start);
  fail_times(throttle, account_failures_free, "alice", shared, start);
  for (int i = 0; i < 49; ++i) ASSERT_TRUE(ask(throttle, "alice", shared, start).goes);
  const auto owner = ask(throttle, "alice", shared, start);
  EXPECT_TRUE(owner.goes);
  EXPECT_EQ(owner.wait, 50 * known_delay);
  while (ask(throttle, "alice", shared, start).goes) {
  }
  EXPECT_GT(throttle.closed("alice", shared, start), known_wait_max);
}

// Attack53: memory stays bounded whoever tries whatever.
TEST(Attack53, TheThrottleIsBounded) {
  Throttle throttle;
  for (unsigned i = 0; i < 60'000; ++i) {
    const auto login = "user" + std::to_string(i);
    fail_times(throttle, 1 + i % 7, login, stranger(i), start);
    sign_in(throttle, login, stranger(i + 1), start);
  }
  EXPECT_LE(throttle.entries(), 6 * throttle_entries_max + good_accounts_max);
  Burst burst{throttle};
  for (unsigned i = 0; i < turns_waiting_max + 100; ++i) burst.begin("alice", ip("192.0.2.1"));
  EXPECT_EQ(throttle.waiting(), turns_waiting_max);
  EXPECT_EQ(burst.refused, 100 - account_failures_free);
}

// Whoever has used up his tries isn't forgotten because he, or others, fail 30,000 times elsewhere.
TEST(Attack53, AFloodMakesNobodyForgotten) {
  Throttle throttle;
  const auto guesser = ip("192.0.2.1");
  const auto home = ip("198.51.100.7");
  sign_in(throttle, "alice", home, start);
  const auto now = guess(throttle, 12, "alice", guesser, start);
  ASSERT_GT(wait_of(throttle, "alice", guesser, now), minutes(1));
  for (unsigned i = 0; i < 30'000; ++i)
    fail_times(throttle, account_failures_free - 1, "user" + std::to_string(i), stranger(i), now);
  EXPECT_GT(wait_of(throttle, "alice", guesser, now), minutes(1));
  EXPECT_TRUE(throttle.is_known("alice", home, now));
}

// An account that signs in from thousands of places pushes out its own alone.
TEST(Attack53, PlacesOfOneAccountAreItsOwn) {
  Throttle throttle;
  sign_in(throttle, "alice", ip("198.51.100.7"), start);
  for (unsigned i = 0; i < 30'000; ++i) sign_in(throttle, "mallory", stranger(i), start);
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
