// POP3's responses: one status line, and what may follow it on more lines. RFC: 1939 section 3,
// 2449 section 8, 3206.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace letterlock::pop {

// With CRLF, status included. RFC: 2449 section 4.
inline constexpr std::size_t response_line_octets_max = 512;

// What a client may act upon. RFC: 2449 section 8, 3206 section 4.
enum class Code {
  none,
  in_use,    // [IN-USE]
  sys_temp,  // [SYS/TEMP]: the same may work later
  sys_perm,  // [SYS/PERM]: it won't
  auth,      // [AUTH]: the credentials, or the way they were sent
};
std::string_view name(Code code);

// "+OK text" and "-ERR [CODE] text", with CRLF.
std::string ok(std::string_view text);
std::string err(Code code, std::string_view text);

// A status line as the client reads it.
struct Status {
  bool ok = false;
  Code code = Code::none;
  std::string text;  // without code
};
// Without CRLF. Errors: protocol (neither +OK nor -ERR).
base::Result<Status> parse_status(std::string_view line);

// "n m": a line of LIST's, and STAT's text. Errors: protocol.
struct Pair {
  std::uint32_t first = 0;
  std::uint64_t second = 0;
  bool operator==(const Pair&) const = default;
};
base::Result<Pair> parse_pair(std::string_view line);
// "n unique-id". Errors: protocol. RFC: 1939 section 7 (1 to 70 characters, 0x21 to 0x7E).
struct UniqueId {
  std::uint32_t message = 0;
  std::string id;
  bool operator==(const UniqueId&) const = default;
};
base::Result<UniqueId> parse_unique_id(std::string_view line);

}  // namespace letterlock::pop
