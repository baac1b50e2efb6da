#include "admin/trace_view.h"

#include <algorithm>
#include <deque>
#include <map>
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

// Places and numbers as if what is left were all that there is.
LoadedTrace numbered_anew(LoadedTrace loaded) {
  std::map<unsigned, unsigned> places;
  const auto place = [&](unsigned index) {
    return places.try_emplace(index, static_cast<unsigned>(places.size())).first->second;
  };
  for (Recipient& recipient : loaded.trace.recipients) recipient.index = place(recipient.index);
  for (auto& way : loaded.ways) way.recipient.index = place(way.recipient.index);
  std::map<unsigned, unsigned> numbers;
  for (const auto& hop : loaded.hops) numbers.emplace(hop.number, 0);
  unsigned next = 1;
  for (auto& [before, number] : numbers) number = next++;
  for (auto& hop : loaded.hops) {
    hop.number = numbers.at(hop.number);
    for (unsigned& index : hop.recipients) index = place(index);
  }
  return loaded;
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
  if (viewer.tenant) seen.loaded = numbered_anew(std::move(seen.loaded));
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
      owner->loaded = with_records_of(std::move(owner->loaded), copy.loaded);
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

// How it came into a mailbox, or was in it before, as the mailbox's tenant recorded it.
bool is_arrival(const hop::Hop& hop) {
  return !hop.told && (hop.kind == hop::Kind::delivery || hop.kind == hop::Kind::expansion);
}

// The same, as its owner was told: written in one transaction, at one moment.
bool is_told_of(const hop::Hop& told, const hop::Hop& arrival) {
  return told.told && told.kind == hop::Kind::delivery && told.time == arrival.time &&
         std::ranges::find_first_of(told.recipients, arrival.recipients) != told.recipients.end();
}

bool is_recorded_in(const LoadedTrace& copy, const hop::Hop& told) {
  return std::ranges::any_of(
      copy.hops, [&](const hop::Hop& hop) { return is_arrival(hop) && is_told_of(told, hop); });
}

void add_links(LoadedTrace& owners, const LoadedTrace& copy) {
  for (const auto& link : copy.links) {
    if (std::ranges::find(owners.links, link) == owners.links.end()) owners.links.push_back(link);
  }
  owners.has_all_links = owners.has_all_links && copy.has_all_links;
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

LoadedTrace with_records_of(LoadedTrace owners, const LoadedTrace& copy) {
  // What was told stands in the copy; fetches that aren't told yet stand there alone. The numbers
  // of what was told go on, in order.
  std::deque<unsigned> fetches;
  std::vector<hop::Hop> arrivals;
  unsigned next = 1;
  std::vector<hop::Hop> hops;
  for (auto& hop : owners.hops) {
    next = std::max(next, hop.number + 1);
    if (is_told_fetch(hop) && concerns(hop, copy.trace))
      fetches.push_back(hop.number);
    else
      (is_recorded_in(copy, hop) ? arrivals : hops).push_back(std::move(hop));
  }
  for (const auto& hop : copy.hops) {
    const bool is_fetch = hop.kind == hop::Kind::fetch;
    if (!is_fetch && !is_arrival(hop)) continue;
    const auto told = std::ranges::find_if(
        arrivals, [&](const hop::Hop& arrival) { return is_told_of(arrival, hop); });
    hops.push_back(hop);
    if (is_fetch && !fetches.empty()) {
      hops.back().number = fetches.front();
      fetches.pop_front();
    } else {
      hops.back().number = is_fetch || told == arrivals.end() ? next++ : told->number;
    }
  }
  std::ranges::sort(hops, {},
                    [](const hop::Hop& hop) { return std::pair(hop.number, hop.attempt); });
  owners.hops = std::move(hops);
  for (const auto& one : copy.left) owners.left.push_back(one);
  owners.complete = owners.complete && copy.complete;
  add_links(owners, copy);
  trace::lay_out_ways(owners);
  return owners;
}

}  // namespace letterlock::admin
