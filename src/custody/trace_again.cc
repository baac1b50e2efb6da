#include "custody/trace_again.h"

#include <algorithm>

#include "queue/queue.h"
#include "trace/trace.h"

namespace letterlock::custody {

net::ResultTask<> begin_trace_again_if_gone(store::Transaction& tx, queue::Message message,
                                            base::Time now, base::Milliseconds keep) {
  const auto found = co_await trace::find(tx, message.tenant, message.trace);
  if (found) co_return base::Result<>();
  if (found.error().kind != base::ErrorKind::not_found) co_return base::fail(found.error());
  trace::Trace again;
  again.id = message.trace;
  again.owner = message.tenant;
  again.mail_from = message.mail_from;
  again.accepted = message.accepted;
  again.expires = now + keep;
  again.octets = message.octets;
  again.digest = message.digest;
  CO_TRY(const auto recipients, co_await queue::recipients_of(tx, message.tenant, message.id));
  for (const auto& recipient : recipients) {
    // Several may stand for one of the trace's: an alias's targets.
    const auto at =
        std::ranges::find(again.recipients, recipient.trace_index, &trace::Recipient::index);
    if (at == again.recipients.end())
      again.recipients.push_back({recipient.trace_index, recipient.address});
  }
  co_return co_await trace::begin(tx, message.tenant, std::move(again));
}

}  // namespace letterlock::custody
