// Taking and giving back addresses inside a transaction. For this room's files.
#pragma once

#include "directory/lookup.h"

namespace letterlock::directory::entries {

// The domain's row is read with the entry, so that a removal of the domain at the same time
// conflicts. Errors: not_found (no such domain of this tenant), unavailable (it is being removed),
// exists.
net::ResultTask<> take(store::Transaction& tx, base::TenantId tenant, Address address, Entry entry);
void give_back(store::Transaction& tx, const base::TenantId& tenant, const Address& address);

// The account that has exactly this address as its first. Errors: not_found.
net::ResultTask<Account> account_at(store::Transaction& tx, base::TenantId tenant, Address address);

}  // namespace letterlock::directory::entries
