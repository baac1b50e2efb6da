// A certificate with its chain and key, as OpenSSL wants them.
#pragma once

#include <string>
#include <vector>

#include "tls/certificates.h"
#include "tls/handles.h"

namespace letterlock::tls {

struct Identity {
  CertificateHandle leaf;
  ChainHandle chain;
  KeyHandle key;
  std::vector<std::string> names;  // in the certificate
  std::string key_digest;
};

// Errors: as inspect_certificate.
base::Result<Identity> read_identity(const CertificateFiles& files);

}  // namespace letterlock::tls
