// One at a time for each account. Every message that an account submits changes the count of what
// it has sent; taken side by side over many connections they would only conflict, try again and at
// last be told 451. In turn each of them commits at its first try. Lives anywhere.
#pragma once

#include <memory>
#include <utility>

#include "base/id.h"
#include "net/loop.h"

namespace letterlock::custody {

class Turns {
  struct State;

 public:
  // The turn; it passes to the next who waits when this is destroyed.
  class Turn {
   public:
    Turn(std::shared_ptr<State> state, base::AccountId account)
        : state_(std::move(state)), account_(account) {}
    Turn(Turn&& other) noexcept = default;
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    std::shared_ptr<State> state_;
    base::AccountId account_;
  };

  Turns();
  // Waits for those who came before. Errors: cancelled. Limits: as many wait as there are sessions.
  net::ResultTask<Turn> wait_for(base::AccountId account);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace letterlock::custody
