#include "queue/schedule.h"

#include <algorithm>

#include "base/assert.h"

namespace letterlock::queue {

base::Milliseconds Schedule::wait_after(unsigned attempts, std::uint64_t random) const {
  ASSERT(!waits.empty());
  const std::size_t at = std::min<std::size_t>(attempts == 0 ? 0 : attempts - 1, waits.size() - 1);
  const auto wait = waits[at];
  const auto spread = static_cast<std::uint64_t>(std::max<std::int64_t>(wait.count() / 10, 1));
  return wait + base::Milliseconds(static_cast<std::int64_t>(random % spread));
}

}  // namespace letterlock::queue
