// The node watched from inside: what is wrong with it now, its figures of the last minute, the
// endpoint that machines ask, and the service manager's watchdog. Lives on the first loop.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "apps/pulse.h"
#include "apps/real_world.h"
#include "http/server.h"
#include "os/process_figures.h"
#include "queue/census.h"

namespace letterlock::apps {

// What is wrong with what waits: never tried for long, or held past its lifetime. Pure.
std::vector<std::string> queue_problems(const queue::Counted& counted, base::Milliseconds lifetime,
                                        base::Time now);

// What a minute brought, from counters that only grow.
class Minutes {
 public:
  explicit Minutes(const os::Metrics& metrics) : metrics_(metrics) {}
  // To be called each few seconds.
  void look(os::Steady now);
  // Since a minute ago, or since the first look: "seconds", and how much of each.
  boost::json::object last() const;

 private:
  struct Look {
    os::Steady at;
    std::vector<double> values;
  };
  const os::Metrics& metrics_;
  std::deque<Look> looks_;
};

class Watch {
 public:
  struct Parts {
    const Config& config;
    RealWorld& world;
    Platform& platform;
    const Doors& doors;
    base::EventSink& events;
    os::Metrics& metrics;
  };
  // Errors: io.
  static base::Result<std::unique_ptr<Watch>> create(Parts parts);
  ~Watch();

  // Answers at these listeners from now on.
  void serve(std::unique_ptr<net::TcpListener> listener);
  // The platform has started.
  void start();
  // It is going to end: not ready from now on, and nothing is wrong with that.
  void stopping() { stopping_ = true; }
  net::Task<> close();

  // Everything loops that should, and every agent is at work.
  bool is_alive() const { return dead().empty(); }
  bool is_ready() const;
  // In sentences, the worst first, each with what to do.
  std::vector<std::string> problems() const;
  // For `letterlock status`.
  boost::json::object state() const;

 private:
  explicit Watch(Parts parts);
  std::vector<std::string> dead() const;
  void add_figures();
  std::optional<http::Response> answer(std::string_view path) const;
  net::Task<> look();
  net::Task<> feed_watchdog(base::Milliseconds interval);
  boost::json::array listeners() const;
  boost::json::object queue_state() const;
  boost::json::object ways() const;
  boost::json::object store_state() const;
  boost::json::array certificates() const;
  const os::Clock& clock() const { return parts_.platform.world().clock; }

  Parts parts_;
  const os::Steady begun_;
  std::unique_ptr<os::ProcessFigures> process_;
  Pulse pulse_;
  queue::Census census_;
  Minutes minutes_;
  http::Server server_;
  net::Gate gate_;
  std::vector<std::shared_ptr<net::TcpListener>> listeners_;
  bool started_ = false;
  bool stopping_ = false;
};

}  // namespace letterlock::apps
