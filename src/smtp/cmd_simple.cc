// The commands that carry nothing: RSET, NOOP, VRFY, HELP, QUIT.
#include "base/utf8.h"
#include "smtp/command_parts.h"

namespace letterlock::smtp {
namespace {

constexpr auto bad_parameters = dsn::status::bad_parameters;

}  // namespace

Parsed parse_rset(std::string_view rest) {
  if (!rest.empty()) return refuse(501, bad_parameters, "RSET takes no parameters");
  return Command(Rset{});
}

// RFC 5321 §4.1.1.9: a parameter is ignored.
Parsed parse_noop(std::string_view) {
  return Command(Noop{});
}

Parsed parse_vrfy(std::string_view rest, const CommandContext& context) {
  if (rest.empty()) return refuse(501, bad_parameters, "VRFY needs a name");
  // RFC 6531 §3.7.4.2: beyond ASCII only with SMTPUTF8 behind the name.
  if (!base::is_ascii(rest) && !(context.offers_smtputf8 && rest.ends_with(" SMTPUTF8"))) {
    return refuse(553, dsn::status::needs_smtputf8, "a name beyond ASCII needs SMTPUTF8");
  }
  return Command(Vrfy{});
}

Parsed parse_help(std::string_view) {
  return Command(Help{});
}

Parsed parse_quit(std::string_view rest) {
  if (!rest.empty()) return refuse(501, bad_parameters, "QUIT takes no parameters");
  return Command(Quit{});
}

}  // namespace letterlock::smtp
