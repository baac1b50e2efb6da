// An address: a local part and a domain (RFC 5321 §2.3.11). The local part belongs to the domain
// that owns it, so its octets are kept as they came; only the quotes around it are canonical.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "address/domain.h"
#include "base/result.h"

namespace letterlock::address {

// Without angle brackets, in the form that text() writes.
inline constexpr std::size_t address_octets_max = 254;

class Address {
 public:
  // No address: only a place to put one. is_empty() says so.
  Address() = default;
  // "alice@acorn.example", "\"a b\"@acorn.example"; no brackets, spaces, comments or source route.
  // Errors: invalid. Limits: 254 octets in text()'s form. RFC: 5321 section 4.1.2, 6531
  // section 3.3.
  static base::Result<Address> parse(std::string_view text);
  // From a local part as it is meant, without quotes and backslashes. Errors: invalid (empty,
  // control octets, not UTF-8, no domain, too long).
  static base::Result<Address> make(std::string_view local_part, Domain domain);

  // As it is meant: without quotes and backslashes.
  const std::string& local_part() const { return local_part_; }
  const Domain& domain() const { return domain_; }
  bool is_empty() const { return domain_.is_empty(); }
  // True if the local part isn't ASCII; the domain always is. RFC: 6531.
  bool needs_smtputf8() const;

  // As mail commands and fields write it, the local part in quotes where it needs them.
  std::string text() const;
  // text() between < and >.
  std::string path() const { return "<" + text() + ">"; }
  // text() with the domain's U-labels, for people.
  std::string display() const;
  // For looking an account up: text() with ASCII letters in lower case.
  std::string key() const;

  // Local parts compare octet by octet (RFC 5321 §2.4: only their owner may fold case).
  auto operator<=>(const Address&) const = default;

 private:
  Address(std::string local_part, Domain domain)
      : local_part_(std::move(local_part)), domain_(std::move(domain)) {}

  std::string local_part_;
  Domain domain_;
};

// Where reports about a message go: an address, or nowhere (the null reverse-path of a report).
class ReversePath {
 public:
  ReversePath() = default;                                        // null
  ReversePath(Address address) : address_(std::move(address)) {}  // NOLINT: an address is one

  bool is_null() const { return address_.is_empty(); }
  // Must not be null.
  const Address& address() const;
  bool needs_smtputf8() const { return address_.needs_smtputf8(); }
  // "<alice@acorn.example>" or "<>".
  std::string path() const { return is_null() ? "<>" : address_.path(); }
  // "alice@acorn.example" or "": the form that records keep; from_text() reads it back.
  std::string text() const { return is_null() ? "" : address_.text(); }
  static base::Result<ReversePath> from_text(std::string_view text);

  auto operator<=>(const ReversePath&) const = default;

 private:
  Address address_;
};

// The "<...>" that begins `text`, and what follows it. Quotes are respected: <"a> b"@c> is one
// path. Nothing inside is checked beyond that. Errors: invalid (no <, no matching >).
struct PathSplit {
  std::string_view path;  // with its brackets
  std::string_view rest;
};
base::Result<PathSplit> split_path(std::string_view text);

// "<alice@acorn.example>" or, of old, "<@a,@b:alice@acorn.example>", whose route is checked and
// thrown away. Errors: invalid. Limits: 256 octets without the route. RFC: 5321 section 4.1.2,
// appendix C.
base::Result<Address> parse_path(std::string_view text);
// The same or "<>": what MAIL takes.
base::Result<ReversePath> parse_reverse_path(std::string_view text);
// What RCPT takes: as parse_path, and "<Postmaster>" alone means postmaster at `own`. RFC: 5321
// section 4.1.1.3.
base::Result<Address> parse_forward_path(std::string_view text, const Domain& own);

}  // namespace letterlock::address

template <>
struct std::hash<letterlock::address::Address> {
  std::size_t operator()(const letterlock::address::Address& address) const noexcept {
    const std::size_t local = std::hash<std::string>()(address.local_part());
    return local * 31 + std::hash<letterlock::address::Domain>()(address.domain());
  }
};
template <>
struct std::hash<letterlock::address::ReversePath> {
  std::size_t operator()(const letterlock::address::ReversePath& path) const noexcept {
    return std::hash<std::string>()(path.text());
  }
};
