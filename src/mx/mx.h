// Receives mail from other operators' MTAs (port 25): for the domains that are here, and for nobody
// else. One session object a connection; it lives on its connection's loop.
#pragma once

#include <memory>

#include "custody/inbound.h"
#include "dns/peer_names.h"

namespace letterlock::mx {

using Ports = custody::InboundPorts;
// `server` offers no AUTH.
using Options = custody::InboundOptions;

class Mx {
 public:
  // `names`: of the peers, where somebody looks them up.
  Mx(Ports ports, Options options, dns::PeerNames* names = nullptr);

  // One whole session. Start it through a gate. `sessions` of its loop: how it learns of a stop.
  // `loopback`: who a connection over loopback may be.
  // Cancel: the connection is closed; what was not answered 250 is not kept.
  net::Task<> session(std::unique_ptr<net::Connection> connection,
                      drive::Sessions* sessions = nullptr,
                      protection::Loopback loopback = protection::Loopback::anybody);

 private:
  Ports ports_;
  Options options_;
  dns::PeerNames* names_;
};

}  // namespace letterlock::mx
