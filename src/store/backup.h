// A copy of the whole store, as of one moment, while it is in use; and a store made of such a copy.
// What is half done bears another name: a directory called as asked for is whole and was verified.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/time.h"

namespace letterlock::store {

struct BackupOptions {
  std::string directory;  // absolute; made, mode 0700; must not be there yet
  std::uint64_t octets_per_second = 64ULL << 20;  // written, so that mail goes on beside it
  base::Milliseconds time_max = std::chrono::hours(6);
  // Stands in the backup, for whoever finds it.
  std::string site;
  std::string node;
  std::string version;
  base::Time now;
};

struct BackupFacts {
  std::uint64_t octets = 0;
  std::uint64_t format = 0;  // of the store in it
  std::string site;
  std::string node;
  std::string version;
  std::string written;  // RFC 3339
};

inline constexpr const char* backup_facts_file = "letterlock-backup.json";

class Engine;
// Blocks for as long as it takes: for a thread of its own. `stop` ends it at the next few MiB.
// Errors: exists (the directory, or a half one beside it), not_found (its parent), denied, full
// (no room for all of it, asked before), timeout, cancelled (stop), corrupt, io.
base::Result<BackupFacts> write_backup(Engine& engine, const BackupOptions& options,
                                       const std::atomic<bool>& stop);

// What is in a backup. Errors: invalid (no finished backup), io.
base::Result<BackupFacts> inspect_backup(const std::string& directory);

// What a restored store is told beside what the backup holds: a row, key and value, of the site's.
using RestoredRow =
    std::function<base::Result<std::pair<std::string, std::string>>(const BackupFacts&)>;

// A store at `path`, which must not be there; its parent must. Blocks. Verifies the backup's
// checksums first, opens the new store once and puts `row` into it before it gets its name.
// Errors: invalid (no finished backup, a newer format), exists, denied, full, corrupt, io; those of
// `row`.
base::Result<BackupFacts> restore_backup(const std::string& directory, const std::string& path,
                                         const RestoredRow& row);

}  // namespace letterlock::store
