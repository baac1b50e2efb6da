// The kernel's calls about sockets, for net's own .cc files: addresses in and out, options,
// opening. Every descriptor made here is close-on-exec and non-blocking.
#pragma once

#include <optional>
#include <string_view>

#include <sys/socket.h>

#include "net/connection.h"
#include "os/descriptor.h"

namespace letterlock::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t octets = sizeof(sockaddr_storage);

  static SocketAddress of(const Endpoint& endpoint);
  sockaddr* pointer() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* pointer() const { return reinterpret_cast<const sockaddr*>(&storage); }
  // 0.0.0.0:0 for an address of another family than IP.
  Endpoint endpoint() const;
};

// 0.0.0.0:0 where it can't be told (a peer that is gone already).
Endpoint local_of(int socket);
Endpoint peer_of(int socket);

// "connecting to 192.0.2.1:25: Connection refused".
std::string sentence(std::string_view doing, const Endpoint& endpoint, int error);

// No delay, keepalive. An accepted socket has those of its listener.
void set_connection_options(int socket);

// As adopt_connection(), on the loop of that executor.
std::unique_ptr<Connection> adopt_here(const boost::asio::any_io_executor& executor,
                                       os::Descriptor socket);

// Errors: full (out of descriptors), unavailable (no such family here, the source isn't ours).
base::Result<os::Descriptor> open_socket(const Endpoint& to,
                                         const std::optional<IpAddress>& source);
// Errors: denied, exists, invalid, full; as Network::listen.
base::Result<os::Descriptor> open_listener(const Endpoint& at);

}  // namespace letterlock::net
