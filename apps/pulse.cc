#include "apps/pulse.h"

namespace letterlock::apps {
namespace {
constexpr base::Milliseconds period = std::chrono::seconds(1);
}

// Used on its loop; `last` is read on the first.
struct Pulse::Beat {
  Beat(net::Loop& its, os::Steady now) : loop(its), last(now) {}
  net::Loop& loop;
  std::atomic<os::Steady> last;
  std::shared_ptr<net::Running> running;
  net::Signal ended;
};

Pulse::Pulse(std::vector<net::Loop*> loops, net::Timers& timers, const os::Clock& clock,
             os::Metrics& metrics)
    : timers_(timers),
      clock_(clock),
      lag_(metrics.times("letterlock_loop_lag_seconds",
                         "How much later than asked a loop came round, once a second each.",
                         os::short_times())) {
  for (auto* loop : loops) beats_.push_back(std::make_unique<Beat>(*loop, clock_.steady()));
}

Pulse::~Pulse() = default;

void Pulse::start() {
  for (const auto& beat : beats_) {
    auto* one = beat.get();
    one->running = one->loop.spawn(run(*one), [one] { one->ended.set(); });
  }
}

net::Task<> Pulse::run(Beat& beat) {
  while (true) {
    const auto began = clock_.steady();
    beat.last = began;
    if (!co_await timers_.sleep(period)) co_return;
    lag_.observe(std::chrono::nanoseconds(clock_.steady() - began - period));
  }
}

net::Task<> Pulse::close() {
  for (const auto& beat : beats_) {
    beat->loop.post([one = beat.get()] {
      if (one->running) one->running->cancel();
    });
  }
  for (const auto& beat : beats_) {
    if (beat->running) co_await beat->ended.wait_to_the_end();
  }
}

std::vector<std::size_t> Pulse::silent(base::Milliseconds silence) const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < beats_.size(); ++i) {
    if (clock_.steady() - beats_[i]->last.load() > silence) out.push_back(i);
  }
  return out;
}

}  // namespace letterlock::apps
