// What the evidence doesn't show, for this room's own files: each gap makes "unknown" of a "no".
#pragma once

#include <string>
#include <vector>

#include "protection/exposure.h"

namespace letterlock::protection {

// Whom a gap could add.
enum class Hides {
  roads,      // whoever is on a network: it came or went on over hops that this platform can't see
  readers,    // those, and devices that fetch: it lies in a mailbox that isn't seen
  everybody,  // other holders, too
};
struct Gap {
  Hides hides = Hides::roads;
  std::string clause;  // "beyond mx.old.example: unknown from here"
  bool operator==(const Gap&) const = default;
};
std::vector<Gap> gaps_of(const Evidence& evidence);

// The hop by which the message came to this platform, or was made here, is recorded.
bool has_first_hop(const std::vector<hop::Hop>& hops);

// Delivered to this mailbox by one of these hops.
bool delivers_to(const hop::Hop& hop, const std::string& account);
// Those that a delivery names and of which nothing else is known: another tenant's, or gone.
std::vector<std::string> unseen_mailboxes(const Evidence& evidence);

// The openings of a mailbox that let others read this message while it lay there.
struct Open {
  const Mailbox* mailbox = nullptr;
  const Opening* opening = nullptr;
};
std::vector<Open> openings_of(const Evidence& evidence);

}  // namespace letterlock::protection
