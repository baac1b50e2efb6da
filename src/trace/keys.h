// The keys that this room owns, all within a tenant's scope, under "x/".
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/pack.h"
#include "store/store.h"
#include "trace/trace.h"

namespace letterlock::trace::keys {

inline std::string area(const base::TenantId& tenant, std::string_view part) {
  return store::tenant_prefix(tenant) + "x/" + std::string(part) + "/";
}
inline std::string of(const base::TenantId& tenant, std::string_view part,
                      const base::TraceId& id) {
  return area(tenant, part) + std::string(id.octets());
}
inline std::string trace(const base::TenantId& tenant, const base::TraceId& id) {
  return of(tenant, "t", id);
}
inline std::string state(const base::TenantId& tenant, const base::TraceId& id) {
  return of(tenant, "s", id);
}
inline std::string hops(const base::TenantId& tenant, const base::TraceId& id) {
  return of(tenant, "h", id);
}
inline std::string hop(const base::TenantId& tenant, const base::TraceId& id,
                       std::uint64_t sequence) {
  return hops(tenant, id) + base::key_number(sequence);
}
inline std::string lasts(const base::TenantId& tenant, const base::TraceId& id) {
  return of(tenant, "l", id);
}
inline std::string last(const base::TenantId& tenant, const base::TraceId& id, unsigned recipient) {
  return lasts(tenant, id) + base::key_number(recipient);
}
// What a recipient's refused attempts showed, for reports.
inline std::string attempts(const base::TenantId& tenant, const base::TraceId& id,
                            unsigned recipient) {
  return of(tenant, "a", id) + base::key_number(recipient);
}
inline std::string endings(const base::TenantId& tenant, const base::TraceId& id) {
  return of(tenant, "w", id);
}
inline std::string ending(const base::TenantId& tenant, const base::TraceId& id,
                          unsigned recipient) {
  return endings(tenant, id) + base::key_number(recipient);
}

// Names of any length and content stand in keys as 16 octets of their digest.
inline std::string digest_of(std::string_view name) {
  return base::sha256(base::to_lower(name)).substr(0, 16);
}
inline std::string links(const base::TenantId& tenant, const base::TraceId& id) {
  return of(tenant, "k", id);
}
// Two traces may be linked in more than one way: each stands by itself.
inline std::string link(const base::TenantId& tenant, const base::TraceId& id, const Link& link) {
  return links(tenant, id) + std::string(link.trace.octets()) + static_cast<char>(link.relation) +
         digest_of(link.name);
}
// When an account's owner took the message out of a mailbox.
inline std::string lefts(const base::TenantId& tenant, const base::TraceId& id) {
  return of(tenant, "g", id);
}
inline std::string left(const base::TenantId& tenant, const base::TraceId& id,
                        const base::AccountId& account) {
  return lefts(tenant, id) + std::string(account.octets());
}

// Without the brackets and blanks around it.
inline std::string_view bare_message_id(std::string_view text) {
  text = base::trim(text);
  if (text.starts_with('<') && text.ends_with('>') && text.size() >= 2) {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}
// What the fetches of one mailbox have shown, of those that a recipient's message lies in.
inline std::string fetches_of_all(const base::TenantId& tenant, const base::TraceId& id) {
  return of(tenant, "p", id);
}
inline std::string fetches(const base::TenantId& tenant, const base::TraceId& id,
                           unsigned recipient, std::string_view mailbox) {
  return fetches_of_all(tenant, id) + base::key_number(recipient) + digest_of(mailbox);
}
enum class Index { message_id, from, to };
inline std::string index(const base::TenantId& tenant, Index which, std::string_view name) {
  switch (which) {
    case Index::message_id:
      return area(tenant, "m") + digest_of(bare_message_id(name));
    case Index::from:
      return area(tenant, "f") + digest_of(name);
    case Index::to:
      break;
  }
  return area(tenant, "r") + digest_of(name);
}

// Open intents; the value is the node that will close them.
inline std::string opens(const base::TenantId& tenant) {
  return area(tenant, "i");
}
inline std::string open(const base::TenantId& tenant, const base::TraceId& id,
                        std::uint64_t sequence) {
  return of(tenant, "i", id) + base::key_number(sequence);
}

// What is forgotten when, in the order of time.
inline std::string expiry(const base::TenantId& tenant, base::Time at, const base::TraceId& id) {
  return area(tenant, "e") +
         base::key_number(static_cast<std::uint64_t>(base::to_milliseconds(at))) +
         std::string(id.octets());
}

// Events that wait to be told to another tenant, in the order in which they may be; those that were
// told to this one, with the sequences that their hops have here.
inline std::string events_due(const base::TenantId& tenant, base::Time due) {
  return area(tenant, "v") +
         base::key_number(static_cast<std::uint64_t>(base::to_milliseconds(due)));
}
inline std::string event(const base::TenantId& tenant, base::Time due, const base::TraceId& id,
                         std::uint64_t sequence) {
  return events_due(tenant, due) + std::string(id.octets()) + base::key_number(sequence);
}
inline std::string told(const base::TenantId& tenant, const base::TraceId& id,
                        const base::TenantId& by, std::uint64_t sequence) {
  return of(tenant, "d", id) + std::string(by.octets()) + base::key_number(sequence);
}

// The site's: up to when whatever was put as an event has been told.
inline std::string told_as_of() {
  return store::site_prefix() + "x/o";
}

}  // namespace letterlock::trace::keys
