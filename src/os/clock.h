// What time it is. The only door to the machine's clocks: the simulator puts its own behind it.
#pragma once

#include <chrono>

#include "base/time.h"

namespace letterlock::os {

// A moment of a clock that never jumps; only differences mean something.
using Steady = std::chrono::time_point<std::chrono::steady_clock, base::Milliseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  // The calendar's time; it may jump. From any thread.
  virtual base::Time now() const = 0;
  virtual Steady steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  base::Time now() const override;
  Steady steady() const override;
};

}  // namespace letterlock::os
