// The table's words for one hop. For this room's own files.
#pragma once

#include <string>
#include <vector>

#include "trace/trace.h"

namespace letterlock::trace {

// "TLS 1.3 X25519 AES-256-GCM, SCRAM-PLUS", "POP3 without TLS, password in clear", "-".
std::string protected_by(const hop::Hop& hop);
// "alice's client -> dublin-1".
std::string ends_of(const hop::Hop& hop);
// What the record itself rests on: "recorded", "recorded, both ends", "intent only".
std::string proof_of(const hop::Hop& hop);
// Attempts that failed alike, in one sentence: when, how often, why, and what was given away.
std::string failure_of(const std::vector<const hop::Hop*>& attempts, base::Time day);
// Where a recipient's way stands: "fetched 10:05:40", "waits", "came back 12:00:00 (5.7.4)".
std::string standing_of(const LoadedTrace& trace, const Way& way);
// "2026-11-23 10:02:09"; the clock alone where `day` is that day.
std::string moment(base::Time time, base::Time day);
std::string moment(base::Time time);

}  // namespace letterlock::trace
