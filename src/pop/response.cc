#include "pop/response.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/bytes.h"

namespace letterlock::pop {
namespace {

auto protocol(std::string_view what, std::string_view line) {
  return base::fail(base::ErrorKind::protocol,
                    fmt::format("POP3: {}: {}", what, base::printable(line, 80)));
}

template <class Number>
bool number_from(std::string_view text, Number& value) {
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

}  // namespace

std::string_view name(Code code) {
  switch (code) {
    case Code::none:
      return "";
    case Code::in_use:
      return "IN-USE";
    case Code::sys_temp:
      return "SYS/TEMP";
    case Code::sys_perm:
      return "SYS/PERM";
    case Code::auth:
      return "AUTH";
  }
  return "";
}

std::string ok(std::string_view text) {
  return fmt::format("+OK {}\r\n", text);
}

std::string err(Code code, std::string_view text) {
  if (code == Code::none) return fmt::format("-ERR {}\r\n", text);
  return fmt::format("-ERR [{}] {}\r\n", name(code), text);
}

base::Result<Status> parse_status(std::string_view line) {
  Status status;
  if (line.starts_with("+OK")) {
    status.ok = true;
    line.remove_prefix(3);
  } else if (line.starts_with("-ERR")) {
    line.remove_prefix(4);
  } else {
    return protocol("not a status line", line);
  }
  if (!line.empty() && line.front() != ' ') return protocol("not a status line", line);
  line = base::trim(line);
  for (const auto code : {Code::in_use, Code::sys_temp, Code::sys_perm, Code::auth}) {
    const auto bracketed = fmt::format("[{}]", name(code));
    if (line.size() < bracketed.size() ||
        !base::equal_ignoring_case(line.substr(0, bracketed.size()), bracketed))
      continue;
    status.code = code;
    line = base::trim(line.substr(bracketed.size()));
    break;
  }
  status.text = line;
  return status;
}

base::Result<Pair> parse_pair(std::string_view line) {
  const auto space = line.find(' ');
  Pair pair;
  if (space == std::string_view::npos || !number_from(line.substr(0, space), pair.first))
    return protocol("not two numbers", line);
  // RFC 1939 §5: servers may add to the line, clients are to ignore it.
  const auto rest = line.substr(space + 1);
  if (!number_from(rest.substr(0, rest.find(' ')), pair.second))
    return protocol("not two numbers", line);
  return pair;
}

base::Result<UniqueId> parse_unique_id(std::string_view line) {
  const auto space = line.find(' ');
  UniqueId unique;
  if (space == std::string_view::npos || !number_from(line.substr(0, space), unique.message))
    return protocol("not a unique-id", line);
  const auto id = line.substr(space + 1);
  const bool printable = std::ranges::all_of(id, [](char c) { return c >= 0x21 && c <= 0x7E; });
  if (id.empty() || id.size() > 70 || !printable) return protocol("not a unique-id", line);
  unique.id = id;
  return unique;
}

}  // namespace letterlock::pop
