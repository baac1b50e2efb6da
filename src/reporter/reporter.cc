#include "reporter/reporter.h"

#include "mailbox/mailbox.h"
#include "queue/queue.h"
#include "queue/served.h"
#include "reporter/notice.h"
#include "trace/event.h"

namespace letterlock::reporter {
namespace {

constexpr std::size_t batch = 100;
constexpr auto trouble_wait = std::chrono::seconds(10);

net::ResultTask<> read_notices(store::Transaction& transaction, base::TenantId tenant,
                               std::vector<base::MessageId>& ids) {
  CO_TRY(ids, co_await queue::notices(transaction, tenant, batch));
  co_return base::Result<>();
}
net::ResultTask<> read_events(store::Transaction& transaction, base::TenantId tenant,
                              std::vector<trace::Event>& events) {
  CO_TRY(events, co_await trace::pending_events(transaction, tenant, batch));
  co_return base::Result<>();
}
net::ResultTask<> apply(store::Transaction& transaction, trace::Event event) {
  CO_TRY(const auto applied, co_await trace::apply_event(transaction, std::move(event)));
  (void)applied;  // before, or its trace is gone: told all the same
  co_return base::Result<>();
}
net::ResultTask<> finish_events(store::Transaction& transaction,
                                const std::vector<trace::Event>& events) {
  for (const auto& event : events) trace::event_done(transaction, event);
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

}  // namespace

Reporter::Reporter(Ports ports, Options options)
    : ports_(std::move(ports)), options_(std::move(options)) {}

void Reporter::notice(base::TenantId tenant) {
  noticed_.insert(tenant);
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
    if (!co_await bell_.wait(ports_.timers, options_.look)) co_return;
  }
}

net::ResultTask<> Reporter::round() {
  CO_TRY(const auto tenants, co_await ports_.tenants());
  const auto noticed = std::exchange(noticed_, {});
  const auto now = ports_.clock.now();
  // A commit that was kept, though the store couldn't say so, and a node that is gone leave notices
  // of which nobody speaks.
  const bool all =
      std::exchange(look_at_all_, false) || now - looked_ >= options_.look_at_all || now < looked_;
  if (all) looked_ = now;
  const bool cleans = now - cleaned_ >= options_.clean || now < cleaned_;
  for (const auto& tenant : tenants) {
    if (all || noticed.contains(tenant)) CO_CHECK(co_await tell_all(tenant));
    CO_CHECK(co_await pass_events(tenant));
    if (cleans) CO_CHECK(co_await clean(tenant));
  }
  if (cleans) cleaned_ = now;
  co_return base::Result<>();
}

net::ResultTask<> Reporter::tell_all(base::TenantId tenant) {
  std::vector<base::MessageId> ids;
  do {
    CO_CHECK(co_await ports_.store.read(
        store::Scope::tenant(tenant),
        [&](store::Transaction& transaction) { return read_notices(transaction, tenant, ids); }));
    for (const auto& id : ids) {
      Notice notice(ports_, options_, tenant, id);
      const auto told = co_await notice.tell();
      // It changed while it was told: once more, from the beginning.
      if (!told && told.error().kind == base::ErrorKind::conflict)
        this->notice(tenant);
      else
        CO_CHECK(told);
    }
  } while (ids.size() == batch);
  co_return base::Result<>();
}

// Applied first, then done: a crash between the two applies it twice, which changes nothing.
net::ResultTask<> Reporter::pass_events(base::TenantId tenant) {
  std::vector<trace::Event> events;
  CO_CHECK(co_await ports_.store.read(
      store::Scope::tenant(tenant),
      [&](store::Transaction& transaction) { return read_events(transaction, tenant, events); }));
  if (events.empty()) co_return base::Result<>();
  for (const auto& event : events) {
    CO_CHECK(co_await ports_.store.transact(
        store::Scope::tenant(event.to),
        [&](store::Transaction& transaction) { return apply(transaction, event); }));
  }
  co_return co_await ports_.store.transact(
      store::Scope::tenant(tenant),
      [&](store::Transaction& transaction) { return finish_events(transaction, events); });
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
