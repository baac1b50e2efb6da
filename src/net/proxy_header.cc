#include "net/proxy_header.h"

#include <algorithm>

namespace letterlock::net {
namespace {

using namespace std::string_view_literals;

constexpr auto signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr auto version_1 = "PROXY "sv;
constexpr std::size_t v4_octets = 4;
constexpr std::size_t v6_octets = 16;

std::unexpected<base::Error> wrong(std::string_view what) {
  return base::fail(base::ErrorKind::protocol, "PROXY header: " + std::string(what));
}

std::size_t number(std::string_view octets, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(octets[at])) << 8U |
         static_cast<unsigned char>(octets[at + 1]);
}

std::size_t address_octets(const ProxyHead& head) {
  return head.v4 ? v4_octets : v6_octets;
}

IpAddress address_at(const ProxyHead& head, std::string_view octets, std::size_t at) {
  if (head.v4) {
    std::array<std::uint8_t, v4_octets> four{};
    std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(at), four.size(), four.begin());
    return IpAddress::v4(four);
  }
  std::array<std::uint8_t, v6_octets> sixteen{};
  std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(at), sixteen.size(), sixteen.begin());
  return IpAddress::v6(sixteen);
}

}  // namespace

base::Result<ProxyHead> parse_proxy_head(std::string_view octets) {
  if (octets.size() != proxy_head_octets) return wrong("cut");
  if (octets.starts_with(version_1)) return wrong("version 1; version 2 is spoken here");
  if (!octets.starts_with(signature)) return wrong("none came");
  const auto version_and_command = static_cast<unsigned char>(octets[signature.size()]);
  const auto family = static_cast<unsigned char>(octets[signature.size() + 1]);
  ProxyHead head;
  head.rest_octets = number(octets, signature.size() + 2);
  if (head.rest_octets > proxy_rest_octets_max) return wrong("too long");
  switch (version_and_command) {
    case 0x20:
      // The connection's own ends count, whatever addresses stand there.
      head.command = ProxyHead::Command::own;
      return head;
    case 0x21:
      break;
    default:
      return wrong("another version or command");
  }
  // A client without an address (AF_UNSPEC) would be taken for the proxy itself.
  if (family != 0x11 && family != 0x21) return wrong("no TCP client over IPv4 or IPv6");
  head.v4 = family == 0x11;
  if (head.rest_octets < 2 * address_octets(head) + 4) return wrong("too short for its addresses");
  return head;
}

base::Result<std::optional<ProxyEnds>> parse_proxy_ends(const ProxyHead& head,
                                                        std::string_view octets) {
  if (octets.size() != head.rest_octets) return wrong("cut");
  if (head.command == ProxyHead::Command::own) return std::nullopt;
  const auto one = address_octets(head);
  ProxyEnds ends;
  ends.peer = {address_at(head, octets, 0), static_cast<std::uint16_t>(number(octets, 2 * one))};
  ends.local = {address_at(head, octets, one),
                static_cast<std::uint16_t>(number(octets, 2 * one + 2))};
  for (const auto& end : {ends.peer, ends.local}) {
    if (end.address.is_unspecified() || end.port == 0) return wrong("an address that nobody has");
  }
  return ends;
}

}  // namespace letterlock::net
