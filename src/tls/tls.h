// TLS as agents see it: a session over a connection, what it proved, and its exporter. The real
// one is OpenSSL (openssl.h), the simulated one a model in sim/.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "hop/hop.h"
#include "net/connection.h"

namespace letterlock::tls {

// One end's protected connection. Everything of net::Connection holds; protocol errors of TLS come
// as protocol.
class Session : public net::Connection {
 public:
  // Version, cipher, group; exporter_digest is left empty (the trace id isn't known here).
  virtual hop::TlsFacts facts() const = 0;
  // Keying material of this session, the same on both ends and nowhere else. RFC: 5705, 8446
  // section 7.5. Errors: denied (TLS 1.2 without extended master secret, where an exporter binds
  // nothing: RFC 9266 §4.2).
  virtual base::Result<base::Bytes> exporter(std::string_view label, std::string_view context,
                                             std::size_t octets) const = 0;
  // How the peer's certificate stands against what was asked of it (client side), in one sentence
  // when it fails.
  virtual bool peer_verified() const = 0;
  virtual const std::string& verification_failure() const = 0;
  // What verified it: dane_ee/dane_ta, pin, connector … as asked for; none if not verified.
  virtual hop::Proof proved_by() const = 0;
  // Hex SHA-256 of the peer's public key (SubjectPublicKeyInfo), empty without certificate. A
  // resumed session has that of the session that it resumes.
  virtual const std::string& peer_key_digest() const = 0;
  // Server side: the mail addresses in the client's certificate (rfc822Name), peer_addresses_max at
  // most. The certificate's own word: only together with a key that is known does it mean anything.
  virtual const std::vector<std::string>& peer_addresses() const = 0;
  // The server name the client asked for (server side), lower case, empty if none.
  virtual const std::string& server_name() const = 0;
};

inline constexpr std::size_t peer_addresses_max = 4;
inline constexpr std::size_t peer_address_octets_max = 320;

// RFC 9325 §3.1: 1.2 and 1.3 only. Ciphers and groups are the engine's, documented in
// tls/README.md.
struct ServerOptions {
  hop::TlsVersion version_min = hop::TlsVersion::tls1_2;
  // The protocol behind this door ("imap", "pop3"). A client that names others by ALPN and not this
  // one is refused, so that nothing made for another protocol is spent here. RFC: 7301 section 3.2.
  // Empty: what the client names is ignored.
  std::string alpn;
  // Tickets given here resume only here: the listener, the tenant. RFC: 8446 section 4.6.1.
  std::string resumption_scope;
  // Asks the client for a certificate, and goes on without one. Any is taken, whoever issued it and
  // however old it is: the key that it proves is looked up by whoever asked (SASL EXTERNAL).
  bool asks_certificate = false;
};

// Said in the place of a handshake to a peer that can't be served now: a fatal alert,
// internal_error, which costs nothing and which each version understands. RFC: 8446 section 6.2.
inline constexpr std::string_view no_place_alert = {"\x15\x03\x01\x00\x02\x02\x50", 7};

// One TLSA record. RFC: 6698 section 2.1.
struct Tlsa {
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching = 0;
  base::Bytes data;
  bool operator==(const Tlsa&) const = default;
};

struct ClientOptions {
  std::string server_name;  // SNI, and the name to verify; empty: neither
  hop::TlsVersion version_min = hop::TlsVersion::tls1_2;
  // Verification never ends the handshake: it is reported, and the judgement decides.
  enum class Verify { nothing, name, tlsa, pin } verify = Verify::nothing;
  std::string ca_file;                  // for name: PEM; empty: the machine's
  std::vector<std::string> more_names;  // for tlsa: further reference identifiers (RFC 7672 §3.2.2)
  std::vector<Tlsa> tlsa;
  std::string pin_digest;  // hex SHA-256 of the SubjectPublicKeyInfo
  std::string alpn;        // offered to the server; empty: none
  // Shown to a server that asks: PEM, the certificate and its key. Empty: none.
  std::string certificate_file;
};

// Makes sessions. Certificates for the server side are the implementation's, chosen by server name.
class Tls {
 public:
  virtual ~Tls() = default;
  // Takes the connection over; on failure it is closed. No octet read before may be lost or
  // used: the caller has thrown away what came in clear. Errors: timeout, closed, protocol (the
  // sentence says what: "no shared cipher"), cancelled.
  virtual net::ResultTask<std::unique_ptr<Session>> accept(
      std::unique_ptr<net::Connection> connection, ServerOptions options,
      base::Milliseconds timeout) = 0;
  virtual net::ResultTask<std::unique_ptr<Session>> connect(
      std::unique_ptr<net::Connection> connection, ClientOptions options,
      base::Milliseconds timeout) = 0;
};

}  // namespace letterlock::tls
