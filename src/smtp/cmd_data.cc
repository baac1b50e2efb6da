// DATA.
#include "smtp/command_parts.h"

namespace letterlock::smtp {

Parsed parse_data(std::string_view rest) {
  if (!rest.empty()) return refuse(501, dsn::status::bad_parameters, "DATA takes no parameters");
  return Command(Data{});
}

}  // namespace letterlock::smtp
