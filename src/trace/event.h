// What one tenant learns of a hop in another: an event, kept where the hop was recorded until it
// has been told. Only the protection and the kind, never addresses of machines, nor names of
// clients, nor anybody's words.
#pragma once

#include <vector>

#include "trace/trace.h"

namespace letterlock::trace {

// The hop as another tenant may know it. Its recipients are indexes into the owner's trace.
hop::Hop redacted(const hop::Hop& hop, TimeDetail detail);

struct Event {
  base::TenantId from;  // who recorded the hop
  base::TenantId to;    // who owns the trace
  std::uint64_t sequence = 0;
  hop::Hop hop;  // redacted
  bool operator==(const Event&) const = default;
};

// In the transaction that records `hop` in `from`; does nothing where it was only counted.
void put_event(store::Transaction& tx, const base::TenantId& from, const base::TenantId& to,
               const HopRef& ref, const hop::Hop& hop, TimeDetail detail);
// Oldest traces first. An event that can't be read is an error: corrupt.
net::ResultTask<std::vector<Event>> pending_events(store::Transaction& tx, base::TenantId from,
                                                   std::size_t count_max);
// In a transaction of `event.to`. Doing it twice changes nothing.
enum class Applied { now, before, trace_is_gone };
net::ResultTask<Applied> apply_event(store::Transaction& tx, Event event);
// In a transaction of `event.from`, after that.
void event_done(store::Transaction& tx, const Event& event);

}  // namespace letterlock::trace
