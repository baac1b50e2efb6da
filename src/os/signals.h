// The signals that an operator or systemd sends, as calls of a function instead of interruptions.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "os/descriptor.h"

namespace letterlock::os {

enum class Asked {
  stop,    // SIGTERM, SIGINT
  reload,  // SIGHUP: open the log anew, read certificates
};

class Signals {
 public:
  // Call it before any other thread starts: threads inherit what is blocked here. What comes waits
  // until somebody listens. SIGPIPE is ignored from now on. Errors: io.
  static base::Result<std::unique_ptr<Signals>> create();
  ~Signals();  // no call runs any more; the signals stay blocked

  // Once. `asked` runs on a thread of its own, one call at a time, at once for what came before.
  void listen(std::function<void(Asked)> asked);

 private:
  Signals(Descriptor signals, Descriptor end)
      : signals_(std::move(signals)), end_(std::move(end)) {}
  void run(const std::function<void(Asked)>& asked) const;

  Descriptor signals_;
  Descriptor end_;
  std::thread thread_;
};

}  // namespace letterlock::os
