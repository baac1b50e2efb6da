// The one message of PLAIN. RFC: 4616 section 2.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace letterlock::sasl {

struct PlainMessage {
  std::string authzid;  // empty: the user itself
  std::string user;
  std::string password;
  bool operator==(const PlainMessage&) const = default;
};

// [authzid] NUL authcid NUL passwd; names not yet prepared.
// Errors: invalid (not two NULs, an empty user or password, a part too long).
base::Result<PlainMessage> parse_plain(base::BytesView octets);
base::Bytes to_octets(const PlainMessage& message);

}  // namespace letterlock::sasl
