#include "custody/trace_again.h"

#include <algorithm>

#include "queue/queue.h"
#include "trace/trace.h"

namespace letterlock::custody {
namespace {

// How the way of one of the trace's recipients ended, as far as the queue knows; nothing: some of
// it waits.
std::optional<trace::Ending> ending_of(const queue::Entry& entry, unsigned index) {
  using Kind = trace::Ending::Kind;
  std::optional<trace::Ending> ending;
  for (const auto& recipient : entry.recipients) {
    if (recipient.trace_index != index) continue;
    if (!queue::is_final(recipient.state)) return std::nullopt;
    trace::Ending one{Kind::went_on, recipient.status, recipient.last_try};
    if (recipient.state == queue::State::failed) one.kind = Kind::bounced;
    if (recipient.state == queue::State::removed) one.kind = Kind::removed;
    if (!ending || one.kind < ending->kind) ending = std::move(one);
  }
  return ending;
}

}  // namespace

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
  again.begun_again = true;
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
  const auto recipients = again.recipients;
  CO_CHECK(co_await trace::begin(tx, message.tenant, std::move(again)));
  for (const auto& recipient : recipients) {
    const auto ending = ending_of(*entry, recipient.index);
    if (!ending) continue;
    CO_CHECK(co_await trace::end(tx, message.tenant, message.trace, {recipient.index}, *ending));
  }
  co_return base::Result<>();
}

}  // namespace letterlock::custody
