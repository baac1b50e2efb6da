// Which of two recorded moments came first, where the calendar may have been set back in between.
// A machine's calendar comes twice through the time that it is set back by, so two moments within
// such a span have no order that anybody could tell.
#pragma once

#include <vector>

#include "base/time.h"

namespace letterlock::base {

// The calendar stood at `from`, and then at `to`, which is earlier.
struct Setback {
  Time to;
  Time from;
  bool operator==(const Setback&) const = default;
};

// Moments closer than this have no order: a step of the calendar that is smaller isn't noticed.
inline constexpr Milliseconds ordered_from{20};

// Sorted by time and apart from each other: those that meet are one. Beyond `count_max` the two
// that lie closest become one, which covers what lies between: more is without order then, never
// less.
std::vector<Setback> merged(std::vector<Setback> all, std::size_t count_max);

class Order {
 public:
  Order() = default;  // of a calendar that was never set back
  explicit Order(std::vector<Setback> setbacks);
  // For certain: false where nobody could tell.
  bool is_before(Time a, Time b) const;

 private:
  std::vector<Setback> spans_;  // merged
};

}  // namespace letterlock::base
