#include "base/setbacks.h"

#include <algorithm>
#include <limits>

namespace letterlock::base {

std::vector<Setback> merged(std::vector<Setback> all, std::size_t count_max) {
  std::ranges::sort(all, {}, &Setback::to);
  std::vector<Setback> out;
  for (const auto& one : all) {
    const bool meets = !out.empty() && one.to <= out.back().from;
    if (meets) {
      out.back().from = std::max(out.back().from, one.from);
    } else {
      out.push_back(one);
    }
  }
  while (out.size() > std::max<std::size_t>(count_max, 1)) {
    std::size_t closest = 0;
    for (std::size_t at = 1; at + 1 < out.size(); ++at) {
      const auto gap = out[at + 1].to - out[at].from;
      if (gap < out[closest + 1].to - out[closest].from) closest = at;
    }
    out[closest].from = out[closest + 1].from;
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(closest) + 1);
  }
  return out;
}

Order::Order(std::vector<Setback> setbacks)
    : spans_(merged(std::move(setbacks), std::numeric_limits<std::size_t>::max())) {}

bool Order::is_before(Time a, Time b) const {
  if (b - a < ordered_from) return false;
  return std::ranges::none_of(spans_,
                              [&](const Setback& span) { return span.to <= a && b <= span.from; });
}

}  // namespace letterlock::base
