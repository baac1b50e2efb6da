#include "queue/dispatcher.h"

#include <algorithm>
#include <utility>

#include "queue/keys.h"

namespace letterlock::queue {
namespace {

constexpr std::size_t page_count = 200;      // due entries read at once
constexpr std::size_t postpone_count = 100;  // moved in one transaction
constexpr auto tenants_again = std::chrono::minutes(5);
constexpr auto pass_again = std::chrono::seconds(10);  // after a pass that had to leave something
// … sooner where what it has left could go by now: so few are in memory.
constexpr std::size_t refill_count = 1000;
constexpr auto refill_again = std::chrono::milliseconds(500);
constexpr auto trouble_wait = std::chrono::seconds(5);

net::ResultTask<> load_due(store::Transaction& transaction, base::TenantId tenant, base::Time now,
                           std::string after, DuePage& page) {
  CO_TRY(page, co_await due(transaction, tenant, now, std::move(after), page_count));
  co_return base::Result<>();
}

base::Milliseconds pause_after_pass(const Window& window) {
  if (window.count() < refill_count) return refill_again;
  return pass_again;
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
    if (worked) worked = co_await postpone_some();
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

net::ResultTask<> Dispatcher::learn_tenants() {
  const auto now = ports_.clock.now();
  if (tenants_asked_ != base::Time{} && now - tenants_asked_ < tenants_again &&
      now >= tenants_asked_)
    co_return base::Result<>();
  CO_TRY(const auto tenants, co_await ports_.tenants());
  tenants_asked_ = now;
  for (const auto& tenant : tenants) {
    // A look from the beginning mends what a clock that jumped has hidden.
    auto& state = tenants_[tenant];
    state.more = true;
    state.cursor.clear();
  }
  co_return base::Result<>();
}

bool Dispatcher::wants_loading(const TenantState& state, base::Time now) const {
  if (state.more) return true;
  if (state.passed_over && now - state.pass_began >= pause_after_pass(window_)) return true;
  return state.next_due && *state.next_due <= now;
}

// One page for each tenant that has more, in turn. True while there is room and more to read.
net::ResultTask<bool> Dispatcher::load_round() {
  const auto now = ports_.clock.now();
  std::vector<base::TenantId> wanting;
  for (const auto& [tenant, state] : tenants_) {
    if (wants_loading(state, now)) wanting.push_back(tenant);
  }
  for (const auto& tenant : wanting) {
    if (!window_.has_room()) co_return false;
    CO_CHECK(co_await load_page(tenant));
  }
  co_return window_.has_room() &&
      (!to_postpone_.empty() || std::ranges::any_of(tenants_, [&](const auto& pair) {
        return wants_loading(pair.second, now);
      }));
}

net::ResultTask<> Dispatcher::load_page(base::TenantId tenant) {
  const auto now = ports_.clock.now();
  std::string after = tenants_[tenant].cursor;
  if (after.empty()) {
    tenants_[tenant].pass_began = now;
    tenants_[tenant].passed_over = false;
  }
  DuePage page;
  CO_CHECK(co_await ports_.store.read(store::Scope::tenant(tenant),
                                      [&](store::Transaction& transaction) {
                                        return load_due(transaction, tenant, now, after, page);
                                      }));
  take_in(tenant, page);
  co_return base::Result<>();
}

void Dispatcher::take_in(const base::TenantId& tenant, const DuePage& page) {
  auto& state = tenants_[tenant];
  const auto now = ports_.clock.now();
  state.more = page.next_time && *page.next_time <= now;
  state.next_due = page.next_time;
  state.cursor = state.more ? page.last_key : std::string();
  for (const auto& item : page.items) place(item, now);
}

bool Dispatcher::place(const Due& item, base::Time now) {
  if (!ports_.leases.epoch_of(keys::partition_of(item.message))) return false;
  switch (window_.add(item, now)) {
    case Window::Added::added:
      bell(item.lane).ring();
      return false;
    case Window::Added::known:
      return false;
    case Window::Added::resting:
      to_postpone_.push_back(item);
      return true;
    case Window::Added::full:
    case Window::Added::destination_full:
      return !std::exchange(tenants_[item.tenant].passed_over, true);
  }
  return false;
}

net::ResultTask<> Dispatcher::postpone_some() {
  const auto now = ports_.clock.now();
  while (!to_postpone_.empty()) {
    // One tenant and one rest at a time: a transaction has one scope.
    const auto first = to_postpone_.back();
    // As the window has it, which turned the items away: another answer would bring them back at
    // once, over and over.
    const auto until = window_.resting_until(first.lane, first.destination, now).value_or(now);
    std::vector<Due> items;
    std::erase_if(to_postpone_, [&](const Due& item) {
      const bool same = item.tenant == first.tenant && item.lane == first.lane &&
                        item.destination == first.destination;
      if (!same || items.size() >= postpone_count) return false;
      items.push_back(item);
      return true;
    });
    const auto postponed = co_await ports_.store.transact(
        store::Scope::tenant(first.tenant),
        [&](store::Transaction& transaction) { return postpone(transaction, items, until); });
    if (!postponed) {
      look_again(first.tenant);  // they are as due as they were
      co_return postponed;
    }
    auto& state = tenants_[first.tenant];
    if (!state.next_due || *state.next_due > until) state.next_due = until;
  }
  co_return base::Result<>();
}

base::Milliseconds Dispatcher::until_next() const {
  const auto now = ports_.clock.now();
  auto wait = idle_wait;
  for (const auto& [tenant, state] : tenants_) {
    if (state.next_due) wait = std::min(wait, *state.next_due - now);
    if (state.passed_over) wait = std::min(wait, pause_after_pass(window_));
  }
  return std::clamp(wait, base::Milliseconds(1), idle_wait);
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

net::ResultTask<Job> Dispatcher::take(Lane lane) {
  while (!ended_) {
    (lane == Lane::local ? rounds_.local : rounds_.remote) = ports_.clock.steady();
    const auto now = ports_.clock.now();
    if (auto job = window_.take(lane, now)) co_return std::move(*job);
    auto wait = idle_wait;
    if (const auto next = window_.next_time())
      wait = std::clamp(*next - now, base::Milliseconds(1), wait);
    CO_CHECK(co_await bell(lane).wait(ports_.timers, wait));
  }
  co_return base::fail(base::ErrorKind::cancelled, "the queue is stopping");
}

std::optional<Job> Dispatcher::follow(Job& job) {
  if (ended_) return std::nullopt;
  (job.lane == Lane::local ? rounds_.local : rounds_.remote) = ports_.clock.steady();
  return window_.follow(job, ports_.clock.now());
}

void Dispatcher::note(const Job& job, Window::Showed showed) {
  window_.note(job.lane, job.destination, showed);
  if (showed == Window::Showed::takes) bell(job.lane).ring();
}

void Dispatcher::finish(const Job& job, std::optional<base::Time> next_try) {
  const bool was_full = !window_.has_room();
  window_.finish(job);
  bell(job.lane).ring();
  auto& state = tenants_[job.tenant];
  if (next_try && (!state.next_due || *next_try < *state.next_due)) {
    state.next_due = next_try;
    load_bell_.ring();
  }
  const bool runs_low = state.passed_over && window_.count() < refill_count;
  if (was_full || runs_low) load_bell_.ring();
}

void Dispatcher::abandon(const Job& job, base::Milliseconds wait) {
  if (!gate_.start(forget_later(job, wait))) window_.finish(job);
}

net::Task<> Dispatcher::forget_later(Job job, base::Milliseconds wait) {
  (void)co_await ports_.timers.sleep(wait);
  window_.finish(job);
  look_again(job.tenant);
  bell(job.lane).ring();
}

void Dispatcher::rest(Lane lane, const std::string& destination, base::Time until) {
  auto ready = window_.rest(lane, destination, until);
  to_postpone_.insert(to_postpone_.end(), std::make_move_iterator(ready.begin()),
                      std::make_move_iterator(ready.end()));
  if (!to_postpone_.empty()) load_bell_.ring();
}

void Dispatcher::end_rest(Lane lane, const std::string& destination) {
  const auto now = ports_.clock.now();
  if (window_.resting_until(lane, destination, now)) rest(lane, destination, now);
}

void Dispatcher::look_again(const base::TenantId& tenant) {
  auto& state = tenants_[tenant];
  state.more = true;
  state.cursor.clear();
  load_bell_.ring();
}

void Dispatcher::forget(const base::MessageId& message) {
  window_.forget(message);
}

}  // namespace letterlock::queue
