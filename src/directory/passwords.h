// Passwords that were tried lately. Right ones, so that a client that signs in each minute doesn't
// cost 100,000 rounds each time; wrong ones, so that a device that tries its old password all day
// isn't taken for somebody who guesses. Keeps digests under a key of this process alone, never
// passwords. Any thread.
#pragma once

#include <mutex>

#include "directory/recent.h"
#include "os/clock.h"
#include "os/random.h"
#include "sasl/keys.h"

namespace letterlock::directory {

inline constexpr std::size_t passwords_kept_max = 10'000;
inline constexpr base::Milliseconds password_kept = std::chrono::minutes(5);      // a right one
inline constexpr base::Milliseconds wrong_password_kept = std::chrono::hours(1);  // a wrong one

class RecentPasswords {
 public:
  RecentPasswords(os::Random& random, base::Milliseconds kept)
      : key_(random.octets(32)), kept_(kept) {}
  // Whether this password was added with these keys lately. Other keys, other answer: a changed
  // password is forgotten with the keys it belonged to.
  bool has(const sasl::ScramKeys& keys, std::string_view password, os::Steady now);
  void add(const sasl::ScramKeys& keys, std::string_view password, os::Steady now);

 private:
  std::string digest(const sasl::ScramKeys& keys, std::string_view password) const;

  const base::Bytes key_;
  const base::Milliseconds kept_;
  std::mutex mutex_;
  Recent<os::Steady> until_{passwords_kept_max};
};

}  // namespace letterlock::directory
