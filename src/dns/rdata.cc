#include "dns/rdata.h"

#include <algorithm>

#include "dns/name.h"

namespace letterlock::dns {

namespace {

constexpr std::size_t wire_name_octets_max = 255;  // RFC 1035 §2.3.4

std::uint8_t octet(std::string_view octets, std::size_t at) {
  return static_cast<std::uint8_t>(octets[at]);
}

auto malformed(Type type, std::string_view why) {
  return base::fail(base::ErrorKind::unavailable,
                    "a malformed " + std::string(name(type)) + " record: " + std::string(why));
}

// A name that fills all of `wire`: its text, empty for the root; nullopt if it is well-formed but
// no name that a host could have.
base::Result<std::optional<std::string>> parse_wire_name(Type type, std::string_view wire) {
  if (wire.size() > wire_name_octets_max) return malformed(type, "a name longer than 255 octets");
  std::string text;
  bool usable = true;
  for (std::size_t at = 0;;) {
    if (at >= wire.size()) return malformed(type, "a name without end");
    const std::size_t length = octet(wire, at++);
    if (length == 0) {
      if (at != wire.size()) return malformed(type, "octets behind the name");
      break;
    }
    // The two highest bits would make it a pointer (RFC 1035 §4.1.4), which has no place here.
    if (length > label_octets_max) return malformed(type, "a label longer than 63 octets");
    if (wire.size() - at < length) return malformed(type, "a label longer than its record");
    const auto label = wire.substr(at, length);
    // A dot inside a label would become a border between two.
    if (label.find('.') != std::string_view::npos) usable = false;
    if (!text.empty()) text += '.';
    text += label;
    at += length;
  }
  if (text.empty()) return std::optional<std::string>("");
  auto parsed = usable ? parse_name(text) : base::fail(base::ErrorKind::invalid, "");
  if (!parsed) return std::optional<std::string>();
  return std::optional(std::move(*parsed));
}

}  // namespace

std::string_view name(Type type) {
  switch (type) {
    case Type::a:
      return "A";
    case Type::ns:
      return "NS";
    case Type::soa:
      return "SOA";
    case Type::ptr:
      return "PTR";
    case Type::mx:
      return "MX";
    case Type::txt:
      return "TXT";
    case Type::aaaa:
      return "AAAA";
    case Type::tlsa:
      return "TLSA";
  }
  return "?";
}

base::Result<std::optional<Mx>> parse_mx(std::string_view rdata) {
  if (rdata.size() < 3) return malformed(Type::mx, "too short");
  const auto preference = static_cast<std::uint16_t>(octet(rdata, 0) << 8 | octet(rdata, 1));
  auto host = TRY(parse_wire_name(Type::mx, rdata.substr(2)));
  if (!host) return std::optional<Mx>();
  return std::optional(Mx{preference, std::move(*host)});
}

base::Result<std::optional<std::string>> parse_ptr(std::string_view rdata) {
  auto name = TRY(parse_wire_name(Type::ptr, rdata));
  if (name && name->empty()) return std::optional<std::string>();  // the root is no host
  return name;
}

base::Result<std::optional<net::IpAddress>> parse_a(std::string_view rdata) {
  std::array<std::uint8_t, 4> octets{};
  if (rdata.size() != octets.size()) return malformed(Type::a, "not 4 octets");
  std::ranges::copy(rdata, octets.begin());
  return std::optional(net::IpAddress::v4(octets));
}

base::Result<std::optional<net::IpAddress>> parse_aaaa(std::string_view rdata) {
  std::array<std::uint8_t, 16> octets{};
  if (rdata.size() != octets.size()) return malformed(Type::aaaa, "not 16 octets");
  std::ranges::copy(rdata, octets.begin());
  return std::optional(net::IpAddress::v6(octets));
}

base::Result<std::optional<std::string>> parse_txt(std::string_view rdata) {
  if (rdata.empty()) return malformed(Type::txt, "no string");
  std::string text;
  for (std::size_t at = 0; at < rdata.size();) {
    const std::size_t length = octet(rdata, at++);
    if (rdata.size() - at < length) return malformed(Type::txt, "a string longer than its record");
    text += rdata.substr(at, length);
    at += length;
  }
  return std::optional(std::move(text));
}

base::Result<std::optional<TlsaRecord>> parse_tlsa(std::string_view rdata) {
  if (rdata.size() < 4) return malformed(Type::tlsa, "too short");
  return std::optional(
      TlsaRecord{octet(rdata, 0), octet(rdata, 1), octet(rdata, 2), base::Bytes(rdata.substr(3))});
}

}  // namespace letterlock::dns
