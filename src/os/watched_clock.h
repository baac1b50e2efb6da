// A clock that notices when the machine's calendar is set back: then what is recorded afterwards
// may bear an earlier time than what was recorded before (base::Order). From any thread.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/setbacks.h"
#include "os/clock.h"

namespace letterlock::os {

class WatchedClock final : public Clock {
 public:
  // `told`: called once for each setback, by whichever thread reads the clock next.
  explicit WatchedClock(const Clock& clock, std::function<void(base::Setback)> told = {});
  // Steps of less than ten milliseconds aren't noticed (base::ordered_from).
  base::Time now() const override;
  Steady steady() const override { return clock_.steady(); }

 private:
  struct Read {
    std::int64_t steady;
    std::int64_t ahead;  // of it, the calendar
  };
  void look() const;
  std::optional<Read> read_both() const;

  const Clock& clock_;
  std::function<void(base::Setback)> told_;
  // Milliseconds: by how much the calendar was ahead of the steady clock, at most, since it was
  // last set back; and the steady clock's time when the two were last compared.
  mutable std::atomic<std::int64_t> ahead_;
  mutable std::atomic<std::int64_t> looked_;
  mutable std::mutex looking_;
};

}  // namespace letterlock::os
