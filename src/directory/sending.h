// What an account may send, counted in the transaction that accepts the mail; and the stop for one
// that looks taken over.
#pragma once

#include "directory/lookup.h"

namespace letterlock::directory {

struct SendingOutcome {
  enum class Kind {
    ok,
    stopped,    // before: the account's sending is stopped
    over_hour,  // try later
    over_day,   // and from now on stopped, as it looks taken over
  };
  Kind kind = Kind::ok;
  std::string reason;        // one sentence, for the log and the account's owner
  bool stopped_now = false;  // this transaction stops the account: once it has committed, say so
                             // with Directory::report_stopped
};

// Counts `recipients` if they may be sent. Call it before anything else is written: where it isn't
// ok write nothing more, and commit all the same, so that a stop is kept. In the tenant's scope.
// Errors: not_found (no such account or tenant).
net::ResultTask<SendingOutcome> count_sending(store::Transaction& tx, base::TenantId tenant,
                                              base::AccountId account, std::uint64_t recipients,
                                              base::Time now);

// Counts recipients of the account's that the far side refused for good; too many in a day stop it.
// In the tenant's scope, in the transaction that records the refusal. An account that is gone
// counts nothing.
net::ResultTask<SendingOutcome> count_failures(store::Transaction& tx, base::TenantId tenant,
                                               base::AccountId account, std::uint64_t failures,
                                               base::Time now);

}  // namespace letterlock::directory
