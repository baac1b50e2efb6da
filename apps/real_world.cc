#include "apps/real_world.h"

#include <algorithm>

#include "net/counted.h"
#include "tls/measured.h"

namespace letterlock::apps {
namespace {

// A password costs 33 ms; this many wait before sign-ins are told to come back.
constexpr std::size_t passwords_waiting_max = 500;

std::vector<tls::CertificateFiles> certificate_files(const Config& config) {
  std::vector<tls::CertificateFiles> out;
  for (const auto& certificate : config.certificates)
    out.push_back({certificate.names, certificate.chain_file, certificate.key_file});
  return out;
}

dns::UnboundOptions resolver_options(const Config& config) {
  dns::UnboundOptions out;
  if (!config.dns.trust_anchor_file.empty()) out.trust_anchor_file = config.dns.trust_anchor_file;
  out.forwarders = config.dns.forwarders;
  for (const auto& stub : config.dns.stubs) {
    for (const auto& server : stub.servers) out.stubs.push_back({stub.zone, server});
  }
  out.ipv4 = config.relay.ipv4;
  out.ipv6 = config.relay.ipv6;
  return out;
}

}  // namespace

base::Result<std::unique_ptr<RealWorld>> RealWorld::create(const Config& config,
                                                           base::EventSink& events,
                                                           os::Metrics& metrics,
                                                           store::Durability durability) {
  std::unique_ptr<RealWorld> out(new RealWorld);
  out->events_ = &events;
  const unsigned threads = config.site.threads != 0
                               ? config.site.threads
                               : std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < threads; ++i) out->loops_.push_back(std::make_unique<net::Loop>());
  out->network_ = std::make_unique<net::TcpNetwork>(events);
  out->certificates_ =
      TRY(tls::ServerCertificates::load(certificate_files(config), out->clock_, events));
  out->tls_ = std::make_unique<tls::MeasuredTls>(
      TRY(tls::OpensslTls::create(out->certificates_, out->clock_, events)), metrics);
  out->resolver_ = TRY(dns::UnboundResolver::create(resolver_options(config), out->clock_, events));
  out->measured_resolver_ = std::make_unique<dns::MeasuredResolver>(*out->resolver_, metrics);
  store::RocksOptions store;
  store.metrics = &metrics;
  store.path = config.store_path();
  store.cache_octets = config.store.cache_octets;
  store.reserve_octets = config.store.reserve_octets;
  store.durability = durability;
  out->store_ = TRY(store::RocksStore::open(store, out->clock_, out->random_, events));
  out->workers_ =
      std::make_unique<net::ThreadWorkers>(std::max(1U, threads / 2), passwords_waiting_max);
  return out;
}

RealWorld::~RealWorld() = default;

World RealWorld::world() {
  std::vector<net::Loop*> loops;
  for (const auto& loop : loops_) loops.push_back(loop.get());
  return {std::move(loops),    timers_, clock_,    random_, *network_, *tls_,
          *measured_resolver_, *store_, *workers_, *events_};
}

void RealWorld::run() {
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < loops_.size(); ++i)
    threads.emplace_back([loop = loops_[i].get()] { loop->run(); });
  loops_.front()->run();
  for (std::size_t i = 1; i < loops_.size(); ++i) loops_[i]->stop();
  for (auto& thread : threads) thread.join();
}

void RealWorld::stop() {
  loops_.front()->stop();
}

net::Task<> RealWorld::check_names() {
  const auto checked = co_await resolver_->check_validation();
  if (checked) names_validate_ = checked->state;
  if (!checked && checked.error().kind != base::ErrorKind::cancelled) {
    events_->emit(
        {base::Severity::warning, "dns.unknown_validation", {{"reason", checked.error().what}}});
  }
}

base::Result<net::Endpoint> Doors::open(Entrance entrance,
                                        std::unique_ptr<net::TcpListener> listener) {
  const auto kind = entrance.kind;
  const auto at = listener->local();
  const os::Labels labels{{"listener", std::string(name(kind))}};
  auto& open = metrics_.gauge("letterlock_connections", "Connections that are open.", labels);
  auto& accepted =
      metrics_.counter("letterlock_connections_total", "Connections that came in.", labels);
  doors_.push_back({kind, at, open, accepted});
  acceptors_.push_back(std::make_unique<net::Acceptor>(
      std::move(listener), world_.world().loops,
      [this, entrance = std::move(entrance), &open, &accepted](
          std::size_t loop, std::unique_ptr<net::Connection> connection) {
        accepted.add();
        platform_.take(entrance, loop, net::counted(std::move(connection), open));
      }));
  events_.emit({base::Severity::info,
                "listener.opened",
                {{"kind", std::string(name(kind))}, {"address", at.text()}}});
  return at;
}

void Doors::start(net::Gate& gate) {
  for (const auto& acceptor : acceptors_) gate.start(acceptor->run());
}

void Doors::close() {
  for (const auto& acceptor : acceptors_) acceptor->close();
}

}  // namespace letterlock::apps
