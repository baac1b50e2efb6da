// An open file or socket that one object owns: closed when that object goes.
#pragma once

#include <utility>

namespace letterlock::os {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }

  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  // Gives it up without closing it.
  int release() { return std::exchange(number_, -1); }
  // Closes what it holds, and holds `number` then.
  void reset(int number = -1);

 private:
  int number_ = -1;
};

}  // namespace letterlock::os
