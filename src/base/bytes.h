// Octets, and their printable forms. Octets are held in std::string and looked at through
// std::string_view; base64 and hex only cross the edges.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace letterlock::base {

using Bytes = std::string;
using BytesView = std::string_view;

// Lower-case hexadecimal, two digits an octet.
std::string to_hex(BytesView octets);
// Errors: invalid (odd length, other digits).
Result<Bytes> from_hex(std::string_view text);

// Standard alphabet with padding, on one line. RFC: 4648 section 4.
std::string to_base64(BytesView octets);
// Strict: no white space, padding required, no bits left over. Errors: invalid.
Result<Bytes> from_base64(std::string_view text);

// ASCII only; octets above 127 stay as they are.
std::string to_lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
// Without leading and trailing spaces and tabs.
std::string_view trim(std::string_view text);
// Equal without telling by its time where they differ. Different lengths are told at once.
bool equal_in_constant_time(BytesView a, BytesView b);

// For logs and terminals: control octets and invalid UTF-8 become \xNN, so that a peer's words
// can't forge a line or move a cursor. At most `octets_max` octets, then "…".
std::string printable(std::string_view text, std::size_t octets_max = 200);

}  // namespace letterlock::base
