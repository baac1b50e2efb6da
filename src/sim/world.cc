#include "sim/world.h"

#include "base/assert.h"

namespace letterlock::sim {

namespace {
// A task that sleeps for nothing over and over, or is ready again and again, would stop time: that
// is a bug, found here.
constexpr std::uint64_t steps_at_once_max = 10'000'000;
constexpr base::Time beginning = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);

std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}
}  // namespace

base::Time Clock::now() const {
  return beginning + schedule_->now() + jumped_;
}

std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15U;
  return mix(state_);
}

void Random::fill(std::span<std::uint8_t> octets) {
  std::uint64_t draw = 0;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    draw = i % 8 == 0 ? next() : draw >> 8;
    octets[i] = static_cast<std::uint8_t>(draw);
  }
}

std::uint64_t Random::between(std::uint64_t low, std::uint64_t high) {
  return low + below(high - low + 1);
}

Random Random::fork(std::string_view purpose) const {
  std::uint64_t hash = mix(seed_ + 1);
  for (const char octet : purpose) hash = mix(hash ^ static_cast<unsigned char>(octet));
  return Random(hash);
}

net::ResultTask<> Timers::sleep(base::Milliseconds duration) {
  Wakeup never(schedule_);
  const auto woken = co_await never.wait(duration);
  if (!woken) co_return base::fail(woken.error());
  co_return base::Result<>();
}

World::World(std::uint64_t seed)
    : seed_(seed),
      schedule_(std::make_shared<Schedule>()),
      clock_(schedule_),
      random_(seed),
      timers_(schedule_) {}

// What is due may hold what lives on the loop, so it goes first; and tasks that die with the loop
// close their connections, which then have nobody to tell.
World::~World() {
  schedule_->end();
}

void World::settle() {
  ASSERT(loop_.poll(steps_at_once_max) < steps_at_once_max);
}

bool World::step(base::Milliseconds end) {
  if (schedule_->empty() || schedule_->next() > end) return false;
  const auto before = schedule_->now();
  schedule_->do_next();
  steps_at_once_ = schedule_->now() == before ? steps_at_once_ + 1 : 0;
  ASSERT(steps_at_once_ < steps_at_once_max);
  settle();
  ++steps_;
  if (check_) check_();
  return true;
}

bool World::run_until(const std::function<bool()>& done, base::Milliseconds limit) {
  const auto end = schedule_->now() + limit;
  settle();
  while (!done()) {
    if (step(end)) continue;
    if (!schedule_->empty()) schedule_->move_to(end);
    return false;
  }
  return true;
}

void World::advance(base::Milliseconds duration) {
  const auto end = schedule_->now() + duration;
  settle();
  while (step(end)) {
  }
  schedule_->move_to(end);
}

}  // namespace letterlock::sim
