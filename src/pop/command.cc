#include "pop/command.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/assert.h"

namespace letterlock::pop {
namespace {

using base::ErrorKind;

auto invalid(const char* what) {
  return base::fail(ErrorKind::invalid, what);
}

// Digits alone, at most ten, within 32 bits. No sign, no space, no overflow.
std::optional<std::uint32_t> number_from(std::string_view text) {
  if (text.empty() || text.size() > 10) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

// RFC 1939 §8: messages are numbered from 1.
base::Result<std::uint32_t> message_from(std::string_view text) {
  const auto number = number_from(text);
  if (!number || *number == 0) return invalid("not a message number");
  return *number;
}

base::Result<std::optional<std::uint32_t>> message_or_none(std::string_view text) {
  if (text.empty()) return std::optional<std::uint32_t>();
  return TRY(message_from(text));
}

using Parse = base::Result<Command> (*)(std::string_view rest);

template <class Kind>
base::Result<Command> parse_bare(std::string_view rest) {
  if (!rest.empty()) return invalid("takes no argument");
  return Kind{};
}

base::Result<Command> parse_user(std::string_view rest) {
  if (rest.empty()) return invalid("no name");
  return command::User{std::string(rest)};
}

base::Result<Command> parse_auth(std::string_view rest) {
  const auto space = rest.find(' ');
  command::Auth auth{std::string(rest.substr(0, space)), std::nullopt};
  if (auth.mechanism.empty()) return invalid("no mechanism");
  if (space == std::string_view::npos) return auth;
  const auto initial = rest.substr(space + 1);
  // RFC 5034 §4: an initial response of zero octets is "=".
  if (initial == "=") {
    auth.initial.emplace();
    return auth;
  }
  auto octets = base::from_base64(initial);
  if (!octets || octets->empty()) return invalid("initial response is not base64");
  auth.initial = std::move(*octets);
  return auth;
}

template <class Kind>
base::Result<Command> parse_listing(std::string_view rest) {
  return Kind{TRY(message_or_none(rest))};
}

template <class Kind>
base::Result<Command> parse_one(std::string_view rest) {
  return Kind{TRY(message_from(rest))};
}

base::Result<Command> parse_top(std::string_view rest) {
  const auto space = rest.find(' ');
  if (space == std::string_view::npos) return invalid("no number of lines");
  const auto message = TRY(message_from(rest.substr(0, space)));
  const auto lines = number_from(rest.substr(space + 1));
  if (!lines) return invalid("not a number of lines");
  return command::Top{message, *lines};
}

struct Entry {
  std::string_view keyword;
  Parse parse;
};

// PASS isn't here: its argument is taken as it stands.
constexpr std::array entries = {Entry{"USER", parse_user},
                                Entry{"AUTH", parse_auth},
                                Entry{"STLS", parse_bare<command::Stls>},
                                Entry{"CAPA", parse_bare<command::Capa>},
                                Entry{"QUIT", parse_bare<command::Quit>},
                                Entry{"STAT", parse_bare<command::Stat>},
                                Entry{"LIST", parse_listing<command::List>},
                                Entry{"UIDL", parse_listing<command::Uidl>},
                                Entry{"RETR", parse_one<command::Retr>},
                                Entry{"TOP", parse_top},
                                Entry{"DELE", parse_one<command::Dele>},
                                Entry{"RSET", parse_bare<command::Rset>},
                                Entry{"NOOP", parse_bare<command::Noop>}};

bool has_control(std::string_view line) {
  return std::ranges::any_of(line, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; });
}

std::string optional_number(const std::optional<std::uint32_t>& number) {
  return number ? fmt::format(" {}", *number) : std::string();
}

struct Writer {
  std::string operator()(const command::User& c) const { return "USER " + c.name; }
  std::string operator()(const command::Pass& c) const { return "PASS " + c.password; }
  std::string operator()(const command::Auth& c) const {
    if (!c.initial) return "AUTH " + c.mechanism;
    return fmt::format("AUTH {} {}", c.mechanism,
                       c.initial->empty() ? "=" : base::to_base64(*c.initial));
  }
  std::string operator()(const command::Stls&) const { return "STLS"; }
  std::string operator()(const command::Capa&) const { return "CAPA"; }
  std::string operator()(const command::Quit&) const { return "QUIT"; }
  std::string operator()(const command::Stat&) const { return "STAT"; }
  std::string operator()(const command::List& c) const {
    return "LIST" + optional_number(c.message);
  }
  std::string operator()(const command::Uidl& c) const {
    return "UIDL" + optional_number(c.message);
  }
  std::string operator()(const command::Retr& c) const { return fmt::format("RETR {}", c.message); }
  std::string operator()(const command::Top& c) const {
    return fmt::format("TOP {} {}", c.message, c.lines);
  }
  std::string operator()(const command::Dele& c) const { return fmt::format("DELE {}", c.message); }
  std::string operator()(const command::Rset&) const { return "RSET"; }
  std::string operator()(const command::Noop&) const { return "NOOP"; }
};

}  // namespace

base::Result<Command> parse_command(std::string_view line) {
  if (has_control(line)) return invalid("a control character in a command");
  const auto space = line.find(' ');
  const auto keyword = line.substr(0, space);
  auto rest = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  const bool is_auth = base::equal_ignoring_case(keyword, "AUTH");
  // RFC 2449 §4 deviation: AUTH may be longer than 255 octets. Clients do send an initial response
  // that makes it so, and the exchange's own limit bounds it (sasl::message_octets_max).
  if (!is_auth && line.size() + 2 > command_line_octets_max) return invalid("line too long");
  // RFC 1939 §7: spaces may be part of the password.
  if (base::equal_ignoring_case(keyword, "PASS")) {
    if (rest.empty()) return invalid("no password");
    return command::Pass{std::string(rest)};
  }
  while (rest.ends_with(' ')) rest.remove_suffix(1);
  for (const auto& entry : entries) {
    if (base::equal_ignoring_case(keyword, entry.keyword)) return entry.parse(rest);
  }
  return base::fail(ErrorKind::not_found, "no such command");
}

std::string to_line(const Command& command) {
  auto line = std::visit(Writer(), command);
  ASSERT(!has_control(line));
  return line + "\r\n";
}

bool is_another_protocol(std::string_view line) {
  const auto word = line.substr(0, line.find(' '));
  for (const auto* other : {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE",
                            "PATCH", "PRI", "EHLO", "HELO", "MAIL"}) {
    if (base::equal_ignoring_case(word, other)) return true;
  }
  return false;
}

}  // namespace letterlock::pop
