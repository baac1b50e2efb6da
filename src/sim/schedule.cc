#include "sim/schedule.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace letterlock::sim {

Schedule::Ticket Schedule::after(base::Milliseconds delay, std::function<void()> action) {
  // No sum of two times in here may overflow: a hundred years stand for "never".
  constexpr base::Milliseconds never = std::chrono::years(100);
  const Ticket ticket{now_ + std::clamp(delay, base::Milliseconds(0), never), next_number_++};
  if (!ended_) due_.emplace(ticket, std::move(action));
  return ticket;
}

void Schedule::cancel(const Ticket& ticket) {
  // The action may own what calls cancel() when it is destroyed: out of the map first.
  auto node = due_.extract(ticket);
}

void Schedule::do_next() {
  ASSERT(!due_.empty());
  auto node = due_.extract(due_.begin());
  now_ = std::max(now_, node.key().due);
  node.mapped()();
}

void Schedule::move_to(base::Milliseconds time) {
  ASSERT(due_.empty() || next() >= time);
  now_ = std::max(now_, time);
}

void Schedule::end() {
  ended_ = true;
  const auto forgotten = std::exchange(due_, {});
}

void Wakeup::wake() {
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& signal : waiting) signal->set();
}

net::ResultTask<bool> Wakeup::wait(base::Milliseconds timeout) {
  const auto schedule = schedule_;
  const auto signal = std::make_shared<net::Signal>();
  const auto late = std::make_shared<bool>(false);
  waiting_.push_back(signal);
  const auto ticket = schedule->after(timeout, [signal, late] {
    *late = true;
    signal->set();
  });
  const auto waited = co_await signal->wait();
  schedule->cancel(ticket);
  std::erase(waiting_, signal);
  if (!waited) co_return base::fail(waited.error());
  co_return !*late;
}

net::ResultTask<> check_cancelled() {
  net::Signal happened;
  happened.set();
  co_return co_await happened.wait();
}

}  // namespace letterlock::sim
