#include "queue/state.h"

#include <array>

namespace letterlock::queue {
namespace {
constexpr std::array all_states{State::waiting,  State::held,   State::delivered, State::relayed,
                                State::expanded, State::failed, State::removed};

std::optional<State> from_waiting(Step step) {
  switch (step) {
    case Step::deliver:
      return State::delivered;
    case Step::relay:
      return State::relayed;
    case Step::expand:
      return State::expanded;
    case Step::defer:
      return State::waiting;
    case Step::fail:
    case Step::expire:
      return State::failed;
    case Step::hold:
      return State::held;
    case Step::release:
      return State::waiting;  // releasing what isn't held: due now
    case Step::remove:
      return State::removed;
  }
  return std::nullopt;
}

// An attempt under way when the operator said "hold" still ends as it ends: its outcome is a fact.
std::optional<State> from_held(Step step) {
  switch (step) {
    case Step::deliver:
      return State::delivered;
    case Step::relay:
      return State::relayed;
    case Step::expand:
      return State::expanded;
    case Step::defer:
    case Step::hold:
      return State::held;
    case Step::fail:
    case Step::expire:
      return State::failed;
    case Step::release:
      return State::waiting;
    case Step::remove:
      return State::removed;
  }
  return std::nullopt;
}
}  // namespace

std::string_view name(State state) {
  switch (state) {
    case State::waiting:
      return "waiting";
    case State::held:
      return "held";
    case State::delivered:
      return "delivered";
    case State::relayed:
      return "relayed";
    case State::expanded:
      return "expanded";
    case State::failed:
      return "failed";
    case State::removed:
      return "removed";
  }
  return "unknown";
}

std::optional<State> state_from(std::string_view text) {
  for (const State state : all_states) {
    if (name(state) == text) return state;
  }
  return std::nullopt;
}

std::string_view name(Step step) {
  switch (step) {
    case Step::deliver:
      return "deliver";
    case Step::relay:
      return "relay";
    case Step::expand:
      return "expand";
    case Step::defer:
      return "defer";
    case Step::fail:
      return "fail";
    case Step::expire:
      return "expire";
    case Step::hold:
      return "hold";
    case Step::release:
      return "release";
    case Step::remove:
      return "remove";
  }
  return "unknown";
}

std::optional<State> next(State state, Step step) {
  switch (state) {
    case State::waiting:
      return from_waiting(step);
    case State::held:
      return from_held(step);
    case State::delivered:
    case State::relayed:
    case State::expanded:
    case State::failed:
    case State::removed:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace letterlock::queue
