// What a report needs of a message's trace, kept so that it costs the same after one attempt and
// after ten thousand: who was refused what, and whether content may have left. The hops themselves
// stand in the trace; here is their sum for one recipient.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hop/hop.h"
#include "store/store.h"
#include "trace/trace.h"

namespace letterlock::trace {

inline constexpr std::size_t offers_kept_max = 6;

// The attempts to one recipient that the judgement didn't take, and what failed attempts gave away.
struct Attempts {
  struct Offer {
    std::string host;
    std::string reason;  // what it offered instead
    base::Time first;
    base::Time last;
    unsigned count = 1;
    bool operator==(const Offer&) const = default;
  };
  hop::Given given = hop::Given::nothing;  // the most of all that failed, or whose end is unknown
  std::string required;                    // "level >= authenticated, TLS >= 1.3", of the last
  std::string by;                          // "set by acorn.example"
  std::string why;
  std::vector<Offer> offers;  // of different hosts or reasons, the first ones
  std::uint64_t others = 0;   // attempts with yet other hosts or reasons: counted only
  bool operator==(const Attempts&) const = default;
};

// One more attempt. Pure; leaves `attempts` as they are where the hop shows nothing of this.
bool concerns_attempts(const hop::Hop& hop);
Attempts with(Attempts attempts, const hop::Hop& hop);

// In the transaction that records or closes `hop`, for each of its recipients.
net::ResultTask<> note_attempt(store::Transaction& tx, base::TenantId tenant, hop::Hop hop);

// The message, and what is known of its recipients' attempts, in the order that they are asked for.
struct ForReport {
  Trace trace;
  std::optional<hop::Hop> first;  // that the message was accepted over; nothing: not known here
  std::vector<Attempts> attempts;
  bool is_open = false;  // an attempt has begun, and its end isn't known yet
};
// Reads one row a recipient, the head, and at most one open intent. Errors: not_found, corrupt.
net::ResultTask<ForReport> load_for_report(store::Transaction& tx, base::TenantId tenant,
                                           base::TraceId id, std::vector<unsigned> recipients);

}  // namespace letterlock::trace
