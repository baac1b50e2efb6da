#include "admin/trace_view.h"

#include <algorithm>
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

bool is_owners(const Kept& kept) {
  return kept.loaded.trace.owner == kept.tenant;
}

// An address that leads elsewhere may lead to several.
bool leads_on(const hop::Hop& hop) {
  return hop.kind == hop::Kind::expansion && hop.to.role == hop::End::Role::alias;
}

// A copy has the ways of its own recipients alone; of mail from outside a tenant received its own
// part. One recipient's way is all that was asked for, where he isn't an alias of elsewhere.
bool is_part(const Kept& kept, const Viewer& viewer) {
  if (viewer.to) return !is_owners(kept) && std::ranges::any_of(kept.loaded.hops, leads_on);
  return !is_owners(kept) || (viewer.tenant && kept.loaded.trace.from_outside);
}

// As far as the viewer may see it; nothing: he asks for a recipient whom it doesn't have.
std::optional<Seen> seen_by(const Viewer& viewer, Kept kept) {
  const auto indexes = visible(kept.loaded, kept.tenant, viewer);
  if (viewer.to && indexes.empty()) return std::nullopt;
  Seen seen{kept.tenant, {}};
  const auto left_out = kept.loaded.trace.recipients.size() - indexes.size();
  seen.is_narrowed = left_out > 0;
  seen.is_part = is_part(kept, viewer);
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
      return other.tenant != *viewer.tenant && is_owners(other) && has_others(other.loaded, known);
    }));
    seen->complete = seen->complete && view.more == 0;
  }
  view.seen.push_back(std::move(*seen));
  return view;
}

bool has_recipient(const LoadedTrace& loaded, const Recipient& recipient) {
  return std::ranges::any_of(loaded.trace.recipients, [&](const Recipient& one) {
    return one.index == recipient.index && one.address == recipient.address;
  });
}

// What `other` recorded of the first's message: all of its copy; or, where an alias of the first
// led to a mailbox of a tenant that has a trace of its own under this name, what concerns that
// alias.
void add_records(Kept& owner, const Kept& other) {
  if (other.loaded.trace.owner == owner.tenant) {
    owner.loaded = with_records_of(std::move(owner.loaded), other.loaded);
    return;
  }
  std::vector<unsigned> common;
  for (const Recipient& recipient : owner.loaded.trace.recipients)
    if (has_recipient(other.loaded, recipient)) common.push_back(recipient.index);
  if (common.empty()) return;
  owner.loaded = with_records_of(std::move(owner.loaded), trace::narrowed(other.loaded, common));
}

// Owners' traces with what others recorded of their recipients; then copies whose owner's trace is
// gone.
std::vector<Kept> merged(std::vector<Kept> kept) {
  std::vector<Kept> shown;
  for (const auto& one : kept) {
    if (!is_owners(one)) continue;
    shown.push_back(one);
    for (const auto& other : kept)
      if (other.tenant != one.tenant) add_records(shown.back(), other);
  }
  for (auto& copy : kept) {
    const auto owner = std::ranges::find(shown, copy.loaded.trace.owner, &Kept::tenant);
    if (owner == shown.end() || !is_owners(*owner)) shown.push_back(std::move(copy));
  }
  return shown;
}

bool is_told_fetch(const hop::Hop& hop) {
  return hop.kind == hop::Kind::fetch && hop.to.address.empty();
}

bool shares_recipient(const hop::Hop& a, const hop::Hop& b) {
  return std::ranges::find_first_of(a.recipients, b.recipients) != a.recipients.end();
}

// One of this fetch's events, as far as what is told shows it. It may have been told as begun.
bool is_told_of_fetch(const hop::Hop& told, const hop::Hop& fetch) {
  const auto as_told = [](hop::Protection protection) {
    protection.tls.exporter_digest.clear();
    return protection;
  };
  const bool is_of_day = told.time == base::Time() || told.time == fetch.time ||
                         told.time == std::chrono::floor<std::chrono::days>(fetch.time);
  return fetch.kind == hop::Kind::fetch && shares_recipient(told, fetch) && is_of_day &&
         as_told(told.protection) == as_told(fetch.protection) && told.sign_in == fetch.sign_in &&
         told.password_in_clear == fetch.password_in_clear;
}

// How it came into a mailbox, or was in it before, as the mailbox's tenant recorded it.
bool is_arrival(const hop::Hop& hop) {
  return !hop.told && (hop.kind == hop::Kind::delivery || hop.kind == hop::Kind::expansion);
}

// The same, as its owner was told: written in one transaction, at one moment.
bool is_told_of(const hop::Hop& told, const hop::Hop& arrival) {
  return told.told && told.kind == hop::Kind::delivery && told.time == arrival.time &&
         shares_recipient(told, arrival);
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

namespace {

// What was told of this copy's fetches, taken out of the owner's hops: the number of each is its
// fetch's from now on. What has no partner there was told by somebody else.
std::vector<unsigned> take_told_fetches(std::vector<hop::Hop>& hops, const LoadedTrace& copy) {
  std::vector<unsigned> numbers(copy.hops.size(), 0);
  std::vector<std::vector<unsigned>> told_of(copy.hops.size());  // recipients, each once
  std::erase_if(hops, [&](const hop::Hop& told) {
    if (!is_told_fetch(told)) return false;
    for (std::size_t at = 0; at < copy.hops.size(); ++at) {
      const auto& fetch = copy.hops[at];
      auto& known = told_of[at];
      const bool is_again = std::ranges::find_first_of(known, told.recipients) != known.end();
      if (is_again || !is_told_of_fetch(told, fetch)) continue;
      known.insert(known.end(), told.recipients.begin(), told.recipients.end());
      numbers[at] = numbers[at] == 0 ? told.number : std::min(numbers[at], told.number);
      return true;
    }
    return false;
  });
  return numbers;
}

}  // namespace

LoadedTrace with_records_of(LoadedTrace owners, const LoadedTrace& copy) {
  // What was told stands in the copy; fetches that aren't told yet stand there alone. The numbers
  // of what was told go on, in order.
  unsigned next = 1;
  for (const auto& hop : owners.hops) next = std::max(next, hop.number + 1);
  const auto numbers = take_told_fetches(owners.hops, copy);
  std::vector<hop::Hop> arrivals;
  std::vector<hop::Hop> hops;
  for (auto& hop : owners.hops)
    (is_recorded_in(copy, hop) ? arrivals : hops).push_back(std::move(hop));
  for (std::size_t at = 0; at < copy.hops.size(); ++at) {
    const auto& hop = copy.hops[at];
    const bool is_fetch = hop.kind == hop::Kind::fetch;
    if (!is_fetch && !is_arrival(hop)) continue;
    const auto told = std::ranges::find_if(
        arrivals, [&](const hop::Hop& arrival) { return is_told_of(arrival, hop); });
    hops.push_back(hop);
    if (is_fetch)
      hops.back().number = numbers[at] != 0 ? numbers[at] : next++;
    else
      hops.back().number = told == arrivals.end() ? next++ : told->number;
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
