#include "net/sockets.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace letterlock::net {
namespace {

using base::ErrorKind;

constexpr int backlog = 4096;
// A peer that is gone without a word is noticed after 120 + 4 * 30 seconds.
constexpr int keepalive_idle_seconds = 120;
constexpr int keepalive_interval_seconds = 30;
constexpr int keepalive_count = 4;

// Options that fail leave the connection working, only less well.
void set(int socket, int level, int option, int value) {
  (void)setsockopt(socket, level, option, &value, sizeof value);
}

base::Result<os::Descriptor> stream_socket(const Endpoint& endpoint, std::string_view doing) {
  os::Descriptor socket(::socket(endpoint.address.is_v4() ? AF_INET : AF_INET6,
                                 SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket) return socket;
  const int error = errno;
  const bool full = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
  return base::fail(full ? ErrorKind::full : ErrorKind::unavailable,
                    sentence(doing, endpoint, error));
}

Endpoint ask(int socket, int (*call)(int, sockaddr*, socklen_t*)) {
  SocketAddress address;
  if (call(socket, address.pointer(), &address.octets) != 0) return {};
  return address.endpoint();
}

}  // namespace

SocketAddress SocketAddress::of(const Endpoint& endpoint) {
  SocketAddress address;
  const auto octets = endpoint.address.octets();
  if (endpoint.address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, octets.data(), octets.size());
    std::memcpy(&address.storage, &in, sizeof in);
    address.octets = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(endpoint.port);
    std::memcpy(&in.sin6_addr, octets.data(), octets.size());
    std::memcpy(&address.storage, &in, sizeof in);
    address.octets = sizeof in;
  }
  return address;
}

Endpoint SocketAddress::endpoint() const {
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    std::array<std::uint8_t, 4> raw{};
    std::memcpy(raw.data(), &in.sin_addr, raw.size());
    return {IpAddress::v4(raw), ntohs(in.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &storage, sizeof in);
    std::array<std::uint8_t, 16> raw{};
    std::memcpy(raw.data(), &in.sin6_addr, raw.size());
    return {IpAddress::v6(raw), ntohs(in.sin6_port)};
  }
  return {};
}

Endpoint local_of(int socket) {
  return ask(socket, ::getsockname);
}
Endpoint peer_of(int socket) {
  return ask(socket, ::getpeername);
}

std::string sentence(std::string_view doing, const Endpoint& endpoint, int error) {
  return std::string(doing) + " " + endpoint.text() + ": " +
         std::error_code(error, std::generic_category()).message();
}

void set_connection_options(int socket) {
  set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_seconds);
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_seconds);
  set(socket, IPPROTO_TCP, TCP_KEEPCNT, keepalive_count);
}

base::Result<os::Descriptor> open_socket(const Endpoint& to,
                                         const std::optional<IpAddress>& source) {
  auto socket = TRY(stream_socket(to, "connecting to"));
  set_connection_options(socket.number());
  if (!source) return socket;
  if (source->is_v4() != to.address.is_v4()) {
    return base::fail(ErrorKind::unavailable, "connecting to " + to.text() + " from " +
                                                  source->text() + ": one is IPv4, the other IPv6");
  }
  // The port is chosen at connect(), so that one address reaches more peers than it has ports.
  set(socket.number(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  const Endpoint from{*source, 0};
  const auto address = SocketAddress::of(from);
  if (::bind(socket.number(), address.pointer(), address.octets) != 0) {
    return base::fail(ErrorKind::unavailable, sentence("binding the source address", from, errno));
  }
  return socket;
}

base::Result<os::Descriptor> open_listener(const Endpoint& at) {
  auto socket = TRY(stream_socket(at, "listening at"));
  set(socket.number(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (at.address.is_v6()) set(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  set_connection_options(socket.number());
  const auto address = SocketAddress::of(at);
  if (::bind(socket.number(), address.pointer(), address.octets) != 0 ||
      ::listen(socket.number(), backlog) != 0) {
    const int error = errno;
    const auto kind = error == EACCES       ? ErrorKind::denied
                      : error == EADDRINUSE ? ErrorKind::exists
                                            : ErrorKind::invalid;
    return base::fail(kind, sentence("listening at", at, error));
  }
  return socket;
}

}  // namespace letterlock::net
