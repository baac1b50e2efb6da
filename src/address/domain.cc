#include "address/domain.h"

#include <algorithm>
#include <array>
#include <memory>

#include <arpa/inet.h>
#include <idn2.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace letterlock::address {
namespace {

using base::ErrorKind;
using base::fail;
using base::Result;

constexpr std::size_t label_octets_max = 63;  // RFC 1035 §2.3.4

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct FreeIdn {
  void operator()(char* text) const { idn2_free(text); }
};

// RFC 6531 §3.3: U-labels only, so nothing is mapped (no TR46): one name, one way to write it.
// ASCII letters beside them may still be upper case, as they may be in any domain.
Result<std::string> to_a_labels(std::string_view text) {
  const std::string lower = base::to_lower(text);
  char* raw = nullptr;
  const int code = idn2_to_ascii_8z(lower.c_str(), &raw, IDN2_NFC_INPUT | IDN2_NO_TR46);
  const std::unique_ptr<char, FreeIdn> ascii(raw);
  if (code != IDN2_OK || !ascii) {
    return fail(ErrorKind::invalid,
                std::string("the domain is no internationalized name: ") + idn2_strerror(code));
  }
  return std::string(ascii.get());
}

// RFC 5321 §4.1.2: sub-domain = Let-dig [Ldh-str].
Result<void> check_label(std::string_view label) {
  if (label.empty())
    return fail(ErrorKind::invalid, "the domain has an empty label or a dot at an end");
  if (label.size() > label_octets_max)
    return fail(ErrorKind::invalid, "a label of the domain is longer than 63 octets");
  const bool known =
      std::ranges::all_of(label, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
  if (!known)
    return fail(ErrorKind::invalid,
                "the domain has a character that is no letter, digit or hyphen");
  if (label.front() == '-' || label.back() == '-')
    return fail(ErrorKind::invalid, "a label of the domain begins or ends with a hyphen");
  return {};
}

// RFC 5891 §4.2.3.1: no hyphen at the ends of a U-label, nor two in its third and fourth places.
// libidn2 leaves this to TR46, which we don't use.
Result<void> check_u_labels(std::string_view text) {
  while (true) {
    const auto dot = text.find('.');
    const auto label = text.substr(0, dot);
    const bool wrong = label.starts_with('-') || label.ends_with('-') ||
                       (!base::is_ascii(label) && label.substr(0, 4).ends_with("--"));
    if (wrong) return fail(ErrorKind::invalid, "a label of the domain has hyphens out of place");
    if (dot == std::string_view::npos) return {};
    text.remove_prefix(dot + 1);
  }
}

Result<void> check_name(std::string_view name) {
  if (name.size() > base::limits::domain_octets_max)
    return fail(ErrorKind::invalid, "the domain is longer than 255 octets");
  while (true) {
    const auto dot = name.find('.');
    const auto label = name.substr(0, dot);
    TRY(check_label(label));
    if (dot != std::string_view::npos) {
      name.remove_prefix(dot + 1);
      continue;
    }
    // RFC 3696 §2: no top-level domain is all digits; 192.0.2.1 without brackets is an address gone
    // astray.
    if (std::ranges::all_of(label, is_digit))
      return fail(ErrorKind::invalid, "the domain ends in a label of digits alone");
    return {};
  }
}

// The address in its canonical text, or nothing.
template <class Octets>
std::string canonical_ip(int family, const std::string& text, Octets octets) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (inet_pton(family, text.c_str(), octets.data()) != 1) return {};
  if (inet_ntop(family, octets.data(), buffer.data(), buffer.size()) == nullptr) return {};
  return buffer.data();
}

}  // namespace

Result<Domain> Domain::parse_literal(std::string_view inner) {
  // inet_pton stops at a NUL: what stands behind one must not go unseen.
  if (inner.find('\0') != std::string_view::npos)
    return fail(ErrorKind::invalid, "the address literal has a NUL");
  constexpr std::string_view tag = "IPv6:";
  if (inner.size() > tag.size() && base::equal_ignoring_case(inner.substr(0, tag.size()), tag)) {
    const auto ip = canonical_ip(AF_INET6, std::string(inner.substr(tag.size())),
                                 std::array<unsigned char, 16>{});
    if (ip.empty()) return fail(ErrorKind::invalid, "the address literal is no IPv6 address");
    return Domain(Kind::ipv6_literal, "[IPv6:" + ip + "]");
  }
  const auto ip = canonical_ip(AF_INET, std::string(inner), std::array<unsigned char, 4>{});
  // RFC 5321 §4.1.3: other tags need a standard of their own; there is none.
  if (ip.empty()) return fail(ErrorKind::invalid, "the address literal is neither IPv4 nor IPv6:");
  return Domain(Kind::ipv4_literal, "[" + ip + "]");
}

Result<Domain> Domain::parse(std::string_view text) {
  if (text.empty()) return fail(ErrorKind::invalid, "the domain is empty");
  if (text.size() > base::limits::domain_octets_max)
    return fail(ErrorKind::invalid, "the domain is longer than 255 octets");
  if (text.front() == '[') {
    if (text.back() != ']' || text.size() < 2)
      return fail(ErrorKind::invalid, "the address literal has no ]");
    return parse_literal(text.substr(1, text.size() - 2));
  }
  std::string name;
  if (base::is_ascii(text)) {
    name = base::to_lower(text);
  } else {
    if (!base::is_utf8(text)) return fail(ErrorKind::invalid, "the domain is not UTF-8");
    // libidn2 takes a C string: what stands behind a NUL would go unseen.
    if (text.find('\0') != std::string_view::npos)
      return fail(ErrorKind::invalid, "the domain has a NUL");
    TRY(check_u_labels(text));
    name = TRY(to_a_labels(text));
  }
  TRY(check_name(name));
  return Domain(Kind::name, std::move(name));
}

std::string_view Domain::ip_text() const {
  const std::string_view text = text_;
  switch (kind_) {
    case Kind::name:
      return {};
    case Kind::ipv4_literal:
      return text.substr(1, text.size() - 2);
    case Kind::ipv6_literal:
      return text.substr(6, text.size() - 7);
  }
  return {};
}

std::string Domain::display() const {
  if (is_literal() || text_.find("xn--") == std::string::npos) return text_;
  char* raw = nullptr;
  const int code = idn2_to_unicode_8z8z(text_.c_str(), &raw, 0);
  const std::unique_ptr<char, FreeIdn> unicode(raw);
  if (code != IDN2_OK || !unicode) return text_;
  // Shown only if it is the one way to write this name: an A-label made by hand could decode to
  // anything.
  const auto again = Domain::parse(unicode.get());
  if (!again || *again != *this) return text_;
  return unicode.get();
}

bool Domain::is_within(const Domain& parent) const {
  if (*this == parent) return true;
  if (is_literal() || parent.is_literal() || parent.is_empty()) return false;
  return text_.size() > parent.text_.size() + 1 && text_.ends_with(parent.text_) &&
         text_[text_.size() - parent.text_.size() - 1] == '.';
}

}  // namespace letterlock::address
