// When a recipient is tried again, and when its days are over. Pure.
#pragma once

#include <vector>

#include "base/time.h"

namespace letterlock::queue {

// RFC 5321 §4.5.4.1: retries soon at first, then at growing waits; give up after four or five days.
struct Schedule {
  std::vector<base::Milliseconds> waits{std::chrono::minutes(1),  std::chrono::minutes(3),
                                        std::chrono::minutes(5),  std::chrono::minutes(10),
                                        std::chrono::minutes(15), std::chrono::minutes(30),
                                        std::chrono::hours(1),    std::chrono::hours(2),
                                        std::chrono::hours(4)};   // the last one repeats
  base::Milliseconds lifetime = std::chrono::days(5);             // for mail
  base::Milliseconds report_lifetime = std::chrono::days(2);      // for null reverse paths
  base::Milliseconds delay_notice_after = std::chrono::hours(4);  // 0: never

  // The wait after `attempts` failed ones (1 is the first), spread by up to a tenth so that
  // what failed together isn't retried together. `random` is any number.
  base::Milliseconds wait_after(unsigned attempts, std::uint64_t random) const;
};

}  // namespace letterlock::queue
