// Texts as records may hold them: valid UTF-8 of bounded length.
#pragma once

#include <string>
#include <string_view>

namespace letterlock::hop {

// Octets that are not UTF-8 become U+FFFD, one each. Longer than `octets_max`: cut at a
// character's end, then "…", all within `octets_max` (at least 3). Applied twice it changes
// nothing.
std::string bounded_text(std::string_view text, std::size_t octets_max);
// Most texts are short and ASCII alone: bounded_text() would leave them as they are. False may be
// said of others that it would leave as well.
bool is_bounded(std::string_view text, std::size_t octets_max);

}  // namespace letterlock::hop
