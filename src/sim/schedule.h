// Simulated time: a clock that stands still until it jumps to the next thing that is due, and the
// list of what is due. Nothing here asks the machine what time it is.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/time.h"
#include "net/loop.h"

namespace letterlock::sim {

// What is due at the same millisecond happens in the order in which it was asked for.
class Schedule {
 public:
  struct Ticket {
    base::Milliseconds due{0};
    std::uint64_t number = 0;
    auto operator<=>(const Ticket&) const = default;
  };

  // Since the beginning of the simulation.
  base::Milliseconds now() const { return now_; }
  // Calls `action` once `delay` has passed; a delay that isn't positive means "now, but not here".
  Ticket after(base::Milliseconds delay, std::function<void()> action);
  // What was done or cancelled already is left alone.
  void cancel(const Ticket& ticket);
  bool empty() const { return due_.empty(); }
  // When the next thing is due; the schedule must not be empty.
  base::Milliseconds next() const { return due_.begin()->first.due; }
  // Moves the clock to the next thing that is due, and does it.
  void do_next();
  // Moves the clock forward to `time`, before which nothing may be due.
  void move_to(base::Milliseconds time);
  // Forgets everything that is due, and all that is asked for from now on.
  void end();

 private:
  base::Milliseconds now_{0};
  std::uint64_t next_number_ = 0;
  bool ended_ = false;
  std::map<Ticket, std::function<void()>> due_;
};

// Tasks wait here until somebody wakes them all, each with a deadline in simulated time. A woken
// task looks again at what it waited for.
class Wakeup {
 public:
  explicit Wakeup(std::shared_ptr<Schedule> schedule) : schedule_(std::move(schedule)) {}
  void wake();
  // True when woken, false when `timeout` passed first. Errors: cancelled.
  net::ResultTask<bool> wait(base::Milliseconds timeout);

 private:
  std::shared_ptr<Schedule> schedule_;
  std::vector<std::shared_ptr<net::Signal>> waiting_;
};

// Fails with cancelled if this task was cancelled, and never waits.
net::ResultTask<> check_cancelled();

}  // namespace letterlock::sim
