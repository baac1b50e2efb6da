// Who holds which blob, while a group of transactions is put together: what the engine says, and
// what the group's earlier transactions changed of it. Lives on the commit thread for one group.
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
  // Blobs that came to be held in this group.
  const std::vector<base::BlobId>& newly_held() const { return newly_held_; }

 private:
  base::Result<> load(const base::BlobId& blob, const std::string& holder);
  void write_or_settle_pending(const base::BlobId& blob, rocksdb::WriteBatch& batch);
  void settle(const base::BlobId& blob, rocksdb::WriteBatch& batch);

  Engine& engine_;
  const FreshBlobs& fresh_;
  std::map<base::BlobId, FreshBlobs::Octets> unwritten_;  // fresh ones, until somebody holds them
  std::map<base::BlobId, std::optional<BlobRecord>> blobs_;  // nullopt: no such blob
  std::map<std::pair<base::BlobId, std::string>, bool> holders_;
  std::vector<base::BlobId> newly_held_;
};

}  // namespace letterlock::store
