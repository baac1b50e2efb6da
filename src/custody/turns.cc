#include "custody/turns.h"

#include <deque>
#include <map>
#include <mutex>

#include "base/assert.h"

namespace letterlock::custody {

struct Turns::State {
  std::mutex mutex;
  // Whose turn it is, with those who wait behind.
  std::map<base::AccountId, std::deque<std::shared_ptr<net::Signal>>> waiting;

  void pass_on(const base::AccountId& account) {
    std::shared_ptr<net::Signal> next;
    {
      const std::scoped_lock lock(mutex);
      const auto at = waiting.find(account);
      ASSERT(at != waiting.end());
      if (at->second.empty()) {
        waiting.erase(at);
        return;
      }
      next = std::move(at->second.front());
      at->second.pop_front();
    }
    next->set();
  }
  // True if it still waited: then it is no more in the row.
  bool leave(const base::AccountId& account, const std::shared_ptr<net::Signal>& mine) {
    const std::scoped_lock lock(mutex);
    const auto at = waiting.find(account);
    return at != waiting.end() && std::erase(at->second, mine) > 0;
  }
};

Turns::Turns() : state_(std::make_shared<State>()) {}

Turns::Turn::~Turn() {
  if (state_) state_->pass_on(account_);
}

net::ResultTask<Turns::Turn> Turns::wait_for(base::AccountId account) {
  const auto state = state_;
  std::shared_ptr<net::Signal> mine;
  {
    const std::scoped_lock lock(state->mutex);
    const auto [at, is_first] = state->waiting.try_emplace(account);
    if (!is_first) mine = at->second.emplace_back(std::make_shared<net::Signal>());
  }
  if (!mine) co_return Turn(state, account);
  const auto waited = co_await mine->wait();
  if (waited) co_return Turn(state, account);
  // The turn may have come together with the cancellation; then it is passed on.
  if (!state->leave(account, mine)) state->pass_on(account);
  co_return base::fail(waited.error());
}

}  // namespace letterlock::custody
