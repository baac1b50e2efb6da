#include "net/endpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

#include <arpa/inet.h>

#include "base/bytes.h"

namespace letterlock::net {
namespace {

using base::ErrorKind;

// A block of addresses, as the registries list them.
struct Block {
  std::array<std::uint8_t, 16> octets;
  unsigned bits;
};

bool same_bits(const std::uint8_t* a, const std::uint8_t* b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (!std::equal(a, a + whole, b)) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return (a[whole] & mask) == (b[whole] & mask);
}

bool in_any(const std::array<std::uint8_t, 16>& octets, std::span<const Block> blocks) {
  return std::ranges::any_of(blocks, [&](const Block& block) {
    return same_bits(octets.data(), block.octets.data(), block.bits);
  });
}

// RFC 6890 §2.2.2 and the registry that keeps it up to date.
constexpr Block special_v4[] = {
    {{0}, 8},              // this network
    {{10}, 8},             // private, RFC 1918
    {{100, 64}, 10},       // shared by carriers' NAT, RFC 6598
    {{127}, 8},            // loopback
    {{169, 254}, 16},      // link-local, RFC 3927
    {{172, 16}, 12},       // private
    {{192, 0, 0}, 24},     // protocol assignments
    {{192, 0, 2}, 24},     // documentation, RFC 5737
    {{192, 31, 196}, 24},  // AS112, RFC 7535
    {{192, 52, 193}, 24},  // AMT, RFC 7450
    {{192, 88, 99}, 24},   // 6to4 relays, RFC 7526
    {{192, 168}, 16},      // private
    {{192, 175, 48}, 24},  // AS112, RFC 7534
    {{198, 18}, 15},       // benchmarks, RFC 2544
    {{198, 51, 100}, 24},  // documentation
    {{203, 0, 113}, 24},   // documentation
    {{224}, 4},            // multicast, RFC 5771
    {{240}, 4},            // reserved, and the broadcast address
};

// Of IPv6 only 2000::/3 is given out as unicast; these within it aren't the public internet.
constexpr Block global_v6 = {{0x20}, 3};
constexpr Block special_v6[] = {
    {{0x20, 0x01}, 23},                          // protocol assignments, Teredo, ORCHID
    {{0x20, 0x01, 0x0d, 0xb8}, 32},              // documentation, RFC 3849
    {{0x20, 0x02}, 16},                          // 6to4, RFC 7526: it leads to any IPv4 address
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48},  // AS112, RFC 7534
    {{0x3f, 0xff}, 20},                          // documentation, RFC 9637
};
// RFC 6052 §2.1: the last 32 bits are the IPv4 address that is reached. 64:ff9b:1::/48
// (RFC 8215) is a network's own and is outside of 2000::/3.
constexpr Block nat64 = {{0x00, 0x64, 0xff, 0x9b}, 96};
constexpr Block mapped = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};

bool is_in(const std::array<std::uint8_t, 16>& octets, const Block& block) {
  return same_bits(octets.data(), block.octets.data(), block.bits);
}

// The digits of a decimal number without sign or leading zero, at most `max`.
std::optional<unsigned> parse_number(std::string_view text, unsigned max) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return {};
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > max) return {};
  return number;
}

std::unexpected<base::Error> not_an_address(std::string_view text) {
  return base::fail(ErrorKind::invalid, "not an IP address: " + base::printable(text, 60));
}

}  // namespace

base::Result<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.contains('\0')) return not_an_address(text);
  std::ranges::copy(text, terminated.begin());
  std::array<std::uint8_t, 16> octets{};
  if (inet_pton(AF_INET6, terminated.data(), octets.data()) == 1) return v6(octets);
  octets.fill(0);
  if (inet_pton(AF_INET, terminated.data(), octets.data()) != 1) return not_an_address(text);
  return v4({octets[0], octets[1], octets[2], octets[3]});
}

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> octets) {
  IpAddress address;
  std::ranges::copy(octets, address.octets_.begin());
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& octets) {
  // RFC 4291 §2.5.5.2: a mapped address is the IPv4 address; two names for one would slip past
  // checks.
  if (is_in(octets, mapped)) return v4({octets[12], octets[13], octets[14], octets[15]});
  IpAddress address;
  address.v4_ = false;
  address.octets_ = octets;
  return address;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v4_ ? AF_INET : AF_INET6, octets_.data(), text.data(), text.size());
  return text.data();
}

bool IpAddress::is_loopback() const {
  if (v4_) return octets_[0] == 127;
  return octets_ == std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
}

bool IpAddress::is_unspecified() const {
  return octets_ == std::array<std::uint8_t, 16>{};
}

bool IpAddress::is_special() const {
  if (v4_) return in_any(octets_, special_v4);
  if (is_in(octets_, nat64))
    return v4({octets_[12], octets_[13], octets_[14], octets_[15]}).is_special();
  return !is_in(octets_, global_v6) || in_any(octets_, special_v6);
}

base::Result<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) {
    return base::fail(
        ErrorKind::invalid,
        "not a network, its length is missing (\"10.0.0.0/8\"): " + base::printable(text, 60));
  }
  Prefix prefix;
  prefix.network_ = TRY(IpAddress::parse(text.substr(0, slash)));
  const auto octets = prefix.network_.octets();
  const auto bits = parse_number(text.substr(slash + 1), static_cast<unsigned>(octets.size() * 8));
  if (!bits)
    return base::fail(ErrorKind::invalid,
                      "not the length of a network: " + base::printable(text, 60));
  prefix.bits_ = *bits;
  for (std::size_t bit = *bits; bit < octets.size() * 8; ++bit) {
    if ((static_cast<unsigned char>(octets[bit / 8]) & (0x80U >> (bit % 8))) == 0) continue;
    return base::fail(ErrorKind::invalid, "bits are set behind the length of the network: " +
                                              base::printable(text, 60));
  }
  return prefix;
}

bool Prefix::contains(const IpAddress& address) const {
  if (address.is_v4() != network_.is_v4()) return false;
  const auto* a = reinterpret_cast<const std::uint8_t*>(address.octets().data());
  const auto* b = reinterpret_cast<const std::uint8_t*>(network_.octets().data());
  return same_bits(a, b, bits_);
}

std::string Prefix::text() const {
  return network_.text() + "/" + std::to_string(bits_);
}

base::Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto wrong = [&] {
    return base::fail(ErrorKind::invalid,
                      "not an address with its port (\"192.0.2.1:25\", \"[2001:db8::1]:25\"): " +
                          base::printable(text, 60));
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto port = parse_number(text.substr(colon + 1), 65535);
  // Without brackets the last group of an IPv6 address would pass for a port.
  if (!port || host.contains(':') != bracketed) return wrong();
  const auto address = IpAddress::parse(host);
  if (!address) return wrong();
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::string Endpoint::text() const {
  const auto host = address.is_v4() ? address.text() : "[" + address.text() + "]";
  return host + ":" + std::to_string(port);
}

}  // namespace letterlock::net
