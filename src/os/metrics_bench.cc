// What counting costs: one counter, one histogram, one event through the meter.
#include <benchmark/benchmark.h>

#include "os/event_meter.h"

namespace letterlock::os {
namespace {

void count(benchmark::State& state) {
  Metrics metrics;
  auto& counter = metrics.counter("letterlock_a_total", "A.");
  for (auto _ : state) counter.add();
}
BENCHMARK(count);

void observe(benchmark::State& state) {
  Metrics metrics;
  auto& times = metrics.times("letterlock_a_seconds", "A.", short_times());
  for (auto _ : state) times.observe(std::uint64_t{1'000'000});
}
BENCHMARK(observe);

// As queue.accepted: five figures, two of them by a word of the event.
void meter(benchmark::State& state) {
  Metrics metrics;
  base::NoEvents none;
  const EventLabel kind{"kind", "kind", {"submission", "relay"}};
  const std::vector<EventRule> rules{
      {"a.b", "letterlock_a_total", "A.", {kind}},
      {"a.b", "letterlock_b_total", "B.", {kind}, "recipients"},
      {"a.b", "letterlock_c_total", "C.", {kind}, "octets"},
      {"a.b", "letterlock_d_seconds", "D.", {kind}, "took_ms", EventRule::As::short_time},
      {"a.b", "letterlock_e_total", "E.", {kind, {"level", "level", {"clear", "encrypted"}}}}};
  EventMeter meter(metrics, none, rules);
  const base::Event event{base::Severity::info,
                          "a.b",
                          {{"trace", "01JD8X4K7QZ3M9T5V2W6B1C0DE"},
                           {"kind", "relay"},
                           {"recipients", "3"},
                           {"octets", "4096"},
                           {"level", "encrypted"},
                           {"took_ms", "2"}}};
  for (auto _ : state) meter.emit(event);
}
BENCHMARK(meter);

}  // namespace
}  // namespace letterlock::os
