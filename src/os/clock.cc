#include "os/clock.h"

namespace letterlock::os {

base::Time SystemClock::now() const {
  return std::chrono::floor<base::Milliseconds>(std::chrono::system_clock::now());
}

Steady SystemClock::steady() const {
  return std::chrono::floor<base::Milliseconds>(std::chrono::steady_clock::now());
}

}  // namespace letterlock::os
