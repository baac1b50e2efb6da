// The throttle's limits, each by itself: one below, at it, one beyond.
#include <gtest/gtest.h>

#include "directory/throttle.h"

namespace letterlock::directory {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

using Answer = Throttle::Answer;
using Outcome = Throttle::Outcome;
using Turn = std::shared_ptr<Throttle::Turn>;

const os::Steady start{hours(100)};

net::IpAddress ip(std::string_view text) {
  return net::IpAddress::parse(text).value();
}
// The number-th address of as many networks.
net::IpAddress stranger(unsigned number) {
  return net::IpAddress::v4(
      {10, static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number), 1});
}

class ThrottleLimits : public ::testing::Test {
 protected:
  // Nothing: it waits for its turn.
  std::optional<Answer> begin(const std::string& login, const net::IpAddress& source) {
    const auto asked = throttle.begin(login, source, now);
    if (std::holds_alternative<Turn>(asked)) {
      turns.push_back(std::get<Turn>(asked));
      return std::nullopt;
    }
    return std::get<Answer>(asked);
  }
  bool goes_at_once(const std::string& login, const net::IpAddress& source) {
    const auto answer = begin(login, source);
    return answer && answer->goes && answer->wait.count() == 0;
  }
  void end(const std::string& login, const net::IpAddress& source, Outcome outcome) {
    throttle.end(login, source, outcome, now);
  }
  void fail(const std::string& login, const net::IpAddress& source, unsigned times = 1) {
    for (unsigned i = 0; i < times; ++i) {
      const auto answer = begin(login, source);
      ASSERT_TRUE(answer && answer->goes) << login << i;
      end(login, source, Outcome::failed);
    }
  }
  void sign_in(const std::string& login, const net::IpAddress& source) {
    ASSERT_TRUE(goes_at_once(login, source));
    end(login, source, Outcome::succeeded);
  }

  Throttle throttle;
  os::Steady now = start;
  std::vector<Turn> turns;
  const net::IpAddress home = ip("198.51.100.7");
};

// An IPv6 site has a /48, and each network in it a /64.
TEST_F(ThrottleLimits, ASiteIsOneSource) {
  for (unsigned i = 0; i < source_failures_free; ++i)
    fail("user" + std::to_string(i), ip("2001:db8:1:" + std::to_string(10 + i) + "00::1"));
  EXPECT_EQ(throttle.closed("fresh", ip("2001:db8:1:ffff::1"), now), seconds(1));
  EXPECT_EQ(throttle.closed("fresh", ip("2001:db8:2:1000::1"), now).count(), 0);
}
TEST_F(ThrottleLimits, AnIpv4NetworkIsOneSourceAndEachAddressAPlace) {
  for (unsigned i = 0; i < source_failures_free; ++i)
    fail("user" + std::to_string(i), ip("192.0.2." + std::to_string(4 * i)));
  EXPECT_EQ(throttle.closed("fresh", ip("192.0.2.255"), now), seconds(1));
  EXPECT_EQ(throttle.closed("fresh", ip("192.0.3.0"), now).count(), 0);
  sign_in("alice", home);
  EXPECT_TRUE(throttle.is_known("ALICE", home, now));
  EXPECT_FALSE(throttle.is_known("alice", ip("198.51.100.6"), now));
  EXPECT_FALSE(throttle.is_known("alicf", home, now));
}

TEST_F(ThrottleLimits, FailuresAreKeptForAnHourSinceTheLast) {
  Tally tally(account_failures_free);
  for (int i = 0; i < 3; ++i) tally.add("alice", start);
  EXPECT_EQ(tally.count("alice", start + failures_kept), 3U);
  EXPECT_EQ(tally.count("alice", start + failures_kept + milliseconds(1)), 0U);
  EXPECT_EQ(tally.count("bob", start), 0U);
  tally.add("alice", start + failures_kept);
  EXPECT_EQ(tally.count("alice", start + failures_kept), 4U);
  tally.add("alice", start + 2 * failures_kept + milliseconds(1));
  EXPECT_EQ(tally.count("alice", start + 2 * failures_kept + milliseconds(1)), 1U);
}
// Who has many of them stands elsewhere, once.
TEST_F(ThrottleLimits, ATallyKeepsEachOnce) {
  Tally tally(3);
  for (unsigned i = 1; i <= 5; ++i) {
    tally.add("alice", start);
    EXPECT_EQ(tally.count("alice", start), i);
    EXPECT_EQ(tally.size(), 1U);
  }
  tally.at_most("alice", 4);
  EXPECT_EQ(tally.count("alice", start), 4U);
  tally.at_most("alice", 6);
  EXPECT_EQ(tally.count("alice", start), 4U);
  tally.at_most("bob", 1);
  EXPECT_EQ(tally.size(), 1U);
}

TEST_F(ThrottleLimits, APlaceIsKnownForADay) {
  sign_in("alice", home);
  EXPECT_TRUE(throttle.is_known("alice", home, now + success_kept));
  EXPECT_FALSE(throttle.is_known("alice", home, now + success_kept + milliseconds(1)));
}
TEST_F(ThrottleLimits, AnAccountHasSoManyPlaces) {
  const auto known = [&](unsigned number) {
    return throttle.is_known("alice", stranger(number), now);
  };
  for (unsigned i = 0; i < good_sources_max; ++i) {
    now += seconds(1);
    sign_in("alice", stranger(i));
  }
  for (unsigned i = 0; i < good_sources_max; ++i) EXPECT_TRUE(known(i)) << i;
  now += seconds(1);
  sign_in("alice", stranger(0));  // the oldest is the second now
  now += seconds(1);
  sign_in("alice", stranger(100));
  EXPECT_TRUE(known(0));
  EXPECT_FALSE(known(1));
  for (unsigned i = 2; i < good_sources_max; ++i) EXPECT_TRUE(known(i)) << i;
  EXPECT_TRUE(known(100));
}

// Where the owner is known, as many go at once as are free, whatever has failed before.
TEST_F(ThrottleLimits, AttemptsAtOnceWhereTheOwnerIsKnown) {
  sign_in("alice", home);
  fail("alice", home, 2);
  for (unsigned i = 2; i < account_failures_free; ++i) EXPECT_TRUE(goes_at_once("alice", home));
  EXPECT_FALSE(begin("alice", home));
  EXPECT_EQ(throttle.waiting(), 1U);
  EXPECT_EQ(throttle.closed("alice", home, now).count(), 0) << "it would have its turn";
  end("alice", home, Outcome::succeeded);
  ASSERT_TRUE(turns[0]->told.is_set());
  EXPECT_TRUE(turns[0]->answer.goes);
}
TEST_F(ThrottleLimits, TheLongestWaitWhereTheOwnerIsKnown) {
  sign_in("alice", home);
  fail("alice", home, account_failures_free);
  const auto waits = known_wait_max / known_delay;
  for (unsigned i = 1; i <= waits; ++i) {
    const auto answer = begin("alice", home);
    ASSERT_TRUE(answer && answer->goes) << i;
    EXPECT_EQ(answer->wait, i * known_delay);
  }
  const auto refused = begin("alice", home);
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->goes);
  EXPECT_EQ(refused->wait, known_wait_max + known_delay);
  EXPECT_EQ(throttle.closed("alice", home, now), known_wait_max + known_delay);
}
// From when one has failed, however late that was.
TEST_F(ThrottleLimits, TheNextLookIsBehindTheFailure) {
  sign_in("alice", home);
  fail("alice", home, account_failures_free);
  EXPECT_EQ(begin("alice", home)->wait, known_delay);
  now += seconds(10);
  end("alice", home, Outcome::failed);
  EXPECT_EQ(begin("alice", home)->wait, known_delay);
}
// The owner's own mistakes at home are no attack, and take nothing from somebody elsewhere.
TEST_F(ThrottleLimits, FailuresWhereTheOwnerIsKnownAreNoAttack) {
  sign_in("alice", home);
  for (unsigned i = 0; i < 2 * attack_failures; ++i) {
    now += known_delay;
    fail("alice", home);
  }
  fail("alice", stranger(1), account_failures_free);
  EXPECT_EQ(throttle.closed("alice", stranger(1), now), seconds(1));
}

// Others of the same network wait while so many are under way there as would still be free, and are
// told when one of those ends; an end elsewhere tells them nothing.
TEST_F(ThrottleLimits, AttemptsAtOnceFromOneSource) {
  const auto source = ip("192.0.2.1");
  fail("before", source, 2);
  for (unsigned i = 2; i < source_failures_free; ++i)
    EXPECT_TRUE(goes_at_once("user" + std::to_string(i), source)) << i;
  EXPECT_FALSE(begin("last", ip("192.0.2.2")));
  sign_in("elsewhere", ip("192.0.3.1"));
  EXPECT_FALSE(turns[0]->told.is_set());
  end("user2", source, Outcome::undone);
  EXPECT_TRUE(turns[0]->told.is_set());
  EXPECT_TRUE(turns[0]->answer.goes);
  EXPECT_EQ(throttle.waiting(), 0U);
}
// Those that are under way may make it an attack: whoever has had the one try then waits for them.
TEST_F(ThrottleLimits, AttemptsUnderWayMayBecomeAnAttack) {
  for (unsigned i = 1; i + 2 < attack_failures; ++i) fail("alice", stranger(i));
  fail("alice", home);
  ASSERT_TRUE(goes_at_once("alice", stranger(1000)));
  EXPECT_TRUE(goes_at_once("alice", home)) << "one less";
  end("alice", home, Outcome::undone);
  ASSERT_TRUE(goes_at_once("alice", stranger(1001)));
  EXPECT_FALSE(begin("alice", home));
  EXPECT_TRUE(goes_at_once("alice", stranger(1002))) << "has had none";
  EXPECT_TRUE(goes_at_once("carol", home)) << "another account";
}

// The failures before it are forgotten by now, so it might go; but somebody waits already.
TEST_F(ThrottleLimits, NobodyOvertakes) {
  const auto source = ip("192.0.2.1");
  fail("alice", source, account_failures_free - 1);
  EXPECT_TRUE(goes_at_once("alice", source));
  EXPECT_FALSE(begin("alice", source));
  now += failures_kept + milliseconds(1);
  EXPECT_FALSE(begin("alice", source));
  EXPECT_TRUE(goes_at_once("carol", source));
  end("carol", source, Outcome::undone);
  ASSERT_TRUE(turns[0]->told.is_set() && turns[1]->told.is_set());
  EXPECT_TRUE(turns[0]->answer.goes && turns[1]->answer.goes);
}

// What was told to come later owes nothing: who leaves then ends nobody's attempt.
TEST_F(ThrottleLimits, WhoWasRefusedHasNothingToGiveBack) {
  const auto source = ip("192.0.2.1");
  for (unsigned i = 0; i < account_failures_free; ++i) EXPECT_TRUE(goes_at_once("alice", source));
  EXPECT_FALSE(begin("alice", source));
  for (unsigned i = 0; i < account_failures_free; ++i) end("alice", source, Outcome::failed);
  ASSERT_TRUE(turns[0]->told.is_set());
  EXPECT_FALSE(turns[0]->answer.goes);
  EXPECT_EQ(turns[0]->answer.wait, seconds(1));
  now += seconds(1);
  EXPECT_TRUE(goes_at_once("alice", source));
  const auto before = throttle.entries();
  throttle.leave(turns[0], "alice", source, now);
  EXPECT_EQ(throttle.entries(), before);
}

TEST_F(ThrottleLimits, SoManyWaitAndNoMore) {
  const auto source = ip("192.0.2.1");
  for (unsigned i = 0; i < account_failures_free; ++i) EXPECT_TRUE(goes_at_once("alice", source));
  for (unsigned i = 0; i < turns_waiting_max; ++i) ASSERT_FALSE(begin("alice", source));
  const auto refused = begin("alice", source);
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->goes);
  EXPECT_EQ(refused->wait, known_delay);
}

}  // namespace
}  // namespace letterlock::directory
