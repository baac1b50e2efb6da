// A message may outlive its trace: traces are kept for so many days, but what an operator holds
// waits for him as long as it takes. No content moves without a record, so its trace begins anew,
// under the same id, with what the queue still knows: from then on it is complete, and what came
// before has been forgotten as it was to be.
#pragma once

#include "queue/record.h"
#include "store/store.h"

namespace letterlock::custody {

// Within the transaction that is about to record a hop of this message. Nothing happens where its
// trace is there. `keep`: from now. Errors: the store's.
net::ResultTask<> begin_trace_again_if_gone(store::Transaction& tx, queue::Message message,
                                            base::Time now, base::Milliseconds keep);

}  // namespace letterlock::custody
