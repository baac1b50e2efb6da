#include "queue/dispatcher.h"

#include <algorithm>
#include <utility>

#include "queue/keys.h"

namespace letterlock::queue {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t page_count = 200;  // due items read at once
constexpr base::Milliseconds tenants_again = 5min;
// Between the beginnings of two passes of one tenant's lane: what comes due one after the other is
// looked for together.
constexpr base::Milliseconds passes_apart = 50ms;
// … and where a pass had to leave something, though nobody said that there is room.
constexpr base::Milliseconds pass_again = 10s;
constexpr base::Milliseconds pass_again_soon = 500ms;  // so few are in memory
constexpr std::size_t few_count = 100;
// A pass that costs the store much is rarer: loading never takes more than a quarter of its time.
constexpr int passes_apart_factor = 4;
constexpr base::Milliseconds trouble_wait = 5s;

net::ResultTask<> load_due(store::Transaction& transaction, base::TenantId tenant, DueQuery query,
                           DuePage& page) {
  CO_TRY(page, co_await due(transaction, tenant, std::move(query)));
  co_return base::Result<>();
}

}  // namespace

Dispatcher::Dispatcher(DispatcherPorts ports, WindowLimits limits)
    : ports_(std::move(ports)), window_(limits), gate_(ports_.loop) {
  const auto now = ports_.clock.steady();
  rounds_ = {now, now, now};
}

net::Task<> Dispatcher::run() {
  while (true) {
    rounds_.loader = ports_.clock.steady();
    bool more = false;
    auto worked = co_await learn_tenants();
    if (worked) {
      const auto loaded = co_await load_round();
      if (loaded)
        more = *loaded;
      else
        worked = base::fail(loaded.error());
    }
    if (!worked && worked.error().kind == base::ErrorKind::cancelled) break;
    if (!worked) {
      ports_.events.emit(
          {base::Severity::error, "queue.load_failed", {{"reason", worked.error().what}}});
      if (!co_await ports_.timers.sleep(trouble_wait)) break;
      continue;
    }
    if (more) continue;
    const auto rung = co_await load_bell_.wait(ports_.timers, until_next());
    if (!rung) break;
  }
  ended_ = true;
  local_bell_.ring();
  remote_bell_.ring();
  co_await gate_.close(ports_.timers, base::Milliseconds(0));
}

// ---- loading ----

Dispatcher::Loading& Dispatcher::loading(const base::TenantId& tenant, Lane lane) {
  return loading_[static_cast<std::size_t>(lane)][tenant];
}

net::ResultTask<> Dispatcher::learn_tenants() {
  const auto now = ports_.clock.now();
  if (tenants_asked_ != base::Time{} && now - tenants_asked_ < tenants_again &&
      now >= tenants_asked_)
    co_return base::Result<>();
  CO_TRY(const auto tenants, co_await ports_.tenants());
  tenants_asked_ = now;
  // A look from the beginning mends what a clock that jumped has hidden.
  for (const auto& tenant : tenants) {
    for (const auto lane : all_lanes) {
      auto& state = loading(tenant, lane);
      state.more = true;
      state.cursor.clear();
    }
  }
  co_return base::Result<>();
}

base::Milliseconds Dispatcher::apart(const Loading& state) {
  return std::max(passes_apart, state.pass_took * passes_apart_factor);
}

base::Milliseconds Dispatcher::pause_after_pass(const Place& place, const Loading& state) const {
  auto pause = passes_apart;
  if (state.passed_over && !state.has_room) {
    const bool are_few = window_.lane(place.second).count(place.first) < few_count;
    pause = are_few ? pass_again_soon : pass_again;
  }
  return std::max(pause, apart(state));
}

bool Dispatcher::wants_loading(const Place& place, const Loading& state, base::Time now) const {
  if (ports_.clock.steady() < state.trouble_until) return false;
  if (state.more) return true;
  const auto since = ports_.clock.steady() - state.pass_began;
  if (state.passed_over && since >= pause_after_pass(place, state)) return true;
  return state.next_due && *state.next_due <= now && since >= apart(state);
}

// One page for each tenant's lane that has more, the local ones first. True while there is more to
// read.
net::ResultTask<bool> Dispatcher::load_round() {
  const auto now = ports_.clock.now();
  std::vector<Place> wanting;
  for (const auto lane : all_lanes) {
    for (const auto& [tenant, state] : loading_[static_cast<std::size_t>(lane)]) {
      if (wants_loading({tenant, lane}, state, now)) wanting.emplace_back(tenant, lane);
    }
  }
  for (const auto& place : wanting) CO_CHECK(co_await load_page(place));
  co_return std::ranges::any_of(wanting, [&](const Place& place) {
    const auto& state = loading(place.first, place.second);
    return state.more && wants_loading(place, state, now);
  });
}

net::ResultTask<> Dispatcher::load_page(Place place) {
  const auto [tenant, lane] = place;
  const auto began = ports_.clock.steady();
  const auto now = ports_.clock.now();
  {
    auto& state = loading(tenant, lane);
    if (state.cursor.empty()) {
      state.pass_began = began;
      state.pass_took = base::Milliseconds(0);
      state.passed_over = false;
      state.has_room = false;
      state.next_due.reset();
    }
    // Whoever asks for another look meanwhile gets one: take_in() says only that this one goes on.
    state.more = false;
  }
  const DueQuery query{lane, now, loading(tenant, lane).cursor, page_count,
                       [this, tenant, lane](const std::string& destination) {
                         return window_.lane(lane).wanted(tenant, destination, ports_.clock.now());
                       }};
  DuePage page;
  const auto read = co_await ports_.store.read(
      store::Scope::tenant(tenant),
      [&](store::Transaction& transaction) { return load_due(transaction, tenant, query, page); });
  if (!read) {
    // One tenant's trouble is nobody else's: the others' pages come round meanwhile.
    if (read.error().kind == base::ErrorKind::cancelled) co_return read;
    ports_.events.emit(
        {base::Severity::error, "queue.load_failed", {{"reason", read.error().what}}});
    auto& state = loading(tenant, lane);
    state.passed_over = true;
    state.cursor.clear();
    state.trouble_until = ports_.clock.steady() + trouble_wait;
    co_return base::Result<>();
  }
  loading(tenant, lane).pass_took += ports_.clock.steady() - began;
  take_in(place, std::move(page));
  co_return base::Result<>();
}

void Dispatcher::take_in(Place place, DuePage page) {
  scans_ += page.scans;
  const auto now = ports_.clock.now();
  auto& state = loading(place.first, place.second);
  for (const auto& item : page.items) this->place(item, now);
  if (page.next_time) due_at(place, *page.next_time);
  state.passed_over = state.passed_over || page.passed_over;
  if (state.more) return;  // asked for meanwhile: from the beginning
  state.cursor = std::move(page.next_key);
  state.more = !state.cursor.empty();
  if (!state.more || window_.lane(place.second).has_room(place.first)) return;
  // None of what comes behind would find room.
  state.more = false;
  state.cursor.clear();
  state.passed_over = true;
}

bool Dispatcher::place(const Due& item, base::Time now) {
  if (!ports_.leases.epoch_of(keys::partition_of(item.message))) return false;
  auto& state = loading(item.tenant, item.lane);
  switch (window_.add(item, now)) {
    case Window::Added::added:
      bell(item.lane).ring();
      return false;
    case Window::Added::known:
      return false;
    case Window::Added::resting: {
      const auto until = window_.lane(item.lane).resting_until(item.destination, now);
      const bool is_sooner = until && (!state.next_due || *until < *state.next_due);
      if (is_sooner) state.next_due = until;
      return is_sooner;
    }
    case Window::Added::full:
    case Window::Added::destination_full:
      return !std::exchange(state.passed_over, true);
  }
  return false;
}

base::Milliseconds Dispatcher::until_next() const {
  const auto now = ports_.clock.now();
  const auto steady = ports_.clock.steady();
  auto wait = idle_wait;
  const auto until = [&](os::Steady at) { return at - steady; };
  for (const auto lane : all_lanes) {
    for (const auto& [tenant, state] : loading_[static_cast<std::size_t>(lane)]) {
      const auto earliest =
          std::max(until(state.pass_began + apart(state)), until(state.trouble_until));
      if (state.more) wait = std::min(wait, until(state.trouble_until));
      if (state.next_due) wait = std::min(wait, std::max(*state.next_due - now, earliest));
      if (state.passed_over) {
        const auto again = until(state.pass_began + pause_after_pass({tenant, lane}, state));
        wait = std::min(wait, std::max(again, earliest));
      }
    }
  }
  return std::clamp(wait, base::Milliseconds(1), idle_wait);
}

void Dispatcher::due_at(const Place& place, base::Time at) {
  auto& state = loading(place.first, place.second);
  if (!state.next_due || at < *state.next_due) state.next_due = at;
}

// Any tenant that had to leave something may have left it for want of this room.
void Dispatcher::room_again(Lane lane) {
  for (auto& [tenant, state] : loading_[static_cast<std::size_t>(lane)])
    state.has_room = state.has_room || state.passed_over;
  load_bell_.ring();
}

void Dispatcher::offer(std::vector<Due> items) {
  ports_.loop.post([this, items = std::move(items)] {
    const auto now = ports_.clock.now();
    for (const auto& item : items) {
      // What there is no room for stands in the store: the next pass finds it. None begins for each
      // that came.
      if (place(item, now)) load_bell_.ring();
    }
  });
}

// ---- what the agents do ----

os::Steady& Dispatcher::round_of(Lane lane) {
  return lane == Lane::local ? rounds_.local : rounds_.remote;
}

net::ResultTask<Job> Dispatcher::take(std::vector<Lane> lanes) {
  while (!ended_) {
    const auto now = ports_.clock.now();
    for (const auto lane : lanes) {
      round_of(lane) = ports_.clock.steady();
      if (auto job = window_.lane(lane).take(now)) co_return std::move(*job);
    }
    auto wait = idle_wait;
    if (const auto next = window_.next_time())
      wait = std::clamp(*next - now, base::Milliseconds(1), wait);
    CO_CHECK(co_await bell(lanes.front()).wait(ports_.timers, wait));
  }
  co_return base::fail(base::ErrorKind::cancelled, "the queue is stopping");
}

std::optional<Job> Dispatcher::follow(Job& job) {
  if (ended_) return std::nullopt;
  round_of(job.lane) = ports_.clock.steady();
  return window_.lane(job.lane).follow(job, ports_.clock.now());
}

std::optional<Job> Dispatcher::claim(const std::vector<Due>& items) {
  const auto& first = items.front();
  auto job = window_.lane(first.lane).claim(items, ports_.clock.now());
  // What was ready stands in the store alone now.
  loading(first.tenant, first.lane).passed_over = true;
  load_bell_.ring();
  return job;
}

void Dispatcher::note(const Job& job, Showed showed) {
  if (window_.lane(job.lane).note(job.destination, showed, ports_.clock.now()))
    room_again(job.lane);
  if (showed == Showed::takes) bell(job.lane).ring();
}

void Dispatcher::finish(const Job& job, std::optional<base::Time> next_try) {
  if (window_.lane(job.lane).finish(job, ports_.clock.now())) room_again(job.lane);
  bell(job.lane).ring();
  if (!next_try) return;
  const auto& known = loading(job.tenant, job.lane).next_due;
  const bool is_sooner = !known || *next_try < *known;
  due_at({job.tenant, job.lane}, *next_try);
  if (is_sooner) load_bell_.ring();
}

void Dispatcher::abandon(Job job, base::Milliseconds wait) {
  window_.lane(job.lane).give_place_back(job, ports_.clock.now());
  bell(job.lane).ring();
  if (!gate_.start(forget_later(job, wait)))
    (void)window_.lane(job.lane).finish(job, ports_.clock.now());
}

net::Task<> Dispatcher::forget_later(Job job, base::Milliseconds wait) {
  (void)co_await ports_.timers.sleep(wait);
  if (window_.lane(job.lane).finish(job, ports_.clock.now())) room_again(job.lane);
  look_again(job.tenant);
  bell(job.lane).ring();
}

void Dispatcher::rest(Lane lane, const std::string& destination, base::Time until) {
  for (const auto& tenant : window_.lane(lane).rest(destination, until))
    due_at({tenant, lane}, until);
  load_bell_.ring();
  bell(lane).ring();
}

void Dispatcher::end_rest(Lane lane, const std::string& destination) {
  const auto now = ports_.clock.now();
  if (!window_.lane(lane).resting_until(destination, now)) return;
  rest(lane, destination, now);
  // Whose mail waits for it stands in the store alone.
  for (auto& [tenant, state] : loading_[static_cast<std::size_t>(lane)]) state.next_due = now;
}

void Dispatcher::look_again(const base::TenantId& tenant) {
  for (const auto lane : all_lanes) {
    auto& state = loading(tenant, lane);
    state.more = true;
    state.cursor.clear();
  }
  load_bell_.ring();
}

void Dispatcher::forget(const base::TenantId& tenant, const std::set<base::MessageId>& messages) {
  window_.forget(tenant, messages, ports_.clock.now());
}

}  // namespace letterlock::queue
