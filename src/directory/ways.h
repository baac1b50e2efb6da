// Where an alias or group that is about to be set would lead: not back to itself, and not behind
// more others than mail is followed through. For this room's files.
#pragma once

#include <vector>

#include "directory/types.h"
#include "net/task.h"
#include "store/store.h"

namespace letterlock::directory::ways {

// `list` in `tenant` is to stand for these. Looks down into every tenant, and up at those of its
// own tenant that lead to it (the first page_max aliases and groups). What others set at the same
// time isn't seen: mail that meets a circle or a chain too long fails, and its sender hears of it.
// Errors: invalid, naming the target; the store's, corrupt.
net::ResultTask<> check(store::Store& store, base::TenantId tenant, Address list,
                        std::vector<Address> stands_for);

}  // namespace letterlock::directory::ways
