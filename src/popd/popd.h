// The recipient's fetch over POP3 (ports 995 and 110): out of the mailbox, to whom it belongs, and
// each message that goes a hop in its trace. One object a loop; its sessions live there. RFC: 1939.
#pragma once

#include <memory>

#include "base/event.h"
#include "directory/directory.h"
#include "drive/pop_server.h"
#include "net/admission.h"
#include "protection/network.h"
#include "store/store.h"
#include "trace/event.h"

namespace letterlock::popd {

// All of it outlives the Popd.
struct Ports {
  store::Store& store;
  directory::Directory& directory;
  net::Admission& admission;
  net::Loop& loop;
  net::Timers& timers;
  const os::Clock& clock;
  os::Random& random;
  tls::Tls& tls;
  base::EventSink& events;
  // A trace's event of this tenant waits to be told to another one. Called from any of the loops.
  std::function<void(base::TenantId)> told = {};
};

struct Options {
  std::string node;  // who closes what is open, after a crash too
  // Timeouts, mechanisms, and whether anybody here may sign in without TLS; `entry` is the
  // listener's.
  drive::PopOptions session;
  protection::KnownNetworks networks;
  // How exactly senders in other tenants learn when their mail was fetched.
  trace::TimeDetail told_times = trace::TimeDetail::day;
};

class Popd {
 public:
  using Entry = drive::PopOptions::Entry;

  Popd(Ports ports, Options options);
  ~Popd();  // after close()

  // Starts a session; turns the peer away if there is no place, or if we are stopping. `loopback`:
  // who a connection over loopback may be.
  void take(std::unique_ptr<net::Connection> connection, Entry entry,
            protection::Loopback loopback = protection::Loopback::anybody);
  // Takes what the listener accepts, until it is closed or this task cancelled.
  net::Task<> run(std::shared_ptr<net::Listener> listener, Entry entry);
  // No session starts any more; those that wait for a command end now, others may end by themselves
  // for `grace`, and are cancelled then. Returns when the outcome of whatever they gave is
  // recorded.
  net::Task<> close(base::Milliseconds grace);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace letterlock::popd
