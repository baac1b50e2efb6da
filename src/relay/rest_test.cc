#include "relay/rest.h"

#include <gtest/gtest.h>

namespace letterlock::relay {
namespace {

using namespace std::chrono_literals;

TEST(Rests, GrowUntilSomebodyAnswers) {
  Rests rests({.first = 1min, .longest = 5min, .destinations_max = 10});
  base::Time now = base::from_milliseconds(1'800'000'000'000);
  for (const auto wait : {1min, 2min, 4min, 5min, 5min}) {
    const auto until = rests.failed("a.example", now);
    EXPECT_EQ(until - now, wait);
    // What was under way when it began to rest doesn't lengthen it.
    EXPECT_EQ(rests.failed("a.example", now + 10s), until);
    now = until;
  }
  rests.answered("a.example");
  EXPECT_EQ(rests.failed("a.example", now) - now, 1min);
}

TEST(Rests, AreBounded) {
  Rests rests({.first = 1min, .longest = 5min, .destinations_max = 2});
  base::Time now = base::from_milliseconds(1'800'000'000'000);
  rests.failed("a.example", now);
  rests.failed("b.example", now);
  EXPECT_EQ(rests.failed("c.example", now), now + 1min);
  EXPECT_EQ(rests.count(), 2U);
  now += 1h;
  rests.failed("c.example", now);
  EXPECT_EQ(rests.count(), 1U);
}

TEST(Rests, ClockThatJumpedBackStretchesNone) {
  Rests rests({});
  const base::Time now = base::from_milliseconds(1'800'000'000'000);
  rests.failed("a.example", now);
  EXPECT_EQ(rests.failed("a.example", now - 24h), now - 24h + 2min);
}

}  // namespace
}  // namespace letterlock::relay
