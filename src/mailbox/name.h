// Names of mailboxes: UTF-8, levels parted by "/". INBOX is one name however it is written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace letterlock::mailbox {

inline constexpr char separator = '/';
inline constexpr std::size_t name_octets_max = 255;
inline constexpr std::size_t name_levels_max = 10;
inline constexpr std::string_view inbox = "INBOX";

// The name as it is kept: "inbox/Bills" becomes "INBOX/Bills". RFC: 9051 section 5.1.
// Errors: invalid (empty or empty level, too long or deep, control characters, not UTF-8, "*",
// "%").
base::Result<std::string> canonical_name(std::string_view name);

// "a/b/c" has "a" and "a/b" above it. Takes a canonical name.
std::vector<std::string> names_above(std::string_view name);

}  // namespace letterlock::mailbox
