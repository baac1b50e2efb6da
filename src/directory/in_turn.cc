#include "directory/in_turn.h"

#include <deque>
#include <mutex>

namespace letterlock::directory {

struct InTurn::State {
  std::mutex mutex;
  std::size_t free = 0;
  std::size_t waiting_max = 0;
  std::deque<std::shared_ptr<net::Signal>> waiting;

  void pass_on() {
    std::shared_ptr<net::Signal> next;
    {
      const std::scoped_lock lock(mutex);
      if (waiting.empty()) {
        ++free;
        return;
      }
      next = std::move(waiting.front());
      waiting.pop_front();
    }
    next->set();
  }
  // True if it still waited: then it is no more in the row.
  bool leave(const std::shared_ptr<net::Signal>& mine) {
    const std::scoped_lock lock(mutex);
    return std::erase(waiting, mine) > 0;
  }
};

InTurn::InTurn(std::size_t at_once, std::size_t waiting_max) : state_(std::make_shared<State>()) {
  state_->free = at_once;
  state_->waiting_max = waiting_max;
}

InTurn::Place::~Place() {
  if (state_) state_->pass_on();
}

net::ResultTask<InTurn::Place> InTurn::enter() {
  const auto state = state_;
  std::shared_ptr<net::Signal> mine;
  {
    const std::scoped_lock lock(state->mutex);
    if (state->free > 0) {
      --state->free;
    } else if (state->waiting.size() >= state->waiting_max) {
      co_return base::fail(base::ErrorKind::full, "too many sign-ins at once");
    } else {
      mine = state->waiting.emplace_back(std::make_shared<net::Signal>());
    }
  }
  if (!mine) co_return Place(state);
  const auto waited = co_await mine->wait();
  if (waited) co_return Place(state);
  // The place may have come together with the cancellation; then it is passed on.
  if (!state->leave(mine)) state->pass_on();
  co_return base::fail(waited.error());
}

}  // namespace letterlock::directory
