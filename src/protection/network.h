// The road between two addresses, as far as addresses tell.
#pragma once

#include <vector>

#include "hop/level.h"
#include "net/connection.h"

namespace letterlock::protection {

// What the operator configured.
struct KnownNetworks {
  std::vector<net::Prefix> private_;  // the operator's own roads, from end to end
  // Judged as the internet although their addresses are special: a demonstration on loopback
  // shows what the same mail would have met outside.
  std::vector<net::Prefix> public_;
};

// Who may be at the other end of a connection over loopback. A proxy or a forwarder on this machine
// connects over loopback for whoever connects to it, from wherever: only the operator knows that
// nobody does.
enum class Loopback { anybody, this_machine };

// local: over loopback, where that is this machine alone. private_: both ends within configured
// prefixes; an address of RFC 1918 alone says nothing about who else is on that network. Everything
// else is public_, also where both ends are one and the same address: translation makes them so.
hop::Network network_between(const net::IpAddress& a, const net::IpAddress& b,
                             const KnownNetworks& known, Loopback loopback = Loopback::anybody);

// Of one that a proxy passes on: the most public of the client's road to the proxy, as the proxy
// tells it, and the proxy's to us.
hop::Network network_of(const net::Connection& connection, const KnownNetworks& known,
                        Loopback loopback = Loopback::anybody);

}  // namespace letterlock::protection
