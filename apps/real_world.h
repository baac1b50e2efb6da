// The real floor 2 under a platform: threads with their loops, store, names, TLS, the network.
// Built by serve and by the demonstration alike.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "apps/platform.h"
#include "dns/measured.h"
#include "dns/unbound.h"
#include "net/tcp.h"
#include "store/rocksdb.h"
#include "tls/openssl.h"

namespace letterlock::apps {

class RealWorld {
 public:
  // Opens all of it; nothing runs yet. `metrics` outlive it. `durability`: volatile_allowed for the
  // demonstration alone. Errors: each says what couldn't be opened and what to do.
  static base::Result<std::unique_ptr<RealWorld>> create(const Config& config,
                                                         base::EventSink& events,
                                                         os::Metrics& metrics,
                                                         store::Durability durability);
  ~RealWorld();  // after join()

  World world();
  net::Loop& first_loop() { return *loops_.front(); }
  net::TcpNetwork& network() { return *network_; }
  tls::ServerCertificates* certificates() { return certificates_.get(); }
  store::RocksStore& store() { return *store_; }
  // As the last check_names() found it.
  dns::Validation::State names_validate() const { return names_validate_; }

  // Starts the threads of all loops but the first, runs the first on this thread until stop(), then
  // ends the others.
  void run();
  // From any thread.
  void stop();

  // Asks the resolver whether it validates, and says so as an event.
  net::Task<> check_names();

 private:
  RealWorld() = default;

  os::SystemClock clock_;
  os::SystemRandom random_;
  net::LoopTimers timers_;
  base::EventSink* events_ = nullptr;
  std::vector<std::unique_ptr<net::Loop>> loops_;
  std::unique_ptr<net::TcpNetwork> network_;
  std::shared_ptr<tls::ServerCertificates> certificates_;
  std::unique_ptr<tls::Tls> tls_;
  std::unique_ptr<dns::UnboundResolver> resolver_;
  std::unique_ptr<dns::MeasuredResolver> measured_resolver_;
  dns::Validation::State names_validate_ = dns::Validation::State::unknown;
  std::unique_ptr<store::RocksStore> store_;
  std::unique_ptr<net::ThreadWorkers> workers_;
};

// The listeners of a configuration, each with the loops behind it.
class Doors {
 public:
  Doors(RealWorld& world, Platform& platform, base::EventSink& events, os::Metrics& metrics)
      : world_(world), platform_(platform), events_(events), metrics_(metrics) {}

  // Opens one; port 0 takes a free one. What it listens at. Errors: as TcpNetwork::listen_tcp.
  base::Result<net::Endpoint> open(Entrance entrance, std::unique_ptr<net::TcpListener> listener);
  // On the first loop.
  void start(net::Gate& gate);
  void close();

  struct Door {
    ListenerConfig::Kind kind;
    net::Endpoint at;
    os::Gauge& open;
    os::Counter& accepted;
  };
  const std::vector<Door>& doors() const { return doors_; }

 private:
  RealWorld& world_;
  Platform& platform_;
  base::EventSink& events_;
  os::Metrics& metrics_;
  std::vector<Door> doors_;
  std::vector<std::unique_ptr<net::Acceptor>> acceptors_;
};

}  // namespace letterlock::apps
