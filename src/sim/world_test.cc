#include "sim/world.h"

#include <ctime>
#include <set>

#include <gtest/gtest.h>

namespace letterlock::sim {
namespace {

using namespace std::chrono_literals;

net::Task<> sleep(World& world, base::Milliseconds duration, std::vector<std::string>& seen,
                  std::string name) {
  const auto slept = co_await world.timers().sleep(duration);
  seen.push_back(name + (slept ? "" : ":" + std::string(base::name(slept.error().kind))) + "@" +
                 std::to_string(world.clock().steady().time_since_epoch().count()));
}

TEST(SimWorld, TimersResolveInTheOrderOfTheirTimes) {
  World world(1);
  std::vector<std::string> seen;
  world.loop().spawn(sleep(world, 30ms, seen, "c"));
  world.loop().spawn(sleep(world, 10ms, seen, "a"));
  world.loop().spawn(sleep(world, 10ms, seen, "b"));
  world.loop().spawn(sleep(world, 0ms, seen, "now"));
  world.loop().spawn(sleep(world, -5ms, seen, "past"));
  EXPECT_TRUE(world.run_until([&] { return seen.size() == 5; }, 1h));
  EXPECT_EQ(seen, (std::vector<std::string>{"now@0", "past@0", "a@10", "b@10", "c@30"}));
}

TEST(SimWorld, FiveDaysCostMilliseconds) {
  World world(1);
  std::vector<std::string> seen;
  world.loop().spawn(sleep(world, 120h, seen, "slept"));
  const auto cpu_before = std::clock();
  EXPECT_TRUE(world.run_until([&] { return !seen.empty(); }, 121h));
  EXPECT_LT(std::clock() - cpu_before, CLOCKS_PER_SEC / 200);
  EXPECT_EQ(base::to_rfc3339(world.clock().now()), "2026-01-06T00:00:00.000Z");
}

TEST(SimWorld, AdvanceLetsExactlySoMuchPass) {
  World world(1);
  std::vector<std::string> seen;
  world.loop().spawn(sleep(world, 100ms, seen, "x"));
  world.advance(99ms);
  EXPECT_TRUE(seen.empty());
  world.advance(1ms);
  EXPECT_EQ(seen.size(), 1U);
  world.advance(24h);
  EXPECT_EQ(world.schedule()->now(), 24h + 100ms);
}

TEST(SimWorld, RunUntilEndsAtTheLimitOrWhenNothingCanHappen) {
  World world(1);
  std::vector<std::string> seen;
  world.loop().spawn(sleep(world, 1h, seen, "late"));
  EXPECT_FALSE(world.run_until([&] { return !seen.empty(); }, 10ms));
  EXPECT_EQ(world.schedule()->now(), 10ms);
  EXPECT_TRUE(world.run_until([&] { return !seen.empty(); }, 2h));
  EXPECT_FALSE(world.run_until([] { return false; }, 1h));
  EXPECT_EQ(world.schedule()->now(), 1h);
}

TEST(SimWorld, CancelledSleepersWakeAtOnceAndLeaveNothingDue) {
  World world(1);
  std::vector<std::string> seen;
  const auto running = world.loop().spawn(sleep(world, std::chrono::years(1000), seen, "x"));
  world.advance(5ms);
  running->cancel();
  world.settle();
  EXPECT_EQ(seen, std::vector<std::string>{"x:cancelled@5"});
  EXPECT_TRUE(world.schedule()->empty());
}

TEST(SimWorld, TasksThatStillWaitDieWithIt) {
  auto alive = std::make_shared<int>(0);
  {
    World world(1);
    std::vector<std::string> seen;
    const auto hold = [](World& in, std::shared_ptr<int>) -> net::Task<> {
      (void)co_await in.timers().sleep(1h);
    };
    world.loop().spawn(hold(world, alive));
    world.advance(1ms);
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(SimWorld, ChecksAfterEachStep) {
  World world(1);
  std::vector<std::string> seen;
  std::vector<std::size_t> sizes;
  world.on_step([&] { sizes.push_back(seen.size()); });
  world.loop().spawn(sleep(world, 1ms, seen, "a"));
  world.loop().spawn(sleep(world, 2ms, seen, "b"));
  world.advance(1s);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 2}));
}

TEST(SimClock, TheCalendarMayJump) {
  World world(1);
  world.clock().jump(-1h);
  EXPECT_EQ(base::to_rfc3339(world.clock().now()), "2025-12-31T23:00:00.000Z");
  EXPECT_EQ(world.clock().steady().time_since_epoch(), 0ms);
}

// The first draws of SplitMix64 from 1234567, as published with its C source and used by others'
// implementations to check themselves.
TEST(SimRandom, IsSplitMix64) {
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317U);
  EXPECT_EQ(random.next(), 3203168211198807973U);
  EXPECT_EQ(random.next(), 9817491932198370423U);
}

TEST(SimRandom, ForksDependOnSeedAndPurposeAlone) {
  Random one(7);
  auto before = one.fork("network");
  (void)one.next();
  EXPECT_EQ(before.next(), one.fork("network").next());
  EXPECT_NE(one.fork("network").next(), one.fork("names").next());
  EXPECT_NE(one.fork("network").next(), Random(8).fork("network").next());
  std::set<std::uint64_t> faces;
  for (int i = 0; i < 200; ++i) faces.insert(one.between(3, 8));
  EXPECT_EQ(faces, (std::set<std::uint64_t>{3, 4, 5, 6, 7, 8}));
}

}  // namespace
}  // namespace letterlock::sim
