// Who could have read a message, by what the world itself knows of it (witness.h): the answer that
// an exposure is held against. It knows nothing of records and of the code that computes exposures.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>

#include "protection/exposure.h"
#include "sim/day/witness.h"

namespace letterlock::day {

// Somebody asks about a trace: a tenant, or the operator, who sees all.
struct Question {
  base::TraceId trace;
  std::optional<base::TenantId> tenant;
};

struct Truth {
  struct Party {
    bool could = false;
    bool in_public = false;  // people whom nobody chose
    std::string why;         // the first reason that was found
  };
  // In the order of protection::Party.
  std::array<Party, 7> parties;
  Party& of(protection::Party party) { return parties[static_cast<std::size_t>(party)]; }
  const Party& of(protection::Party party) const {
    return parties[static_cast<std::size_t>(party)];
  }
};

// In whose tenants it lies as their own: one message for two is a trace of each.
std::set<base::TenantId> owners_of(const base::TraceId& trace, const Custody& custody);

// Nothing: it is about no letter.
//
// What counts for whom: whoever owns the trace of a letter, and the operator, asks about all that
// ever became of its content, reports and groups' copies included: what they can't see must be
// unknown to them. Who keeps a copy, because mail of it came to his mailboxes, asks about the way
// there and about those. The owner of a group's copy asks about the way to the group, and from it
// on.
std::optional<Truth> truth_of(const Question& question, const Custody& custody,
                              const Witness& witness, base::Milliseconds now);

}  // namespace letterlock::day
