#include "trace/event.h"

#include "base/assert.h"
#include "trace/keys.h"
#include "trace/write.h"

namespace letterlock::trace {
namespace {

using hop::End;
using hop::Hop;

base::Time coarse(base::Time time, TimeDetail detail) {
  switch (detail) {
    case TimeDetail::exact:
      return time;
    case TimeDetail::day:
      return std::chrono::floor<std::chrono::days>(time);
    case TimeDetail::none:
      return {};
  }
  ASSERT(false && "a detail without a case");
}

// The owner knows the mailbox by the address that it wrote to itself; no name is told.
End redacted(const End& end) {
  return {end.role, {}, {}, end.protocol};
}

}  // namespace

Hop redacted(const Hop& hop, TimeDetail detail) {
  Hop told;
  told.trace = hop.trace;
  told.kind = hop.kind;
  told.from = redacted(hop.from);
  told.to = redacted(hop.to);
  told.recipients = hop.recipients;
  told.protection = hop.protection;
  told.protection.tls.exporter_digest.clear();
  told.answer = hop.answer;
  told.outcome = hop.outcome;
  told.given = hop.given;
  told.time = coarse(hop.time, detail);
  told.finished = coarse(hop.finished, detail);
  told.password_in_clear = hop.password_in_clear;
  return told;
}

void put_event(store::Transaction& tx, const base::TenantId& from, const base::TenantId& to,
               const HopRef& ref, const Hop& hop, TimeDetail detail) {
  if (ref.sequence == 0) return;
  tx.put(keys::event(from, ref.trace, ref.sequence), pack_event(to, redacted(hop, detail)));
}

net::ResultTask<std::vector<Event>> pending_events(store::Transaction& tx, base::TenantId from,
                                                   std::size_t count_max) {
  const std::string area = keys::area(from, "v");
  CO_TRY(const auto found, co_await tx.scan(store::range_of(area), {.count_max = count_max}));
  std::vector<Event> events;
  for (const auto& [key, value] : found) {
    CO_TRY(const auto sequence,
           base::from_key_number(std::string_view(key).substr(area.size() + 16)));
    CO_TRY(auto unpacked, unpack_event(value));
    events.push_back({from, unpacked.first, sequence, std::move(unpacked.second)});
  }
  co_return events;
}

net::ResultTask<Applied> apply_event(store::Transaction& tx, Event event) {
  const base::TraceId id = event.hop.trace;
  CO_TRY(const auto head, co_await tx.get(keys::trace(event.to, id)));
  if (!head) co_return Applied::trace_is_gone;
  std::string mark = keys::told(event.to, id, event.from, event.sequence);
  CO_TRY(const auto already, co_await tx.get(mark));
  if (already) co_return Applied::before;
  tx.put(std::move(mark), "");
  CO_TRY(const Trace trace, co_await find(tx, event.to, id));
  // The mailbox is known to the owner by the address that it wrote to.
  for (const Recipient& recipient : trace.recipients) {
    if (event.hop.recipients.empty() || event.hop.recipients.front() != recipient.index) continue;
    for (End* end : {&event.hop.from, &event.hop.to}) {
      if (end->role == End::Role::mailbox || end->role == End::Role::client) {
        end->who = recipient.address;
      }
    }
  }
  event.hop.number = 0;
  CO_CHECK(co_await append(tx, event.to, std::move(event.hop)));
  co_return Applied::now;
}

void event_done(store::Transaction& tx, const Event& event) {
  tx.erase(keys::event(event.from, event.hop.trace, event.sequence));
}

}  // namespace letterlock::trace
