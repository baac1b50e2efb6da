// Receives mail from people of the platform, who sign in (ports 465 and 587), for everybody. What
// they write is theirs to write: mail_from and header_from belong to the account. One session
// object a connection; it lives on its connection's loop. RFC: 6409.
#pragma once

#include <memory>

#include "custody/inbound.h"

namespace letterlock::msa {

using Ports = custody::InboundPorts;
// `server` requires TLS and AUTH, with its mechanisms.
using Options = custody::InboundOptions;

class Msa {
 public:
  Msa(Ports ports, Options options);

  // One whole session. Start it through a gate. `sessions` of its loop: how it learns of a stop.
  // `loopback`: who a connection over loopback may be.
  // Cancel: the connection is closed; what was not answered 250 is not kept.
  net::Task<> session(std::unique_ptr<net::Connection> connection,
                      drive::Sessions* sessions = nullptr,
                      protection::Loopback loopback = protection::Loopback::anybody);

 private:
  Ports ports_;
  Options options_;
};

}  // namespace letterlock::msa
