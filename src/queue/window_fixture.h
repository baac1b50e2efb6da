// Items for the tests of the window, all of one moment.
#pragma once

#include <string>

#include "queue/window.h"

namespace letterlock::queue::test {

inline const base::Time now = base::from_milliseconds(1'000'000);

template <class IdType>
IdType numbered(std::uint8_t number) {
  return IdType::make(base::from_milliseconds(1), {number});
}

inline Due item(std::uint8_t tenant, std::uint8_t message, std::string destination,
                unsigned recipient = 0, Lane lane = Lane::remote) {
  return {numbered<base::TenantId>(tenant),
          numbered<base::MessageId>(message),
          recipient,
          now,
          lane,
          std::move(destination)};
}

// The lane of mail that leaves.
class Remote : public LaneWindow {
 public:
  explicit Remote(const WindowLimits& limits = {})
      : LaneWindow(Lane::remote, limits_of(Lane::remote, limits)) {}
};

// Takes all that may begin now, and never ends it.
inline std::size_t startable(LaneWindow& window) {
  std::size_t count = 0;
  while (count < 10'000 && window.take(now)) ++count;
  return count;
}

}  // namespace letterlock::queue::test
