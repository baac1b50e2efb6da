#include "trace/event.h"

#include <algorithm>
#include <array>

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

base::Time end_of_day(base::Time time) {
  return std::chrono::floor<std::chrono::days>(time) + std::chrono::days(1);
}

base::Time due_of(const Hop& hop, TimeDetail detail) {
  if (detail == TimeDetail::exact) return {};
  return end_of_day(std::max(hop.time, hop.finished));
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
  told.sign_in = hop.sign_in;
  told.password_in_clear = hop.password_in_clear;
  told.told = true;
  return told;
}

void put_event(store::Transaction& tx, const base::TenantId& from, const base::TenantId& to,
               const HopRef& ref, const Hop& hop, TimeDetail detail) {
  if (ref.sequence == 0) return;
  tx.put(keys::event(from, due_of(hop, detail), ref.trace, ref.sequence),
         pack_event(to, redacted(hop, detail)));
}

base::Time told_until(base::Time now, TimeDetail detail) {
  return detail == TimeDetail::exact ? now : std::chrono::floor<std::chrono::days>(now);
}

namespace {

base::Result<Event> event_at(const base::TenantId& from, std::string_view key,
                             std::string_view value) {
  const std::string_view name = key.substr(keys::area(from, "v").size());
  const auto due = TRY(base::from_key_number(name.substr(0, 8)));
  const auto sequence = TRY(base::from_key_number(name.substr(8 + 16)));
  auto [to, hop] = TRY(unpack_event(value));
  return Event{base::from_milliseconds(static_cast<std::int64_t>(due)), from, to, sequence,
               std::move(hop)};
}

}  // namespace

net::ResultTask<EventPage> pending_events(store::Transaction& tx, base::TenantId from,
                                          base::Time now, std::string after,
                                          std::size_t count_max) {
  // Today's wait. One that is due later than the day's end was put while the clock was ahead:
  // nobody waits longer than a day.
  constexpr base::Milliseconds beyond(1);
  const store::Range all = store::range_of(keys::area(from, "v"));
  const std::array<store::Range, 2> due{
      store::Range{all.first, keys::events_due(from, now + beyond)},
      store::Range{keys::events_due(from, end_of_day(now) + beyond), all.end}};
  EventPage page;
  for (store::Range range : due) {
    if (!after.empty()) range.first = std::max(range.first, after + std::string(1, '\0'));
    const std::size_t left = count_max - page.events.size();
    if (left == 0 || range.first >= range.end) continue;
    CO_TRY(const auto found, co_await tx.scan(std::move(range), {.count_max = left}));
    for (const auto& [key, value] : found) {
      CO_TRY(auto event, event_at(from, key, value));
      page.events.push_back(std::move(event));
      page.last = key;
    }
  }
  page.more = page.events.size() == count_max;
  co_return page;
}

net::ResultTask<bool> has_events(store::Transaction& tx, base::TenantId from) {
  CO_TRY(const auto found,
         co_await tx.scan(store::range_of(keys::area(from, "v")), {.count_max = 1}));
  co_return !found.empty();
}

namespace {

// The owner knows the mailbox by the address that it wrote to.
void name_ends(Hop& hop, const Trace& trace) {
  for (const Recipient& recipient : trace.recipients) {
    if (hop.recipients.front() != recipient.index) continue;
    for (End* end : {&hop.from, &hop.to}) {
      if (end->role == End::Role::mailbox || end->role == End::Role::client)
        end->who = recipient.address;
    }
  }
}

// One for each address that was written to. Those beyond the limit stay together.
std::vector<Hop> apart(Hop hop, const Trace& trace) {
  hop.number = 0;
  if (hop.recipients.empty()) return {std::move(hop)};
  std::vector<Hop> hops;
  const auto& all = hop.recipients;
  for (std::size_t at = 0; at < std::min(all.size(), told_apart_max); ++at) {
    const bool is_last = at + 1 == told_apart_max;
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(at);
    Hop one = hop;
    one.recipients.assign(first, is_last ? all.end() : std::next(first));
    name_ends(one, trace);
    hops.push_back(std::move(one));
  }
  return hops;
}

// A hop whose beginning was told may be told again, with its end. Says whether that was news.
net::ResultTask<bool> close_told(store::Transaction& tx, base::TenantId to, const Hop& told,
                                 std::uint64_t sequence) {
  if (sequence == 0 || told.outcome == hop::Outcome::intended) co_return false;
  CO_TRY(const auto octets, co_await tx.get(keys::hop(to, told.trace, sequence)));
  if (!octets) co_return false;
  CO_TRY(const Hop known, unpack_hop(*octets));
  const bool is_open = known.outcome == hop::Outcome::intended;
  const bool is_late =
      known.outcome == hop::Outcome::unknown && told.outcome != hop::Outcome::unknown;
  if (!is_open && !is_late) co_return false;
  Closing closing{.outcome = told.outcome,
                  .given = told.given,
                  .answer = told.answer,
                  .reason = {},
                  .reply = {},
                  .finished = told.finished};
  CO_CHECK(co_await close(tx, to, {told.trace, sequence, known.number, known.attempt}, closing));
  co_return true;
}

net::ResultTask<> apply(store::Transaction& tx, const Trace& trace, Event event, Applied& applied) {
  std::string mark = keys::told(event.to, event.hop.trace, event.from, event.sequence);
  CO_TRY(const auto already, co_await tx.get(mark));
  constexpr std::size_t octets = 8;
  if (already) {
    bool is_news = false;
    for (std::size_t at = 0; at < already->size(); at += octets) {
      CO_TRY(const auto sequence,
             base::from_key_number(std::string_view(*already).substr(at, octets)));
      CO_TRY(const bool is_one, co_await close_told(tx, event.to, event.hop, sequence));
      is_news = is_news || is_one;
    }
    ++(is_news ? applied.now : applied.before);
    co_return base::Result<>();
  }
  std::string sequences;
  for (auto& hop : apart(std::move(event.hop), trace)) {
    CO_TRY(const auto ref, co_await append(tx, event.to, std::move(hop)));
    sequences += base::key_number(ref.sequence);
  }
  tx.put(std::move(mark), std::move(sequences));
  ++applied.now;
  co_return base::Result<>();
}

}  // namespace

net::ResultTask<Applied> apply_events(store::Transaction& tx, base::TenantId to,
                                      std::vector<Event> events) {
  ASSERT(events.size() <= events_at_once);
  Applied applied;
  std::optional<Trace> trace;  // they come by trace, so each is read once
  std::optional<base::TraceId> gone;
  for (auto& event : events) {
    ASSERT(event.to == to);
    const auto id = event.hop.trace;
    if (gone != id && (!trace || trace->id != id)) {
      CO_TRY(const auto head, co_await tx.get(keys::trace(to, id)));
      if (head) {
        CO_TRY(trace, unpack_trace(*head));
      } else {
        gone = id;
      }
    }
    if (gone == id)
      ++applied.trace_is_gone;
    else
      CO_CHECK(co_await apply(tx, *trace, std::move(event), applied));
  }
  co_return applied;
}

net::ResultTask<> events_done(store::Transaction& tx, base::TenantId from,
                              std::vector<Event> events) {
  ASSERT(events.size() <= events_at_once);
  std::vector<std::string> names;
  for (const auto& event : events)
    names.push_back(keys::event(from, event.due, event.hop.trace, event.sequence));
  CO_TRY(const auto rows, co_await tx.get_many(names));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (rows[i] && *rows[i] == pack_event(events[i].to, events[i].hop)) tx.erase(names[i]);
  }
  co_return base::Result<>();
}

void put_told_as_of(store::Transaction& tx, base::Time time) {
  tx.put(keys::told_as_of(), base::Packer(1).time(time).take());
}

net::ResultTask<std::optional<base::Time>> told_as_of(store::Transaction& tx) {
  CO_TRY(const auto octets, co_await tx.get(keys::told_as_of()));
  if (!octets) co_return std::nullopt;
  base::Unpacker unpacker("up to when events are told", *octets);
  const auto time = unpacker.time();
  CO_CHECK(unpacker.done(1));
  co_return time;
}

}  // namespace letterlock::trace
