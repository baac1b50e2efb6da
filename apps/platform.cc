#include "apps/platform.h"

#include <algorithm>
#include <thread>

#include "directory/restores.h"
#include "net/proxied.h"
#include "trace/trace.h"

namespace letterlock::apps {
namespace {

constexpr std::size_t sweep_count = 500;
constexpr std::size_t left_count = 4;  // hops of the largest size together stay under 1 MiB
constexpr std::size_t tenants_page = 500;
// A proxy says whose the connection is before anything else.
constexpr base::Milliseconds proxy_header_wait = std::chrono::seconds(5);

net::ResultTask<> read_open(store::Transaction& transaction, base::TenantId tenant,
                            std::string node, std::string after, trace::OpenPage& page) {
  CO_TRY(page, co_await trace::open_intents(transaction, tenant, std::move(node), std::move(after),
                                            sweep_count));
  co_return base::Result<>();
}

directory::Environment environment(const World& world) {
  return {world.store, world.clock, world.random, world.workers, world.events, world.timers};
}

World on_watched_clock(World world, os::Clock& clock) {
  return {std::move(world.loops), world.timers, clock,          world.random,
          world.network,          world.tls,    world.resolver, world.store,
          world.workers,          world.events};
}

relay::Options relay_options(const Config& config) {
  relay::Options out;
  out.node = config.site.node;
  out.ehlo_name = config.site.host_name;
  out.source_v4 = config.relay.source_ipv4;
  out.source_v6 = config.relay.source_ipv6;
  out.waits.connect = config.relay.connect_timeout;
  out.report_waits = relay::waits_for_reports(config.relay.report_timeout);
  out.pool.idle_wait = config.relay.connection_idle;
  out.pool.messages_max = static_cast<unsigned>(config.relay.messages_per_connection);
  out.networks = {config.site.private_networks, config.site.public_networks};
  out.schedule = config.schedule;
  out.keep_trace = config.trace.keep;
  if (!config.relay.smart_host_user.empty())
    out.smart_host_sign_in =
        relay::SignIn{config.relay.smart_host_user, config.relay.smart_host_password};
  return out;
}

route::Options route_options(const Config& config) {
  route::Options out;
  out.smart_host = config.relay.smart_host;
  out.port = config.relay.port;
  out.own_names = {config.site.host_name};
  out.special_allowed = config.relay.special_allowed;
  out.ipv4 = config.relay.ipv4;
  out.ipv6 = config.relay.ipv6;
  // Only a door for other MTAs can make mail come round again.
  for (const auto& listener : config.listeners) {
    const bool is_mx = listener.kind == ListenerConfig::Kind::mx && listener.address;
    if (is_mx && !listener.address->address.is_unspecified() &&
        listener.address->port == config.relay.port)
      out.own_addresses.push_back(listener.address->address);
  }
  return out;
}

}  // namespace

// What lives on one loop.
struct Platform::Lane {
  Lane(net::Loop& its, const World& world, directory::Directory& directory,
       net::Admission& admission, popd::Options options, std::function<void(base::TenantId)> told)
      : loop(its),
        sessions(its),
        popd({world.store, directory, admission, its, world.timers, world.clock, world.random,
              world.tls, world.events, std::move(told)},
             std::move(options)) {}

  net::Loop& loop;
  drive::Sessions conversations;
  net::Gate sessions;
  popd::Popd popd;
};

Platform::Platform(World world, const Config& config, unsigned password_rounds, Pace pace)
    : calendar_(world.store, world.clock, world.timers, world.events,
                {config.site.node, pace.calendar}),
      world_(on_watched_clock(std::move(world), calendar_.clock())),
      config_(config),
      pace_(pace),
      directory_(environment(world_), {password_rounds}),
      operations_(environment(world_), {password_rounds}),
      admission_({config_.limits.sessions_max, config_.limits.sessions_per_address_max,
                  config_.limits.sessions_per_network_max,
                  config_.limits.connections_per_minute_max}),
      leases_(world_.store, world_.clock, world_.events, {config_.site.node, pace_.lease}),
      dispatcher_({world_.store, *world_.loops.front(), world_.timers, world_.clock, world_.events,
                   leases_, [this] { return tenants(); }},
                  config_.window),
      custody_(world_.store, world_.clock, world_.random, dispatcher_, world_.events,
               {config_.site.node, config_.schedule.lifetime, config_.schedule.report_lifetime,
                config_.trace.keep,
                [this](base::TenantId tenant) { return directory_.tenant_name(tenant); }}),
      router_(world_.resolver, world_.random, route_options(config_)),
      peer_names_(world_.resolver, *world_.loops.front(), world_.clock),
      mx_({world_.store, directory_, custody_, admission_, world_.clock, world_.random, world_.tls,
           world_.events},
          mx_options(), &peer_names_),
      submission_({world_.store, directory_, custody_, admission_, world_.clock, world_.random,
                   world_.tls, world_.events},
                  msa_options(drive::SmtpServerOptions::Start::clear)),
      submissions_({world_.store, directory_, custody_, admission_, world_.clock, world_.random,
                    world_.tls, world_.events},
                   msa_options(drive::SmtpServerOptions::Start::tls)),
      mda_({world_.store, directory_, dispatcher_, leases_, *world_.loops.front(), world_.timers,
            world_.clock, world_.random, world_.events,
            [this](base::TenantId tenant) { reporter_.notice(tenant); }},
           {config_.site.node, config_.schedule, config_.trace.keep}),
      relay_({world_.store, directory_, dispatcher_, leases_, router_, world_.network, world_.tls,
              world_.workers, *world_.loops.front(), world_.timers, world_.clock, world_.random,
              world_.events, [this](base::TenantId tenant) { reporter_.notice(tenant); }},
             relay_options(config_)),
      reporter_({world_.store, directory_, custody_, world_.timers, world_.clock, world_.random,
                 world_.events, [this] { return tenants(); }},
                {.node = config_.site.node,
                 .host_name = config_.site.host_name,
                 .budget = {config_.reports.per_address, config_.reports.per_domain},
                 .told_times = popd_options().told_times,
                 .look = pace_.look}),
      agents_(*world_.loops.front()) {
  for (auto* loop : world_.loops)
    lanes_.push_back(
        std::make_unique<Lane>(*loop, world_, directory_, admission_, popd_options(),
                               [this](base::TenantId tenant) { reporter_.put_event(tenant); }));
}

Platform::~Platform() = default;

drive::SmtpServerOptions Platform::smtp_options() const {
  drive::SmtpServerOptions out;
  if (auto host = address::Domain::parse(config_.site.host_name))
    out.session.host_name = std::move(*host);
  out.session.size_octets_max = config_.limits.message_octets_max;
  out.session.recipients_max = config_.limits.recipients_max;
  out.session.errors_max = config_.limits.errors_max;
  out.session.line_ends =
      config_.limits.normalise_line_ends ? smtp::LineEnds::normalise : smtp::LineEnds::strict;
  out.command_wait = config_.limits.command_timeout;
  out.session_wait = config_.limits.session_time_max;
  out.tls.alpn = "smtp";
  return out;
}

mx::Options Platform::mx_options() const {
  auto server = smtp_options();
  server.session.tls = smtp::Need::offered;
  server.session.authentication = smtp::Need::none;
  server.tls.resumption_scope = "mx";
  server.greeting_pause = config_.limits.greeting_pause;
  return {config_.site.node,
          std::move(server),
          {config_.site.private_networks, config_.site.public_networks},
          config_.store.reserve_octets};
}

msa::Options Platform::msa_options(drive::SmtpServerOptions::Start start) const {
  auto server = smtp_options();
  server.start = start;
  server.session.tls = smtp::Need::required;
  server.session.authentication = smtp::Need::required;
  server.session.mechanisms = {sasl::Mechanism::external, sasl::Mechanism::scram_sha_256_plus,
                               sasl::Mechanism::scram_sha_256, sasl::Mechanism::plain};
  server.tls.resumption_scope = "msa";
  server.tls.asks_certificate = true;
  return {config_.site.node,
          std::move(server),
          {config_.site.private_networks, config_.site.public_networks}};
}

popd::Options Platform::popd_options() const {
  popd::Options out;
  out.node = config_.site.node;
  out.session.idle = config_.limits.pop_idle_timeout;
  out.session.tls.alpn = "pop3";
  out.session.tls.resumption_scope = "pop3";
  out.session.tls.asks_certificate = true;
  // Whether an account may really sign in without TLS is its tenant's word.
  out.session.clear_sign_in = true;
  out.networks = {config_.site.private_networks, config_.site.public_networks};
  return out;
}

net::ResultTask<std::vector<base::TenantId>> Platform::tenants() {
  std::vector<base::TenantId> out;
  std::string after;
  while (true) {
    CO_TRY(const auto page, co_await operations_.list_tenants(after, tenants_page));
    for (const auto& tenant : page) out.push_back(tenant.id);
    if (page.size() < tenants_page) co_return out;
    after = page.back().name;
  }
}

net::ResultTask<> Platform::start() {
  CO_CHECK(co_await directory::begin_restored(world_.store, calendar_.clock()));
  CO_CHECK(co_await calendar_.open());
  CO_CHECK(co_await leases_.take_and_renew());
  CO_TRY(const auto left, co_await close_what_was_left_by(config_.site.node));
  (void)left;
  start_on_duty("calendar", calendar_.run());
  start_on_duty("leases", renew_leases());
  start_on_duty("queue", dispatcher_.run());
  if (config_.deliver) {
    start_on_duty("mda", mda_.run());
    start_on_duty("relay", relay_.run());
  }
  start_on_duty("reporter", reporter_.run());
  start_on_duty("sign-ins", directory_.keep_openings());
  co_return base::Result<>();
}

void Platform::start_on_duty(std::string_view name, net::Task<> task) {
  duties_.push_back({name, true});
  agents_.start(on_duty(duties_.size() - 1, std::move(task)));
}

net::Task<> Platform::on_duty(std::size_t which, net::Task<> task) {
  co_await std::move(task);
  duties_[which].runs = false;
}

std::vector<std::string_view> Platform::not_alive() const {
  std::vector<std::string_view> out;
  for (const auto& duty : duties_) {
    if (!duty.runs) out.push_back(duty.name);
  }
  const auto stale = [&](os::Steady round) {
    return world_.clock.steady() - round > 2 * queue::Dispatcher::idle_wait;
  };
  const auto& rounds = dispatcher_.rounds();
  if (stale(rounds.loader)) out.emplace_back("queue's loader");
  if (config_.deliver && stale(rounds.local)) out.emplace_back("mda's jobs");
  if (config_.deliver && stale(rounds.remote)) out.emplace_back("relay's jobs");
  return out;
}

net::ResultTask<std::size_t> Platform::close_what_is_open(base::TenantId tenant, std::string node) {
  std::size_t count = 0;
  trace::OpenPage page{{}, {}, true};
  while (page.more) {
    // Read beside others' work, so that it repeats for nobody's sake; then only what is ours.
    const auto after = page.last;
    CO_CHECK(co_await world_.store.read(store::Scope::tenant(tenant),
                                        [&](store::Transaction& transaction) {
                                          return read_open(transaction, tenant, node, after, page);
                                        }));
    for (std::size_t at = 0; at < page.intents.size(); at += left_count) {
      const std::vector<trace::HopRef> some(
          page.intents.begin() + static_cast<std::ptrdiff_t>(at),
          page.intents.begin() +
              static_cast<std::ptrdiff_t>(std::min(at + left_count, page.intents.size())));
      CO_CHECK(co_await world_.store.transact(
          store::Scope::tenant(tenant), [&](store::Transaction& transaction) {
            return trace::leave_unknown(transaction, tenant, some, world_.clock.now(),
                                        popd_options().told_times);
          }));
    }
    count += page.intents.size();
  }
  co_return count;
}

net::ResultTask<std::size_t> Platform::close_what_was_left_by(std::string node) {
  CO_TRY(const auto all, co_await tenants());
  std::size_t count = 0;
  for (const auto& tenant : all) {
    CO_TRY(const auto left, co_await close_what_is_open(tenant, node));
    count += left;
  }
  if (count > 0)
    world_.events.emit({base::Severity::warning,
                        "trace.intents_unknown",
                        {{"node", node}, {"count", std::to_string(count)}}});
  co_return count;
}

net::Task<> Platform::renew_leases() {
  while (co_await world_.timers.sleep(pace_.lease / 3)) {
    const auto had = leases_.count();
    const auto renewed = co_await leases_.take_and_renew();
    if (!renewed && renewed.error().kind == base::ErrorKind::cancelled) co_return;
    if (!renewed)
      world_.events.emit(
          {base::Severity::error, "queue.lease_not_renewed", {{"reason", renewed.error().what}}});
    if (leases_.count() <= had) continue;
    // What another node has left is due, and was passed over while it wasn't ours.
    if (const auto all = co_await tenants()) {
      for (const auto& tenant : *all) dispatcher_.look_again(tenant);
    }
  }
}

void Platform::take(const Entrance& entrance, std::size_t loop,
                    std::unique_ptr<net::Connection> connection) {
  auto& lane = *lanes_[loop];
  if (entrance.proxy_from.empty()) return begin(entrance, lane, std::move(connection));
  const auto peer = connection->peer();
  const bool is_proxy = std::ranges::any_of(entrance.proxy_from, [&](const net::Prefix& prefix) {
    return prefix.contains(peer.address);
  });
  // Anybody could say in such a header that he is somebody else.
  if (!is_proxy) return not_proxied(entrance, peer, "it is none of proxy_from");
  lane.sessions.start(behind_proxy(entrance, lane, std::move(connection)));
}

net::Task<> Platform::behind_proxy(Entrance entrance, Lane& lane,
                                   std::unique_ptr<net::Connection> connection) {
  const auto peer = connection->peer();
  auto taken = co_await net::take_proxied(std::move(connection), world_.clock, proxy_header_wait);
  if (taken) co_return begin(entrance, lane, std::move(*taken));
  if (taken.error().kind != base::ErrorKind::cancelled)
    not_proxied(entrance, peer, taken.error().what);
}

void Platform::not_proxied(const Entrance& entrance, const net::Endpoint& peer, std::string why) {
  world_.events.emit({base::Severity::warning,
                      "listener.proxy_refused",
                      {{"kind", std::string(name(entrance.kind))},
                       {"peer", peer.text()},
                       {"reason", std::move(why)}}});
}

void Platform::begin(const Entrance& entrance, Lane& lane,
                     std::unique_ptr<net::Connection> connection) {
  auto& lobby = lane.conversations;
  switch (entrance.kind) {
    case ListenerConfig::Kind::mx:
      lane.sessions.start(mx_.session(std::move(connection), &lobby, entrance.loopback));
      return;
    case ListenerConfig::Kind::submission:
      lane.sessions.start(submission_.session(std::move(connection), &lobby, entrance.loopback));
      return;
    case ListenerConfig::Kind::submissions:
      lane.sessions.start(submissions_.session(std::move(connection), &lobby, entrance.loopback));
      return;
    case ListenerConfig::Kind::pop3:
      lane.popd.take(std::move(connection), popd::Popd::Entry::stls, entrance.loopback);
      return;
    case ListenerConfig::Kind::pop3s:
      lane.popd.take(std::move(connection), popd::Popd::Entry::tls, entrance.loopback);
      return;
    case ListenerConfig::Kind::metrics:
      return;  // not the platform's: whoever runs the node answers there
  }
}

net::Task<> Platform::stop(base::Milliseconds grace) {
  std::vector<std::shared_ptr<net::Signal>> closed;
  for (const auto& lane : lanes_) {
    // Both at once: the grace is all sessions' together.
    const auto smtp = closed.emplace_back(std::make_shared<net::Signal>());
    const auto pop = closed.emplace_back(std::make_shared<net::Signal>());
    lane->loop.post([lane = lane.get()] { lane->conversations.stop(); });
    lane->loop.spawn(lane->sessions.close(world_.timers, grace), [smtp] { smtp->set(); });
    lane->loop.spawn(lane->popd.close(grace), [pop] { pop->set(); });
  }
  for (const auto& signal : closed) (void)co_await signal->wait();
  co_await peer_names_.close(world_.timers);
  co_await agents_.close(world_.timers, base::Milliseconds(0));
  if (const auto written = co_await directory_.write_openings(); !written) {
    world_.events.emit({base::Severity::error,
                        "directory.failed",
                        {{"agent", "directory"},
                         {"doing", "recording a sign-in"},
                         {"reason", written.error().what}}});
  }
  if (const auto given = co_await leases_.give_back(); !given) {
    world_.events.emit(
        {base::Severity::warning, "queue.leases_not_given_back", {{"reason", given.error().what}}});
  }
  // After this nothing is recorded. Where it fails, the next start takes it for a crash.
  (void)co_await calendar_.close();
}

}  // namespace letterlock::apps
