// Whether each loop comes round: a task on each that wakes once a second, and says how late it was.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "net/loop.h"
#include "os/clock.h"
#include "os/metrics.h"

namespace letterlock::apps {

class Pulse {
 public:
  Pulse(std::vector<net::Loop*> loops, net::Timers& timers, const os::Clock& clock,
        os::Metrics& metrics);
  ~Pulse();

  // From the first loop, all three.
  void start();
  net::Task<> close();
  // The loops, by their place, that haven't come round for `silence`.
  std::vector<std::size_t> silent(base::Milliseconds silence) const;

 private:
  struct Beat;
  net::Task<> run(Beat& beat);

  net::Timers& timers_;
  const os::Clock& clock_;
  os::Histogram& lag_;
  std::vector<std::unique_ptr<Beat>> beats_;
};

}  // namespace letterlock::apps
