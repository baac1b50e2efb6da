#include "directory/passwords.h"

#include "base/digest.h"
#include "base/pack.h"

namespace letterlock::directory {

std::string RecentPasswords::digest(const sasl::ScramKeys& keys, std::string_view password) const {
  base::Packer parts(1);
  parts.text(sasl::to_text(keys)).text(password);
  return base::hmac_sha256(key_, parts.take());
}

bool RecentPasswords::has(const sasl::ScramKeys& keys, std::string_view password, os::Steady now) {
  const auto key = digest(keys, password);
  const std::scoped_lock lock(mutex_);
  const auto* until = until_.find(key);
  if (until == nullptr) return false;
  if (now < *until) return true;
  until_.erase(key);
  return false;
}

void RecentPasswords::add(const sasl::ScramKeys& keys, std::string_view password, os::Steady now) {
  const auto key = digest(keys, password);
  const std::scoped_lock lock(mutex_);
  until_.get(key) = now + kept_;
}

}  // namespace letterlock::directory
