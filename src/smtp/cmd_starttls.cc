// STARTTLS.
#include "smtp/command_parts.h"

namespace letterlock::smtp {

Parsed parse_starttls(std::string_view rest) {
  // RFC 3207 §4: 501 where parameters stand.
  if (!rest.empty())
    return refuse(501, dsn::status::bad_parameters, "STARTTLS takes no parameters");
  return Command(StartTls{});
}

}  // namespace letterlock::smtp
