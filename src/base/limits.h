// Limits that the protocols themselves set or ask for, each with its source. Limits that an
// operator may change live in the configuration; those of one room alone live in that room.
#pragma once

#include <cstddef>

#include "base/time.h"

namespace letterlock::base::limits {

// RFC 5321 §4.5.3.1: the least that must be accepted is also what we accept, where it is ample.
inline constexpr std::size_t local_part_octets_max = 64;  // §4.5.3.1.1
inline constexpr std::size_t domain_octets_max = 255;     // §4.5.3.1.2
inline constexpr std::size_t path_octets_max = 256;       // §4.5.3.1.3, with < and >
inline constexpr std::size_t command_line_octets_max =
    2048;  // §4.5.3.1.4 says 512 plus what extensions add
inline constexpr std::size_t reply_line_octets_max = 512;  // §4.5.3.1.5; we read longer, to 2048
inline constexpr std::size_t text_line_octets_max = 1000;  // §4.5.3.1.6, with CRLF
inline constexpr std::size_t recipients_min = 100;  // §4.5.3.1.8: at least so many must be taken
inline constexpr std::size_t auth_line_octets_max = 12288;  // RFC 4954 §4

// RFC 5321 §4.5.3.2, for the side that sends.
inline constexpr Milliseconds greeting_wait = std::chrono::minutes(5);
inline constexpr Milliseconds mail_wait = std::chrono::minutes(5);
inline constexpr Milliseconds rcpt_wait = std::chrono::minutes(5);
inline constexpr Milliseconds data_start_wait = std::chrono::minutes(2);
inline constexpr Milliseconds data_block_wait = std::chrono::minutes(3);
inline constexpr Milliseconds data_end_wait = std::chrono::minutes(10);
// For the side that receives, §4.5.3.2.7.
inline constexpr Milliseconds command_wait = std::chrono::minutes(5);

// RFC 1939 §3: at least ten minutes before an idle POP3 session may be ended.
inline constexpr Milliseconds pop_idle = std::chrono::minutes(10);

// RFC 5321 §6.3 asks for a large count, at least 100.
inline constexpr std::size_t received_fields_max = 100;

// Ours: what one session may hold in memory however large its message is.
inline constexpr std::size_t session_octets_max = 256 * 1024;
inline constexpr std::size_t header_octets_max = 64 * 1024;
inline constexpr std::size_t header_fields_max = 1000;
inline constexpr std::size_t chunk_octets = 64 * 1024;  // of a blob

}  // namespace letterlock::base::limits
