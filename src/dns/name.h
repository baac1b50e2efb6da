// Names as DNS questions and answers hold them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace letterlock::dns {

// RFC 1035 §2.3.4.
inline constexpr std::size_t label_octets_max = 63;
inline constexpr std::size_t name_octets_max = 253;  // as text, without the last dot

// A name in the form of this house: letters in lower case, digits, hyphens, underscores; without
// the last dot. Errors: invalid (empty, an empty or too long label, another octet).
base::Result<std::string> parse_name(std::string_view text);

// Whether `name` is `zone` or lies below it; both as parse_name gives them, "" being the root.
bool is_within(std::string_view name, std::string_view zone);

}  // namespace letterlock::dns
