#include "mda/mda.h"

#include "mda/delivery.h"
#include "queue/keys.h"

namespace letterlock::mda {

Mda::Mda(Ports ports, Options options)
    : ports_(std::move(ports)), options_(std::move(options)), gate_(ports_.loop) {}

net::Task<> Mda::run() {
  while (true) {
    auto job = co_await ports_.dispatcher.take(queue::Lane::local);
    if (!job) break;
    if (!gate_.start(handle(std::move(*job)))) break;
  }
  co_await gate_.close(ports_.timers, std::chrono::seconds(5));
}

net::Task<> Mda::handle(queue::Job job) {
  std::optional<base::Time> next_try;
  for (const auto& item : job.items) {
    Delivery delivery(ports_, options_, item);
    auto settled = co_await delivery.run();
    if (!settled) {
      const bool lost = settled.error().kind == base::ErrorKind::denied;
      if (lost) ports_.leases.lost(queue::keys::partition_of(item.message));
      if (settled.error().kind != base::ErrorKind::cancelled) {
        ports_.events.emit({lost ? base::Severity::warning : base::Severity::error,
                            "mda.failed",
                            {{"message", item.message.text()}, {"reason", settled.error().what}}});
      }
      ports_.dispatcher.abandon(job, options_.trouble_wait);
      co_return;
    }
    ports_.dispatcher.offer(delivery.due());
    if (!*settled) continue;
    if (const auto next = (*settled)->next_try(); next && (!next_try || *next < *next_try))
      next_try = next;
    if ((*settled)->notice_pending && ports_.notice) ports_.notice(job.tenant);
  }
  ports_.dispatcher.finish(job, next_try);
}

}  // namespace letterlock::mda
