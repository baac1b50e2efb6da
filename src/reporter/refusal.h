// The part of a report that says why a recipient's hops were not taken: what was required, what was
// offered, and whether anything was given away. Pure.
#pragma once

#include <optional>
#include <string>

#include "dsn/report.h"
#include "queue/record.h"
#include "trace/attempts.h"

namespace letterlock::reporter {

// Whether nothing else of the message went on from the address that was written to: no alias of it
// leads to several.
bool is_whole(const queue::Entry& entry, const queue::Recipient& recipient);

// What the attempts to this recipient gave away. `this_copy_stayed`: another one may have left.
// `unknown`: not all of them are known here, or one is under way; then nothing is claimed.
enum class Left { nothing, this_copy_stayed, unknown, content };
Left left_by(const trace::ForReport& known, const trace::Attempts& attempts,
             const queue::Entry& entry, const queue::Recipient& recipient);

// Whose people read the report, and whose address was written to: tenants' names; empty: not one of
// ours. `tenant` is known only where the report goes into that tenant's mailboxes and nowhere else.
struct Reader {
  std::string tenant;
  std::string address_owner;
};
// A tenant's reason is its own people's alone.
trace::Attempts without_others_reason(trace::Attempts attempts, const Reader& reader);
// Behind an alias, which tells nobody where it leads: neither who was asked, nor who requires it
// there.
dsn::Refusal without_next_holder(dsn::Refusal refusal, const Reader& reader);

// Nothing where the judgement had no part in it.
std::optional<dsn::Refusal> refusal_of(const trace::Attempts& attempts, Left left,
                                       const queue::Recipient& recipient);

}  // namespace letterlock::reporter
