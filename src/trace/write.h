// Steps that recording shares with events. For this room's own files.
#pragma once

#include "trace/records.h"
#include "trace/trace.h"

namespace letterlock::trace {

// Errors: not_found (no such trace in this tenant), corrupt.
net::ResultTask<State> state_of(store::Transaction& tx, base::TenantId tenant, base::TraceId id);
// The one record that a trace begins with, its first hop in it where there is one, and the rows
// that lead to it. Errors: invalid (too many recipients).
base::Result<> put_head(store::Transaction& tx, const base::TenantId& tenant, Trace trace,
                        hop::Hop* first);
// Numbers the hop, counts it and keeps it, unless there are enough of its kind.
net::ResultTask<HopRef> append(store::Transaction& tx, base::TenantId tenant, hop::Hop hop);

}  // namespace letterlock::trace
