#include "relay/relay.h"

#include "queue/keys.h"
#include "relay/carry.h"

namespace letterlock::relay {

Relay::Relay(Ports ports, Options options)
    : ports_(std::move(ports)),
      options_(std::move(options)),
      gate_(ports_.loop),
      pool_(gate_, ports_.timers, ports_.clock, options_.pool),
      rests_(options_.rest) {}

net::Task<> Relay::run() {
  gate_.start(pool_.run());
  while (true) {
    auto job = co_await ports_.dispatcher.take(queue::Lane::remote);
    if (!job) break;
    if (!gate_.start(handle(std::move(*job)))) break;
  }
  pool_.stop();
  co_await gate_.close(ports_.timers, options_.stop_wait);
}

net::Task<> Relay::handle(queue::Job job) {
  const World world{ports_, options_, pool_};
  Carry carry(world, job);
  const auto settled = co_await carry.run();
  if (!settled) {
    const bool lost = settled.error().kind == base::ErrorKind::denied;
    if (lost) ports_.leases.lost(queue::keys::partition_of(job.message));
    if (settled.error().kind != base::ErrorKind::cancelled) {
      ports_.events.emit({lost ? base::Severity::warning : base::Severity::error,
                          "relay.failed",
                          {{"message", job.message.text()}, {"reason", settled.error().what}}});
    }
    ports_.dispatcher.abandon(job, options_.trouble_wait);
    co_return;
  }
  if (carry.reached() == Carry::Reached::nobody) rest(job.destination);
  if (carry.reached() == Carry::Reached::somebody) rests_.answered(job.destination);
  ports_.dispatcher.finish(job, *settled ? (*settled)->next_try() : std::nullopt);
}

void Relay::rest(const std::string& destination) {
  const auto until = rests_.failed(destination, ports_.clock.now());
  ports_.dispatcher.rest(queue::Lane::remote, destination, until);
  ports_.events.emit({base::Severity::info,
                      "relay.destination_rests",
                      {{"domain", destination}, {"until", base::to_rfc3339(until)}}});
}

}  // namespace letterlock::relay
