// For servers that tests play.
#pragma once

#include "sasl/keys.h"

namespace letterlock::sasl {

// Whether `password`, as the client sent it, is the one that the keys were made of.
inline bool password_matches(std::string_view password, const ScramKeys& keys) {
  return fit(keys_shown(password, keys), keys);
}

}  // namespace letterlock::sasl
