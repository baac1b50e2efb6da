// Points and lengths of time as values. Nothing here asks what time it is: os::Clock does.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace letterlock::base {

using Milliseconds = std::chrono::milliseconds;
// A moment of the calendar, UTC.
using Time = std::chrono::sys_time<Milliseconds>;

// "2026-11-23T03:12:44.120Z". RFC: 3339.
std::string to_rfc3339(Time time);
// Only that form, with or without fractions, Z alone as zone. Errors: invalid.
Result<Time> from_rfc3339(std::string_view text);
// "Mon, 23 Nov 2026 03:12:44 +0000". RFC: 5322 section 3.3.
std::string to_rfc5322(Time time);
// "03:12:44", as the tables that people read show it.
std::string to_clock(Time time);

inline std::int64_t to_milliseconds(Time time) {
  return time.time_since_epoch().count();
}
inline Time from_milliseconds(std::int64_t count) {
  return Time(Milliseconds(count));
}

// "30s", "15m", "4h", "5d", "250ms" as configuration and command line write them.
// Errors: invalid (no number, no unit, more than ten years).
Result<Milliseconds> parse_duration(std::string_view text);
// The same backwards, in the largest unit that loses nothing.
std::string to_text(Milliseconds duration);

}  // namespace letterlock::base
