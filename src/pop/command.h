// POP3's commands as values, and the way there and back. RFC: 1939, 2449, 2595, 5034.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"

namespace letterlock::pop {

// With CRLF. RFC: 2449 section 4.
inline constexpr std::size_t command_line_octets_max = 255;

namespace command {
struct User {
  std::string name;
};
struct Pass {
  std::string password;  // all after the first space, spaces included
};
struct Auth {
  std::string mechanism;
  std::optional<base::Bytes> initial;  // decoded; "=" is an empty one
};
struct Stls {};
struct Capa {};
struct Quit {};
struct Stat {};
struct List {
  std::optional<std::uint32_t> message;  // message numbers count from 1
};
struct Uidl {
  std::optional<std::uint32_t> message;
};
struct Retr {
  std::uint32_t message = 0;
};
struct Top {
  std::uint32_t message = 0;
  std::uint32_t lines = 0;
};
struct Dele {
  std::uint32_t message = 0;
};
struct Rset {};
struct Noop {};
}  // namespace command

using Command =
    std::variant<command::User, command::Pass, command::Auth, command::Stls, command::Capa,
                 command::Quit, command::Stat, command::List, command::Uidl, command::Retr,
                 command::Top, command::Dele, command::Rset, command::Noop>;

// One line without its CRLF. Errors: not_found (no such command), invalid (its arguments are wrong,
// the line holds a control character or is too long).
base::Result<Command> parse_command(std::string_view line);
// With CRLF. The arguments are the caller's: none may hold CR, LF or NUL (ASSERT).
std::string to_line(const Command& command);

// True for the first words of HTTP and SMTP: whoever says them here was sent by somebody else.
bool is_another_protocol(std::string_view line);

}  // namespace letterlock::pop
