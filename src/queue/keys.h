// The keys that the queue owns, all within the scope of the message's tenant, but for the
// partitions' epochs, which are the site's (docs/storage.md).
#pragma once

#include <string>

#include "base/id.h"
#include "base/pack.h"
#include "base/time.h"
#include "queue/record.h"
#include "store/store.h"

namespace letterlock::queue::keys {

inline constexpr unsigned partition_count = 64;
inline unsigned partition_of(const base::MessageId& id) {
  return static_cast<std::uint8_t>(id.octets().back()) % partition_count;
}

inline std::string area(const base::TenantId& tenant, std::string_view part) {
  return store::tenant_prefix(tenant) + "q/" + std::string(part) + "/";
}
inline std::string message(const base::TenantId& tenant, const base::MessageId& id) {
  return area(tenant, "m") + std::string(id.octets());
}
// Two octets, big-endian, so that recipients stand in order.
inline std::string index(unsigned recipient) {
  return {static_cast<char>(recipient >> 8), static_cast<char>(recipient)};
}
inline std::string recipients(const base::TenantId& tenant, const base::MessageId& id) {
  return area(tenant, "r") + std::string(id.octets());
}
inline std::string recipient(const base::TenantId& tenant, const base::MessageId& id, unsigned at) {
  return recipients(tenant, id) + index(at);
}
// How many of a message's recipients are left, where they don't stand in its own record.
inline std::string left(const base::TenantId& tenant, const base::MessageId& id) {
  return area(tenant, "c") + std::string(id.octets());
}
// What is due, a lane for itself, in the order of time: whole spans of it, and within a span by
// destination. So one that can't take any more, or rests, is passed over in one step a span,
// however many rows it has there. All of a row is in its key; its value is empty.
inline constexpr unsigned due_span_bits = 12;  // of milliseconds: four seconds
inline std::uint64_t due_span(base::Time at) {
  return static_cast<std::uint64_t>(base::to_milliseconds(at)) >> due_span_bits;
}
inline std::string due_area(const base::TenantId& tenant, Lane lane) {
  constexpr std::string_view letters = "lrp";
  return area(tenant, "d") + letters[static_cast<std::size_t>(lane)];
}
// Of one destination within one span.
inline std::string due_of(const base::TenantId& tenant, Lane lane, std::uint64_t span,
                          std::string_view destination) {
  return due_area(tenant, lane) + base::key_number(span) + std::string(destination) + '\0';
}
inline std::string due(const base::TenantId& tenant, Lane lane, base::Time at,
                       std::string_view destination, const base::MessageId& id,
                       unsigned recipient) {
  return due_of(tenant, lane, due_span(at), destination) +
         base::key_number(static_cast<std::uint64_t>(base::to_milliseconds(at))) +
         std::string(id.octets()) + index(recipient);
}
// Messages with something to tell.
inline std::string notice(const base::TenantId& tenant, const base::MessageId& id) {
  return area(tenant, "n") + std::string(id.octets());
}
// The messages of a trace that are here.
inline std::string of_trace(const base::TenantId& tenant, const base::TraceId& trace) {
  return area(tenant, "t") + std::string(trace.octets());
}
inline std::string of_trace(const base::TenantId& tenant, const base::TraceId& trace,
                            const base::MessageId& id) {
  return of_trace(tenant, trace) + std::string(id.octets());
}
// Who was given one content already, in the order of the traces under which contents came in. A
// letter of its own: a delivery reads and writes these in another tenant, whose queue it mustn't.
inline std::string served(const base::TenantId& tenant) {
  return store::tenant_prefix(tenant) + "o/";
}
inline std::string served(const base::TenantId& tenant, const base::TraceId& origin,
                          std::string_view who) {
  return served(tenant) + std::string(origin.octets()) + std::string(who);
}
// Whole, so that it is the same wherever it is said: a group's copy is put into another tenant's
// queue by a transaction of the sender's, and taken out by one of its own.
inline std::string holder(const base::TenantId& tenant, const base::MessageId& id) {
  return store::tenant_prefix(tenant) + "q/" + std::string(id.octets());
}

inline std::string epoch(unsigned partition) {
  return store::site_prefix() + "q/epoch/" + static_cast<char>(partition);
}
inline std::string lease(unsigned partition) {
  return store::site_prefix() + "q/lease/" + static_cast<char>(partition);
}

}  // namespace letterlock::queue::keys
