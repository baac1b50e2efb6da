// One simulated world: a loop, a clock, dice and timers, all driven by one seed, in one thread.
// The same seed and the same program give the same world, octet for octet. The network, TLS and
// names of the world are built on it (network.h, tls.h, names.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "net/loop.h"
#include "os/clock.h"
#include "os/random.h"
#include "sim/schedule.h"

namespace letterlock::sim {

// The calendar can be made to jump, as a machine's can; steady() never does.
class Clock final : public os::Clock {
 public:
  explicit Clock(std::shared_ptr<const Schedule> schedule) : schedule_(std::move(schedule)) {}
  // A world begins on 2026-01-01T00:00:00Z.
  base::Time now() const override;
  os::Steady steady() const override { return os::Steady(schedule_->now()); }
  void jump(base::Milliseconds by) { jumped_ += by; }

 private:
  std::shared_ptr<const Schedule> schedule_;
  base::Milliseconds jumped_{0};
};

// SplitMix64: the state grows by 0x9e3779b97f4a7c15 a draw, and each draw is the state, mixed
// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). For dice only:
// whoever sees one draw knows all that follow.
class Random final : public os::Random {
 public:
  explicit Random(std::uint64_t seed) : seed_(seed), state_(seed) {}
  // Eight octets a draw, the lowest first; what is left of the last draw is thrown away.
  void fill(std::span<std::uint8_t> octets) override;
  std::uint64_t next();
  // Uniform in [low, high].
  std::uint64_t between(std::uint64_t low, std::uint64_t high);
  bool chance(unsigned in_thousand) { return below(1000) < in_thousand; }
  // Dice of their own for one part of the world, so that a draw more in one part leaves the others
  // as they were. Depends on the seed and the purpose alone, not on what was drawn.
  Random fork(std::string_view purpose) const;

 private:
  std::uint64_t seed_;
  std::uint64_t state_;
};

class Timers final : public net::Timers {
 public:
  explicit Timers(std::shared_ptr<Schedule> schedule) : schedule_(std::move(schedule)) {}
  net::ResultTask<> sleep(base::Milliseconds duration) override;

 private:
  std::shared_ptr<Schedule> schedule_;
};

// What is built on a world must be destroyed before it; tasks that still wait are destroyed with
// it.
class World {
 public:
  explicit World(std::uint64_t seed);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  net::Loop& loop() { return loop_; }
  Clock& clock() { return clock_; }
  Random& random() { return random_; }
  Timers& timers() { return timers_; }
  const std::shared_ptr<Schedule>& schedule() { return schedule_; }
  std::uint64_t seed() const { return seed_; }

  // Lets the world live until `done` holds (asked after every step) or `limit` has passed. Returns
  // whether it holds. Ends early when nothing is left that could ever happen.
  bool run_until(const std::function<bool()>& done, base::Milliseconds limit);
  // Lets exactly `duration` pass.
  void advance(base::Milliseconds duration);
  // Runs all that is ready at this moment; time stands still.
  void settle();
  // Called after every step, when nothing is ready any more: the place for invariants.
  void on_step(std::function<void()> check) { check_ = std::move(check); }
  std::uint64_t steps() const { return steps_; }

 private:
  bool step(base::Milliseconds end);

  std::uint64_t seed_;
  net::Loop loop_;
  std::shared_ptr<Schedule> schedule_;
  Clock clock_;
  Random random_;
  Timers timers_;
  std::function<void()> check_;
  std::uint64_t steps_ = 0;
  std::uint64_t steps_at_once_ = 0;  // without time passing
};

}  // namespace letterlock::sim
