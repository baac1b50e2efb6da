#include "os/watched_clock.h"

#include <thread>

#include <gtest/gtest.h>

namespace letterlock::os {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct HandClock final : Clock {
  base::Time calendar{seconds(1'000'000)};
  Steady running{milliseconds(5'000)};
  base::Time now() const override { return calendar; }
  Steady steady() const override { return running; }
  void pass(base::Milliseconds time) {
    calendar += time;
    running += time;
  }
};

struct WatchedClockTest : testing::Test {
  HandClock machine;
  std::vector<base::Setback> told;
  WatchedClock clock{machine, [this](base::Setback one) { told.push_back(one); }};
};

TEST_F(WatchedClockTest, ShowsTheMachinesTimeWhateverItDoes) {
  EXPECT_EQ(clock.now(), machine.calendar);
  machine.pass(seconds(3));
  EXPECT_EQ(clock.now(), machine.calendar);
  machine.calendar -= seconds(100);
  EXPECT_EQ(clock.now(), machine.calendar);
  EXPECT_EQ(clock.steady(), machine.running);
}

TEST_F(WatchedClockTest, TellsASetbackOnceAndWhatItCovers) {
  machine.pass(seconds(10));
  (void)clock.now();
  const auto looked = machine.calendar;
  machine.pass(seconds(5));
  const auto from = machine.calendar;
  machine.calendar -= seconds(60);
  machine.pass(seconds(2));
  (void)clock.now();
  (void)clock.now();
  machine.pass(seconds(20));
  (void)clock.now();
  ASSERT_EQ(told.size(), 1U);
  // It may have been set back right after the last look, or now.
  EXPECT_EQ(told[0].to, looked - seconds(60));
  EXPECT_EQ(told[0].from, from + seconds(2));
}

TEST_F(WatchedClockTest, StepsForwardAreNoneAndCountForTheNextOneBack) {
  machine.calendar += seconds(3600);
  (void)clock.now();
  EXPECT_TRUE(told.empty());
  machine.calendar -= seconds(3600);
  (void)clock.now();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].from - told[0].to, seconds(3600));
}

TEST_F(WatchedClockTest, SmallStepsAddUp) {
  machine.calendar -= milliseconds(9);
  (void)clock.now();
  EXPECT_TRUE(told.empty());
  machine.calendar -= milliseconds(1);
  (void)clock.now();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].from - told[0].to, milliseconds(10));
}

// A machine that sleeps: the steady clock stands still, the calendar doesn't.
TEST_F(WatchedClockTest, ASleepIsAStepForward) {
  machine.calendar += seconds(8 * 3600);
  (void)clock.now();
  machine.pass(seconds(1));
  (void)clock.now();
  EXPECT_TRUE(told.empty());
}

TEST(WatchedClock, OfARealMachineReadByManyTellsNothing) {
  const SystemClock machine;
  std::atomic<int> told = 0;
  const WatchedClock clock(machine, [&](base::Setback) { ++told; });
  std::vector<std::jthread> threads;
  for (int number = 0; number < 4; ++number)
    threads.emplace_back([&] {
      for (int i = 0; i < 50'000; ++i) (void)clock.now();
    });
  threads.clear();
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace letterlock::os
