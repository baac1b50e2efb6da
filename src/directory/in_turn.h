// So many at once; the others wait in the order they came. Any thread. For this room's files.
#pragma once

#include <cstddef>
#include <memory>

#include "net/loop.h"

namespace letterlock::directory {

class InTurn {
  struct State;

 public:
  // A place; the next who waits gets it when this is destroyed.
  class Place {
   public:
    explicit Place(std::shared_ptr<State> state) : state_(std::move(state)) {}
    Place(Place&&) noexcept = default;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    Place& operator=(Place&&) = delete;
    ~Place();

   private:
    std::shared_ptr<State> state_;
  };

  InTurn(std::size_t at_once, std::size_t waiting_max);
  // Errors: full (too many wait already), cancelled.
  net::ResultTask<Place> enter();

 private:
  std::shared_ptr<State> state_;
};

}  // namespace letterlock::directory
