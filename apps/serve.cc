#include "apps/serve.h"

#include <cstdio>
#include <optional>

#include <fmt/format.h>

#include "admin/server.h"
#include "apps/confinement.h"
#include "apps/figures.h"
#include "apps/real_world.h"
#include "apps/watch.h"
#include "net/local.h"
#include "os/allocator.h"
#include "os/confine.h"
#include "os/log.h"
#include "os/privileges.h"
#include "os/service.h"
#include "os/signals.h"
#include "os/thinned.h"

namespace letterlock::apps {
namespace {

constexpr auto stop_grace = std::chrono::seconds(10);
constexpr auto names_again = std::chrono::hours(1);

// What is asked before the first octet is written.
bool wrote_nothing(base::ErrorKind kind) {
  using base::ErrorKind;
  return kind == ErrorKind::exists || kind == ErrorKind::not_found || kind == ErrorKind::denied ||
         kind == ErrorKind::invalid || kind == ErrorKind::unavailable;
}

base::Severity severity(const std::string& level) {
  if (level == "debug") return base::Severity::debug;
  if (level == "warning") return base::Severity::warning;
  if (level == "error") return base::Severity::error;
  return base::Severity::info;
}

os::LogOptions log_options(const Config& config) {
  os::LogOptions out;
  out.format = config.log.format == Config::Log::Format::json ? os::LogOptions::Format::json
                                                              : os::LogOptions::Format::text;
  out.lowest = severity(config.log.level);
  out.file = config.log.file;
  return out;
}

std::span<const std::string_view> thinned_events(const Config& config) {
  if (config.log.repeats == 0) return {};
  return repeated_events();
}

os::ThinningLimits thinning(const Config& config) {
  os::ThinningLimits limits;
  limits.of_one_peer = static_cast<unsigned>(config.log.repeats);
  limits.of_one_event = 50 * limits.of_one_peer;
  return limits;
}

int complain(const base::Error& error) {
  fmt::print(stderr, "letterlock: {}\n", error.what);
  return 1;
}

struct OpenPort {
  Entrance entrance;
  os::Descriptor socket;
};

base::Result<os::Descriptor> open_port(const ListenerConfig& listener,
                                       std::vector<os::GivenListener>& given) {
  if (listener.address) {
    auto opened = net::TcpNetwork::open_port(*listener.address);
    if (!opened)
      return base::fail(base::within(
          fmt::format("listening at {} for {}", listener.address->text(), name(listener.kind)),
          opened.error()));
    return opened;
  }
  for (auto& one : given) {
    if (one.name == listener.socket && one.socket) return std::move(one.socket);
  }
  return base::fail(
      base::ErrorKind::not_found,
      fmt::format("systemd gave no socket named '{}' (FileDescriptorName=)", listener.socket));
}

// Before root is left: ports under 1024 are opened here, or were by systemd. What else was
// inherited is closed.
base::Result<std::vector<OpenPort>> open_ports(const Config& config) {
  auto given = os::take_given_listeners();
  TRY(os::close_inherited(os::first_inherited + static_cast<int>(given.size())));
  std::vector<OpenPort> out;
  for (const auto& listener : config.listeners)
    out.push_back({Entrance(listener), TRY(open_port(listener, given))});
  return out;
}

// One running node, from the opened sockets to the last goodbye.
class Node {
 public:
  Node(const Config& config, os::LogSink& log, const os::Clock& clock)
      : config_(config), log_(log), thinned_(thinned_events(config), log, clock, thinning(config)) {
    metrics_.asked(os::Metrics::Kind::counter, "letterlock_log_lines_lost_total",
                   "Lines thrown away because the log was slower than what happened.", [&log] {
                     return std::vector<os::Sample>{{{}, static_cast<double>(log.lost())}};
                   });
    metrics_.asked(os::Metrics::Kind::counter, "letterlock_log_lines_thinned_total",
                   "Repeats of one peer that were counted instead of written.", [this] {
                     return std::vector<os::Sample>{{{}, static_cast<double>(thinned_.left_out())}};
                   });
  }

  base::Result<> open_world(std::vector<OpenPort> ports);
  void asked(os::Asked what);
  int run();
  void emit(const base::Event& event) { events_.emit(event); }

 private:
  net::Task<> begin();
  void tell_manager(std::string_view state);
  net::Task<> give_up();
  net::Task<> end();
  net::Task<> look_at_names();
  admin::Ports admin_ports();
  net::ResultTask<boost::json::object> backup(std::string directory,
                                              std::optional<base::Milliseconds> keep);
  net::ResultTask<store::BackupFacts> write_backup(std::string directory);

  const Config& config_;
  os::LogSink& log_;
  os::Metrics metrics_;
  os::ThinnedEvents thinned_;  // the log behind it
  os::EventMeter events_{metrics_, thinned_, event_rules()};
  os::Gauge& last_backup_{metrics_.gauge(
      "letterlock_store_last_backup_timestamp_seconds",
      "When the last backup since the start was finished, in seconds since 1970; 0: none was.")};
  std::vector<std::unique_ptr<net::TcpListener>> watched_at_;
  std::unique_ptr<RealWorld> world_;
  std::unique_ptr<Platform> platform_;
  std::unique_ptr<Doors> doors_;
  std::unique_ptr<Watch> watch_;
  std::optional<admin::Ports> admin_ports_;
  std::unique_ptr<admin::Server> admin_;
  std::shared_ptr<net::TcpListener> admin_listener_;
  std::unique_ptr<net::Gate> gate_;
  std::unique_ptr<net::Gate> starting_;  // of begin() alone: a stop in its midst waits for it
  bool stopping_ = false;
  int status_ = 0;
};

base::Result<> Node::open_world(std::vector<OpenPort> ports) {
  world_ = TRY(RealWorld::create(config_, events_, metrics_, store::Durability::required));
  platform_ = std::make_unique<Platform>(world_->world(), config_);
  doors_ = std::make_unique<Doors>(*world_, *platform_, events_, metrics_);
  watch_ = TRY(Watch::create({config_, *world_, *platform_, *doors_, events_, metrics_}));
  for (auto& port : ports) {
    auto listener = TRY(world_->network().adopt_listener(std::move(port.socket)));
    if (port.entrance.kind == ListenerConfig::Kind::metrics)
      watched_at_.push_back(std::move(listener));
    else
      TRY(doors_->open(std::move(port.entrance), std::move(listener)));
  }
  admin_listener_ = TRY(net::listen_local(config_.admin_socket, events_));
  admin_ports_.emplace(admin_ports());
  admin_ = std::make_unique<admin::Server>(*admin_ports_, world_->first_loop(),
                                           platform_->world().timers);
  gate_ = std::make_unique<net::Gate>(world_->first_loop());
  starting_ = std::make_unique<net::Gate>(world_->first_loop());
  return {};
}

admin::Ports Node::admin_ports() {
  const auto& world = platform_->world();
  return {platform_->store(),
          platform_->directory(),
          platform_->operations(),
          platform_->dispatcher(),
          platform_->leases(),
          platform_->schedule(),
          platform_->admission(),
          world.clock,
          platform_->calendar(),
          world.random,
          events_,
          config_.site.node,
          LETTERLOCK_VERSION,
          [this] { return platform_->tenants(); },
          [this](base::TenantId tenant) { platform_->notice(tenant); },
          [this] { return watch_->state(); },
          [this](std::string directory, std::optional<base::Milliseconds> keep) {
            return backup(std::move(directory), keep);
          },
          [this](std::string node) { return platform_->close_what_was_left_by(std::move(node)); },
          config_.trace.keep};
}

net::ResultTask<store::BackupFacts> Node::write_backup(std::string directory) {
  store::BackupOptions options;
  options.directory = directory;
  options.octets_per_second = config_.store.backup_octets_per_second;
  options.site = config_.site.name;
  options.node = config_.site.node;
  options.version = LETTERLOCK_VERSION;
  options.now = platform_->world().clock.now();
  auto facts = co_await world_->store().backup(std::move(options));
  if (!facts && facts.error().kind == base::ErrorKind::denied)
    facts = base::fail(base::ErrorKind::denied,
                       facts.error().what + "; the node may write below " + config_.site.data +
                           (config_.store.backups.empty()
                                ? " alone, as store.backups names no other place"
                                : " and " + config_.store.backups + " (store.backups) alone"));
  co_return facts;
}

// What is known of backups is written before and after: a message that lies here now is in this one
// until somebody says otherwise.
net::ResultTask<boost::json::object> Node::backup(std::string directory,
                                                  std::optional<base::Milliseconds> keep) {
  using End = directory::Operations::BackupEnd;
  auto& operations = platform_->operations();
  CO_TRY(const auto record, co_await operations.begin_backup(directory, config_.site.node, keep));
  auto facts = co_await write_backup(directory);
  const auto end = facts                               ? End::whole
                   : wrote_nothing(facts.error().kind) ? End::nothing_written
                                                       : End::failed;
  const auto noted = co_await operations.end_backup(record.id, end);
  if (facts && !noted) facts = base::fail(noted.error());
  if (!facts) {
    events_.emit({base::Severity::error,
                  "store.backup_failed",
                  {{"directory", directory}, {"reason", facts.error().what}}});
    co_return base::fail(facts.error());
  }
  last_backup_.set(base::to_milliseconds(platform_->world().clock.now()) / 1000);
  events_.emit({base::Severity::info,
                "store.backup_written",
                {{"directory", directory}, {"octets", std::to_string(facts->octets)}}});
  boost::json::object out{{"id", record.id.text()},
                          {"directory", directory},
                          {"octets", facts->octets},
                          {"as-of", facts->written}};
  if (record.kept_until) out["kept-until"] = base::to_rfc3339(*record.kept_until);
  co_return out;
}

net::Task<> Node::look_at_names() {
  do {
    co_await world_->check_names();
  } while (co_await platform_->world().timers.sleep(names_again));
}

void Node::tell_manager(std::string_view state) {
  if (const auto told = os::notify_service(state); !told) {
    events_.emit({base::Severity::warning, "node.notify_failed", {{"reason", told.error().what}}});
  }
}

net::Task<> Node::begin() {
  for (auto& listener : watched_at_) watch_->serve(std::move(listener));
  const auto started = co_await platform_->start();
  if (stopping_) co_return;  // end() does the rest
  if (!started) {
    events_.emit({base::Severity::error, "node.start_failed", {{"reason", started.error().what}}});
    status_ = 1;
    stopping_ = true;
    world_->first_loop().spawn(give_up());
    co_return;
  }
  doors_->start(*gate_);
  gate_->start(admin_->run(admin_listener_));
  gate_->start(look_at_names());
  watch_->start();
  events_.emit({base::Severity::info,
                "node.ready",
                {{"site", config_.site.name},
                 {"node", config_.site.node},
                 {"version", LETTERLOCK_VERSION}}});
  tell_manager("READY=1");
}

net::Task<> Node::give_up() {
  co_await starting_->close(platform_->world().timers, base::Milliseconds(0));
  co_await watch_->close();
  world_->stop();
}

net::Task<> Node::end() {
  events_.emit({base::Severity::info, "node.stopping", {{"node", config_.site.node}}});
  tell_manager("STOPPING=1");
  watch_->stopping();
  world_->store().stop_backup();
  doors_->close();
  co_await starting_->close(platform_->world().timers, base::Milliseconds(0));
  co_await platform_->stop(stop_grace);
  admin_listener_->close();
  co_await gate_->close(platform_->world().timers, base::Milliseconds(0));
  co_await watch_->close();
  events_.emit({base::Severity::info, "node.stopped", {{"node", config_.site.node}}});
  world_->stop();
}

// On the signals' thread.
void Node::asked(os::Asked what) {
  world_->first_loop().post([this, what] {
    if (what == os::Asked::reload) {
      if (const auto reopened = log_.reopen(); !reopened)
        events_.emit(
            {base::Severity::error, "log.not_reopened", {{"reason", reopened.error().what}}});
      world_->certificates()->refresh();
      return;
    }
    if (std::exchange(stopping_, true)) return;
    world_->first_loop().spawn(end());
  });
}

int Node::run() {
  starting_->start(begin());
  world_->run();
  return status_;
}

}  // namespace

int check_config(const std::string& config_file) {
  const auto checked = load_config(config_file);
  for (const auto& problem : checked.problems) fmt::print(stderr, "{}\n", problem.text());
  if (!checked.problems.empty()) return 1;
  fmt::print("{}: usable\n", config_file);
  return 0;
}

int serve(const std::string& config_file) {
  auto checked = load_config(config_file);
  for (const auto& problem : checked.problems) fmt::print(stderr, "{}\n", problem.text());
  if (!checked.problems.empty()) return 1;
  const auto& config = checked.config;

  // Until the process is confined it has one thread: what a thread gives up, those that it starts
  // don't have.
  auto ports = open_ports(config);
  if (!ports) return complain(ports.error());
  const auto descriptors = os::raise_descriptor_limit(descriptors_needed(checked.config));
  if (!descriptors) return complain(descriptors.error());
  const auto few = fit_sessions(checked.config, *descriptors);
  if (const auto left = os::leave_root(config.site.user, os::Root::refused); !left)
    return complain(left.error());
  auto confined = confine(config);
  if (!confined) return complain(confined.error());

  const os::SystemClock clock;
  auto signals = os::Signals::create();
  if (!signals) return complain(signals.error());
  auto log = os::LogSink::create(log_options(config), clock);
  if (!log) return complain(log.error());
  Node node(config, **log, clock);
  if (!os::give_memory_back())
    node.emit({base::Severity::warning, "node.memory_not_given_back", {{"reason", "no thread"}}});
  if (few) node.emit(*few);
  if (const auto opened = node.open_world(std::move(*ports)); !opened)
    return complain(opened.error());
  if (const auto closed = close_doors(*confined); !closed) return complain(closed.error());
  node.emit(confined->event());
  (*signals)->listen([&node](os::Asked what) { node.asked(what); });
  const int status = node.run();
  signals->reset();
  return status;
}

}  // namespace letterlock::apps
