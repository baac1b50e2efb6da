// TLS as a model: a handshake that tells and checks what TLS would, records that notice a changed
// octet and a missing goodbye, an exporter, and no cryptography. Whoever sees the wire could read
// it, but the network's observer is told which octets TLS would have hidden.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/world.h"
#include "tls/tls.h"

namespace letterlock::sim {

// A certificate, as far as anybody asks: whom it names, who vouches for it, which key it holds.
struct Identity {
  std::vector<std::string> names;  // lower case; "*.birch.example" stands for one label
  std::string issuer;
  bool expired = false;
  std::string key_digest;  // hex SHA-256 of the public key
};
// One that is valid for `name`, with a key of its own that depends on `name` alone.
Identity identity_for(std::string_view name, std::string_view issuer);
// The TLSA record "3 1 1" that matches it, and the "2 0 1" that matches its issuer.
tls::Tlsa dane_ee(const Identity& identity);
tls::Tlsa dane_ta(const Identity& identity);

// What ClientOptions::certificate_file means here: "alice@acorn.example" is a certificate for this
// address; behind a space stands which key it has ("alice@acorn.example another").
struct ClientCertificate {
  std::string key_digest;
  std::vector<std::string> addresses;
};
ClientCertificate client_certificate(const std::string& file);

// One node's TLS: what it presents, whom it trusts, what it can do. May change at any time; a
// handshake takes what stands when it begins.
struct TlsSettings {
  std::vector<Identity>
      identities;  // the first serves when no name fits; none: no handshake succeeds
  std::vector<std::string>
      trusted_issuers;  // ClientOptions::ca_file, where given, names one instead
  hop::TlsVersion version_max = hop::TlsVersion::tls1_3;
  bool post_quantum = false;  // X25519MLKEM768, if both have it
  // RFC 9266 §4.2: a TLS 1.2 session without it has no exporter worth the name.
  bool extended_master_secret = true;
  bool refuses = false;  // answers every handshake with an alert
};

class Tls final : public tls::Tls {
 public:
  Tls(World& world, std::string_view node)
      : schedule_(world.schedule()), random_(world.random().fork(node)) {}
  TlsSettings settings;

  net::ResultTask<std::unique_ptr<tls::Session>> accept(std::unique_ptr<net::Connection> connection,
                                                        tls::ServerOptions options,
                                                        base::Milliseconds timeout) override;
  net::ResultTask<std::unique_ptr<tls::Session>> connect(
      std::unique_ptr<net::Connection> connection, tls::ClientOptions options,
      base::Milliseconds timeout) override;

 private:
  std::shared_ptr<Schedule> schedule_;
  Random random_;
};

}  // namespace letterlock::sim
