#include "sim/tls_verify.h"

#include <algorithm>

#include "base/digest.h"

namespace letterlock::sim {

Identity identity_for(std::string_view name, std::string_view issuer) {
  return {{std::string(name)},
          std::string(issuer),
          false,
          base::to_hex(base::sha256("key of " + std::string(name)))};
}

ClientCertificate client_certificate(const std::string& file) {
  return {base::to_hex(base::sha256("client's key of " + file)), {file.substr(0, file.find(' '))}};
}

tls::Tlsa dane_ee(const Identity& identity) {
  return {3, 1, 1, base::from_hex(identity.key_digest).value_or("")};
}

tls::Tlsa dane_ta(const Identity& identity) {
  return {2, 0, 1, base::sha256(identity.issuer)};
}

bool matches_name(const Identity& identity, std::string_view name) {
  return std::ranges::any_of(identity.names, [&](const std::string& own) {
    if (own == name) return true;
    if (!own.starts_with("*.")) return false;
    const auto dot = name.find('.');
    return dot != std::string_view::npos && dot > 0 &&
           name.substr(dot) == std::string_view(own).substr(1);
  });
}

namespace {

std::string name_failure(const Identity& identity, std::string_view name) {
  const auto whose = identity.names.empty() ? std::string("nobody") : identity.names.front();
  return "the certificate is for " + whose + ", not for " + std::string(name);
}

Verdict verify_name(const Identity& identity, const tls::ClientOptions& options,
                    const TlsSettings& settings) {
  const bool trusted = options.ca_file.empty()
                           ? std::ranges::find(settings.trusted_issuers, identity.issuer) !=
                                 settings.trusted_issuers.end()
                           : identity.issuer == options.ca_file;
  if (!trusted)
    return {false, {}, "the certificate's issuer " + identity.issuer + " is not trusted"};
  if (identity.expired) return {false, {}, "the certificate has expired"};
  if (!matches_name(identity, options.server_name))
    return {false, {}, name_failure(identity, options.server_name)};
  return {true, hop::Proof::connector, ""};
}

// RFC 7672 §3.1.1: an end entity's record says nothing of names and dates; §3.1.2: a trust
// anchor's does. Other usages are unusable for SMTP (§3.1.3).
Verdict verify_tlsa(const Identity& identity, const tls::ClientOptions& options) {
  const auto end_entity = dane_ee(identity);
  const auto anchor = dane_ta(identity);
  std::string failure = "the certificate matches no TLSA record";
  for (const auto& record : options.tlsa) {
    if (record == end_entity) return {true, hop::Proof::dane_ee, ""};
    if (record != anchor) continue;
    const auto matches = [&](const std::string& name) { return matches_name(identity, name); };
    if (identity.expired)
      failure = "the certificate has expired";
    else if (!matches(options.server_name) && std::ranges::none_of(options.more_names, matches))
      failure = name_failure(identity, options.server_name);
    else
      return {true, hop::Proof::dane_ta, ""};
  }
  return {false, {}, failure};
}

}  // namespace

Verdict verify(const Identity& identity, const tls::ClientOptions& options,
               const TlsSettings& settings) {
  using Verify = tls::ClientOptions::Verify;
  switch (options.verify) {
    case Verify::nothing:
      return {};
    case Verify::name:
      return verify_name(identity, options, settings);
    case Verify::tlsa:
      return verify_tlsa(identity, options);
    case Verify::pin:
      if (identity.key_digest == options.pin_digest) return {true, hop::Proof::pin, ""};
      return {false, {}, "the certificate's key is not the pinned one"};
  }
  return {};
}

}  // namespace letterlock::sim
