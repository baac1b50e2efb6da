// The active window: what of the queue is in memory, ready to be tried, bounded; a part for each
// lane (lane_window.h), so that no lane waits for another's mail. Pure data: no I/O, no clock.
// Lives on the dispatcher's loop.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "queue/lane_window.h"

namespace letterlock::queue {

struct WindowLimits {
  // In memory, under way ones included: a fifth for the local lane, a tenth for reports, the rest
  // for what goes out otherwise.
  std::size_t recipients_max = 20'000;
  std::size_t destination_recipients_max = 5'000;    // of them, for one destination
  std::size_t destination_recipients_first = 1'000;  // … that is on trial
  std::size_t job_recipients_max = 100;
  std::size_t local_concurrency = 64;  // jobs under way in each lane
  std::size_t remote_concurrency = 500;
  std::size_t report_concurrency = 100;
  std::size_t destination_concurrency = 40;  // jobs under way to one destination at most
  std::size_t destination_concurrency_first = 10;
  std::size_t report_destination_concurrency = 5;
  std::size_t destination_per_minute = 0;  // jobs begun to one destination; 0: no limit
};
LaneLimits limits_of(Lane lane, const WindowLimits& limits);

class Window {
 public:
  explicit Window(const WindowLimits& limits);

  LaneWindow& lane(Lane lane) { return lanes_[static_cast<std::size_t>(lane)]; }
  const LaneWindow& lane(Lane lane) const { return lanes_[static_cast<std::size_t>(lane)]; }

  using Added = LaneWindow::Added;
  Added add(const Due& item, base::Time now) { return lane(item.lane).add(item, now); }
  void forget(const base::TenantId& tenant, const std::set<base::MessageId>& messages,
              base::Time now);

  // When something that waits for its rate or its rest may go; nothing: only a finish or an add
  // changes anything.
  std::optional<base::Time> next_time() const;
  std::size_t count() const;

 private:
  std::vector<LaneWindow> lanes_;
};

}  // namespace letterlock::queue
