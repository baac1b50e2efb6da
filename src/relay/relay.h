// Carries mail out to the next hop's hosts: takes remote jobs from the queue, asks route where to,
// and protection at every step whether. Content leaves only behind a durable intent. Lives on the
// dispatcher's loop; every wait of its is a coroutine's.
//
// Events: hop.relayed, hop.deferred, hop.held, hop.refused, hop.failed; relay.failed,
// relay.sign_in_failed, relay.destination_rests.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/event.h"
#include "directory/directory.h"
#include "drive/smtp_client.h"
#include "net/connection.h"
#include "net/loop.h"
#include "os/clock.h"
#include "os/random.h"
#include "protection/network.h"
#include "queue/dispatcher.h"
#include "queue/schedule.h"
#include "relay/pool.h"
#include "relay/rest.h"
#include "route/route.h"
#include "store/store.h"
#include "tls/tls.h"

namespace letterlock::relay {

struct Ports {
  store::Store& store;
  directory::Directory& directory;
  queue::Dispatcher& dispatcher;
  queue::Leases& leases;
  route::Router& router;
  net::Network& network;
  tls::Tls& tls;
  net::Workers& workers;  // for the smart host's password
  net::Loop& loop;
  net::Timers& timers;
  os::Clock& clock;
  os::Random& random;
  base::EventSink& events;
  std::function<void(base::TenantId)> notice;  // something is to be told: wakes the reporter
};

// How to sign in at the smart host. Only ever given to a host whose name was verified.
struct SignIn {
  std::string user;
  std::string password;
};

// How long a host may take, and so how long a job may keep its place.
struct Waits {
  base::Milliseconds connect = std::chrono::seconds(30);
  drive::SmtpClientOptions smtp;
  base::Milliseconds hosts = std::chrono::minutes(15);  // after it no further host is tried
  base::Milliseconds content = std::chrono::hours(2);   // for all of one content
};
// Reports are small, many of them go to hosts that strangers have chosen, and nobody waits for one
// as for mail. `answer`: how long it may take for each.
// RFC 5321 §4.5.3.2 deviation: minutes are asked for; a slow host gets the report at a later try.
Waits waits_for_reports(base::Milliseconds answer = std::chrono::seconds(30));

struct Options {
  std::string node;       // as traces name it
  std::string ehlo_name;  // ours, a name with an address or a literal
  std::optional<net::IpAddress> source_v4;
  std::optional<net::IpAddress> source_v6;
  Waits waits;
  Waits report_waits = waits_for_reports();
  PoolLimits pool;
  RestLimits rest;
  protection::KnownNetworks networks;
  queue::Schedule schedule;
  base::Milliseconds keep_trace = std::chrono::days(90);  // of a message that has outlived its own
  std::optional<SignIn> smart_host_sign_in;
  std::string smart_host_ca_file;                              // PEM; empty: the machine's
  base::Milliseconds trouble_wait = std::chrono::seconds(30);  // after the store failed
  base::Milliseconds stop_wait = std::chrono::seconds(5);      // for what is under way at the end
  // Whose turn hasn't come for so long is looked at without one (latecomers.h), so often.
  base::Milliseconds late_after = std::chrono::minutes(15);
  base::Milliseconds late_again = std::chrono::minutes(5);
  // So long what came of a message waits for the next one's intent to go with.
  base::Milliseconds together_wait = std::chrono::milliseconds(100);
};

struct Unwritten;
struct World;
class Latecomers;

class Relay {
 public:
  Relay(Ports ports, Options options);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Takes jobs until it is cancelled or the dispatcher ends; then lets those under way end.
  // Cancel: what was answered by then is written down; what wasn't stays due.
  net::Task<> run();
  std::size_t idle_connections() const { return pool_.count(); }

 private:
  net::Task<> handle(queue::Job job);
  net::Task<> write_late();
  void note_waiting(std::shared_ptr<Unwritten> unwritten);
  void end_rest(queue::Lane lane, const std::string& destination);
  void rest(queue::Lane lane, const std::string& destination);
  Rests& rests(queue::Lane lane) { return lane == queue::Lane::report ? report_rests_ : rests_; }

  Ports ports_;
  Options options_;
  net::Gate gate_;
  Pool pool_;
  Rests rests_;
  Rests report_rests_;  // of less patience: what rests for a report may have time for mail
  const std::unique_ptr<World> world_;
  const std::unique_ptr<Latecomers> latecomers_;
  // For the next message's intent to take along, the oldest first.
  std::deque<std::shared_ptr<Unwritten>> unwritten_;
  net::Bell late_bell_;
  bool stopped_ = false;
};

}  // namespace letterlock::relay
