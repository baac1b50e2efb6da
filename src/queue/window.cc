#include "queue/window.h"

#include <algorithm>

namespace letterlock::queue {

LaneLimits limits_of(Lane lane, const WindowLimits& limits) {
  const auto at_least_one = [](std::size_t count) { return std::max<std::size_t>(1, count); };
  const auto local_max = at_least_one(limits.recipients_max / 5);
  const auto report_max = at_least_one(limits.recipients_max / 10);
  const auto others = std::min(local_max + report_max, limits.recipients_max);
  LaneLimits out;
  out.destination_recipients_max = limits.destination_recipients_max;
  out.destination_recipients_first = limits.destination_recipients_first;
  out.job_recipients_max = limits.job_recipients_max;
  out.destination_concurrency = limits.destination_concurrency;
  out.destination_concurrency_first = limits.destination_concurrency_first;
  out.destination_per_minute = limits.destination_per_minute;
  switch (lane) {
    case Lane::local:
      out.recipients_max = local_max;
      out.concurrency = limits.local_concurrency;
      out.trials = LaneLimits::Trials::none;
      out.destination_per_minute = 0;
      break;
    case Lane::remote:
      out.recipients_max = at_least_one(limits.recipients_max - others);
      out.concurrency = limits.remote_concurrency;
      break;
    case Lane::report:
      out.recipients_max = report_max;
      out.concurrency = limits.report_concurrency;
      out.destination_concurrency = limits.report_destination_concurrency;
      // A report is one message; of a hundred to one destination the others may wait.
      out.destination_recipients_first =
          std::min<std::size_t>(limits.destination_recipients_first, 100);
      break;
  }
  return out;
}

Window::Window(const WindowLimits& limits) {
  for (const auto lane : all_lanes) lanes_.emplace_back(lane, limits_of(lane, limits));
}

void Window::forget(const base::TenantId& tenant, const std::set<base::MessageId>& messages,
                    base::Time now) {
  for (auto& lane : lanes_) lane.forget(tenant, messages, now);
}

std::optional<base::Time> Window::next_time() const {
  std::optional<base::Time> next;
  for (const auto& lane : lanes_) {
    const auto its = lane.next_time();
    if (its && (!next || *its < *next)) next = its;
  }
  return next;
}

std::size_t Window::count() const {
  std::size_t count = 0;
  for (const auto& lane : lanes_) count += lane.count();
  return count;
}

}  // namespace letterlock::queue
