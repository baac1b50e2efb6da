// What goes from one trace to another: copies for other tenants, and links to where the content
// went on.
#include <algorithm>
#include <set>

#include "base/assert.h"
#include "protection/exposure.h"
#include "trace/event.h"
#include "trace/keys.h"
#include "trace/write.h"

namespace letterlock::trace {
namespace {

using hop::End;
using hop::Hop;
using hop::Kind;

// Content was given away, and the message stayed, or may have.
bool was_in_vain(const Hop& hop) {
  return hop.kind == Kind::relay && hop.to.role == End::Role::mta &&
         hop.outcome != hop::Outcome::completed && protection::gave_content(hop);
}

bool comes_here(const Hop& hop) {
  const bool may =
      hop.kind == Kind::submission || hop.kind == Kind::relay || hop.kind == Kind::site_link;
  return may && hop.to.role == End::Role::node;
}

// Whether content came to this node over it, or an address gave way to others under this trace.
bool leads_here(const Hop& hop) {
  if (hop.kind == Kind::expansion) return hop.to.role == End::Role::alias;
  if (was_in_vain(hop)) return true;
  return comes_here(hop) && protection::gave_content(hop);
}

bool concerns(const Hop& hop, const std::optional<unsigned>& recipient) {
  return !recipient || hop.recipients.empty() ||
         std::ranges::find(hop.recipients, *recipient) != hop.recipients.end();
}

// As it stands in the copy. The exporter's digest binds the session to the trace that it was made
// for, so another trace doesn't carry it.
Hop carried(const Hop& hop, const Carry& options) {
  const bool crosses = options.sight == Carry::Sight::another_tenants;
  Hop copy = crosses ? redacted(hop, TimeDetail::exact) : hop;
  if (options.into != hop.trace) copy.protection.tls.exporter_digest.clear();
  copy.trace = options.into;
  copy.number = 0;
  copy.attempt = 1;
  copy.recipients.clear();
  copy.told = hop.told || crosses;
  // Its end is closed in the other trace alone.
  if (copy.outcome == hop::Outcome::intended) copy.outcome = hop::Outcome::unknown;
  return copy;
}

net::ResultTask<> append_all(store::Transaction& tx, base::TenantId tenant, std::vector<Hop> hops) {
  for (auto& hop : hops) CO_CHECK(co_await append(tx, tenant, std::move(hop)));
  co_return base::Result<>();
}

// Indexes of those that weren't known.
std::vector<unsigned> added_to(const std::vector<Recipient>& known,
                               const std::vector<Recipient>& all) {
  std::vector<unsigned> added;
  for (const Recipient& recipient : all) {
    if (std::ranges::find(known, recipient.index, &Recipient::index) == known.end())
      added.push_back(recipient.index);
  }
  return added;
}

// The head with those recipients of `copy` that it lacks; nothing: it has them all.
std::optional<Trace> with_recipients_of(Trace trace, const Trace& copy) {
  std::set<unsigned> known;
  for (const Recipient& recipient : trace.recipients) known.insert(recipient.index);
  bool any = false;
  for (const Recipient& recipient : copy.recipients) {
    if (!known.insert(recipient.index).second) continue;
    trace.recipients.push_back(recipient);
    any = true;
  }
  if (!any) return std::nullopt;
  std::ranges::sort(trace.recipients, {}, &Recipient::index);
  return trace;
}

}  // namespace

bool shows_hidden(const Trace& trace, const base::TenantId& tenant) {
  return trace.owner == tenant && !trace.from_outside;
}

std::string_view name(Link::Relation relation) {
  switch (relation) {
    case Link::Relation::expanded_into:
      return "expanded-into";
    case Link::Relation::expanded_from:
      return "expanded-from";
    case Link::Relation::reported_in:
      return "reported-in";
    case Link::Relation::report_about:
      return "report-about";
  }
  ASSERT(false && "a relation without a case");
}

Trace copy_for(const Trace& trace, const std::vector<unsigned>& recipients) {
  Trace copy = trace;
  std::erase_if(copy.recipients, [&](const Recipient& recipient) {
    return std::ranges::find(recipients, recipient.index) == recipients.end();
  });
  return copy;
}

net::ResultTask<> begin_copy(store::Transaction& tx, base::TenantId tenant, Trace copy,
                             std::vector<Hop> before) {
  CO_TRY(const auto head, co_await tx.get(keys::trace(tenant, copy.id)));
  if (!head) {
    if (before.empty()) co_return put_head(tx, tenant, std::move(copy), nullptr);
    Hop first = std::move(before.front());
    before.erase(before.begin());
    CO_CHECK(put_head(tx, tenant, std::move(copy), &first));
    co_return co_await append_all(tx, tenant, std::move(before));
  }
  CO_TRY(auto trace, unpack_trace(*head));
  const auto known = trace.recipients;
  // By which it came here is known, where the head is a copy of the same trace.
  if (trace.owner == copy.owner) std::erase_if(before, comes_here);
  auto more = with_recipients_of(std::move(trace), copy);
  if (!more) co_return base::Result<>();
  // The way that these came by is theirs alone.
  for (Hop& hop : before) hop.recipients = added_to(known, more->recipients);
  CO_TRY(auto first, unpack_first_hop(*head));
  CO_CHECK(put_head(tx, tenant, std::move(*more), first ? &*first : nullptr));
  co_return co_await append_all(tx, tenant, std::move(before));
}

net::ResultTask<std::vector<Hop>> hops_before(store::Transaction& tx, base::TenantId tenant,
                                              base::TraceId id, Carry options) {
  std::vector<Hop> found;
  const auto take = [&](const Hop& hop) {
    if (leads_here(hop) && concerns(hop, options.recipient)) found.push_back(carried(hop, options));
  };
  CO_TRY(const auto head, co_await tx.get(keys::trace(tenant, id)));
  if (!head) co_return found;
  CO_TRY(const auto first, unpack_first_hop(*head));
  if (first) take(*first);
  if (options.rows_max == 0) co_return found;
  CO_TRY(const auto rows, co_await tx.scan(store::range_of(keys::hops(tenant, id)),
                                           {.count_max = options.rows_max}));
  for (const auto& [key, value] : rows) {
    CO_TRY(const Hop hop, unpack_hop(value));
    take(hop);
  }
  co_return found;
}

net::ResultTask<std::vector<Link>> links_into(store::Transaction& tx, base::TenantId tenant,
                                              base::TraceId id, base::TenantId whose) {
  CO_TRY(const auto rows, co_await tx.scan(store::range_of(keys::links(tenant, id)),
                                           {.count_max = loaded_links_max}));
  std::vector<Link> links;
  for (const auto& row : rows) {
    CO_TRY(auto link, unpack_link(row.second));
    if (link.relation == Link::Relation::expanded_into && link.tenant == whose)
      links.push_back(std::move(link));
  }
  co_return links;
}

net::ResultTask<> put_link(store::Transaction& tx, base::TenantId tenant, base::TraceId id,
                           Link link) {
  CO_TRY(const bool is_kept, co_await exists(tx, tenant, id));
  if (is_kept) tx.put(keys::link(tenant, id, link), pack(link));
  co_return base::Result<>();
}

net::ResultTask<> put_left(store::Transaction& tx, base::TenantId tenant, base::TraceId id,
                           base::AccountId account, base::Time when) {
  CO_TRY(const bool is_kept, co_await exists(tx, tenant, id));
  if (is_kept) tx.put(keys::left(tenant, id, account), pack_left(when));
  co_return base::Result<>();
}

}  // namespace letterlock::trace
