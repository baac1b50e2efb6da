// The platform, put together: every room's object, built once and passed down. It stands on floor
// 2's interfaces alone, so that the real server and the simulated one are the same platform.
#pragma once

#include <memory>
#include <vector>

#include "apps/config.h"
#include "base/event.h"
#include "custody/custody.h"
#include "directory/calendar.h"
#include "directory/directory.h"
#include "directory/operations.h"
#include "dns/peer_names.h"
#include "dns/resolver.h"
#include "mda/mda.h"
#include "msa/msa.h"
#include "mx/mx.h"
#include "net/admission.h"
#include "popd/popd.h"
#include "queue/dispatcher.h"
#include "relay/relay.h"
#include "reporter/reporter.h"
#include "route/route.h"

namespace letterlock::apps {

// What the platform stands on, real or simulated. All of it outlives the platform.
struct World {
  std::vector<net::Loop*> loops;  // the first also runs queue, mda, relay and reporter
  net::Timers& timers;
  os::Clock& clock;
  os::Random& random;
  net::Network& network;
  tls::Tls& tls;
  dns::Resolver& resolver;
  store::Store& store;
  net::Workers& workers;
  base::EventSink& events;
};

// A door that connections come in by.
struct Entrance {
  // NOLINTNEXTLINE(google-explicit-constructor): most have nothing but a kind.
  Entrance(ListenerConfig::Kind its_kind) : kind(its_kind) {}
  explicit Entrance(const ListenerConfig& listener)
      : kind(listener.kind),
        loopback(listener.local ? protection::Loopback::this_machine
                                : protection::Loopback::anybody),
        proxy_from(listener.proxy_from) {}

  ListenerConfig::Kind kind;
  protection::Loopback loopback = protection::Loopback::anybody;
  std::vector<net::Prefix> proxy_from;
};

// How often what comes round comes round. Slower only in the simulator, where days are to pass.
struct Pace {
  base::Milliseconds lease = std::chrono::seconds(30);      // renewed at a third of it
  base::Milliseconds look = std::chrono::seconds(2);        // of the reporter, for events
  base::Milliseconds calendar = directory::calendar_ahead;  // written again at half of it
};

class Platform {
 public:
  // `password_rounds`: fewer in the simulator.
  Platform(World world, const Config& config, unsigned password_rounds = sasl::rounds_default,
           Pace pace = {});
  ~Platform();  // after stop()

  // Takes the leases, closes what a crash left open, starts the agents. On the first loop.
  // Errors: the store's.
  net::ResultTask<> start();
  // Stops accepting: sessions that wait for a command end now, with 421 where there is one; lets
  // what runs end for `grace`, cancels the rest, gives the leases back. On the first loop; the
  // other loops must still run.
  net::Task<> stop(base::Milliseconds grace);

  // Intents of a node that nobody will close any more, of relays and fetches alike: what left it
  // then is unknown, and counts as given away. How many there were. Errors: the store's.
  net::ResultTask<std::size_t> close_what_was_left_by(std::string node);

  // A connection that came in. Where proxies stand before the door, theirs are their clients', and
  // others' are closed. On the loop with this index.
  void take(const Entrance& entrance, std::size_t loop,
            std::unique_ptr<net::Connection> connection);

  // What ought to run and doesn't, or hasn't come round for ten minutes. On the first loop.
  std::vector<std::string_view> not_alive() const;

  store::Store& store() { return world_.store; }
  directory::Directory& directory() { return directory_; }
  directory::Operations& operations() { return operations_; }
  queue::Dispatcher& dispatcher() { return dispatcher_; }
  const queue::Schedule& schedule() const { return config_.schedule; }
  net::Admission& admission() { return admission_; }
  directory::Calendar& calendar() { return calendar_; }
  queue::Leases& leases() { return leases_; }
  route::Router& router() { return router_; }
  const World& world() const { return world_; }
  const Config& config() const { return config_; }
  net::ResultTask<std::vector<base::TenantId>> tenants();
  // Something of this tenant's is to be told: reports are made now.
  void notice(base::TenantId tenant) { reporter_.notice(tenant); }

 private:
  struct Lane;  // what lives once a loop
  struct Duty {
    std::string_view name;
    bool runs = false;
  };
  void start_on_duty(std::string_view name, net::Task<> task);
  net::Task<> on_duty(std::size_t which, net::Task<> task);
  void begin(const Entrance& entrance, Lane& lane, std::unique_ptr<net::Connection> connection);
  net::Task<> behind_proxy(Entrance entrance, Lane& lane,
                           std::unique_ptr<net::Connection> connection);
  void not_proxied(const Entrance& entrance, const net::Endpoint& peer, std::string why);
  net::ResultTask<std::size_t> close_what_is_open(base::TenantId tenant, std::string node);
  net::Task<> renew_leases();
  drive::SmtpServerOptions smtp_options() const;
  mx::Options mx_options() const;
  msa::Options msa_options(drive::SmtpServerOptions::Start start) const;
  popd::Options popd_options() const;

  directory::Calendar calendar_;
  World world_;  // its clock is the calendar's
  Config config_;
  Pace pace_;
  directory::Directory directory_;
  directory::Operations operations_;
  net::Admission admission_;
  queue::Leases leases_;
  queue::Dispatcher dispatcher_;
  custody::Custody custody_;
  route::Router router_;
  dns::PeerNames peer_names_;
  mx::Mx mx_;
  msa::Msa submission_;
  msa::Msa submissions_;
  mda::Mda mda_;
  relay::Relay relay_;
  reporter::Reporter reporter_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<Duty> duties_;
  net::Gate agents_;
};

}  // namespace letterlock::apps
