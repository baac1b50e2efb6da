// The states of a queued recipient and every legal step between them. A pure table: who may take
// a step, and what is written with it, is queue.h's business.
#pragma once

#include <optional>
#include <string_view>

namespace letterlock::queue {

enum class State {
  waiting,    // due at its next try; under attempt only in memory, under the partition's lease
  held,       // not tried until somebody releases it
  delivered,  // in a mailbox here
  relayed,    // the next holder has it
  expanded,   // replaced by its members or targets
  failed,     // given up
  removed,    // by an operator
};

enum class Step {
  deliver,  // mda: it is in the mailbox
  relay,    // the peer said 250
  expand,   // a group, an alias
  defer,    // not now: again at the next try
  fail,     // never: the peer or we refuse it
  expire,   // its days in the queue are over
  hold,     // an operator, or a judgement that waits for one
  release,
  remove,
};

std::string_view name(State state);
std::optional<State> state_from(std::string_view name);
std::string_view name(Step step);

// The state after the step; nothing where the step is not legal.
std::optional<State> next(State state, Step step);

// Nothing more will happen to it but being told about.
constexpr bool is_final(State state) {
  return state != State::waiting && state != State::held;
}

}  // namespace letterlock::queue
