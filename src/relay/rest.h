// How long a destination rests that nobody answers for: longer each time in a row. Pure.
#pragma once

#include <map>
#include <string>

#include "base/time.h"

namespace letterlock::relay {

struct RestLimits {
  base::Milliseconds first = std::chrono::minutes(1);
  base::Milliseconds longest = std::chrono::minutes(30);
  std::size_t destinations_max = 10'000;  // remembered; others always rest as at first
};

class Rests {
 public:
  explicit Rests(RestLimits limits) : limits_(limits) {}

  // All of its hosts failed. Until when it rests; several failures of one rest count once.
  base::Time failed(const std::string& destination, base::Time now);
  void answered(const std::string& destination) { rests_.erase(destination); }
  std::size_t count() const { return rests_.size(); }

 private:
  struct Rest {
    base::Milliseconds wait{0};
    base::Time until{};
  };
  void forget_old(base::Time now);

  RestLimits limits_;
  std::map<std::string, Rest> rests_;
};

}  // namespace letterlock::relay
