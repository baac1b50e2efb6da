// What is offered and accepted: versions, ciphers, groups, tickets. RFC: 9325.
#pragma once

#include "hop/hop.h"
#include "tls/engine.h"
#include "tls/handles.h"
#include "tls/tls.h"

namespace letterlock::tls {

// Null where OpenSSL can't be set up. A server's context holds the keys of its tickets: a new one
// is a new set of keys.
ContextHandle make_server_context();
ContextHandle make_client_context();
void set_version_min(SSL* ssl, hop::TlsVersion version);
// Asks the client for a certificate, and takes any, or none.
void ask_certificate(SSL* ssl);
// What a client shows where it is asked. Errors: as inspect_certificate.
base::Result<> show_certificate(SSL* ssl, const std::string& file);
// Offers this protocol alone.
void offer_alpn(SSL* ssl, const std::string& protocol);

hop::TlsFacts facts_of(const SSL* ssl);

}  // namespace letterlock::tls
