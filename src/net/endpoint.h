// Addresses as values: parsed once, compared, told apart by what network they belong to.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace letterlock::net {

// An IPv4 or IPv6 address. IPv4-mapped IPv6 (::ffff:0:0/96) becomes IPv4 when it is parsed.
class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  // "192.0.2.1", "2001:db8::1"; no zone, no brackets, no port. Errors: invalid.
  static base::Result<IpAddress> parse(std::string_view text);
  static IpAddress v4(std::array<std::uint8_t, 4> octets);
  static IpAddress v6(const std::array<std::uint8_t, 16>& octets);

  bool is_v4() const { return v4_; }
  bool is_v6() const { return !v4_; }
  // 4 or 16 octets, network order.
  std::string_view octets() const {
    return {reinterpret_cast<const char*>(octets_.data()), v4_ ? 4U : 16U};
  }
  std::string text() const;
  bool is_loopback() const;
  bool is_unspecified() const;
  // Not an address of the public internet: loopback, link-local, RFC 1918, ULA, CGN (RFC 6598),
  // documentation, multicast, NAT64 of any of these, IPv4-compatible … RFC: 6890.
  bool is_special() const;
  auto operator<=>(const IpAddress&) const = default;

 private:
  bool v4_ = true;
  std::array<std::uint8_t, 16> octets_{};
};

// "10.0.0.0/8", "fd00::/8".
class Prefix {
 public:
  // Errors: invalid (no length, a length too long, bits set behind it).
  static base::Result<Prefix> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
  std::string text() const;

 private:
  IpAddress network_;
  unsigned bits_ = 0;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  // "192.0.2.1:25", "[2001:db8::1]:25". Errors: invalid.
  static base::Result<Endpoint> parse(std::string_view text);
  std::string text() const;
  auto operator<=>(const Endpoint&) const = default;
};

}  // namespace letterlock::net
