// The level of hops that others open towards us, and of those inside the node.
#pragma once

#include "hop/hop.h"

namespace letterlock::protection {

using hop::SignIn;

// Which sign-ins the account lets in: only what is accepted nowhere else proves anything.
enum class Accepts { weaker_too, only_bound };

// Submission and fetch alike: a client signed in to us. `mutual` only where the client can't have
// signed in to anybody between us.
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
