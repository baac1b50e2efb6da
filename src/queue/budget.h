// How places are shared between those who want them: one alone may have most, whoever has few gets
// the next before whoever has many, and a quarter is kept for those who have hardly any. Pure.
#pragma once

#include <algorithm>
#include <cstddef>

namespace letterlock::queue {

struct Budget {
  std::size_t max = 0;
  std::size_t used = 0;  // by all

  std::size_t free() const { return used < max ? max - used : 0; }
  // Kept for those who have few: if nobody ever gave anything back, 32 would still find a place.
  std::size_t reserve() const { return max > 1 ? std::max<std::size_t>(1, max / 4) : 0; }
  std::size_t few() const { return std::max<std::size_t>(1, reserve() / 32); }
  // Whether one who has `own` of them may have another. Beyond few it is four times what is free
  // besides the reserve: three fifths for one alone, less for each the more there are.
  bool allows(std::size_t own) const {
    if (own < few()) return free() > 0;
    return free() > reserve() && own < 4 * (free() - reserve());
  }
  // The same for places that are few: all but the last quarter for whoever comes, that for those
  // who have none.
  bool allows_all_but_last(std::size_t own) const { return free() > (own == 0 ? 0 : max / 4); }
};

}  // namespace letterlock::queue
