#include "relay/pool.h"

#include <algorithm>

#include "base/assert.h"

namespace letterlock::relay {
namespace {

net::Task<> say_goodbye(std::unique_ptr<Session> session) {
  co_await session->client->quit();
}

}  // namespace

std::string pool_key(const base::TenantId& tenant, const std::string& host, const net::Endpoint& at,
                     const hop::Requirement& requirement) {
  return std::string(tenant.octets()) + host + '\n' + at.text() + '\n' + hop::to_text(requirement);
}

Pool::Pool(net::Gate& gate, net::Timers& timers, const os::Clock& clock, PoolLimits limits)
    : gate_(gate), timers_(timers), clock_(clock), limits_(limits) {}

std::unique_ptr<Session> Pool::take_out(Place place) {
  const auto [first, last] = by_key_.equal_range(place->key);
  const auto entry =
      std::find_if(first, last, [&](const auto& pair) { return pair.second == place; });
  ASSERT(entry != last);
  by_key_.erase(entry);
  auto session = std::move(place->session);
  idle_.erase(place);
  return session;
}

std::unique_ptr<Session> Pool::take(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  return take_out(found->second);
}

void Pool::put(std::string key, std::unique_ptr<Session> session) {
  const bool is_worn = !session->client->is_usable() || session->messages >= limits_.messages_max;
  if (stopped_ || is_worn || limits_.idle_max == 0) return end(std::move(session));
  if (idle_.size() >= limits_.idle_max) end(take_out(idle_.begin()));
  if (idle_.empty()) bell_.ring();
  idle_.push_back({key, std::move(session), clock_.steady() + limits_.idle_wait});
  by_key_.emplace(std::move(key), std::prev(idle_.end()));
}

// Where the gate is closed already the session is closed without a word.
void Pool::end(std::unique_ptr<Session> session) {
  if (session->client->is_usable()) gate_.start(say_goodbye(std::move(session)));
}

net::Task<> Pool::run() {
  while (!stopped_) {
    const auto now = clock_.steady();
    const base::Milliseconds wait =
        idle_.empty() ? base::Milliseconds(std::chrono::hours(1)) : idle_.front().until - now;
    if (wait.count() > 0) {
      if (!co_await bell_.wait(timers_, wait)) co_return;
    } else {
      end(take_out(idle_.begin()));
    }
  }
}

void Pool::stop() {
  stopped_ = true;
  while (!idle_.empty()) end(take_out(idle_.begin()));
  bell_.ring();
}

}  // namespace letterlock::relay
