#include "queue/lane_window.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "queue/keys.h"

namespace letterlock::queue {
namespace {

std::string known_key(const Due& item) {
  return std::string(item.message.octets()) + keys::index(item.recipient);
}

std::size_t half(std::size_t all) {
  return std::max<std::size_t>(1, all / 2);
}

}  // namespace

LaneWindow::LaneWindow(Lane lane, LaneLimits limits)
    : lane_(lane),
      limits_(limits),
      items_{limits.recipients_max},
      items_on_trial_{half(limits.recipients_max)},
      places_{limits.concurrency},
      places_on_trial_{half(limits.concurrency)} {}

// ---- what a destination may have ----

const LaneWindow::Destination* LaneWindow::known_destination(const std::string& name) const {
  const auto at = destinations_.find(name);
  return at == destinations_.end() ? nullptr : &at->second;
}

LaneWindow::Standing LaneWindow::standing(const Destination* destination, base::Time now) const {
  if (limits_.trials == LaneLimits::Trials::none) return proven;
  if (destination == nullptr || !destination->took_at) return on_trial;
  const auto since = now - *destination->took_at;
  const auto limit = destination->under_way > 0 ? proven_for : remembered_for;
  return since >= base::Milliseconds(0) && since < limit ? proven : on_trial;
}

std::size_t LaneWindow::recipients_max(Standing standing) const {
  if (standing == proven) return limits_.destination_recipients_max;
  return std::min(limits_.destination_recipients_first, limits_.destination_recipients_max);
}

std::size_t LaneWindow::allowed(const Destination& destination) const {
  if (limits_.trials == LaneLimits::Trials::none) return limits_.destination_concurrency;
  if (destination.allowed > 0) return destination.allowed;
  return std::min(limits_.destination_concurrency_first, limits_.destination_concurrency);
}

bool LaneWindow::may_start(const base::TenantId& tenant, const Destination& destination,
                           base::Time now) const {
  if (destination.rests_until > now || destination.next_start > now) return false;
  // A host that is slow to answer one tenant's mail keeps a place for another's.
  const auto own = destination.under_way_of.find(tenant);
  return Budget{allowed(destination), destination.under_way}.allows_all_but_last(
      own == destination.under_way_of.end() ? 0 : own->second);
}

bool LaneWindow::note(const std::string& name, Showed showed, base::Time now) {
  const auto at = destinations_.find(name);
  if (at == destinations_.end()) return false;
  auto& destination = at->second;
  const auto may_have = allowed(destination);
  if (showed == Showed::crowded) {
    destination.allowed = std::max<std::size_t>(1, may_have / 2);
    destination.took_at.reset();
    return false;
  }
  const bool was_on_trial = standing(&destination, now) == on_trial;
  destination.took_at = now;
  if (was_on_trial) promote(name);
  if (may_have < limits_.destination_concurrency) {
    destination.allowed = may_have + 1;
    unpark(destination, name, now);
  }
  const bool has_room =
      destination.turned_away && destination.recipients <= recipients_max(proven) / 2;
  if (has_room) destination.turned_away = false;
  return has_room;
}

// It was in turn among those on trial.
void LaneWindow::promote(const std::string& destination) {
  for (auto& [id, tenant] : tenants_) {
    if (!tenant.streams.contains(destination)) continue;
    if (std::erase(tenant.ready[on_trial], destination) > 0)
      tenant.ready[proven].push_back(destination);
  }
}

// ---- what is in memory ----

bool LaneWindow::may_have(const base::TenantId& id, const Destination* destination,
                          base::Time now) const {
  const auto tenant = tenants_.find(id);
  const auto its = standing(destination, now);
  if (destination != nullptr && destination->recipients >= recipients_max(its)) return false;
  if (!items_.allows(tenant == tenants_.end() ? 0 : tenant->second.items)) return false;
  if (its == proven) return true;
  return items_on_trial_.allows(tenant == tenants_.end() ? 0 : tenant->second.items_on_trial);
}

Wanted LaneWindow::wanted(const base::TenantId& id, const std::string& name, base::Time now) {
  const auto destination = destinations_.find(name);
  const auto* known = known_destination(name);
  if (known != nullptr && known->rests_until > now)
    return {Wanted::What::rests, known->rests_until};
  if (may_have(id, known, now)) return {Wanted::What::yes};
  if (const auto tenant = tenants_.find(id); tenant != tenants_.end())
    tenant->second.turned_away = tenant->second.items;
  if (destination != destinations_.end()) destination->second.turned_away = true;
  return {Wanted::What::full};
}

bool LaneWindow::has_room(const base::TenantId& id) {
  if (items_.allows(count(id))) return true;
  if (const auto tenant = tenants_.find(id); tenant != tenants_.end())
    tenant->second.turned_away = tenant->second.items;
  return false;
}

std::size_t LaneWindow::count(const base::TenantId& tenant) const {
  const auto at = tenants_.find(tenant);
  return at == tenants_.end() ? 0 : at->second.items;
}

LaneWindow::Added LaneWindow::add(const Due& item, base::Time now) {
  if (known_.contains(known_key(item))) return Added::known;
  switch (wanted(item.tenant, item.destination, now).what) {
    case Wanted::What::rests:
      return Added::resting;
    case Wanted::What::full:
      return has_room(item.tenant) ? Added::destination_full : Added::full;
    case Wanted::What::yes:
      break;
  }
  auto& destination = destinations_[item.destination];
  auto& tenant = tenants_[item.tenant];
  const auto its = standing(&destination, now);
  remember_item(item, its);
  auto& stream = tenant.streams[item.destination];
  const bool was_empty = stream.empty();
  if (!was_empty && stream.back().message == item.message &&
      stream.back().items.size() < limits_.job_recipients_max)
    stream.back().items.push_back(item);
  else
    stream.push_back({item.message, {item}});
  if (was_empty) put_in_turn(item.tenant, tenant, item.destination, its);
  return Added::added;
}

void LaneWindow::put_in_turn(const base::TenantId& id, Tenant& tenant,
                             const std::string& destination, Standing standing) {
  tenant.ready[standing].push_back(destination);
  if (std::exchange(tenant.in_turn, true)) return;
  turn_.push_back(id);
}

std::optional<Job> LaneWindow::claim(const std::vector<Due>& items, base::Time now) {
  const auto& first = items.front();
  forget(first.tenant, {first.message}, now);
  if (std::ranges::any_of(items, [&](const Due& item) { return known_.contains(known_key(item)); }))
    return std::nullopt;
  for (const auto& item : items)
    remember_item(item, standing(known_destination(item.destination), now));
  return Job{first.tenant, first.message, lane_, first.destination, items, false};
}

void LaneWindow::remember_item(const Due& item, Standing standing) {
  auto& tenant = tenants_[item.tenant];
  known_.emplace(known_key(item), standing);
  ++destinations_[item.destination].recipients;
  ++tenant.items;
  ++items_.used;
  if (standing == on_trial) {
    ++tenant.items_on_trial;
    ++items_on_trial_.used;
  }
}

void LaneWindow::forget_item(const Due& item) {
  const auto known = known_.find(known_key(item));
  if (known == known_.end()) return;
  auto& tenant = tenants_.at(item.tenant);
  auto& destination = destinations_.at(item.destination);
  ASSERT(tenant.items > 0 && destination.recipients > 0);
  --destination.recipients;
  --tenant.items;
  --items_.used;
  if (known->second == on_trial) {
    --tenant.items_on_trial;
    --items_on_trial_.used;
  }
  known_.erase(known);
}

// ---- whose turn it is ----

// Each tenant is asked once: there is a job, or there is none now.
std::optional<Job> LaneWindow::take(base::Time now) {
  unpark_by_time(now);
  for (auto left = turn_.size(); left > 0 && places_.free() > 0; --left) {
    const auto id = turn_.front();
    turn_.pop_front();
    auto& tenant = tenants_.at(id);
    auto job = take_from(id, tenant, now);
    tenant.in_turn = !tenant.ready[proven].empty() || !tenant.ready[on_trial].empty();
    if (tenant.in_turn) turn_.push_back(id);
    drop_if_idle(id);
    if (job) return job;
  }
  return std::nullopt;
}

std::optional<Job> LaneWindow::take_from(const base::TenantId& id, Tenant& tenant, base::Time now) {
  if (!places_.allows(tenant.places)) return std::nullopt;
  const auto first = tenant.next;
  const auto second = first == proven ? on_trial : proven;
  tenant.next = second;
  if (auto job = take_ready(id, tenant, first, now)) return job;
  if (auto job = take_ready(id, tenant, second, now)) return job;
  // Among the proven there may have been some that are on trial by now.
  return take_ready(id, tenant, on_trial, now);
}

std::optional<Job> LaneWindow::take_ready(const base::TenantId& id, Tenant& tenant, Standing from,
                                          base::Time now) {
  auto& ready = tenant.ready[from];
  while (!ready.empty()) {
    const auto name = ready.front();
    auto& destination = destinations_.at(name);
    const auto its = standing(&destination, now);
    if (its == on_trial && from == on_trial && !places_on_trial_.allows(tenant.places_on_trial))
      return std::nullopt;
    ready.pop_front();
    if (its == on_trial && from == proven) {
      tenant.ready[on_trial].push_back(name);
      continue;
    }
    if (!may_start(id, destination, now)) {
      park(id, name, destination, now);
      continue;
    }
    return start(id, tenant, name, destination, now);
  }
  return std::nullopt;
}

Job LaneWindow::pop_front(const base::TenantId& id, const std::string& name, Stream& stream) const {
  Job job{id, stream.front().message, lane_, name, std::move(stream.front().items)};
  stream.pop_front();
  return job;
}

Job LaneWindow::start(const base::TenantId& id, Tenant& tenant, const std::string& name,
                      Destination& destination, base::Time now) {
  const auto stream = tenant.streams.find(name);
  ASSERT(stream != tenant.streams.end() && !stream->second.empty());
  auto job = pop_front(id, name, stream->second);
  const auto its = standing(&destination, now);
  job.on_trial = its == on_trial;
  if (stream->second.empty())
    tenant.streams.erase(stream);
  else
    tenant.ready[its].push_back(name);
  ++destination.under_way;
  ++destination.under_way_of[id];
  ++tenant.places;
  ++places_.used;
  if (job.on_trial) {
    ++tenant.places_on_trial;
    ++places_on_trial_.used;
  }
  if (limits_.destination_per_minute > 0) {
    destination.next_start =
        now +
        base::Milliseconds(60'000 / static_cast<std::int64_t>(limits_.destination_per_minute));
  }
  return job;
}

std::optional<Job> LaneWindow::follow(Job& job, base::Time now) {
  ASSERT(job.has_place);
  const auto at = tenants_.find(job.tenant);
  ASSERT(at != tenants_.end());
  auto& tenant = at->second;
  const auto stream = tenant.streams.find(job.destination);
  if (stream == tenant.streams.end()) return std::nullopt;
  auto& destination = destinations_.at(job.destination);
  const bool others_wait = std::ranges::any_of(
      destination.parked, [&](const base::TenantId& other) { return other != job.tenant; });
  // Were the place free, would this tenant have it?
  const Budget without{places_.max, places_.used - 1};
  if (others_wait || destination.under_way > allowed(destination) || places_.free() == 0 ||
      !without.allows(tenant.places - 1) || destination.rests_until > now ||
      limits_.destination_per_minute > 0)
    return std::nullopt;
  auto next = pop_front(job.tenant, job.destination, stream->second);
  if (stream->second.empty()) drop_stream(job.tenant, tenant, job.destination);
  next.on_trial = job.on_trial && standing(&destination, now) == on_trial;
  if (job.on_trial && !next.on_trial) {
    --tenant.places_on_trial;
    --places_on_trial_.used;
  }
  job.has_place = false;
  return next;
}

// Nothing is ready there any more.
void LaneWindow::drop_stream(const base::TenantId& id, Tenant& tenant, const std::string& name) {
  tenant.streams.erase(name);
  for (auto& ready : tenant.ready) std::erase(ready, name);
  std::erase(destinations_.at(name).parked, id);
  if (!tenant.in_turn || !tenant.ready[proven].empty() || !tenant.ready[on_trial].empty()) return;
  tenant.in_turn = false;
  std::erase(turn_, id);
}

// ---- what is over ----

void LaneWindow::free_place(const Job& job) {
  auto& tenant = tenants_.at(job.tenant);
  auto& destination = destinations_.at(job.destination);
  ASSERT(destination.under_way > 0 && tenant.places > 0);
  --destination.under_way;
  const auto own = destination.under_way_of.find(job.tenant);
  ASSERT(own != destination.under_way_of.end() && own->second > 0);
  if (--own->second == 0) destination.under_way_of.erase(own);
  --tenant.places;
  --places_.used;
  if (job.on_trial) {
    --tenant.places_on_trial;
    --places_on_trial_.used;
  }
}

void LaneWindow::give_place_back(Job& job, base::Time now) {
  if (std::exchange(job.has_place, false)) free_place(job);
  unpark(destinations_.at(job.destination), job.destination, now);
}

bool LaneWindow::finish(const Job& job, base::Time now) {
  if (job.has_place) free_place(job);
  for (const auto& item : job.items) forget_item(item);
  const auto tenant = tenants_.find(job.tenant);
  const auto destination = destinations_.find(job.destination);
  if (tenant == tenants_.end() || destination == destinations_.end()) return false;
  const bool has_room = has_room_again(tenant->second, destination->second, now);
  unpark(destination->second, job.destination, now);
  const auto& its = destination->second;
  // It may be proven again, nothing being under way there.
  if (its.under_way == 0 && its.recipients > 0 && standing(&its, now) == proven)
    promote(job.destination);
  drop_if_idle(job.destination, now);
  drop_if_idle(job.tenant);
  return has_room;
}

// Once half of what was there when somebody was turned away has gone: not for each that goes.
bool LaneWindow::has_room_again(Tenant& tenant, Destination& destination, base::Time now) {
  bool has_room = false;
  if (tenant.turned_away && tenant.items <= *tenant.turned_away / 2) {
    tenant.turned_away.reset();
    has_room = true;
  }
  if (destination.turned_away &&
      destination.recipients <= recipients_max(standing(&destination, now)) / 2) {
    destination.turned_away = false;
    has_room = true;
  }
  return has_room;
}

void LaneWindow::park(const base::TenantId& id, const std::string& name, Destination& destination,
                      base::Time now) {
  destination.parked.push_back(id);
  if (destination.next_start > now) wait_for_time(destination.next_start, name);
}

void LaneWindow::unpark(Destination& destination, const std::string& name, base::Time now) {
  const auto its = standing(&destination, now);
  for (const auto& id : std::exchange(destination.parked, {}))
    put_in_turn(id, tenants_.at(id), name, its);
}

void LaneWindow::unpark_by_time(base::Time now) {
  while (!waiting_for_time_.empty() && waiting_for_time_.begin()->first <= now) {
    const auto name = waiting_for_time_.begin()->second;
    waiting_for_time_.erase(waiting_for_time_.begin());
    auto& destination = destinations_.at(name);
    --destination.timers;
    unpark(destination, name, now);
    drop_if_idle(name, now);
  }
}

void LaneWindow::wait_for_time(base::Time until, const std::string& destination) {
  waiting_for_time_.emplace(until, destination);
  ++destinations_[destination].timers;
}

std::vector<base::TenantId> LaneWindow::rest(const std::string& name, base::Time until) {
  std::vector<base::TenantId> whose;
  auto& destination = destinations_[name];
  destination.rests_until = until;
  wait_for_time(until, name);
  for (auto& [id, tenant] : tenants_) {
    const auto stream = tenant.streams.find(name);
    if (stream == tenant.streams.end()) continue;
    whose.push_back(id);
    for (const auto& group : stream->second)
      for (const auto& item : group.items) forget_item(item);
    drop_stream(id, tenant, name);
  }
  for (const auto& id : whose) drop_if_idle(id);
  return whose;
}

std::optional<base::Time> LaneWindow::resting_until(const std::string& name, base::Time now) const {
  const auto* destination = known_destination(name);
  if (destination == nullptr || destination->rests_until <= now) return std::nullopt;
  return destination->rests_until;
}

void LaneWindow::forget(const base::TenantId& id, const std::set<base::MessageId>& messages,
                        base::Time now) {
  const auto at = tenants_.find(id);
  if (at == tenants_.end()) return;
  std::vector<std::string> emptied;
  for (auto& [name, stream] : at->second.streams) {
    std::erase_if(stream, [&](const Group& group) {
      if (!messages.contains(group.message)) return false;
      for (const auto& item : group.items) forget_item(item);
      return true;
    });
    if (stream.empty()) emptied.push_back(name);
  }
  for (const auto& name : emptied) {
    drop_stream(id, at->second, name);
    drop_if_idle(name, now);
  }
  drop_if_idle(id);
}

std::optional<base::Time> LaneWindow::next_time() const {
  if (waiting_for_time_.empty()) return std::nullopt;
  return waiting_for_time_.begin()->first;
}

// Who owns nothing and owes nothing is forgotten, so that a year of names doesn't stay.
void LaneWindow::drop_if_idle(const base::TenantId& id) {
  const auto at = tenants_.find(id);
  if (at == tenants_.end()) return;
  const auto& tenant = at->second;
  if (tenant.items == 0 && tenant.places == 0 && !tenant.in_turn) tenants_.erase(at);
}

void LaneWindow::drop_if_idle(const std::string& name, base::Time now) {
  const auto at = destinations_.find(name);
  if (at == destinations_.end()) return;
  const auto& destination = at->second;
  if (destination.recipients > 0 || destination.under_way > 0 || !destination.parked.empty() ||
      destination.timers > 0)
    return;
  const bool is_remembered = limits_.trials == LaneLimits::Trials::yes &&
                             standing(&destination, now) == proven &&
                             destinations_.size() <= remembered_max;
  if (is_remembered)
    wait_for_time(*destination.took_at + remembered_for, name);
  else
    destinations_.erase(at);
}

}  // namespace letterlock::queue
