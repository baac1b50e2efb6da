#include "queue/state.h"

#include <vector>

#include <gtest/gtest.h>

namespace letterlock::queue {
namespace {

const std::vector<State> states{State::waiting,  State::held,   State::delivered, State::relayed,
                                State::expanded, State::failed, State::removed};
const std::vector<Step> steps{Step::deliver, Step::relay, Step::expand,  Step::defer, Step::fail,
                              Step::expire,  Step::hold,  Step::release, Step::remove};

// The table of README.md, cell by cell.
TEST(State, EveryStep) {
  const std::vector<State> from_waiting{State::delivered, State::relayed, State::expanded,
                                        State::waiting,   State::failed,  State::failed,
                                        State::held,      State::waiting, State::removed};
  const std::vector<State> from_held{State::delivered, State::relayed, State::expanded,
                                     State::held,      State::failed,  State::failed,
                                     State::held,      State::waiting, State::removed};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(next(State::waiting, steps[i]), from_waiting[i]) << name(steps[i]);
    EXPECT_EQ(next(State::held, steps[i]), from_held[i]) << name(steps[i]);
  }
}

TEST(State, NothingLeavesAFinalState) {
  for (const State state : states) {
    if (!is_final(state)) continue;
    for (const Step step : steps)
      EXPECT_EQ(next(state, step), std::nullopt) << name(state) << " " << name(step);
  }
}

// As operators read and write them.
TEST(State, NamesAreWords) {
  const std::vector<std::string_view> of_states{"waiting",  "held",   "delivered", "relayed",
                                                "expanded", "failed", "removed"};
  for (std::size_t i = 0; i < states.size(); ++i) {
    EXPECT_EQ(name(states[i]), of_states[i]);
    EXPECT_EQ(state_from(of_states[i]), states[i]);
  }
  const std::vector<std::string_view> of_steps{"deliver", "relay", "expand",  "defer", "fail",
                                               "expire",  "hold",  "release", "remove"};
  for (std::size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(name(steps[i]), of_steps[i]);
}

TEST(State, NamesGoBothWays) {
  for (const State state : states) EXPECT_EQ(state_from(name(state)), state);
  EXPECT_EQ(state_from("lost"), std::nullopt);
}

}  // namespace
}  // namespace letterlock::queue
