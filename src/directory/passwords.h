// Passwords that were right a moment ago, so that a client that signs in each minute doesn't cost
// 100,000 rounds each time. Keeps digests under a key of this process alone, never passwords. Any
// thread.
#pragma once

#include <mutex>

#include "directory/recent.h"
#include "os/clock.h"
#include "os/random.h"
#include "sasl/keys.h"

namespace letterlock::directory {

inline constexpr std::size_t passwords_kept_max = 10'000;
inline constexpr base::Milliseconds password_kept = std::chrono::minutes(5);

class RecentPasswords {
 public:
  explicit RecentPasswords(os::Random& random) : key_(random.octets(32)) {}
  // Whether this password fitted these keys lately. Other keys, other answer: a changed password
  // is forgotten with the keys it belonged to.
  bool has(const sasl::ScramKeys& keys, std::string_view password, os::Steady now);
  void add(const sasl::ScramKeys& keys, std::string_view password, os::Steady now);

 private:
  std::string digest(const sasl::ScramKeys& keys, std::string_view password) const;

  const base::Bytes key_;
  std::mutex mutex_;
  Recent<os::Steady> until_{passwords_kept_max};
};

}  // namespace letterlock::directory
