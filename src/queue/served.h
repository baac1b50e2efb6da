// Who was served with one content already, and under which trace: an account has a message once,
// however many ways lead to it, and a list is followed once. Rows of the tenant whose account or
// list it is, written in the transaction that serves; functions over a transaction keep nothing
// themselves.
#pragma once

#include <optional>
#include <string>

#include "base/id.h"
#include "base/time.h"
#include "store/store.h"

namespace letterlock::queue {

// `origin`: the trace under which the content first came in. `who`: an account's 16 octets; or an
// alias's or group's address and, behind a line break, the envelope's sender: copies that fail are
// told to different senders, so neither stands for the other.
net::ResultTask<bool> was_served(store::Transaction& transaction, base::TenantId tenant,
                                 base::TraceId origin, std::string who);
// The same, with the trace that served it; nil: several did.
net::ResultTask<std::optional<base::TraceId>> served_by(store::Transaction& transaction,
                                                        base::TenantId tenant, base::TraceId origin,
                                                        std::string who);
void note_served(store::Transaction& transaction, const base::TenantId& tenant,
                 const base::TraceId& origin, std::string_view who, const base::TraceId& by);
// A list that is too long for one transaction is served in the order of its addresses; until it is
// served to its end, was_served() says no. Nothing: it hasn't begun. Empty: to its end.
net::ResultTask<std::optional<std::string>> served_until(store::Transaction& transaction,
                                                         base::TenantId tenant,
                                                         base::TraceId origin, std::string who);
void note_served_until(store::Transaction& transaction, const base::TenantId& tenant,
                       const base::TraceId& origin, std::string_view who, std::string_view until);

// Forgets contents that came in before this: nothing of them is on its way any more, unless an
// operator has held it for so long. At most `count_max` rows; true: there may be more.
net::ResultTask<bool> forget_served(store::Transaction& transaction, base::TenantId tenant,
                                    base::Time before, std::size_t count_max);

}  // namespace letterlock::queue
