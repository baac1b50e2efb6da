// UTF-8, one code point at a time. Only the shortest forms of Unicode's scalar values are
// well-formed. RFC: 3629 section 4.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace letterlock::base {

struct CodePoint {
  char32_t value = 0;
  std::size_t octets = 0;
};
// The one at the front of `text`; nothing if the octets there are not well-formed, or there are
// none.
std::optional<CodePoint> first_code_point(std::string_view text);
bool is_utf8(std::string_view text);
bool is_ascii(std::string_view text);
// `value` must be a scalar value: not a surrogate, at most 0x10FFFF.
void append_utf8(std::string& to, char32_t value);

}  // namespace letterlock::base
