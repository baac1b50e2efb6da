// That this store was restored from a backup: a fact of the site, for what was recorded between the
// two is lost, and no trace may say "no" of it. `letterlock restore` puts the row into the new
// store before that has its name; the node's first start says when that was.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "directory/types.h"
#include "os/clock.h"
#include "protection/exposure.h"
#include "store/store.h"

namespace letterlock::directory {

struct RestoreRecord {
  base::Time as_of;                    // the backup holds nothing that is certainly younger
  std::optional<base::Time> restored;  // at least as late as all that it holds
  std::uint64_t number = 0;            // 1 the first; 0: no node has started since
  bool operator==(const RestoreRecord&) const = default;
};
std::string encode(const RestoreRecord& restore);
base::Result<RestoreRecord> decode_restore(std::string_view octets);

// Key and value of the row that a store restored from this backup begins with.
std::pair<std::string, std::string> restored_row(base::Time as_of);
// Before the calendar is opened: says of restores that no node has started since when they were. A
// machine whose calendar is wrong can't put them before what the backup holds. Errors: the store's.
net::ResultTask<> begin_restored(store::Store& store, const os::Clock& clock);

// In any scope, oldest first. Errors: the store's, corrupt.
net::ResultTask<std::vector<RestoreRecord>> list_restores(store::Transaction& tx);
// How often the store was restored: what a password that is set now has for Account::restores.
net::ResultTask<std::uint64_t> count_restores(store::Transaction& tx);
// What was lost while somebody may have been shown the password that the account has. Errors: as
// list_restores.
net::ResultTask<std::vector<protection::Opening>> unrecorded(store::Transaction& tx,
                                                             std::uint64_t restores_before);
// What was lost that was recorded of messages accepted at this time. Errors: as list_restores.
net::ResultTask<std::vector<protection::Lost>> lost_since(store::Transaction& tx,
                                                          base::Time accepted);

}  // namespace letterlock::directory
