// The steps between facts and judgement, for this room's own files.
#pragma once

#include "base/assert.h"
#include "protection/facts.h"

namespace letterlock::protection {

// Who decides how this host is proved. DANE where it can, otherwise MTA-STS, otherwise nobody; a
// peer known beforehand is proved as it is known.
enum class Decider { known, dane, mta_sts, dane_unusable, nobody };
Decider decider(const HostFacts& host);

// TLS-Required: No stands and isn't outranked.
bool sets_aside_policy(const Demand& demand);

// The highest level that anything could prove of this host.
hop::Level provable(const HostFacts& host);

// This very session is inside TLS.
bool has_tls(const SessionFacts& session);

}  // namespace letterlock::protection
