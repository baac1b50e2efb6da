// Certificates made here, with ECDSA keys on P-256: for tests, for the demonstration, and for a
// platform's own authority between its sites.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace letterlock::tls {

struct Authority {
  std::string name;
  std::string certificate_pem;
  std::string key_pem;
};

struct MadeCertificate {
  std::string chain_pem;  // its own first, then the authority's
  std::string key_pem;
  std::string key_digest;          // hex SHA-256 of the SubjectPublicKeyInfo: TLSA 3 1 1, a pin
  std::string certificate_digest;  // hex SHA-256 of the whole certificate: TLSA 3 0 1
};

// Valid for ten years from `now`.
base::Result<Authority> make_authority(const std::string& name, base::Time now);
// For the DNS names and mail addresses given; the first is the subject too. Errors: invalid (no
// name, a bad one, no such authority).
base::Result<MadeCertificate> make_certificate(const Authority& authority,
                                               const std::vector<std::string>& names,
                                               base::Time not_before, base::Time not_after);
// Signed by its own key.
base::Result<MadeCertificate> make_self_signed(const std::vector<std::string>& names,
                                               base::Time not_before, base::Time not_after);
// The mail addresses that the first certificate is for. Errors: invalid.
base::Result<std::vector<std::string>> certificate_addresses(const std::string& pem);
// Hex SHA-256 of the first certificate's SubjectPublicKeyInfo. Errors: invalid.
base::Result<std::string> key_digest(const std::string& pem);

}  // namespace letterlock::tls
