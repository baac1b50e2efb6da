// Copies of the whole store that somebody may still have: each lies in the site's scope from before
// its first octet is written, so that it is in the copy too and a restored store knows of it. What
// lay in the store when a backup was made is in it, until the operator says that it is destroyed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "directory/types.h"
#include "net/task.h"
#include "protection/exposure.h"
#include "store/store.h"

namespace letterlock::directory {

struct BackupTag;
using BackupId = base::Id<BackupTag>;

struct BackupRecord {
  enum class State {
    begun,   // under way, or nobody can say how it ended; or this store was restored from it
    whole,   // verified
    failed,  // some of it may lie where it was written
  };
  BackupId id;
  State state = State::begun;
  std::string directory;
  std::string node;
  base::Time began;
  std::optional<base::Time> ended;       // nothing: while it is only begun
  std::optional<base::Time> kept_until;  // nothing: no end is known
  std::optional<SetBy> forgotten;        // who said that it is destroyed
  bool operator==(const BackupRecord&) const = default;
};
std::string_view name(BackupRecord::State state);  // "begun" …
// It was to be kept no longer, and nobody has said that it is destroyed.
bool is_overdue(const BackupRecord& backup, base::Time now);

std::string encode(const BackupRecord& backup);
base::Result<BackupRecord> decode_backup(std::string_view octets);

// In a transaction of the site's scope.
void put_backup(store::Transaction& tx, const BackupRecord& backup);
// Errors: not_found, the store's.
net::ResultTask<BackupRecord> find_backup(store::Transaction& tx, BackupId id);
// Oldest first, those after `after`. Errors: the store's.
net::ResultTask<std::vector<BackupRecord>> list_backups(store::Transaction& tx, BackupId after,
                                                        std::size_t count_max);

// Those that may hold what lay in the store at some moment from `from` to `to`, and that nobody has
// said are destroyed: none goes by itself when its time is over. In any scope. One whose end isn't
// known counts as made for as long as it may have taken; where the calendar was set back, which
// came first counts only where it is certain. Errors: the store's.
net::ResultTask<std::vector<protection::Backup>> backups_between(store::Transaction& tx,
                                                                 base::Time from, base::Time to,
                                                                 base::Time now, base::Order order);

}  // namespace letterlock::directory
