#include "address/address.h"

#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace letterlock::address {
namespace {

using base::ErrorKind;
using base::fail;
using base::Result;

bool is_non_ascii(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

// RFC 5322 §3.2.3, and UTF-8 by RFC 6531 §3.3.
bool is_atext(char c) {
  constexpr std::string_view specials = "!#$%&'*+-/=?^_`{|}~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         is_non_ascii(c) || specials.find(c) != std::string_view::npos;
}

bool is_dot_string(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  char before = 0;
  for (const char c : text) {
    if (c == '.' ? before == '.' : !is_atext(c)) return false;
    before = c;
  }
  return true;
}

std::string quoted_if_needed(const std::string& local_part) {
  if (is_dot_string(local_part)) return local_part;
  std::string out = "\"";
  for (const char c : local_part) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// Control octets could end a line or a string in whatever the address is written into later.
Result<void> check_octets(std::string_view local_part) {
  while (!local_part.empty()) {
    const auto point = base::first_code_point(local_part);
    if (!point) return fail(ErrorKind::invalid, "the local part is not UTF-8");
    const bool control = point->value < 0x20 || (point->value >= 0x7F && point->value < 0xA0);
    if (control) return fail(ErrorKind::invalid, "the local part has a control character");
    local_part.remove_prefix(point->octets);
  }
  return {};
}

struct LocalPart {
  std::string meant;      // without quotes
  std::string_view rest;  // from the @ on
};

// RFC 5321 §4.1.2: Quoted-string. `text` begins with the quote.
Result<LocalPart> take_quoted(std::string_view text) {
  LocalPart part;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      part.rest = text.substr(i + 1);
      return part;
    }
    if (text[i] == '\\') ++i;  // the next one, whatever it is
    if (i == text.size()) break;
    part.meant += text[i];
  }
  return fail(ErrorKind::invalid, "the local part's quotes don't end");
}

Result<LocalPart> take_local_part(std::string_view text) {
  if (!text.empty() && text.front() == '"') return take_quoted(text);
  const auto at = text.find('@');
  if (at == std::string_view::npos) return fail(ErrorKind::invalid, "the address has no @");
  const auto local = text.substr(0, at);
  if (!is_dot_string(local))
    return fail(ErrorKind::invalid, "the local part has dots or characters out of place");
  return LocalPart{std::string(local), text.substr(at)};
}

// Where the source route ends: the colon outside of address literals.
std::size_t find_route_end(std::string_view text) {
  bool in_literal = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[') in_literal = true;
    if (text[i] == ']') in_literal = false;
    if (text[i] == ':' && !in_literal) return i;
  }
  return std::string_view::npos;
}

// RFC 5321 appendix C: a route SHOULD be ignored; a server MUST still take its syntax.
Result<std::string_view> without_route(std::string_view inner) {
  if (inner.empty() || inner.front() != '@') return inner;
  const auto end = find_route_end(inner);
  if (end == std::string_view::npos) return fail(ErrorKind::invalid, "the source route has no end");
  auto route = inner.substr(0, end);
  while (true) {
    const auto comma = route.find(',');
    const auto hop = route.substr(0, comma);
    if (hop.empty() || hop.front() != '@')
      return fail(ErrorKind::invalid, "the source route is no list of @domain");
    TRY(Domain::parse(hop.substr(1)));
    if (comma == std::string_view::npos) return inner.substr(end + 1);
    route.remove_prefix(comma + 1);
  }
}

// What stands between the brackets.
Result<std::string_view> without_brackets(std::string_view text) {
  if (text.size() > base::limits::command_line_octets_max)
    return fail(ErrorKind::invalid, "the path is too long");
  if (text.size() < 2 || text.front() != '<' || text.back() != '>')
    return fail(ErrorKind::invalid, "the path is not in < and >");
  return text.substr(1, text.size() - 2);
}

}  // namespace

Result<Address> Address::make(std::string_view local_part, Domain domain) {
  // RFC 5321 §4.1.2 deviation: ""@domain is refused. Nobody has it, and it looks like no address at
  // all.
  if (local_part.empty()) return fail(ErrorKind::invalid, "the local part is empty");
  if (domain.is_empty()) return fail(ErrorKind::invalid, "the address has no domain");
  // RFC 5321 §4.5.3.1.1 deviation: rewritten return addresses (VERP, SRS) hold whole addresses in
  // their local part; so only the path's limit counts, not 64 octets for the local part.
  if (local_part.size() > address_octets_max)
    return fail(ErrorKind::invalid, "the address is longer than 254 octets");
  TRY(check_octets(local_part));
  Address address(std::string(local_part), std::move(domain));
  if (address.text().size() > address_octets_max)
    return fail(ErrorKind::invalid, "the address is longer than 254 octets");
  return address;
}

Result<Address> Address::parse(std::string_view text) {
  // Twice: each octet of a quoted local part may have a backslash that isn't needed.
  if (text.size() > 2 * address_octets_max)
    return fail(ErrorKind::invalid, "the address is longer than 254 octets");
  auto local = TRY(take_local_part(text));
  if (local.rest.empty() || local.rest.front() != '@')
    return fail(ErrorKind::invalid, "the address has no @ behind its local part");
  return make(local.meant, TRY(Domain::parse(local.rest.substr(1))));
}

bool Address::needs_smtputf8() const {
  return std::ranges::any_of(local_part_, is_non_ascii);
}

std::string Address::text() const {
  if (is_empty()) return {};
  return quoted_if_needed(local_part_) + "@" + domain_.text();
}

std::string Address::display() const {
  if (is_empty()) return {};
  return quoted_if_needed(local_part_) + "@" + domain_.display();
}

std::string Address::key() const {
  return base::to_lower(text());
}

const Address& ReversePath::address() const {
  ASSERT(!is_null());
  return address_;
}

Result<ReversePath> ReversePath::from_text(std::string_view text) {
  if (text.empty()) return ReversePath();
  return ReversePath(TRY(Address::parse(text)));
}

Result<PathSplit> split_path(std::string_view text) {
  if (text.empty() || text.front() != '<')
    return fail(ErrorKind::invalid, "the path doesn't begin with <");
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    if (quoted && c == '\\') ++i;
    if (!quoted && c == '>') return PathSplit{text.substr(0, i + 1), text.substr(i + 1)};
  }
  return fail(ErrorKind::invalid, "the path doesn't end with >");
}

Result<Address> parse_path(std::string_view text) {
  return Address::parse(TRY(without_route(TRY(without_brackets(text)))));
}

Result<ReversePath> parse_reverse_path(std::string_view text) {
  if (text == "<>") return ReversePath();
  return ReversePath(TRY(parse_path(text)));
}

Result<Address> parse_forward_path(std::string_view text, const Domain& own) {
  if (base::equal_ignoring_case(text, "<Postmaster>")) return Address::make("postmaster", own);
  return parse_path(text);
}

}  // namespace letterlock::address
