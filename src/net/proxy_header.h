// What a proxy says of its client before the client's first octet: version 2 of the PROXY protocol,
// the binary one (haproxy.org/download/2.8/doc/proxy-protocol.txt, section 2.2). Version 1 is text,
// of a length that nobody knows beforehand, and isn't taken. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "net/endpoint.h"

namespace letterlock::net {

// Signature, version and command, family, length.
inline constexpr std::size_t proxy_head_octets = 16;
// Of what follows: addresses, and whatever else the proxy says (TLVs), which is skipped.
inline constexpr std::size_t proxy_rest_octets_max = 4096;

struct ProxyHead {
  enum class Command {
    own,     // LOCAL: the proxy's own connection, a health check
    client,  // PROXY: on behalf of a client
  } command = Command::client;
  bool v4 = true;
  std::size_t rest_octets = 0;
};
// Of exactly proxy_head_octets. Errors: protocol (version 1, or no such header; a command or family
// that isn't TCP over IPv4 or IPv6; a length too small for its addresses or over
// proxy_rest_octets_max).
base::Result<ProxyHead> parse_proxy_head(std::string_view octets);

// Where the client's connection began and ended, as the proxy saw it.
struct ProxyEnds {
  Endpoint peer;
  Endpoint local;
  bool operator==(const ProxyEnds&) const = default;
};
// Of exactly head.rest_octets. Nothing: the proxy's own connection. Errors: protocol (an address
// that no client has: unspecified, or port 0).
base::Result<std::optional<ProxyEnds>> parse_proxy_ends(const ProxyHead& head,
                                                        std::string_view octets);

}  // namespace letterlock::net
