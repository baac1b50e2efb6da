#include "relay/relay.h"

#include <algorithm>

#include "relay/carry.h"
#include "relay/latecomers.h"

namespace letterlock::relay {

Waits waits_for_reports(base::Milliseconds answer) {
  Waits waits;
  waits.connect = std::min<base::Milliseconds>(answer, std::chrono::seconds(10));
  waits.smtp.greeting_wait = answer;
  waits.smtp.command_wait = answer;
  waits.smtp.handshake_wait = answer;
  waits.smtp.data_start_wait = answer;
  waits.smtp.data_block_wait = answer;
  waits.smtp.data_end_wait = answer * 2;
  waits.smtp.message_wait = answer * 4;
  waits.hosts = answer * 2;
  waits.content = answer * 4;
  return waits;
}

Relay::Relay(Ports ports, Options options)
    : ports_(std::move(ports)),
      options_(std::move(options)),
      gate_(ports_.loop),
      pool_(gate_, ports_.timers, ports_.clock, options_.pool),
      rests_(options_.rest),
      report_rests_(options_.rest),
      world_(new World{ports_, options_, pool_}),
      latecomers_(new Latecomers(*world_)) {}

Relay::~Relay() = default;

net::Task<> Relay::run() {
  gate_.start(pool_.run());
  gate_.start(write_late());
  gate_.start(latecomers_->run());
  while (true) {
    auto job = co_await ports_.dispatcher.take({queue::Lane::remote, queue::Lane::report});
    if (!job) break;
    if (!gate_.start(handle(std::move(*job)))) break;
  }
  pool_.stop();
  latecomers_->stop();
  stopped_ = true;
  late_bell_.ring();
  co_await gate_.close(ports_.timers, options_.stop_wait);
}

// One message after the other, as long as the host takes them and nobody else waits for the place:
// what came of one is written together with the next one's intent.
net::Task<> Relay::handle(queue::Job job) {
  std::shared_ptr<Unwritten> before;
  for (std::optional<queue::Job> next(std::move(job)); next;) {
    Carry carry(*world_, std::move(*next), before);
    next.reset();
    auto carried = co_await carry.run();
    // There was no intent that it could go with.
    if (before && before->take()) co_await write_by_itself(*world_, before);
    if (!carried) {
      give_back(*world_, carry.job(), carried.error());
      co_return;
    }
    if (carry.reached() == Carry::Reached::nobody) rest(carry.job().lane, carry.job().destination);
    if (carry.reached() == Carry::Reached::somebody)
      end_rest(carry.job().lane, carry.job().destination);
    if (!*carried) {
      give_back(*world_, carry.job(), queue::Settled());
      co_return;
    }
    before =
        std::make_shared<Unwritten>(carry.take_work(), std::move(**carried), ports_.clock.steady());
    before->work.before.reset();
    const auto& conclusion = before->conclusion;
    if (conclusion.is_plain_success())
      ports_.dispatcher.note(before->work.job, queue::Showed::takes);
    if (conclusion.found_no_session())
      ports_.dispatcher.note(before->work.job, queue::Showed::crowded);
    if (!stopped_ && conclusion.is_plain_success())
      next = ports_.dispatcher.follow(before->work.job);
    if (next)
      note_waiting(before);
    else if (before->take())
      co_await write_by_itself(*world_, before);
  }
}

void Relay::note_waiting(std::shared_ptr<Unwritten> unwritten) {
  if (unwritten_.empty()) late_bell_.ring();
  unwritten_.push_back(std::move(unwritten));
}

// Writes what waited too long for an intent to go with: behind a host that is slow to answer, or a
// new session.
net::Task<> Relay::write_late() {
  constexpr auto idle = std::chrono::hours(1);
  while (!stopped_) {
    const auto now = ports_.clock.steady();
    while (!unwritten_.empty() && (unwritten_.front()->is_taken ||
                                   now - unwritten_.front()->since >= options_.together_wait)) {
      const auto oldest = std::move(unwritten_.front());
      unwritten_.pop_front();
      if (!oldest->take()) continue;
      if (!gate_.start(write_by_itself(*world_, oldest))) co_await write_by_itself(*world_, oldest);
    }
    const auto wait = unwritten_.empty() ? base::Milliseconds(idle) : options_.together_wait;
    if (!co_await late_bell_.wait(ports_.timers, wait)) co_return;
  }
}

// What was tried beside it, and found nobody, keeps nobody's mail waiting.
void Relay::end_rest(queue::Lane lane, const std::string& destination) {
  rests(lane).answered(destination);
  ports_.dispatcher.end_rest(lane, destination);
}

void Relay::rest(queue::Lane lane, const std::string& destination) {
  const auto until = rests(lane).failed(destination, ports_.clock.now());
  ports_.dispatcher.rest(lane, destination, until);
  ports_.events.emit({base::Severity::info,
                      "relay.destination_rests",
                      {{"domain", destination}, {"until", base::to_rfc3339(until)}}});
}

}  // namespace letterlock::relay
