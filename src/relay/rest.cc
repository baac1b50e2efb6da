#include "relay/rest.h"

#include <algorithm>

namespace letterlock::relay {

base::Time Rests::failed(const std::string& destination, base::Time now) {
  auto found = rests_.find(destination);
  if (found == rests_.end()) {
    if (rests_.size() >= limits_.destinations_max) forget_old(now);
    if (rests_.size() >= limits_.destinations_max) return now + limits_.first;
    found = rests_.emplace(destination, Rest()).first;
  }
  auto& rest = found->second;
  // Jobs that were under way together fail together. A clock that jumped back ends no rest.
  if (now < rest.until && rest.until <= now + limits_.longest) return rest.until;
  rest.wait = rest.wait.count() == 0 ? limits_.first : std::min(rest.wait * 2, limits_.longest);
  rest.until = now + rest.wait;
  return rest.until;
}

void Rests::forget_old(base::Time now) {
  std::erase_if(rests_, [&](const auto& rest) {
    return rest.second.until + limits_.longest < now || rest.second.until > now + limits_.longest;
  });
}

}  // namespace letterlock::relay
