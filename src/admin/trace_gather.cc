#include "admin/trace_gather.h"

#include <algorithm>

#include <fmt/format.h>

#include "directory/restores.h"
#include "mailbox/mailbox.h"
#include "queue/queue.h"

namespace letterlock::admin {
namespace {

using base::ErrorKind;
using protection::AtRest;
using protection::Child;
using protection::Evidence;
using trace::Link;

net::ResultTask<> load_in(store::Transaction& transaction, base::TenantId tenant, base::TraceId id,
                          trace::LoadedTrace& loaded) {
  CO_TRY(loaded, co_await trace::load(transaction, tenant, id));
  co_return base::Result<>();
}
net::ResultTask<> ask_queue(store::Transaction& transaction, base::TenantId tenant,
                            base::TraceId id, bool& holds) {
  CO_TRY(holds, co_await queue::holds_content_of(transaction, tenant, id));
  co_return base::Result<>();
}
net::ResultTask<> ask_mailboxes(store::Transaction& transaction, base::TenantId tenant,
                                base::TraceId id, std::vector<base::AccountId>& accounts) {
  CO_TRY(accounts, co_await mailbox::accounts_with(transaction, tenant, id, trace::recipients_max));
  co_return base::Result<>();
}

net::ResultTask<> ask_backups(store::Transaction& transaction, base::Time from, base::Time now,
                              base::Order order, std::vector<protection::Backup>& backups) {
  CO_TRY(backups,
         co_await directory::backups_between(transaction, from, now, now, std::move(order)));
  co_return base::Result<>();
}

net::ResultTask<> ask_lost(store::Transaction& transaction, base::Time accepted,
                           std::vector<protection::Lost>& lost) {
  CO_TRY(lost, co_await directory::lost_since(transaction, accepted));
  co_return base::Result<>();
}

bool is_delivery(const hop::Hop& hop) {
  return hop.kind == hop::Kind::delivery && hop.outcome == hop::Outcome::completed &&
         hop.to.role == hop::End::Role::mailbox;
}

// A report returns the header, if not the whole.
bool goes_on(const Link& link) {
  return link.relation == Link::Relation::expanded_into ||
         link.relation == Link::Relation::reported_in;
}

Child::What what_of(const Link& link) {
  if (link.relation == Link::Relation::expanded_into) return Child::What::expanded;
  return link.has_content ? Child::What::report : Child::What::header;
}

// A report's trace begins with the way of what it tells of, which is in what is being gathered.
void leave_out_way_in(std::vector<hop::Hop>& hops) {
  const auto made = std::ranges::find_if(hops, [](const hop::Hop& hop) {
    return hop.kind == hop::Kind::submission && hop.from.role == hop::End::Role::node;
  });
  if (made != hops.end()) hops.erase(hops.begin(), made);
}

// Nothing was here any more at this moment, nor came anything of it later: for certain.
bool had_gone(const Seen& seen, const AtRest& at_rest, base::Time at, const base::Order& order) {
  const auto before = [&](base::Time time) { return order.is_before(time, at); };
  if (seen.is_part || !seen.complete || !seen.loaded.complete ||
      at_rest.in_queue != AtRest::InQueue::no)
    return false;
  const bool has_left = std::ranges::all_of(at_rest.mailboxes, [&](const auto& mailbox) {
    return !mailbox.holds && mailbox.left && before(*mailbox.left);
  });
  const bool has_ended = std::ranges::all_of(
      seen.loaded.ways, [&](const auto& way) { return !way.ending || before(way.ending->time); });
  return has_left && has_ended && std::ranges::all_of(seen.loaded.hops, [&](const hop::Hop& hop) {
           if (hop.outcome == hop::Outcome::intended) return false;
           if (!before(std::max(hop.time, hop.finished))) return false;
           if (!is_delivery(hop)) return true;
           return std::ranges::any_of(at_rest.mailboxes, [&](const auto& mailbox) {
             return base::equal_ignoring_case(mailbox.account, hop.to.who);
           });
         });
}

// What a list's copy came from.
std::string before_it(const Link& link, bool may_see) {
  return fmt::format(
      "who else had what {} was sent {}", base::printable(link.name, 255),
      may_see ? fmt::format("stands in trace {}", link.trace.text()) : "is not shown here");
}

// Of the recipients that are shown. Reports concern the whole message.
bool is_of(const Link& link, const Seen& seen) {
  if (!seen.is_narrowed || link.relation == Link::Relation::reported_in) return true;
  return std::ranges::any_of(seen.loaded.hops, [&](const hop::Hop& hop) {
    return hop.kind == hop::Kind::expansion && base::equal_ignoring_case(hop.to.who, link.name);
  });
}

}  // namespace

net::ResultTask<std::vector<Kept>> kept_in(const Ports& ports, std::vector<base::TenantId> tenants,
                                           base::TraceId id) {
  std::vector<Kept> kept;
  for (const auto& tenant : tenants) {
    trace::LoadedTrace loaded;
    const auto read = co_await ports.store.read(
        store::Scope::tenant(tenant),
        [&](store::Transaction& transaction) { return load_in(transaction, tenant, id, loaded); });
    if (!read && read.error().kind == ErrorKind::not_found) continue;
    if (!read) co_return base::fail(read.error());
    kept.push_back({tenant, std::move(loaded)});
  }
  co_return kept;
}

net::ResultTask<Evidence> Gathering::evidence_of(Seen seen) {
  CO_TRY(order_, co_await ports_.calendar.order());
  co_return co_await evidence_at(std::move(seen), 0);
}

net::ResultTask<Evidence> Gathering::evidence_at(Seen seen, unsigned depth) {
  const auto id = seen.loaded.trace.id;
  under_way_.insert(id);
  Evidence evidence;
  evidence.order = order_;
  evidence.complete = seen.complete && seen.loaded.complete && seen.loaded.has_all_links;
  CO_TRY(evidence.at_rest, co_await at_rest_of(seen));
  CO_TRY(evidence.lost, co_await lost_of(seen, evidence.at_rest));
  if (seen.is_part)
    evidence.elsewhere.emplace_back("whether it went to others, too, is not shown here");
  for (const Link& link : seen.loaded.links) {
    if (link.relation == Link::Relation::expanded_from && !under_way_.contains(link.trace))
      evidence.elsewhere.push_back(before_it(link, may_see(link.tenant)));
    // A circle's content is in what is being gathered already.
    if (!goes_on(link) || !is_of(link, seen) || under_way_.contains(link.trace)) continue;
    CO_TRY(auto child, co_await child_of(link, depth + 1));
    evidence.children.push_back(std::move(child));
  }
  evidence.hops = std::move(seen.loaded.hops);
  under_way_.erase(id);
  co_return evidence;
}

// ---- where it lies ----

net::ResultTask<AtRest> Gathering::at_rest_of(const Seen& seen) {
  AtRest out;
  CO_TRY(out.in_queue, co_await queue_of(seen));
  std::set<base::AccountId> named;
  for (const hop::Hop& hop : seen.loaded.hops) {
    if (is_delivery(hop)) CO_CHECK(co_await add_mailbox(seen, hop, named, out));
  }
  if (!seen.is_narrowed) CO_CHECK(co_await add_others(seen, named, out));
  // Also those that were made since it was taken away: a backup copies the store's files as they
  // stand, and what is deleted stays in them for a while (docs/storage.md).
  const auto from = seen.loaded.trace.accepted;
  const auto now = ports_.clock.now();
  CO_CHECK(co_await ports_.store.read(store::Scope::site(), [&](store::Transaction& transaction) {
    return ask_backups(transaction, from, now, order_, out.backups);
  }));
  co_return out;
}

// What was recorded of it and lost, as the store was restored.
net::ResultTask<std::vector<protection::Lost>> Gathering::lost_of(const Seen& seen,
                                                                  const AtRest& at_rest) {
  std::vector<protection::Lost> lost;
  CO_CHECK(co_await ports_.store.read(store::Scope::site(), [&](store::Transaction& transaction) {
    return ask_lost(transaction, seen.loaded.trace.accepted, lost);
  }));
  std::erase_if(lost, [&](const auto& one) { return had_gone(seen, at_rest, one.from, order_); });
  co_return lost;
}

// The content waits in the queue of whoever owns the trace.
net::ResultTask<AtRest::InQueue> Gathering::queue_of(const Seen& seen) {
  const auto& trace = seen.loaded.trace;
  if (!may_see(trace.owner)) co_return AtRest::InQueue::unknown;
  bool holds = false;
  CO_CHECK(co_await ports_.store.read(store::Scope::tenant(trace.owner),
                                      [&](store::Transaction& transaction) {
                                        return ask_queue(transaction, trace.owner, trace.id, holds);
                                      }));
  co_return holds ? AtRest::InQueue::yes : AtRest::InQueue::no;
}

net::ResultTask<std::vector<base::AccountId>> Gathering::holding(base::TenantId tenant,
                                                                 base::TraceId id) {
  std::vector<base::AccountId> accounts;
  CO_CHECK(co_await ports_.store.read(store::Scope::tenant(tenant),
                                      [&](store::Transaction& transaction) {
                                        return ask_mailboxes(transaction, tenant, id, accounts);
                                      }));
  co_return accounts;
}

// An account that is gone, or is certainly another one by now under this address, can't be asked:
// its mailbox stays unseen. Where the calendar was set back it may be the same one: then it counts
// as holding what anybody there holds.
net::ResultTask<> Gathering::add_mailbox(const Seen& seen, const hop::Hop& delivery,
                                         std::set<base::AccountId>& named, AtRest& out) {
  const auto address = address::Address::parse(delivery.to.who);
  if (!address) co_return base::Result<>();
  const auto account = co_await ports_.operations.show_account(*address);
  if (!account && account.error().kind != ErrorKind::not_found)
    co_return base::fail(account.error());
  if (!account || !may_see(account->tenant) || order_.is_before(delivery.time, account->created))
    co_return base::Result<>();
  const bool may_be_another = account->created > delivery.time;
  if (!named.insert(account->id).second) co_return base::Result<>();
  CO_TRY(const auto accounts, co_await holding(account->tenant, delivery.trace));
  protection::Mailbox mailbox{.account = delivery.to.who};
  mailbox.holds = may_be_another ? !accounts.empty()
                                 : std::ranges::find(accounts, account->id) != accounts.end();
  for (const auto& [who, when] : seen.loaded.left) {
    if (who == account->id && !mailbox.holds) mailbox.left = when;
  }
  CO_TRY(mailbox.openings,
         co_await ports_.operations.list_openings(account->tenant, account->address));
  out.mailboxes.push_back(std::move(mailbox));
  co_return base::Result<>();
}

// Mailboxes that hold it though no delivery names them: the trace was forgotten and begun again.
net::ResultTask<> Gathering::add_others(const Seen& seen, const std::set<base::AccountId>& named,
                                        AtRest& out) {
  CO_TRY(const auto accounts, co_await holding(seen.tenant, seen.loaded.trace.id));
  for (const auto& id : accounts) {
    if (named.contains(id)) continue;
    CO_TRY(const auto account, co_await ports_.directory.account(seen.tenant, id));
    if (!account) continue;
    protection::Mailbox mailbox{.account = account->address.text(), .holds = true};
    CO_TRY(mailbox.openings,
           co_await ports_.operations.list_openings(seen.tenant, account->address));
    out.mailboxes.push_back(std::move(mailbox));
  }
  co_return base::Result<>();
}

// ---- what went on ----

net::ResultTask<Child> Gathering::child_of(Link link, unsigned depth) {
  Child child;
  child.what = what_of(link);
  child.name = child.what == Child::What::expanded ? link.name : link.trace.text();
  if (!may_see(link.tenant)) co_return child;
  child.trace = link.trace.text();
  const auto known = known_.find(link.trace);
  if (known != known_.end()) {
    child.exposure = known->second;
    co_return child;
  }
  if (depth > depth_max || children_ == children_max) co_return child;
  ++children_;
  CO_TRY(child.exposure, co_await exposure_of(link, depth));
  known_[link.trace] = child.exposure;
  co_return child;
}

net::ResultTask<std::optional<protection::Exposure>> Gathering::exposure_of(Link link,
                                                                            unsigned depth) {
  CO_TRY(auto kept, co_await kept_in(ports_, {link.tenant}, link.trace));
  if (kept.empty()) co_return std::nullopt;  // forgotten
  if (!viewer_.tenant) {
    // The link may lead to a copy: the whole is its owner's.
    const auto owner = kept.front().loaded.trace.owner;
    if (owner != link.tenant) {
      CO_TRY(kept, co_await kept_in(ports_, {owner}, link.trace));
      if (kept.empty()) co_return std::nullopt;
    }
    CO_TRY(const auto others, co_await tenants_of(kept.front().loaded, owner));
    CO_TRY(auto copies, co_await kept_in(ports_, others, link.trace));
    for (auto& copy : copies) kept.push_back(std::move(copy));
  }
  auto view = view_of(std::move(kept), viewer_);
  if (view.seen.size() != 1) co_return std::nullopt;
  auto& seen = view.seen.front();
  if (link.relation == Link::Relation::reported_in) leave_out_way_in(seen.loaded.hops);
  CO_TRY(const auto evidence, co_await evidence_at(std::move(seen), depth));
  co_return protection::exposure(evidence);
}

// Other tenants that it was delivered into: they have copies of it.
net::ResultTask<std::vector<base::TenantId>> Gathering::tenants_of(const trace::LoadedTrace& loaded,
                                                                   base::TenantId owner) {
  std::set<base::TenantId> tenants;
  std::set<std::string> asked;
  for (const hop::Hop& hop : loaded.hops) {
    if (!is_delivery(hop)) continue;
    const auto address = address::Address::parse(hop.to.who);
    if (!address || !asked.insert(address->domain().text()).second) continue;
    CO_TRY(const auto tenant, co_await ports_.directory.is_ours(address->domain()));
    if (tenant && *tenant != owner) tenants.insert(*tenant);
  }
  co_return std::vector<base::TenantId>(tenants.begin(), tenants.end());
}

}  // namespace letterlock::admin
