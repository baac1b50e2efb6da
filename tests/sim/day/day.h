// One day of the platform, driven by one seed: people, others, faults, and the shadow models that
// watch every commit and every octet. At its end the faults stop, the queue drains, and every
// promise is looked at.
#pragma once

#include <string>
#include <vector>

#include "sim/day/asker.h"
#include "sim/day/findings.h"

namespace letterlock::day {

struct DayResult {
  std::vector<std::string> broken;  // empty: all invariants held
  std::string digest;               // of the whole diary
  std::uint64_t lines = 0;
  std::uint64_t steps = 0;
  std::size_t letters = 0;
  std::size_t promises = 0;
  Answers answers;
};

DayResult run_day(std::uint64_t seed, Findings::Print print);

}  // namespace letterlock::day
