#include "admin/trace_view.h"

#include <algorithm>
#include <deque>
#include <set>

#include "base/bytes.h"

namespace letterlock::admin {
namespace {

using trace::LoadedTrace;
using trace::Recipient;

bool is_of(const Recipient& recipient, const std::string& address) {
  return base::to_lower(base::trim(address)) == base::to_lower(recipient.address);
}

// The recipients' indexes that the viewer may see.
std::vector<unsigned> visible(const LoadedTrace& loaded, const base::TenantId& tenant,
                              const Viewer& viewer) {
  // Nobody else is there who could learn of an only one.
  const bool shows_all = !viewer.tenant || trace::shows_hidden(loaded.trace, tenant) ||
                         loaded.trace.recipients.size() == 1;
  std::vector<unsigned> indexes;
  for (const Recipient& recipient : loaded.trace.recipients) {
    const bool is_shown = viewer.to ? is_of(recipient, *viewer.to) : shows_all || !recipient.hidden;
    if (is_shown) indexes.push_back(recipient.index);
  }
  return indexes;
}

// As far as the viewer may see it; nothing: he asks for a recipient whom it doesn't have.
std::optional<Seen> seen_by(const Viewer& viewer, Kept kept) {
  const auto indexes = visible(kept.loaded, kept.tenant, viewer);
  if (viewer.to && indexes.empty()) return std::nullopt;
  Seen seen{kept.tenant, {}};
  const auto left_out = kept.loaded.trace.recipients.size() - indexes.size();
  seen.is_narrowed = left_out > 0;
  if (!viewer.to) seen.hidden = left_out;
  seen.complete = seen.hidden == 0;
  seen.loaded =
      seen.is_narrowed ? trace::narrowed(std::move(kept.loaded), indexes) : std::move(kept.loaded);
  return seen;
}

// Whether the header names a recipient of it that isn't among these.
bool has_others(const LoadedTrace& other, const std::set<std::string>& known) {
  return std::ranges::any_of(other.trace.recipients, [&](const Recipient& recipient) {
    return !recipient.hidden && !known.contains(base::to_lower(recipient.address));
  });
}

View view_of_tenant(std::vector<Kept> kept, const Viewer& viewer) {
  View view;
  const auto own = std::ranges::find(kept, *viewer.tenant, &Kept::tenant);
  if (own == kept.end()) return view;
  std::set<std::string> known;
  for (const Recipient& recipient : own->loaded.trace.recipients)
    known.insert(base::to_lower(recipient.address));
  auto seen = seen_by(viewer, *own);
  if (!seen) return view;
  if (!viewer.to) {
    view.more = static_cast<std::size_t>(std::ranges::count_if(kept, [&](const Kept& other) {
      return other.tenant != *viewer.tenant && has_others(other.loaded, known);
    }));
    seen->complete = seen->complete && view.more == 0;
  }
  view.seen.push_back(std::move(*seen));
  return view;
}

bool is_owners(const Kept& kept) {
  return kept.loaded.trace.owner == kept.tenant;
}

// Owners' traces with what their copies say; then copies whose owner's trace is gone.
std::vector<Kept> merged(std::vector<Kept> kept) {
  std::vector<Kept> owners;
  std::vector<Kept> copies;
  for (auto& one : kept) (is_owners(one) ? owners : copies).push_back(std::move(one));
  for (auto& copy : copies) {
    const auto owner = std::ranges::find(owners, copy.loaded.trace.owner, &Kept::tenant);
    if (owner == owners.end() || !is_owners(*owner))
      owners.push_back(std::move(copy));
    else
      owner->loaded = with_fetches_of(std::move(owner->loaded), copy.loaded);
  }
  return owners;
}

bool is_told_fetch(const hop::Hop& hop) {
  return hop.kind == hop::Kind::fetch && hop.to.address.empty();
}

bool concerns(const hop::Hop& hop, const trace::Trace& of) {
  return std::ranges::any_of(of.recipients, [&](const Recipient& recipient) {
    return std::ranges::find(hop.recipients, recipient.index) != hop.recipients.end();
  });
}

}  // namespace

View view_of(std::vector<Kept> kept, const Viewer& viewer) {
  if (viewer.tenant) return view_of_tenant(std::move(kept), viewer);
  View view;
  for (auto& one : merged(std::move(kept))) {
    if (auto seen = seen_by(viewer, std::move(one))) view.seen.push_back(std::move(*seen));
  }
  return view;
}

LoadedTrace with_fetches_of(LoadedTrace owners, const LoadedTrace& copy) {
  // Every fetch that was told stands in the copy; those that aren't told yet stand there alone. The
  // numbers of the told ones go on, in order.
  std::deque<unsigned> numbers;
  unsigned next = 1;
  std::vector<hop::Hop> hops;
  for (auto& hop : owners.hops) {
    next = std::max(next, hop.number + 1);
    if (is_told_fetch(hop) && concerns(hop, copy.trace))
      numbers.push_back(hop.number);
    else
      hops.push_back(std::move(hop));
  }
  for (const auto& hop : copy.hops) {
    if (hop.kind != hop::Kind::fetch) continue;
    hops.push_back(hop);
    hops.back().number = numbers.empty() ? next++ : numbers.front();
    if (!numbers.empty()) numbers.pop_front();
  }
  std::ranges::sort(hops, {},
                    [](const hop::Hop& hop) { return std::pair(hop.number, hop.attempt); });
  owners.hops = std::move(hops);
  for (const auto& one : copy.left) owners.left.push_back(one);
  owners.complete = owners.complete && copy.complete;
  trace::lay_out_ways(owners);
  return owners;
}

}  // namespace letterlock::admin
