// The table's words for one hop. For this room's own files.
#pragma once

#include <string>
#include <vector>

#include "protection/exposure.h"
#include "trace/trace.h"

namespace letterlock::trace {

// "TLS 1.3 X25519 AES-256-GCM, SCRAM-PLUS", "POP3 without TLS, password in clear", "-".
std::string protected_by(const hop::Hop& hop);
// "alice's client -> dublin-1".
std::string ends_of(const hop::Hop& hop);
// What the record itself rests on: "recorded", "recorded, both ends", "told" (by another tenant),
// "intent only".
std::string proof_of(const hop::Hop& hop);
// It ends at a mailbox that has the message by another way.
bool was_there_before(const hop::Hop& hop);
// Attempts that ended alike, and not well, in one sentence: when, how often, why, and what was
// given away.
std::string attempts_in_words(const std::vector<const hop::Hop*>& attempts, base::Time day);
// Where a recipient's way stands: "fetched 10:05:40", "waits", "came back 12:00:00 (5.7.4)"; of an
// alias's several targets "in part fetched 10:05:40; in part waits".
std::string standing_of(const LoadedTrace& trace, const Way& way,
                        const protection::Evidence& evidence);
// "2026-11-23 10:02:09"; the clock alone where `day` is that day.
std::string moment(base::Time time, base::Time day);
std::string moment(base::Time time);

}  // namespace letterlock::trace
