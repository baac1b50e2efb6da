// One thread's event loop, and what a task can wait for on it: a time (Timers), a signal.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include "base/time.h"
#include "net/task.h"

namespace boost::asio {
class io_context;
}

namespace letterlock::net {

// A running task that was spawned. Destroying it doesn't stop the task.
class Running {
 public:
  virtual ~Running() = default;
  // From the loop's thread: whatever the task waits for fails with cancelled, now and from now on.
  virtual void cancel() = 0;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Starts the task on this loop; `done` runs on the loop after it. From any thread. An exception
  // out of the task is a bug and ends the process.
  std::shared_ptr<Running> spawn(Task<> task, std::function<void()> done = {});
  // Runs `function` on the loop soon. From any thread.
  void post(std::function<void()> function);
  // Runs until stop(). Called by the thread that is the loop's.
  void run();
  void stop();
  // Runs all that is ready, and what becomes ready by it, or the first `most` of it; returns how
  // much that was: the simulator's and the tests' way.
  std::size_t poll(std::size_t most = std::numeric_limits<std::size_t>::max());
  bool is_this_thread() const;

  boost::asio::io_context& context() { return *context_; }  // for net's own .cc files

 private:
  std::unique_ptr<boost::asio::io_context> context_;
};

// Waiting for time to pass. The real one asks the loop, the simulated one moves its own clock.
class Timers {
 public:
  virtual ~Timers() = default;
  // Errors: cancelled. On the calling task's loop.
  virtual ResultTask<> sleep(base::Milliseconds duration) = 0;
};

class LoopTimers final : public Timers {
 public:
  ResultTask<> sleep(base::Milliseconds duration) override;
};

// One thing that happens once; many tasks may wait for it. set() from any thread; each waiter
// resumes on its own loop. Waiting after it happened returns at once.
class Signal {
 public:
  Signal();
  ~Signal();  // nobody may be waiting
  void set();
  bool is_set() const;
  // Errors: cancelled.
  ResultTask<> wait();
  // Waits even when the task is cancelled meanwhile (it stays cancelled after), for what refers to
  // the caller's variables or whose outcome must be known. Whoever sets the signal owes it soon.
  Task<> wait_to_the_end();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// One value, once, from any thread, for one waiting task.
template <class T>
class Promise {
 public:
  void set(T value) {
    state_->value = std::move(value);
    state_->signal.set();
  }
  // Errors: cancelled (the value is then thrown away when it comes).
  ResultTask<T> wait() {
    auto state = state_;
    CO_CHECK(co_await state->signal.wait());
    co_return std::move(*state->value);
  }

 private:
  struct State {
    Signal signal;
    std::optional<T> value;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// A bell: ring() wakes whoever waits; rings while nobody waits are remembered as one.
// Lives on one loop, but ring() may come from any thread.
class Bell {
 public:
  Bell();
  ~Bell();
  void ring();
  // Returns true when rung, false when `timeout` passed first. Errors: cancelled.
  // `timers` decides what time is; in simulated time too the shorter wins.
  ResultTask<bool> wait(Timers& timers, base::Milliseconds timeout);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Work that blocks (passwords, libraries without a poll) on threads of its own, bounded.
class Workers {
 public:
  virtual ~Workers() = default;
  // Runs `work` elsewhere and resumes here when it is done. Errors: full (too many wait),
  // cancelled.
  virtual ResultTask<> run(std::function<void()> work) = 0;
};

class ThreadWorkers final : public Workers {
 public:
  ThreadWorkers(unsigned threads, std::size_t waiting_max);
  ~ThreadWorkers() override;
  ResultTask<> run(std::function<void()> work) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Runs the work at once, on the caller's thread: for the simulator.
class InlineWorkers final : public Workers {
 public:
  ResultTask<> run(std::function<void()> work) override;
};

// Tasks start only through a gate, which can stop them and wait for them. Lives on its loop.
class Gate {
 public:
  explicit Gate(Loop& loop);
  ~Gate();  // ASSERTs that nothing runs any more
  // False once the gate is closing: the task was not started.
  bool start(Task<> task);
  std::size_t running() const;
  // No task starts any more; those that run are cancelled after `grace`, and waited for.
  Task<> close(Timers& timers, base::Milliseconds grace);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// This task's loop, for posting back to. Cheap.
Task<void> yield();

// Whether this task was cancelled: asked before what can't be undone.
Task<bool> is_cancelled();

}  // namespace letterlock::net
