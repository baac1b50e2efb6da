// BDAT. Its chunk follows the line at once: without a size nobody knows where commands go on, so
// that a size that can't be read ends the connection.
#include "base/bytes.h"
#include "smtp/command_parts.h"

namespace letterlock::smtp {

Parsed parse_bdat(std::string_view rest) {
  const std::size_t space = std::min(rest.find(' '), rest.size());
  const auto octets = parse_count(rest.substr(0, space));
  std::string_view last = rest.substr(space);
  while (last.starts_with(' ')) last.remove_prefix(1);
  const bool is_last = base::equal_ignoring_case(last, "LAST");
  if (!octets || (!last.empty() && !is_last)) {
    return refuse_and_close(501, dsn::status::bad_parameters, "BDAT octets [LAST] is the form");
  }
  return Command(Bdat{*octets, is_last});
}

}  // namespace letterlock::smtp
