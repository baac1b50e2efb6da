// Words of header fields that aren't ASCII: decoded for people to read, encoded for mail that we
// write ourselves. RFC: 2047.
#pragma once

#include <string>
#include <string_view>

namespace letterlock::message {

// What a person is shown of an unstructured value (unfolded) or of a display name: encoded words in
// utf-8, us-ascii and iso-8859-1 decoded, others as they stand; well-formed UTF-8 without control
// characters, whatever came in. Limits: `octets_max`, then "…". Takes linear time.
std::string display_text(std::string_view value, std::size_t octets_max = 1000);

// The value of an unstructured field (Subject) in mail of our own: ASCII as it is, anything else in
// encoded words; folded; control characters become spaces, so that no value can begin a line of its
// own. `name_octets` is the length of the field's name, for the first line's fold. RFC: 2047
// section 5.
std::string encode_text(std::string_view utf8, std::size_t name_octets);

// A display name before an address: atoms, a quoted string, or encoded words. The same holds.
std::string encode_phrase(std::string_view utf8);

}  // namespace letterlock::message
