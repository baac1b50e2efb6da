// SHA-256 and what is built of it. The mathematics is OpenSSL's.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace letterlock::base {

// A running SHA-256. RFC: 6234.
class Sha256 {
 public:
  static constexpr std::size_t octets = 32;
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void add(BytesView more);
  // The digest of all that was added; the object starts anew.
  Bytes finish();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

Bytes sha256(BytesView octets);
// RFC: 2104.
Bytes hmac_sha256(BytesView key, BytesView octets);
// 32 octets; takes about 0.33 microseconds a round: run it off the I/O threads. RFC: 8018
// section 5.2.
Bytes pbkdf2_sha256(BytesView password, BytesView salt, unsigned rounds);

}  // namespace letterlock::base
