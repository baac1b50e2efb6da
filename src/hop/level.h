// What guarded a hop, in one word. A hop has exactly one level, and it says only what the end
// that records it can itself prove.
#pragma once

#include <optional>
#include <string_view>

namespace letterlock::hop {

// Lowest first: comparisons mean something.
enum class Level {
  clear,          // no TLS: anyone on the wire reads
  encrypted,      // TLS, the peer's identity not proved: an active attacker reads
  authenticated,  // TLS, the receiving end's identity proved to the sending end
  mutual,         // both identities proved
  local,          // never left the node
};
std::string_view name(Level level);
std::optional<Level> level_from(std::string_view name);

enum class TlsVersion { none, tls1_2, tls1_3 };
std::string_view name(TlsVersion version);  // "-", "TLS 1.2", "TLS 1.3"
std::optional<TlsVersion> tls_version_from(std::string_view name);

// The road between the two ends, from their addresses and the configured private prefixes.
enum class Network { local, private_, public_ };
std::string_view name(Network network);
std::optional<Network> network_from(std::string_view name);

// What proved the peer's identity.
enum class Proof {
  none,
  dane_ee,
  dane_ta,
  mta_sts,
  connector,
  pin,
  site,
  scram_plus,
  client_certificate,
  channel_proof
};
std::string_view name(Proof proof);  // "dane-ee" …; none is "-"
std::optional<Proof> proof_from(std::string_view name);

// How a client proved who it is. What is said of a password holds for an app password, too.
enum class SignIn {
  none,
  password,            // PLAIN, USER/PASS: the password itself crossed the hop
  scram,               // SCRAM-SHA-256: proved without showing it, not bound to the channel
  scram_plus,          // SCRAM-SHA-256-PLUS, bound to this very TLS session
  client_certificate,  // one that we know
};
std::string_view name(SignIn sign_in);  // "password", "scram", "scram-plus" …; none is "-"
std::optional<SignIn> sign_in_from(std::string_view name);

}  // namespace letterlock::hop
