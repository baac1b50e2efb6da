// The judgement's words. Every sentence names the host and the fact; where something was missing
// also who required it.
#pragma once

#include <string>

#include "hop/requirement.h"
#include "protection/facts.h"

namespace letterlock::protection {

// Names of hosts and domains come from strangers' DNS.
std::string shown(const std::string& name);

// "{fact}; required is authenticated (set by acorn.example)".
std::string missing(const std::string& fact, std::string_view needed, const hop::Source& source);

// Why the peer's identity is not proved by this session: "nothing proves …", "… does not match …".
std::string why_unproved(const Demand& demand, const HostFacts& host, const SessionFacts& session);
// Why no session with this host could prove its identity.
std::string why_unprovable(const HostFacts& host);
// Why there is no TLS.
std::string why_clear(const HostFacts& host, const SessionFacts& session);
// Why the hop is taken, at the level that it has.
std::string why_taken(const Demand& demand, const HostFacts& host, const SessionFacts& session);

}  // namespace letterlock::protection
