// Which fetches are kept one by one, and which are only counted: by the mailbox that they came
// from, so that nobody's many fetches hide another's first. For this room's own files.
#pragma once

#include "trace/records.h"

namespace letterlock::trace {

// Whether this fetch is kept, by what its mailbox's others have shown, and by how many are kept in
// the trace. Pure: counts it in `fetches`.
bool keeps(Fetches& fetches, const hop::Hop& hop, std::uint64_t kept_in_trace);

// The same with the stored counts. In the transaction that records the hop.
net::ResultTask<bool> count_fetch(store::Transaction& tx, base::TenantId tenant, hop::Hop hop,
                                  std::uint64_t kept_in_trace);
// One that was kept has ended: from now on those like it need not be kept, if it gave the whole.
net::ResultTask<> note_completed(store::Transaction& tx, base::TenantId tenant, hop::Hop hop);
// How many are only counted, of each way.
net::ResultTask<> load_fetches(store::Transaction& tx, base::TenantId tenant, LoadedTrace& loaded);

}  // namespace letterlock::trace
