// What is known of copies of the store, in the site's scope.
#include "directory/asking.h"
#include "directory/checks.h"
#include "directory/operations.h"
#include "directory/record.h"

namespace letterlock::directory {
namespace {

using store::Scope;

net::ResultTask<BackupRecord> insert_backup(store::Transaction& tx, BackupRecord backup) {
  put_backup(tx, backup);
  co_return backup;
}

net::ResultTask<BackupRecord> end_backup_in(store::Transaction& tx, BackupId id,
                                            BackupRecord::State state, base::Time now) {
  CO_TRY(auto backup, co_await find_backup(tx, id));
  backup.state = state;
  backup.ended = now;
  put_backup(tx, backup);
  co_return backup;
}

net::ResultTask<BackupId> erase_backup(store::Transaction& tx, BackupId id) {
  tx.erase(keys::backup(id.octets()));
  co_return id;
}

net::ResultTask<BackupRecord> forget_backup_in(store::Transaction& tx, BackupId id, SetBy by) {
  CO_TRY(auto backup, co_await find_backup(tx, id));
  // Who said it first stays.
  if (!backup.forgotten) backup.forgotten = std::move(by);
  put_backup(tx, backup);
  co_return backup;
}

}  // namespace

net::ResultTask<BackupRecord> Operations::begin_backup(std::string directory, std::string node,
                                                       std::optional<base::Milliseconds> keep) {
  BackupRecord backup;
  backup.began = environment_.clock.now();
  backup.id = os::make_id<BackupId>(environment_.clock, environment_.random);
  backup.directory = std::move(directory);
  backup.node = std::move(node);
  if (keep) backup.kept_until = backup.began + *keep;
  co_return co_await change<BackupRecord>(environment_.store, Scope::site(),
                                          [&](auto& tx) { return insert_backup(tx, backup); });
}

net::ResultTask<> Operations::end_backup(BackupId id, BackupEnd end) {
  const auto now = environment_.clock.now();
  if (end == BackupEnd::nothing_written) {
    CO_CHECK(co_await change<BackupId>(environment_.store, Scope::site(),
                                       [&](auto& tx) { return erase_backup(tx, id); }));
    co_return base::Result<>();
  }
  const auto state =
      end == BackupEnd::whole ? BackupRecord::State::whole : BackupRecord::State::failed;
  CO_CHECK(co_await change<BackupRecord>(environment_.store, Scope::site(), [&](auto& tx) {
    return end_backup_in(tx, id, state, now);
  }));
  co_return base::Result<>();
}

net::ResultTask<std::vector<BackupRecord>> Operations::list_backups(BackupId after,
                                                                    std::size_t count_max) {
  co_return co_await ask<std::vector<BackupRecord>>(
      environment_.store, Scope::site(),
      [&](auto& tx) { return directory::list_backups(tx, after, count_max); });
}

net::ResultTask<BackupRecord> Operations::forget_backup(BackupId id, std::string by) {
  CO_CHECK(checks::who(by));
  const SetBy said{by, environment_.clock.now()};
  CO_TRY(auto backup,
         co_await change<BackupRecord>(environment_.store, Scope::site(),
                                       [&](auto& tx) { return forget_backup_in(tx, id, said); }));
  report("backup", id.text(), "forgotten", by);
  co_return backup;
}

}  // namespace letterlock::directory
