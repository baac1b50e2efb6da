#include "net/loop.h"

#include <thread>

#include <gtest/gtest.h>

namespace letterlock::net {
namespace {

using namespace std::chrono_literals;

Task<> note(ResultTask<> wait, std::vector<std::string>& seen, std::string what) {
  const auto result = co_await std::move(wait);
  seen.emplace_back(what + (result ? "" : ":" + std::string(base::name(result.error().kind))));
}

void run_until(Loop& loop, const std::function<bool()>& done) {
  for (int i = 0; i < 2000 && !done(); ++i) {
    if (loop.poll() == 0) std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(done());
}

TEST(Signal, WakesAllWaitersFromAnotherThread) {
  Loop loop;
  Signal signal;
  std::vector<std::string> seen;
  loop.spawn(note(signal.wait(), seen, "a"));
  loop.spawn(note(signal.wait(), seen, "b"));
  loop.poll();
  EXPECT_TRUE(seen.empty());
  std::thread([&] { signal.set(); }).join();
  run_until(loop, [&] { return seen.size() == 2; });
  loop.spawn(note(signal.wait(), seen, "late"));
  loop.poll();
  EXPECT_EQ(seen.size(), 3U);
}

Task<> wait_holding(std::shared_ptr<Signal> signal, std::shared_ptr<int> held) {
  co_await signal->wait_to_the_end();
  ++*held;
}

TEST(Signal, WhatWaitsToTheEndIsWokenFromAnotherThread) {
  Loop loop;
  const auto signal = std::make_shared<Signal>();
  const auto held = std::make_shared<int>(0);
  const auto running = loop.spawn(wait_holding(signal, held));
  loop.spawn(wait_holding(signal, held));
  loop.poll();
  running->cancel();
  loop.poll();
  EXPECT_EQ(*held, 0) << "no cancellation ends it";
  std::thread([&] { signal->set(); }).join();
  run_until(loop, [&] { return *held == 2; });
  loop.spawn(wait_holding(signal, held));
  loop.poll();
  EXPECT_EQ(*held, 3) << "what has happened is not waited for";
}

// A crash in the simulator: the loop goes, and with it what waits, the signal set or not.
TEST(Signal, WhatWaitsGoesWithItsLoop) {
  const auto signal = std::make_shared<Signal>();
  const auto held = std::make_shared<int>(0);
  {
    Loop loop;
    loop.spawn(wait_holding(signal, held));
    loop.poll();
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
  signal->set();
  EXPECT_EQ(*held, 0);
}

TEST(Gate, CancelsWhatRunsAndWaitsForIt) {
  Loop loop;
  LoopTimers timers;
  std::vector<std::string> seen;
  {
    Gate gate(loop);
    EXPECT_TRUE(gate.start(note(timers.sleep(1h), seen, "sleeper")));
    loop.poll();
    bool closed = false;
    loop.spawn(gate.close(timers, 0ms), [&] { closed = true; });
    run_until(loop, [&] { return closed; });
    EXPECT_FALSE(gate.start(note(timers.sleep(1h), seen, "never")));
  }
  EXPECT_EQ(seen, std::vector<std::string>{"sleeper:cancelled"});
}

Task<> hold_a_gate(Loop& loop, Timers& timers, std::vector<std::string>& seen) {
  Gate gate(loop);
  gate.start(note(timers.sleep(1h), seen, "inner"));
  const auto slept = co_await timers.sleep(1h);
  seen.emplace_back(slept ? "slept" : "outer cancelled");
  co_await gate.close(timers, 20ms);
  seen.emplace_back("closed");
}

// An agent that is cancelled closes its own gate: that must neither spin nor leave a task behind.
TEST(Gate, MayBeClosedByATaskThatIsCancelled) {
  Loop loop;
  LoopTimers timers;
  std::vector<std::string> seen;
  const auto running = loop.spawn(hold_a_gate(loop, timers, seen));
  loop.poll();
  running->cancel();
  run_until(loop, [&] { return seen.size() == 3; });
  EXPECT_EQ(seen, (std::vector<std::string>{"outer cancelled", "inner:cancelled", "closed"}));
}

Task<> twice(Timers& timers, std::vector<std::string>& seen) {
  for (int i = 0; i < 2; ++i) {
    const auto slept = co_await timers.sleep(1h);
    seen.emplace_back(slept ? "slept" : "cancelled");
  }
}

// Once cancelled, always cancelled: no second wait may hang.
TEST(Gate, CancellationStays) {
  Loop loop;
  LoopTimers timers;
  std::vector<std::string> seen;
  const auto running = loop.spawn(twice(timers, seen));
  loop.poll();
  running->cancel();
  run_until(loop, [&] { return seen.size() == 2; });
  EXPECT_EQ(seen, (std::vector<std::string>{"cancelled", "cancelled"}));
}

// A stop may come while a task still waits for its first turn: it runs, and is told at its first
// wait.
TEST(Gate, ATaskIsCancelledBeforeItsFirstStep) {
  Loop loop;
  LoopTimers timers;
  std::vector<std::string> seen;
  std::shared_ptr<Running> running;
  bool done = false;
  loop.post([&] { running->cancel(); });  // runs before the task
  loop.post([&] { running->cancel(); });
  running = loop.spawn(twice(timers, seen), [&] { done = true; });
  run_until(loop, [&] { return done; });
  EXPECT_EQ(seen, (std::vector<std::string>{"cancelled", "cancelled"}));
}

Task<> listen_to(Bell& bell, Timers& timers, std::vector<std::string>& seen) {
  while (seen.size() < 2) {
    const auto rung = co_await bell.wait(timers, 20ms);
    seen.emplace_back(!rung ? "cancelled" : *rung ? "rung" : "timeout");
  }
}

TEST(Bell, RemembersOneRingAndTimesOut) {
  Loop loop;
  LoopTimers timers;
  Bell bell;
  std::vector<std::string> seen;
  bell.ring();
  bell.ring();
  loop.spawn(listen_to(bell, timers, seen));
  run_until(loop, [&] { return seen.size() == 2; });
  EXPECT_EQ(seen, (std::vector<std::string>{"rung", "timeout"}));
}

Task<> work_then_sleep(Workers& workers, Timers& timers, std::vector<std::string>& seen) {
  const auto ran = co_await workers.run([] { std::this_thread::sleep_for(20ms); });
  seen.emplace_back(ran ? "ran" : "not run");
  const auto slept = co_await timers.sleep(1h);
  seen.emplace_back(slept ? "slept" : "cancelled");
}

// Work that has begun is waited for; the cancellation isn't forgotten over it, nor one that comes
// later.
TEST(Workers, CancellationOutlivesTheWork) {
  for (const bool cancel_during : {true, false}) {
    Loop loop;
    LoopTimers timers;
    ThreadWorkers workers(1, 1);
    std::vector<std::string> seen;
    const auto running = loop.spawn(work_then_sleep(workers, timers, seen));
    loop.poll();
    if (!cancel_during) run_until(loop, [&] { return seen.size() == 1; });
    running->cancel();
    run_until(loop, [&] { return seen.size() == 2; });
    EXPECT_EQ(seen, (std::vector<std::string>{"ran", "cancelled"}));
  }
}

TEST(Workers, RunElsewhereAndAreBounded) {
  Loop loop;
  ThreadWorkers workers(1, 1);
  std::thread::id where;
  std::vector<std::string> seen;
  loop.spawn(note(workers.run([&] { where = std::this_thread::get_id(); }), seen, "ran"));
  run_until(loop, [&] { return seen.size() == 1; });
  EXPECT_EQ(seen[0], "ran");
  EXPECT_NE(where, std::this_thread::get_id());
}

}  // namespace
}  // namespace letterlock::net
