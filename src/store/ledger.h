// Who holds which blob, while a group of transactions is put together: what the engine says, and
// what the group's earlier transactions changed of it. The first holder stands in the blob's own
// record, each further one has a row. Lives on the commit thread for one group.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include <rocksdb/write_batch.h>

#include "store/changes.h"
#include "store/engine.h"
#include "store/fresh.h"

namespace letterlock::store {

class Ledger {
 public:
  Ledger(Engine& engine, const FreshBlobs& fresh) : engine_(engine), fresh_(fresh) {}

  // Reads what the transaction's holds need. Errors: not_found (a blob to be held doesn't exist),
  // corrupt, io; nothing has changed then.
  base::Result<> check(const Changes& changes);
  // After check(): the changes of holders, and of blobs that lost their last one, go into the
  // batch.
  void apply(const Changes& changes, rocksdb::WriteBatch& batch);
  // Once all are applied: what the group changed of the files' size goes into the batch.
  void finish(rocksdb::WriteBatch& batch);
  // Blobs that came to be held in this group; of them, and of those that lost their last holder,
  // the ones that stand in files.
  const std::vector<base::BlobId>& newly_held() const { return newly_held_; }
  const std::vector<base::BlobId>& held_files() const { return held_files_; }
  const std::vector<base::BlobId>& gone_files() const { return gone_files_; }

 private:
  base::Result<> load(const base::BlobId& blob, const std::string& holder);
  void write_fresh(const base::BlobId& blob, const BlobRecord& record, rocksdb::WriteBatch& batch);
  void settle(const base::BlobId& blob, rocksdb::WriteBatch& batch);

  Engine& engine_;
  const FreshBlobs& fresh_;
  std::map<base::BlobId, FreshBlobs::Fresh> unheld_;  // fresh ones, until somebody holds them
  std::map<base::BlobId, std::optional<BlobRecord>> blobs_;  // nullopt: no such blob
  std::map<std::pair<base::BlobId, std::string>, bool> holders_;
  std::vector<base::BlobId> newly_held_;
  std::vector<base::BlobId> held_files_;
  std::vector<base::BlobId> gone_files_;
  std::uint64_t octets_came_ = 0;  // to files
  std::uint64_t octets_went_ = 0;
};

}  // namespace letterlock::store
