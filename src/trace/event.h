// What one tenant learns of a hop in another: an event, kept where the hop was recorded until it
// has been told. Only the protection and the kind, never addresses of machines, nor names of
// clients, nor anybody's words. Where times are let out by the day, or not at all, it is told at
// the day's end (UTC): else whoever looks again and again knows the second.
#pragma once

#include <vector>

#include "trace/trace.h"

namespace letterlock::trace {

// The hop as another tenant may know it. Its recipients are indexes into the owner's trace.
hop::Hop redacted(const hop::Hop& hop, TimeDetail detail);

struct Event {
  base::Time due;       // not to be told before; zero: at once
  base::TenantId from;  // who recorded the hop
  base::TenantId to;    // who owns the trace
  std::uint64_t sequence = 0;
  hop::Hop hop;  // redacted
  bool operator==(const Event&) const = default;
};

// In the transaction that records `hop` in `from`, and again in the one that closes it: what was
// put for the same hop and isn't told yet is replaced. Does nothing where it was only counted.
void put_event(store::Transaction& tx, const base::TenantId& from, const base::TenantId& to,
               const HopRef& ref, const hop::Hop& hop, TimeDetail detail);

// Those that may be told by now. Errors: corrupt (one can't be read).
struct EventPage {
  std::vector<Event> events;
  std::string last;  // give it as `after` for the next page
  bool more = false;
};
net::ResultTask<EventPage> pending_events(store::Transaction& tx, base::TenantId from,
                                          base::Time now, std::string after, std::size_t count_max);
// Whether any waits, however long.
net::ResultTask<bool> has_events(store::Transaction& tx, base::TenantId from);
// What happened before this has become an event that may be told by now.
base::Time told_until(base::Time now, TimeDetail detail);

// In a transaction of `to`, whose events these are. Each is applied once, however often it comes;
// one that knows the end of a hop closes the hop that it began. Of several recipients it becomes a
// hop each: that their addresses are one mailbox's is its owner's business. Limits:
// events_at_once, so that the transaction stays within its 1 MiB, though each names
// told_apart_max recipients.
inline constexpr std::size_t events_at_once = 100;
struct Applied {
  std::size_t now = 0;
  std::size_t before = 0;         // were known already
  std::size_t trace_is_gone = 0;  // nothing is left to tell
  bool operator==(const Applied&) const = default;
};
net::ResultTask<Applied> apply_events(store::Transaction& tx, base::TenantId to,
                                      std::vector<Event> events);
// In a transaction of `from`, after that. An event that was put anew meanwhile stays. Limits:
// events_at_once.
net::ResultTask<> events_done(store::Transaction& tx, base::TenantId from,
                              std::vector<Event> events);

// In a transaction of the site: what happened in any tenant before `time` has been told.
void put_told_as_of(store::Transaction& tx, base::Time time);
net::ResultTask<std::optional<base::Time>> told_as_of(store::Transaction& tx);

}  // namespace letterlock::trace
