// OpenSSL's objects with owners, for this room's own .cc files.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/time.h"

namespace letterlock::tls {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};

inline void free_names(GENERAL_NAMES* names) {
  GENERAL_NAMES_free(names);
}
inline void free_chain(STACK_OF(X509) * chain) {
  sk_X509_pop_free(chain, X509_free);
}

using BioHandle = std::unique_ptr<BIO, Free<BIO_free_all>>;
using ContextHandle = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using SslHandle = std::unique_ptr<SSL, Free<SSL_free>>;
using CertificateHandle = std::unique_ptr<X509, Free<X509_free>>;
using ChainHandle = std::unique_ptr<STACK_OF(X509), Free<free_chain>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using NamesHandle = std::unique_ptr<GENERAL_NAMES, Free<free_names>>;

// The DNS names a certificate is for, lower case, as they stand in its subjectAltName.
std::vector<std::string> names_of(const X509* certificate);
// Its mail addresses, as far as they are ASCII without controls: peer_addresses_max at most.
std::vector<std::string> addresses_of(const X509* certificate);
// Hex SHA-256 of the SubjectPublicKeyInfo.
std::string key_digest_of(const X509* certificate);
base::Time not_before_of(const X509* certificate);
base::Time not_after_of(const X509* certificate);
// The date alone: "2026-11-20".
std::string date_of(base::Time time);
// Does "mx1.example" or "*.example" stand for that name? One label a star. RFC: 9525 section 6.3.
bool name_matches(std::string_view pattern, std::string_view name);

}  // namespace letterlock::tls
