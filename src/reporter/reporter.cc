#include "reporter/reporter.h"

#include <algorithm>
#include <tuple>

#include "mailbox/mailbox.h"
#include "queue/queue.h"
#include "queue/served.h"
#include "reporter/notice.h"
#include "trace/event.h"

namespace letterlock::reporter {
namespace {

constexpr std::size_t batch = 100;
constexpr std::size_t notices_page = 1000;
// Of one tenant in one round: then the others have their turn.
constexpr std::size_t reports_at_once = 100;
constexpr std::size_t event_pages_at_once = 10;
constexpr std::size_t events_page = 5 * trace::events_at_once;
constexpr base::Milliseconds trouble_wait = std::chrono::seconds(10);
constexpr base::Milliseconds message_trouble_wait = std::chrono::minutes(5);
// How old "as of" may become on a node where nothing happens.
constexpr base::Milliseconds note_wait = std::chrono::seconds(10);
// Of one tenant, failures that wait for a budget: each keeps its content in the store.
constexpr std::size_t waiting_failures_max = 100;
constexpr base::Milliseconds as_long_as_it_takes = std::chrono::days(30);

net::ResultTask<> read_notices(store::Transaction& transaction, base::TenantId tenant,
                               std::string after, queue::NoticePage& page) {
  CO_TRY(page, co_await queue::notices(transaction, tenant, std::move(after), notices_page));
  co_return base::Result<>();
}
net::ResultTask<> read_events(store::Transaction& transaction, base::TenantId tenant,
                              base::Time now, std::string after, trace::EventPage& page) {
  CO_TRY(page,
         co_await trace::pending_events(transaction, tenant, now, std::move(after), events_page));
  co_return base::Result<>();
}
net::ResultTask<> apply(store::Transaction& transaction, base::TenantId to,
                        std::vector<trace::Event> events) {
  CO_TRY(const auto applied, co_await trace::apply_events(transaction, to, std::move(events)));
  (void)applied;  // before, or its trace is gone: told all the same
  co_return base::Result<>();
}
net::ResultTask<> put_as_of(store::Transaction& transaction, base::Time time) {
  trace::put_told_as_of(transaction, time);
  co_return base::Result<>();
}
net::ResultTask<> expire(store::Transaction& transaction, base::TenantId tenant, base::Time now,
                         bool& more) {
  CO_TRY(const auto expired, co_await trace::expire(transaction, tenant, now));
  more = expired.more;
  co_return base::Result<>();
}
// Longer than anything waits in the queue.
constexpr auto served_kept = std::chrono::days(14);

net::ResultTask<> forget_served(store::Transaction& transaction, base::TenantId tenant,
                                base::Time now, bool& more) {
  CO_TRY(more, co_await queue::forget_served(transaction, tenant, now - served_kept, batch));
  co_return base::Result<>();
}
net::ResultTask<> purge(store::Transaction& transaction, base::TenantId tenant, bool& more) {
  CO_TRY(const auto left, co_await mailbox::purge(transaction, tenant, batch));
  more = left == mailbox::Left::more;
  co_return base::Result<>();
}

bool is_over(base::Time since, base::Milliseconds wait, base::Time now) {
  return now - since >= wait || now < since;  // a clock that went back begins anew
}

// By whom they are told to, each piece small enough for one transaction.
std::vector<std::vector<trace::Event>> pieces_of(std::vector<trace::Event> events) {
  std::ranges::sort(events, {}, [](const trace::Event& event) {
    return std::tuple(event.to, event.hop.trace, event.sequence);
  });
  std::vector<std::vector<trace::Event>> pieces;
  for (auto& event : events) {
    if (pieces.empty() || pieces.back().size() == trace::events_at_once ||
        pieces.back().back().to != event.to)
      pieces.emplace_back();
    pieces.back().push_back(std::move(event));
  }
  return pieces;
}

}  // namespace

Reporter::Reporter(Ports ports, Options options)
    : ports_(std::move(ports)), options_(std::move(options)), budget_(options_.budget) {}

void Reporter::notice(base::TenantId tenant) {
  noticed_.insert(tenant);
  bell_.ring();
}

void Reporter::put_event(base::TenantId tenant) {
  {
    const std::scoped_lock lock(rung_mutex_);
    rung_.insert(tenant);
  }
  bell_.ring();
}

net::Task<> Reporter::run() {
  while (true) {
    const auto worked = co_await round();
    if (!worked && worked.error().kind == base::ErrorKind::cancelled) co_return;
    if (!worked) {
      ports_.events.emit(
          {base::Severity::error, "reporter.failed", {{"reason", worked.error().what}}});
      look_at_all_ = true;
      if (!co_await ports_.timers.sleep(trouble_wait)) co_return;
    }
    if (!co_await bell_.wait(ports_.timers, until_next())) co_return;
  }
}

// Sooner than the next look, where something rests until then.
base::Milliseconds Reporter::until_next() const {
  const auto now = ports_.clock.now();
  auto wait = options_.look;
  const auto sooner = [&](base::Time then) {
    if (then > now) wait = std::min(wait, base::Milliseconds(then - now));
  };
  for (const auto& [tenant, until] : troubled_) sooner(until);
  for (const auto& [tenant, resting] : resting_) {
    if (const auto next = resting.next(now)) sooner(*next);
  }
  return wait;
}

Reporter::Round Reporter::begin_round() {
  Round round;
  round.now = ports_.clock.now();
  round.noticed = std::exchange(noticed_, {});
  {
    const std::scoped_lock lock(rung_mutex_);
    round.rung = std::exchange(rung_, {});
  }
  // A commit that was kept, though the store couldn't say so, and a node that is gone leave notices
  // of which nobody speaks.
  round.looks_at_all = std::exchange(look_at_all_, false) ||
                       is_over(looked_at_all_, options_.look_at_all, round.now);
  if (round.looks_at_all) looked_at_all_ = round.now;
  round.looks = is_over(looked_, options_.look, round.now);
  if (round.looks) looked_ = round.now;
  round.cleans = is_over(cleaned_, options_.clean, round.now);
  if (round.cleans) cleaned_ = round.now;
  return round;
}

// What fails for one tenant is that tenant's: the others are served all the same.
net::ResultTask<> Reporter::round() {
  const auto round = begin_round();
  CO_TRY(const auto tenants, co_await ports_.tenants());
  bool all_passed = true;
  for (const auto& tenant : tenants) {
    if (const auto at = troubled_.find(tenant); at != troubled_.end()) {
      all_passed = all_passed && at->second <= round.now;
      if (at->second > round.now) {
        if (round.noticed.contains(tenant)) noticed_.insert(tenant);
        continue;
      }
    }
    const auto served = co_await serve(tenant, round);
    if (served) {
      troubled_.erase(tenant);
      all_passed = all_passed && *served == Left::nothing;
    } else if (served.error().kind == base::ErrorKind::cancelled) {
      co_return base::fail(served.error());
    } else {
      all_passed = false;
      failed(tenant, served.error(), round.now);
    }
  }
  if (round.looks && all_passed) co_return co_await note_told(round.now);
  co_return base::Result<>();
}

void Reporter::failed(base::TenantId tenant, const base::Error& error, base::Time now) {
  ports_.events.emit({base::Severity::error,
                      "reporter.failed",
                      {{"tenant", tenant.text()}, {"reason", error.what}}});
  troubled_[tenant] = now + trouble_wait;
  noticed_.insert(tenant);
}

net::ResultTask<Reporter::Left> Reporter::serve(base::TenantId tenant, const Round& round) {
  // One that was in trouble is served whole: what it was rung for then is forgotten.
  const bool anew = troubled_.contains(tenant);
  const auto resting = resting_.find(tenant);
  const bool rested = resting != resting_.end() && resting->second.has_over(round.now);
  if (anew || rested || round.looks_at_all || round.noticed.contains(tenant))
    CO_CHECK(co_await tell_all(tenant, round.now));
  auto left = Left::nothing;
  if (anew || round.looks || round.rung.contains(tenant)) {
    CO_TRY(left, co_await pass_events(tenant, round.now));
  }
  if (round.cleans) CO_CHECK(co_await clean(tenant));
  co_return left;
}

// ---- reports ----

net::ResultTask<> Reporter::tell_all(base::TenantId tenant, base::Time now) {
  auto& resting = resting_[tenant];
  std::size_t told = 0;
  queue::NoticePage page{{}, {}, true};
  while (page.more) {
    const auto after = page.last_key;
    CO_CHECK(co_await ports_.store.read(store::Scope::tenant(tenant),
                                        [&](store::Transaction& transaction) {
                                          return read_notices(transaction, tenant, after, page);
                                        }));
    for (const auto& item : page.items) {
      const auto is = item.is_final ? Resting::Is::final : Resting::Is::under_way;
      if (!resting.is_ready(item.message, is, now)) continue;
      if (told++ == reports_at_once) {
        notice(tenant);
        co_return base::Result<>();
      }
      CO_CHECK(co_await tell_one(tenant, resting, item.message, now));
    }
  }
  resting.tidy(now);
  co_return base::Result<>();
}

net::ResultTask<> Reporter::tell_one(base::TenantId tenant, Resting& resting, base::MessageId id,
                                     base::Time now) {
  using Why = Resting::Why;
  using Kind = Notice::Outcome::Kind;
  Notice notice(ports_, options_, tenant, id);
  const bool may_wait = resting.is_resting(id, Why::no_budget) ||
                        resting.count(Why::no_budget) < waiting_failures_max;
  const auto told = co_await notice.tell(
      budget_, may_wait ? Notice::OverBudget::failures_wait : Notice::OverBudget::all_are_dropped);
  if (!told && told.error().kind == base::ErrorKind::conflict) {
    // It changed while it was told: once more, from the beginning.
    this->notice(tenant);
    co_return base::Result<>();
  }
  if (!told) {
    const auto kind = told.error().kind;
    if (base::is_temporary(kind) || kind == base::ErrorKind::cancelled)
      co_return base::fail(told.error());
    // This one alone can't be told: nobody else's report waits behind it.
    ports_.events.emit(
        {base::Severity::error,
         "reporter.failed",
         {{"tenant", tenant.text()}, {"message", id.text()}, {"reason", told.error().what}}});
    resting.rest(id, now + message_trouble_wait, Why::trouble);
    co_return base::Result<>();
  }
  if (told->kind == Kind::waits) {
    resting.rest(id, told->until, Why::no_budget);
  } else if (told->kind == Kind::told && told->goes_on) {
    const auto next = next_round(told->accepted, now);
    resting.rest(id, next.value_or(now + as_long_as_it_takes), Why::was_told);
  } else {
    resting.forget(id);
  }
  co_return base::Result<>();
}

// ---- events ----

// Applied first, then done: a crash between the two applies it twice, which changes nothing.
net::ResultTask<Reporter::Left> Reporter::pass_events(base::TenantId tenant, base::Time now) {
  trace::EventPage page{{}, {}, true};
  for (std::size_t pages = 0; page.more; ++pages) {
    if (pages == event_pages_at_once) {
      put_event(tenant);
      co_return Left::more;
    }
    const auto after = page.last;
    CO_CHECK(co_await ports_.store.read(store::Scope::tenant(tenant),
                                        [&](store::Transaction& transaction) {
                                          return read_events(transaction, tenant, now, after, page);
                                        }));
    if (!page.events.empty()) passed_ = true;
    for (const auto& piece : pieces_of(std::move(page.events))) {
      const auto to = piece.front().to;
      CO_CHECK(co_await ports_.store.transact(
          store::Scope::tenant(to),
          [&](store::Transaction& transaction) { return apply(transaction, to, piece); }));
      CO_CHECK(co_await ports_.store.transact(
          store::Scope::tenant(tenant), [&](store::Transaction& transaction) {
            return trace::events_done(transaction, tenant, piece);
          }));
    }
  }
  co_return Left::nothing;
}

// Each tenant was looked at since `as_of`: what may be told by then is told.
net::ResultTask<> Reporter::note_told(base::Time as_of) {
  if (!passed_ && !is_over(noted_, note_wait, as_of)) co_return base::Result<>();
  CO_CHECK(
      co_await ports_.store.transact(store::Scope::site(), [&](store::Transaction& transaction) {
        return put_as_of(transaction, trace::told_until(as_of, options_.told_times));
      }));
  passed_ = false;
  noted_ = as_of;
  co_return base::Result<>();
}

net::ResultTask<> Reporter::clean(base::TenantId tenant) {
  bool more = true;
  while (more) {
    CO_CHECK(co_await ports_.store.transact(
        store::Scope::tenant(tenant), [&](store::Transaction& transaction) {
          return expire(transaction, tenant, ports_.clock.now(), more);
        }));
  }
  more = true;
  while (more) {
    CO_CHECK(co_await ports_.store.transact(
        store::Scope::tenant(tenant), [&](store::Transaction& transaction) {
          return forget_served(transaction, tenant, ports_.clock.now(), more);
        }));
  }
  more = true;
  while (more) {
    CO_CHECK(co_await ports_.store.transact(
        store::Scope::tenant(tenant),
        [&](store::Transaction& transaction) { return purge(transaction, tenant, more); }));
  }
  co_return base::Result<>();
}

}  // namespace letterlock::reporter
