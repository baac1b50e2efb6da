#include "protection/network.h"

#include <algorithm>

namespace letterlock::protection {
namespace {

bool within(const std::vector<net::Prefix>& prefixes, const net::IpAddress& address) {
  return std::ranges::any_of(prefixes,
                             [&](const net::Prefix& prefix) { return prefix.contains(address); });
}

}  // namespace

hop::Network network_between(const net::IpAddress& a, const net::IpAddress& b,
                             const KnownNetworks& known, Loopback loopback) {
  if (within(known.public_, a) || within(known.public_, b)) return hop::Network::public_;
  const bool is_loop = a.is_loopback() && b.is_loopback();
  if (is_loop && loopback == Loopback::this_machine) return hop::Network::local;
  if (within(known.private_, a) && within(known.private_, b)) return hop::Network::private_;
  return hop::Network::public_;
}

hop::Network network_of(const net::Connection& connection, const KnownNetworks& known,
                        Loopback loopback) {
  const auto network =
      network_between(connection.peer().address, connection.local().address, known, loopback);
  const auto proxy = connection.proxy();
  if (!proxy) return network;
  return std::max(network,
                  network_between(proxy->peer.address, proxy->local.address, known, loopback));
}

}  // namespace letterlock::protection
