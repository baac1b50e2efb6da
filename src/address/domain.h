// A mail domain, in one canonical form: a name as lower-case ASCII A-labels, or an address literal.
// Equal domains are equal octets. It asks no DNS: what a domain means is the resolver's.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace letterlock::address {

class Domain {
 public:
  enum class Kind { name, ipv4_literal, ipv6_literal };

  // No domain: only a place to put one. is_empty() says so.
  Domain() = default;
  // A name in ASCII or with UTF-8 U-labels, or a literal in brackets. Errors: invalid (what is
  // wrong, in one sentence without the text itself). Limits: 63 octets a label, 255 in all, in both
  // forms. RFC: 5321 sections 4.1.2 and 4.1.3, 5890 section 2.3.2.1, 6531 section 3.3.
  static base::Result<Domain> parse(std::string_view text);

  Kind kind() const { return kind_; }
  bool is_literal() const { return kind_ != Kind::name; }
  bool is_empty() const { return text_.empty(); }
  // "acorn.example", "xn--bcher-kva.example", "[192.0.2.1]", "[IPv6:2001:db8::1]".
  const std::string& text() const { return text_; }
  // A literal's address alone: "192.0.2.1", "2001:db8::1". Empty for a name.
  std::string_view ip_text() const;
  // For people: U-labels where the A-labels are well-formed, otherwise text().
  std::string display() const;
  // True for `parent` itself and the names under it; a literal only for itself.
  bool is_within(const Domain& parent) const;

  auto operator<=>(const Domain&) const = default;

 private:
  Domain(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}
  static base::Result<Domain> parse_literal(std::string_view inner);

  Kind kind_ = Kind::name;
  std::string text_;
};

}  // namespace letterlock::address

template <>
struct std::hash<letterlock::address::Domain> {
  std::size_t operator()(const letterlock::address::Domain& domain) const noexcept {
    return std::hash<std::string>()(domain.text());
  }
};
