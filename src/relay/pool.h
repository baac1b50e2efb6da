// Sessions that wait for another message. One is used again only for what it was opened for: the
// same tenant, host, address and requirement. Lives on the relay's loop.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "hop/requirement.h"
#include "net/loop.h"
#include "os/clock.h"
#include "relay/session.h"

namespace letterlock::relay {

struct PoolLimits {
  std::size_t idle_max = 200;  // of all destinations; the oldest goes first
  base::Milliseconds idle_wait = std::chrono::seconds(10);
  unsigned messages_max = 100;  // over one session
};

// What must be equal. The requirement's sources don't count: each message is judged anew.
std::string pool_key(const base::TenantId& tenant, const std::string& host, const net::Endpoint& at,
                     const hop::Requirement& requirement);

class Pool {
 public:
  // All outlive it. Sessions are ended by tasks of `gate`.
  Pool(net::Gate& gate, net::Timers& timers, const os::Clock& clock, PoolLimits limits);

  // Null: none.
  std::unique_ptr<Session> take(const std::string& key);
  // One that isn't usable any more, or was used often enough, is ended instead.
  void put(std::string key, std::unique_ptr<Session> session);
  // Says goodbye without keeping anybody waiting.
  void end(std::unique_ptr<Session> session);

  // Ends those that idle too long, until stop().
  net::Task<> run();
  // Ends all, and keeps none from now on.
  void stop();
  std::size_t count() const { return idle_.size(); }

 private:
  struct Idle {
    std::string key;
    std::unique_ptr<Session> session;
    os::Steady until;
  };
  using Place = std::list<Idle>::iterator;
  std::unique_ptr<Session> take_out(Place place);

  net::Gate& gate_;
  net::Timers& timers_;
  const os::Clock& clock_;
  PoolLimits limits_;
  std::list<Idle> idle_;  // the oldest first
  std::unordered_multimap<std::string, Place> by_key_;
  net::Bell bell_;
  bool stopped_ = false;
};

}  // namespace letterlock::relay
