#include "queue/window.h"

#include <algorithm>

#include "base/assert.h"
#include "queue/keys.h"

namespace letterlock::queue {

std::string Window::known_key(const Due& item) {
  return std::string(item.message.octets()) + keys::index(item.recipient);
}

std::size_t Window::allowed(Lane lane, const Destination& destination) const {
  if (lane == Lane::local) return limits_.destination_concurrency;
  if (destination.allowed > 0) return destination.allowed;
  return std::min(limits_.destination_concurrency_first, limits_.destination_concurrency);
}

void Window::note(Lane lane, const std::string& name, Showed showed) {
  const auto at = destinations_.find({lane, name});
  if (at == destinations_.end()) return;
  const auto now = allowed(lane, at->second);
  switch (showed) {
    case Showed::takes:
      if (now >= limits_.destination_concurrency) return;
      at->second.allowed = now + 1;
      unpark(lane, name);
      return;
    case Showed::crowded:
      at->second.allowed = std::max<std::size_t>(1, now / 2);
      return;
  }
}

bool Window::may_start(Lane lane, const Destination& destination, base::Time now) const {
  return destination.under_way < allowed(lane, destination) && destination.rests_until <= now &&
         destination.next_start <= now;
}

Window::Added Window::add(const Due& item, base::Time now) {
  const auto known = known_key(item);
  if (known_.contains(known)) return Added::known;
  if (!has_room()) return Added::full;
  const Place place{item.lane, item.destination};
  if (const auto at = destinations_.find(place); at != destinations_.end()) {
    if (at->second.rests_until > now) return Added::resting;
    if (at->second.recipients >= limits_.destination_recipients_max) return Added::destination_full;
  }
  known_.insert(known);
  ++destinations_[place].recipients;
  auto& turn = lane_state(item.lane).turns[item.tenant];
  auto& groups = turn.streams[item.destination].groups;
  const bool was_empty = groups.empty();
  if (!groups.empty() && groups.back().message == item.message &&
      groups.back().items.size() < limits_.job_recipients_max) {
    groups.back().items.push_back(item);
  } else {
    groups.push_back({item.message, {item}});
  }
  if (was_empty) put_in_turn(item.lane, item.tenant, item.destination);
  return Added::added;
}

void Window::put_in_turn(Lane lane, const base::TenantId& tenant, const std::string& destination) {
  auto& state = lane_state(lane);
  auto& turn = state.turns[tenant];
  if (turn.destinations.empty()) state.tenants.push_back(tenant);
  turn.destinations.push_back(destination);
}

std::optional<Job> Window::take(Lane lane, base::Time now) {
  unpark_by_time(now);
  if (under_way(lane) >= lane_limit(lane)) return std::nullopt;
  auto& state = lane_state(lane);
  // Each round either gives a job or parks every destination of one tenant: it ends.
  while (!state.tenants.empty()) {
    const auto tenant = state.tenants.front();
    state.tenants.pop_front();
    auto job = take_from(lane, tenant, now);
    auto& turn = state.turns[tenant];
    if (!turn.destinations.empty()) state.tenants.push_back(tenant);
    if (turn.streams.empty()) state.turns.erase(tenant);
    if (job) return job;
  }
  return std::nullopt;
}

std::optional<Job> Window::take_from(Lane lane, const base::TenantId& tenant, base::Time now) {
  auto& turn = lane_state(lane).turns[tenant];
  while (!turn.destinations.empty()) {
    const auto name = turn.destinations.front();
    turn.destinations.pop_front();
    const auto stream = turn.streams.find(name);
    if (stream == turn.streams.end()) continue;  // forgotten meanwhile
    auto& destination = destinations_[{lane, name}];
    if (!may_start(lane, destination, now)) {
      destination.parked.push_back(tenant);
      if (destination.next_start > now) wait_for_time(destination.next_start, {lane, name});
      continue;
    }
    auto job = start(lane, tenant, name, destination, now);
    if (stream->second.groups.empty()) {
      turn.streams.erase(stream);
    } else {
      turn.destinations.push_back(name);
    }
    return job;
  }
  return std::nullopt;
}

Job Window::pop_front(Lane lane, const base::TenantId& tenant, const std::string& name) {
  auto& groups = lane_state(lane).turns[tenant].streams[name].groups;
  Job job{tenant, groups.front().message, lane, name, std::move(groups.front().items)};
  groups.pop_front();
  return job;
}

Job Window::start(Lane lane, const base::TenantId& tenant, const std::string& name,
                  Destination& destination, base::Time now) {
  auto job = pop_front(lane, tenant, name);
  ++destination.under_way;
  ++under_way_[lane == Lane::local ? 0 : 1];
  if (limits_.destination_per_minute > 0) {
    destination.next_start =
        now +
        base::Milliseconds(60'000 / static_cast<std::int64_t>(limits_.destination_per_minute));
  }
  return job;
}

std::optional<Job> Window::follow(Job& job, base::Time now) {
  ASSERT(job.has_place);
  auto& state = lane_state(job.lane);
  const auto turn = state.turns.find(job.tenant);
  if (turn == state.turns.end()) return std::nullopt;
  const auto stream = turn->second.streams.find(job.destination);
  if (stream == turn->second.streams.end()) return std::nullopt;
  auto& destination = destinations_[{job.lane, job.destination}];
  const bool others_wait = std::ranges::any_of(
      destination.parked, [&](const base::TenantId& tenant) { return tenant != job.tenant; });
  if (others_wait || destination.under_way > allowed(job.lane, destination) ||
      under_way(job.lane) >= lane_limit(job.lane) || destination.rests_until > now ||
      limits_.destination_per_minute > 0)
    return std::nullopt;
  auto next = pop_front(job.lane, job.tenant, job.destination);
  if (stream->second.groups.empty()) {
    turn->second.streams.erase(stream);
    std::erase(turn->second.destinations, job.destination);
    std::erase(destination.parked, job.tenant);
    if (turn->second.streams.empty()) {
      state.turns.erase(turn);
      std::erase(state.tenants, job.tenant);
    }
  }
  job.has_place = false;
  return next;
}

void Window::finish(const Job& job) {
  for (const auto& item : job.items) forget_item(item);
  if (!job.has_place) return;
  const Place place{job.lane, job.destination};
  const auto at = destinations_.find(place);
  ASSERT(at != destinations_.end() && at->second.under_way > 0);
  --at->second.under_way;
  --under_way_[job.lane == Lane::local ? 0 : 1];
  unpark(job.lane, job.destination);
  drop_if_idle(place);
}

void Window::forget_item(const Due& item) {
  if (known_.erase(known_key(item)) == 0) return;
  const auto at = destinations_.find({item.lane, item.destination});
  ASSERT(at != destinations_.end() && at->second.recipients > 0);
  --at->second.recipients;
}

void Window::unpark(Lane lane, const std::string& destination) {
  const auto at = destinations_.find({lane, destination});
  if (at == destinations_.end()) return;
  const auto parked = std::move(at->second.parked);
  at->second.parked.clear();
  for (const auto& tenant : parked) put_in_turn(lane, tenant, destination);
}

void Window::unpark_by_time(base::Time now) {
  while (!waiting_for_time_.empty() && waiting_for_time_.begin()->first <= now) {
    const auto place = waiting_for_time_.begin()->second;
    waiting_for_time_.erase(waiting_for_time_.begin());
    --destinations_[place].timers;
    unpark(place.first, place.second);
    drop_if_idle(place);
  }
}

void Window::wait_for_time(base::Time until, const Place& place) {
  waiting_for_time_.emplace(until, place);
  ++destinations_[place].timers;
}

std::vector<Due> Window::rest(Lane lane, const std::string& destination, base::Time until) {
  std::vector<Due> ready;
  const Place place{lane, destination};
  destinations_[place].rests_until = until;
  destinations_[place].parked.clear();
  wait_for_time(until, place);
  for (auto& [tenant, turn] : lane_state(lane).turns) {
    const auto stream = turn.streams.find(destination);
    if (stream == turn.streams.end()) continue;
    for (const auto& group : stream->second.groups)
      ready.insert(ready.end(), group.items.begin(), group.items.end());
    turn.streams.erase(stream);
    std::erase(turn.destinations, destination);
  }
  for (const auto& item : ready) forget_item(item);
  return ready;
}

std::optional<base::Time> Window::resting_until(Lane lane, const std::string& destination,
                                                base::Time now) const {
  const auto at = destinations_.find({lane, destination});
  if (at == destinations_.end() || at->second.rests_until <= now) return std::nullopt;
  return at->second.rests_until;
}

void Window::forget(const base::MessageId& message) {
  for (auto& state : lanes_) {
    for (auto& [tenant, turn] : state.turns) {
      for (auto& [name, stream] : turn.streams) {
        std::erase_if(stream.groups, [&](const Group& group) {
          if (group.message != message) return false;
          for (const auto& item : group.items) forget_item(item);
          return true;
        });
      }
      std::erase_if(turn.streams, [&](const auto& pair) {
        if (!pair.second.groups.empty()) return false;
        std::erase(turn.destinations, pair.first);
        for (const Lane lane : {Lane::local, Lane::remote}) {
          if (&state != &lane_state(lane)) continue;
          if (const auto at = destinations_.find({lane, pair.first}); at != destinations_.end())
            std::erase(at->second.parked, tenant);
        }
        return true;
      });
    }
  }
}

std::optional<base::Time> Window::next_time() const {
  if (waiting_for_time_.empty()) return std::nullopt;
  return waiting_for_time_.begin()->first;
}

// A destination that owns nothing and owes nothing is forgotten, so that a year of names doesn't
// stay.
void Window::drop_if_idle(const Place& place) {
  const auto at = destinations_.find(place);
  if (at == destinations_.end()) return;
  const auto& destination = at->second;
  if (destination.recipients == 0 && destination.under_way == 0 && destination.parked.empty() &&
      destination.timers == 0)
    destinations_.erase(at);
}

}  // namespace letterlock::queue
