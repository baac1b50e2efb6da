#include "apps/watch.h"

#include <fmt/format.h>

#include "os/service.h"

namespace letterlock::apps {
namespace {

constexpr base::Milliseconds look_again = std::chrono::seconds(5);
constexpr base::Milliseconds minute = std::chrono::minutes(1);
constexpr base::Milliseconds loop_silence = std::chrono::seconds(10);

std::vector<os::Sample> one(double value) {
  return {{{}, value}};
}

struct Sum {
  std::string_view name;
  std::string_view metric;
  os::Labels labels;
};
const std::vector<Sum>& sums() {
  static const std::vector<Sum> all{
      {"accepted", "letterlock_messages_accepted_total", {}},
      {"delivered", "letterlock_recipients_total", {{"outcome", "delivered"}}},
      {"relayed", "letterlock_recipients_total", {{"outcome", "relayed"}}},
      {"deferred", "letterlock_recipients_total", {{"outcome", "deferred"}}},
      {"held", "letterlock_recipients_total", {{"outcome", "held"}}},
      {"failed", "letterlock_recipients_total", {{"outcome", "failed"}}},
      {"refused", "letterlock_receptions_refused_total", {}},
      {"fetched", "letterlock_fetched_total", {{"outcome", "completed"}}},
      {"sign-ins-failed", "letterlock_sign_ins_total", {{"outcome", "failed"}}}};
  return all;
}

}  // namespace

void Minutes::look(os::Steady now) {
  Look look{now, {}};
  for (const auto& sum : sums()) look.values.push_back(metrics_.total(sum.metric, sum.labels));
  looks_.push_back(std::move(look));
  // The one before the minute's beginning stays: what came since is the difference to it.
  while (looks_.size() > 2 && now - looks_[1].at >= minute) looks_.pop_front();
}

boost::json::object Minutes::last() const {
  boost::json::object out;
  if (looks_.empty()) return out;
  out["seconds"] = (looks_.back().at - looks_.front().at) / std::chrono::seconds(1);
  for (std::size_t i = 0; i < sums().size(); ++i) {
    const auto now = metrics_.total(sums()[i].metric, sums()[i].labels);
    out[sums()[i].name] = static_cast<std::uint64_t>(now - looks_.front().values[i]);
  }
  return out;
}

Watch::Watch(Parts parts)
    : parts_(parts),
      begun_(clock().steady()),
      pulse_(parts.platform.world().loops, parts.platform.world().timers, clock(), parts.metrics),
      census_({parts.platform.store(), parts.platform.world().timers, clock(), parts.metrics,
               [this] { return parts_.platform.tenants(); }}),
      minutes_(parts.metrics),
      server_(parts.world.first_loop(), parts.platform.world().timers, clock(),
              [this](std::string_view path) { return answer(path); }),
      gate_(parts.world.first_loop()) {}

Watch::~Watch() = default;

base::Result<std::unique_ptr<Watch>> Watch::create(Parts parts) {
  std::unique_ptr<Watch> watch(new Watch(parts));
  watch->process_ = TRY(os::ProcessFigures::create(parts.metrics, watch->clock()));
  watch->add_figures();
  return watch;
}

// What is known elsewhere already and only asked for.
void Watch::add_figures() {
  using Kind = os::Metrics::Kind;
  auto& metrics = parts_.metrics;
  auto& platform = parts_.platform;
  auto& store = parts_.world.store();
  metrics.asked(Kind::gauge, "letterlock_store_free_octets",
                "Free disk above the reserve; at 0 mail is answered 452.",
                [&store] { return one(static_cast<double>(store.free_octets().value_or(0))); });
  metrics.asked(Kind::gauge, "letterlock_store_disk_octets", "Size of the store's files.",
                [&store] { return one(static_cast<double>(store.disk_octets())); });
  metrics.asked(Kind::gauge, "letterlock_store_stopped",
                "1: nothing can be written since an error of the disk.",
                [&store] { return one(store.stopped() ? 1 : 0); });
  metrics.asked(Kind::gauge, "letterlock_queue_loaded_recipients",
                "Recipients in the active window, those under way included.", [&platform] {
                  return one(static_cast<double>(platform.dispatcher().in_memory()));
                });
  metrics.asked(
      Kind::gauge, "letterlock_queue_under_way", "Jobs that agents work on.", [&platform] {
        const auto count = [&](queue::Lane lane) {
          return static_cast<double>(platform.dispatcher().under_way(lane));
        };
        return std::vector<os::Sample>{{{{"lane", "local"}}, count(queue::Lane::local)},
                                       {{{"lane", "remote"}}, count(queue::Lane::remote)},
                                       {{{"lane", "report"}}, count(queue::Lane::report)}};
      });
  metrics.asked(Kind::gauge, "letterlock_queue_partitions",
                "Of the site's 64, those that this node works on.",
                [&platform] { return one(static_cast<double>(platform.leases().count())); });
  metrics.asked(Kind::gauge, "letterlock_sessions", "Sessions, of all listeners that take mail.",
                [&platform] { return one(static_cast<double>(platform.admission().sessions())); });
  metrics.asked(Kind::gauge, "letterlock_sessions_taken_ratio",
                "How much is taken of the sessions that strangers may have for this, 0 to 1.",
                [&platform] {
                  std::vector<os::Sample> out;
                  for (const auto purpose :
                       {net::Purpose::mail, net::Purpose::submission, net::Purpose::fetch})
                    out.push_back({{{"purpose", std::string(net::name(purpose))}},
                                   platform.admission().taken(purpose)});
                  return out;
                });
  metrics.gauge("letterlock_sessions_max", "How many sessions there may be.")
      .set(static_cast<std::int64_t>(parts_.config.limits.sessions_max));
  metrics.asked(
      Kind::gauge, "letterlock_certificate_expiry_timestamp_seconds",
      "When a certificate ends, in seconds since 1970, by its first name.", [this] {
        std::vector<os::Sample> out;
        for (const auto& serving : parts_.world.certificates()->serving())
          out.push_back({{{"name", serving.names.front()}},
                         static_cast<double>(base::to_milliseconds(serving.expires)) / 1000});
        return out;
      });
  metrics.asked(
      Kind::gauge, "letterlock_dns_validates", "1: DNSSEC is validated, as it was last found.",
      [this] { return one(parts_.world.names_validate() == dns::Validation::State::validates); });
  metrics.asked(Kind::gauge, "letterlock_ready", "1: mail is taken and carried.",
                [this] { return one(is_ready() ? 1 : 0); });
  metrics
      .gauge("letterlock_node_info", "Which node this is; always 1.",
             {{"version", LETTERLOCK_VERSION},
              {"site", parts_.config.site.name},
              {"node", parts_.config.site.node}})
      .set(1);
}

void Watch::serve(std::unique_ptr<net::TcpListener> listener) {
  parts_.events.emit({base::Severity::info,
                      "listener.opened",
                      {{"kind", std::string(name(ListenerConfig::Kind::metrics))},
                       {"address", listener->local().text()}}});
  listeners_.emplace_back(std::move(listener));
  gate_.start(server_.run(listeners_.back()));
}

void Watch::start() {
  started_ = true;
  pulse_.start();
  gate_.start(census_.run());
  gate_.start(look());
  if (const auto interval = os::watchdog_interval()) gate_.start(feed_watchdog(*interval));
}

net::Task<> Watch::close() {
  for (const auto& listener : listeners_) listener->close();
  co_await gate_.close(parts_.platform.world().timers, base::Milliseconds(0));
  co_await server_.close();
  co_await pulse_.close();
}

net::Task<> Watch::look() {
  do {
    minutes_.look(clock().steady());
    // Sessions look at them too; where none comes, nobody would notice a renewal.
    parts_.world.certificates()->refresh();
  } while (co_await parts_.platform.world().timers.sleep(look_again));
}

// Told at half of its time, and not any more when something hangs: the service manager then ends
// the process and starts it anew. Mail that was answered 250 is safe.
net::Task<> Watch::feed_watchdog(base::Milliseconds interval) {
  bool told_dead = false;
  do {
    const auto wrong = dead();
    if (wrong.empty()) {
      (void)os::notify_service("WATCHDOG=1");
    } else if (!std::exchange(told_dead, true)) {
      parts_.events.emit({base::Severity::error, "node.not_alive", {{"reason", wrong.front()}}});
    }
  } while (co_await parts_.platform.world().timers.sleep(interval / 2));
}

std::vector<std::string> Watch::dead() const {
  std::vector<std::string> out;
  if (stopping_ || !started_) return out;
  for (const auto loop : pulse_.silent(loop_silence))
    out.push_back(
        fmt::format("loop {} hasn't come round for 10 s: if that lasts, restart the node", loop));
  for (const auto& agent : parts_.platform.not_alive())
    out.push_back(fmt::format("the {} does nothing any more: restart the node", agent));
  return out;
}

bool Watch::is_ready() const {
  return started_ && !stopping_ && dead().empty() && !parts_.world.store().stopped() &&
         parts_.platform.leases().count() > 0;
}

std::optional<http::Response> Watch::answer(std::string_view path) const {
  http::Response out;
  if (path == "/metrics") {
    out.content_type = "text/plain; version=0.0.4; charset=utf-8";
    out.body = parts_.metrics.text();
    return out;
  }
  const bool asks_ready = path == "/ready";
  if (!asks_ready && path != "/live") return std::nullopt;
  const bool fine = asks_ready ? is_ready() : is_alive();
  out.status = fine ? 200 : 503;
  out.body = fine ? "yes\n" : "no\n";
  if (asks_ready && stopping_) out.body = "no: it is stopping\n";
  return out;
}

}  // namespace letterlock::apps
