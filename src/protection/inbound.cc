#include "protection/inbound.h"

namespace letterlock::protection {
namespace {

hop::Protection with_tls(const hop::TlsFacts& tls, hop::Network network) {
  const bool is_clear = tls.version == hop::TlsVersion::none;
  return {.level = is_clear ? hop::Level::clear : hop::Level::encrypted,
          .tls = is_clear ? hop::TlsFacts() : tls,
          .proved_by = hop::Proof::none,
          .network = network,
          .confirmed = false};
}

}  // namespace

hop::Protection signed_in_level(SignIn sign_in, Accepts accepts, const hop::TlsFacts& tls,
                                hop::Network network) {
  hop::Protection protection = with_tls(tls, network);
  if (protection.level == hop::Level::clear) return protection;
  switch (sign_in) {
    case SignIn::none:
    case SignIn::password:
    case SignIn::scram:
      return protection;
    case SignIn::scram_plus:
      // Where the password is good for PLAIN too, somebody between us could have offered only
      // that, and have it now.
      if (accepts == Accepts::weaker_too) return protection;
      protection.level = hop::Level::authenticated;
      protection.proved_by = hop::Proof::scram_plus;
      return protection;
    case SignIn::client_certificate:
      protection.level = hop::Level::mutual;
      protection.proved_by = hop::Proof::client_certificate;
      return protection;
  }
  return protection;
}

hop::Protection reception_level(const hop::TlsFacts& tls, hop::Network network) {
  return with_tls(tls, network);
}

hop::Protection delivery_level() {
  return {.level = hop::Level::local,
          .tls = {},
          .proved_by = hop::Proof::none,
          .network = hop::Network::local,
          .confirmed = false};
}

bool password_in_clear(SignIn sign_in, const hop::Protection& protection) {
  return sign_in == SignIn::password && protection.level == hop::Level::clear &&
         protection.network != hop::Network::local;
}

}  // namespace letterlock::protection
