// One node of the site and its lives: it starts, stalls, crashes and starts again on what the
// site's store had made durable. From the moment of a crash on nothing of that life reaches store,
// network or diary, whatever its tasks still do until they are gone.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "apps/platform.h"
#include "sim/day/findings.h"
#include "sim/names.h"
#include "sim/network.h"
#include "sim/tls.h"
#include "store/memory.h"

namespace letterlock::day {

// What a node stands on, the site's and the world's.
struct Ground {
  sim::World& world;
  store::MemoryStore& store;
  sim::Names& names;
  net::Workers& workers;
  Findings& findings;
  std::function<void()> trouble;  // what waits in a node may be lost
};

class Node {
 public:
  Node(Ground ground, sim::Host& host, apps::Config config, apps::Pace pace, unsigned rounds);
  ~Node();  // after stop()

  // Up, its doors open. Errors: the store's; it is down then. From outside of the world's loop, as
  // stop() and bury().
  base::Result<> start();
  // In order; down afterwards.
  void stop();
  // Its life ends here and now; from anywhere. The rest is bury()'s.
  void crash();
  // Takes away what a crash left.
  void bury();
  // Until then the store doesn't answer this node.
  void stall(base::Milliseconds until);

  // An operator's command, as the node's own table of them takes it. `done` hears its answer;
  // nobody does where the node crashes meanwhile. Errors: closed (it is down).
  using Answered = std::function<void(const base::Result<boost::json::object>&)>;
  base::Result<> order(std::string_view operation, boost::json::object arguments, Answered done);

  bool is_up() const { return life_ && !has_crashed(); }
  bool has_crashed() const;
  apps::Platform& platform();
  sim::Host& host() { return host_; }
  sim::Tls& tls() { return tls_; }
  const std::string& name() const { return config_.site.node; }

 private:
  struct Life;
  base::Result<> open(Life& life, apps::ListenerConfig::Kind kind, std::uint16_t port);
  static net::Task<> carry_out(std::shared_ptr<Life> life, std::string operation,
                               boost::json::object arguments, Answered done);
  static net::Task<> accept(std::shared_ptr<Life> life, apps::ListenerConfig::Kind kind,
                            std::shared_ptr<net::Listener> listener);
  void close();
  // Lives on until the task has ended.
  template <class T>
  T wait(net::Task<T> task);

  Ground ground_;
  sim::Host& host_;
  apps::Config config_;
  apps::Pace pace_;
  unsigned rounds_;
  sim::Tls tls_;
  std::shared_ptr<Life> life_;
};

}  // namespace letterlock::day
