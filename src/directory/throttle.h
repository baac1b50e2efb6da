// Slows down who guesses passwords: by the account and the source together, so that nobody
// locks out an owner who comes from elsewhere, and by the source alone, for one that tries many
// accounts. In memory, bounded; any thread.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "directory/recent.h"
#include "net/endpoint.h"
#include "os/clock.h"

namespace letterlock::directory {

inline constexpr std::size_t throttle_entries_max = 10'000;  // of each of the two kinds
inline constexpr unsigned account_failures_free = 5;         // then 1 s, 2 s, 4 s …
inline constexpr base::Milliseconds account_delay_max = std::chrono::minutes(15);
inline constexpr unsigned source_failures_free = 50;  // of any accounts
inline constexpr base::Milliseconds source_delay_max = std::chrono::minutes(1);
inline constexpr base::Milliseconds failures_kept = std::chrono::hours(1);  // since the last one
inline constexpr base::Milliseconds success_kept = std::chrono::hours(24);

class Throttle {
 public:
  // How long from now no attempt is looked at; 0: go on.
  base::Milliseconds wait(std::string_view login, const net::IpAddress& source, os::Steady now);
  void failed(std::string_view login, const net::IpAddress& source, os::Steady now);
  void succeeded(std::string_view login, const net::IpAddress& source, os::Steady now);

 private:
  struct Failures {
    unsigned count = 0;
    os::Steady last;
  };
  struct Pair {
    Failures failures;
    bool was_good = false;
    os::Steady good;
  };
  static void add(Failures& failures, os::Steady now);
  static base::Milliseconds left(const Failures& failures, unsigned free, base::Milliseconds most,
                                 os::Steady now);

  std::mutex mutex_;
  Recent<Pair> pairs_{throttle_entries_max};        // account and IPv4 address or IPv6 /64
  Recent<Failures> sources_{throttle_entries_max};  // IPv4 /24 or IPv6 /48
};

}  // namespace letterlock::directory
