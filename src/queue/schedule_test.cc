#include "queue/schedule.h"

#include <gtest/gtest.h>

namespace letterlock::queue {
namespace {
using namespace std::chrono_literals;

TEST(Schedule, GrowsAndTheLastWaitRepeats) {
  const Schedule schedule;
  EXPECT_EQ(schedule.wait_after(1, 0), 1min);
  EXPECT_EQ(schedule.wait_after(2, 0), 3min);
  EXPECT_EQ(schedule.wait_after(9, 0), 4h);
  EXPECT_EQ(schedule.wait_after(4'000'000'000U, 0), 4h);
  EXPECT_EQ(schedule.wait_after(0, 0), 1min);
}

TEST(Schedule, SpreadsByATenthAtMost) {
  const Schedule schedule;
  for (const std::uint64_t random : {1ULL, 5'999ULL, 6'000ULL, ~0ULL}) {
    EXPECT_GE(schedule.wait_after(1, random), 1min);
    EXPECT_LT(schedule.wait_after(1, random), 66s);
  }
  EXPECT_NE(schedule.wait_after(1, 1), schedule.wait_after(1, 2));
}

}  // namespace
}  // namespace letterlock::queue
