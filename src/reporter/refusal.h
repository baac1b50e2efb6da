// The part of a report that says why a recipient's hops were not taken: what was required, what was
// offered, and whether anything was given away. Pure.
#pragma once

#include <optional>

#include "dsn/report.h"
#include "queue/record.h"
#include "trace/attempts.h"

namespace letterlock::reporter {

// What the attempts to this recipient gave away. `unknown`: not all of them are known here, or one
// is under way; then nothing is claimed.
enum class Left { nothing, unknown, content };
Left left_by(const trace::ForReport& known, const trace::Attempts& attempts,
             const queue::Entry& entry, const queue::Recipient& recipient);

// Nothing where the judgement had no part in it.
std::optional<dsn::Refusal> refusal_of(const trace::Attempts& attempts, Left left,
                                       const queue::Recipient& recipient);

}  // namespace letterlock::reporter
