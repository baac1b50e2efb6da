// The level of hops that others open towards us, and of those inside the node.
#pragma once

#include "hop/hop.h"

namespace letterlock::protection {

using hop::SignIn;

// What the account's password was ever good for. `only_bound`: since it was set, the account has
// accepted it bound to a channel (SCRAM-SHA-256-PLUS) and in no weaker way.
enum class Accepts { weaker_too, only_bound };

// Submission and fetch alike: a client signed in to us. A client certificate is `mutual`: its key
// signed this very session and can't be given away in a sign-in. SCRAM-SHA-256-PLUS is
// `authenticated`, where the password is good for nothing weaker: whoever knows the password shares
// this channel with us. Whether the client would tell it to a server that it hasn't checked can't
// be seen from here.
hop::Protection signed_in_level(SignIn sign_in, Accepts accepts, const hop::TlsFacts& tls,
                                hop::Network network);
inline hop::Protection submission_level(SignIn sign_in, Accepts accepts, const hop::TlsFacts& tls,
                                        hop::Network network) {
  return signed_in_level(sign_in, accepts, tls, network);
}
inline hop::Protection fetch_level(SignIn sign_in, Accepts accepts, const hop::TlsFacts& tls,
                                   hop::Network network) {
  return signed_in_level(sign_in, accepts, tls, network);
}

// An MTA that came in: we can't see whether it verified us, so `encrypted` at most.
hop::Protection reception_level(const hop::TlsFacts& tls, hop::Network network);

// Into a mailbox of this node.
hop::Protection delivery_level();

// A reusable password crossed this hop so that anybody could read it. One machine's own loop
// is no road.
bool password_in_clear(SignIn sign_in, const hop::Protection& protection);

}  // namespace letterlock::protection
