// Slows down who guesses passwords: by the account and the source together, so that nobody
// locks out an owner who comes from elsewhere, and by the source alone, for one that tries many
// accounts. An account that is guessed at from everywhere gives each stranger fewer tries; where
// its owner has signed in lately nothing changes. In memory, bounded; any thread.
#pragma once

#include <array>
#include <mutex>
#include <string>
#include <string_view>

#include "directory/recent.h"
#include "net/endpoint.h"
#include "os/clock.h"

namespace letterlock::directory {

inline constexpr std::size_t throttle_entries_max = 10'000;  // of each kind, twice
inline constexpr unsigned account_failures_free = 5;         // then 1 s, 2 s, 4 s …
inline constexpr base::Milliseconds account_delay_max = std::chrono::minutes(15);
inline constexpr unsigned source_failures_free = 50;  // of any accounts
inline constexpr base::Milliseconds source_delay_max = std::chrono::minutes(1);
// From so many failures of strangers on, each stranger has one try, and then waits 64 s, 128 s …
inline constexpr unsigned attack_failures = 100;
inline constexpr unsigned attack_failures_free = 1;
inline constexpr unsigned attack_doublings = 6;
inline constexpr base::Milliseconds failures_kept = std::chrono::hours(1);  // since the last one
inline constexpr base::Milliseconds success_kept = std::chrono::hours(24);
inline constexpr std::size_t good_accounts_max = 20'000;
inline constexpr std::size_t good_sources_max = 8;  // of one account

struct Failures {
  unsigned count = 0;
  os::Steady last;
};

// Failures by key. Who has many is kept apart from who has few, so that an attacker who wants to be
// forgotten must make as many of them for each of thousands of others.
class Tally {
 public:
  explicit Tally(unsigned many) : many_(many) {}
  // Null if there are none.
  const Failures* find(std::string_view key);
  void add(std::string_view key, os::Steady now);
  void take_back(std::string_view key);
  void forget(std::string_view key);
  std::size_t size() const { return few_kept_.size() + many_kept_.size(); }

 private:
  Failures* at(std::string_view key);

  unsigned many_;
  Recent<Failures> few_kept_{throttle_entries_max};
  Recent<Failures> many_kept_{throttle_entries_max};
};

class Throttle {
 public:
  // An attempt that begins. How long from now none is looked at; 0: go on, and until it has
  // succeeded it counts as failed, so that many at once are no more than one after the other.
  base::Milliseconds begin(std::string_view login, const net::IpAddress& source, os::Steady now);
  void succeeded(std::string_view login, const net::IpAddress& source, os::Steady now);
  // It came to nothing for a reason of ours.
  void take_back(std::string_view login, const net::IpAddress& source);
  // Whether the account was signed in to from there lately.
  bool is_known(std::string_view login, const net::IpAddress& source, os::Steady now);
  std::size_t entries() const;

 private:
  struct Place {
    std::string source;
    os::Steady last;
  };
  using Places = std::array<Place, good_sources_max>;
  static base::Milliseconds left(const Failures* failures, unsigned free, unsigned doublings,
                                 base::Milliseconds most, os::Steady now);
  bool known(std::string_view login, const net::IpAddress& source, os::Steady now);
  base::Milliseconds wait(std::string_view login, const net::IpAddress& source, bool known,
                          os::Steady now);

  mutable std::mutex mutex_;
  Tally pairs_{account_failures_free};      // account and IPv4 address or IPv6 /64
  Tally sources_{source_failures_free};     // IPv4 /24 or IPv6 /48
  Tally accounts_{attack_failures};         // of strangers alone
  Recent<Places> good_{good_accounts_max};  // an account pushes out its own places, not others'
};

}  // namespace letterlock::directory
