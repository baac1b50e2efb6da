// EHLO and HELO.
#include <algorithm>

#include "base/limits.h"
#include "smtp/command_parts.h"

namespace letterlock::smtp {
namespace {

// Wider than a domain: underscores and bare names are common and harmless. Nothing that could
// leave its place in a Received field or a log: no spaces, quotes, comments, brackets but [].
bool is_name_octet(char c) {
  static constexpr std::string_view no = "()<>@,;\"\\";
  return c > ' ' && c < 127 && !no.contains(c);
}

}  // namespace

Parsed parse_hello(std::string_view rest, bool extended) {
  if (rest.empty()) {
    return refuse(501, dsn::status::bad_parameters, "a domain name must follow");
  }
  if (rest.size() > base::limits::domain_octets_max || !std::ranges::all_of(rest, is_name_octet)) {
    return refuse(501, dsn::status::bad_parameters, "that is no domain name or address literal");
  }
  return Command(Hello{extended, std::string(rest)});
}

}  // namespace letterlock::smtp
