#include "custody/trace_again.h"

#include <algorithm>

#include "queue/queue.h"
#include "trace/trace.h"

namespace letterlock::custody {

net::ResultTask<> begin_trace_again_if_gone(store::Transaction& tx, queue::Message message,
                                            base::Time now, base::Milliseconds keep) {
  CO_TRY(const bool is_there, co_await trace::exists(tx, message.tenant, message.trace));
  if (is_there) co_return base::Result<>();
  trace::Trace again;
  again.id = message.trace;
  again.owner = message.tenant;
  again.mail_from = message.mail_from;
  again.accepted = message.accepted;
  again.expires = now + keep;
  again.octets = message.octets;
  again.digest = message.digest;
  again.from_outside = message.account.is_nil() && !message.is_report;
  CO_TRY(auto entry, co_await queue::find(tx, message.tenant, message.id));
  if (!entry) entry.emplace();
  for (const auto& recipient : entry->recipients) {
    // Several may stand for one of the trace's: an alias's targets.
    const auto at =
        std::ranges::find(again.recipients, recipient.trace_index, &trace::Recipient::index);
    if (at != again.recipients.end()) continue;
    // Whom the header named is forgotten: nobody is shown who may have been hidden. And where an
    // alias leads is its owner's business.
    again.recipients.push_back({recipient.trace_index, recipient.address_written_to(), true});
  }
  co_return co_await trace::begin(tx, message.tenant, std::move(again));
}

}  // namespace letterlock::custody
