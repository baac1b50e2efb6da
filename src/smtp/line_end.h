// Where a line of content ends, and whether it ends as it must. Shared by what reads and writes
// content; nobody else needs it.
#pragma once

#include <cstring>
#include <string_view>

namespace letterlock::smtp {

struct LineEnd {
  enum class Kind {
    none,      // no end in these octets
    split_cr,  // the last octet is a CR: its LF may come
    crlf,
    bare_lf,
    bare_cr,
  };
  Kind kind = Kind::none;
  std::size_t text_octets = 0;  // before the end, or before what is wrong
  std::size_t next = 0;         // where the next line begins
};

inline std::size_t find_octet(std::string_view octets, char octet) {
  if (octets.empty()) return std::string_view::npos;
  const void* found = std::memchr(octets.data(), octet, octets.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - octets.data());
}

inline LineEnd find_line_end(std::string_view octets) {
  using Kind = LineEnd::Kind;
  const std::size_t size = octets.size();
  const std::size_t lf = find_octet(octets, '\n');
  const bool has_lf = lf != std::string_view::npos;
  const std::size_t cr = find_octet(octets.substr(0, has_lf ? lf : size), '\r');
  if (cr == std::string_view::npos) {
    return has_lf ? LineEnd{Kind::bare_lf, lf, lf + 1} : LineEnd{Kind::none, size, size};
  }
  if (has_lf && cr + 1 == lf) return {Kind::crlf, cr, lf + 1};
  if (!has_lf && cr + 1 == size) return {Kind::split_cr, cr, cr};
  return {Kind::bare_cr, cr, cr};
}

}  // namespace letterlock::smtp
