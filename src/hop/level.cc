#include "hop/level.h"

#include "hop/words.h"

namespace letterlock::hop {
namespace {

constexpr Words<Level, 5> levels{{{
    {Level::clear, "clear"},
    {Level::encrypted, "encrypted"},
    {Level::authenticated, "authenticated"},
    {Level::mutual, "mutual"},
    {Level::local, "local"},
}}};

constexpr Words<TlsVersion, 3> versions{{{
    {TlsVersion::none, "-"},
    {TlsVersion::tls1_2, "TLS 1.2"},
    {TlsVersion::tls1_3, "TLS 1.3"},
}}};

constexpr Words<Network, 3> networks{{{
    {Network::local, "local"},
    {Network::private_, "private"},
    {Network::public_, "public"},
}}};

constexpr Words<Proof, 10> proofs{{{
    {Proof::none, "-"},
    {Proof::dane_ee, "dane-ee"},
    {Proof::dane_ta, "dane-ta"},
    {Proof::mta_sts, "mta-sts"},
    {Proof::connector, "connector"},
    {Proof::pin, "pin"},
    {Proof::site, "site"},
    {Proof::scram_plus, "scram-plus"},
    {Proof::client_certificate, "client-certificate"},
    {Proof::channel_proof, "proof"},
}}};

constexpr Words<SignIn, 5> sign_ins{{{
    {SignIn::none, "-"},
    {SignIn::password, "password"},
    {SignIn::scram, "scram"},
    {SignIn::scram_plus, "scram-plus"},
    {SignIn::client_certificate, "client-certificate"},
}}};

}  // namespace

std::string_view name(Level level) {
  return levels.name(level);
}
std::optional<Level> level_from(std::string_view name) {
  return levels.from(name);
}
std::string_view name(TlsVersion version) {
  return versions.name(version);
}
std::optional<TlsVersion> tls_version_from(std::string_view name) {
  return versions.from(name);
}
std::string_view name(Network network) {
  return networks.name(network);
}
std::optional<Network> network_from(std::string_view name) {
  return networks.from(name);
}
std::string_view name(Proof proof) {
  return proofs.name(proof);
}
std::optional<Proof> proof_from(std::string_view name) {
  return proofs.from(name);
}
std::string_view name(SignIn sign_in) {
  return sign_ins.name(sign_in);
}
std::optional<SignIn> sign_in_from(std::string_view name) {
  return sign_ins.from(name);
}

}  // namespace letterlock::hop
