// What in one commit shows that a recipient was served. Pure.
#pragma once

#include "sim/day/commit.h"

namespace letterlock::day {

// Whom a piece of evidence is about: the recipient with this number in the tenant's trace.
struct About {
  const base::TenantId& tenant;
  const base::TraceId& trace;
  unsigned recipient;
};

bool shows_delivery(const Commit& commit, const About& about);
bool shows_relay(const Commit& commit, const About& about);
bool shows_expansion(const Commit& commit, const About& about);
bool shows_end(const Commit& commit, const About& about);
// The record of a hop that takes content out of this node to another MTA.
bool is_relay_out(const hop::Hop& hop);
// The final state that the commit shows; nothing: it shows none.
std::optional<queue::State> shown(const Commit& commit, const About& about);

}  // namespace letterlock::day
