// AUTH, its first line. The exchange that follows is sasl's.
#include "base/bytes.h"
#include "smtp/command_parts.h"

namespace letterlock::smtp {

Parsed parse_auth(std::string_view rest) {
  const std::size_t space = std::min(rest.find(' '), rest.size());
  const auto mechanism = sasl::mechanism_from(rest.substr(0, space));
  if (rest.empty()) return refuse(501, dsn::status::bad_parameters, "AUTH mechanism is the form");
  // RFC 4954 §4: 504 5.5.4 for a mechanism that isn't known.
  if (!mechanism) return refuse(504, dsn::status::bad_parameters, "that mechanism isn't known");
  Auth auth{*mechanism, std::nullopt};
  std::string_view initial = rest.substr(space);
  while (initial.starts_with(' ')) initial.remove_prefix(1);
  if (initial == "=") {
    auth.initial = "";
  } else if (!initial.empty()) {
    auto decoded = base::from_base64(initial);
    // RFC 4954 §4: 501 5.5.2 for what isn't base64.
    if (!decoded)
      return refuse(501, dsn::status::syntax_error, "the initial response isn't base64");
    auth.initial = std::move(*decoded);
  }
  return Command(std::move(auth));
}

}  // namespace letterlock::smtp
