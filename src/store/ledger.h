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
  // Blobs that came to be held in this group.
  const std::vector<base::BlobId>& newly_held() const { return newly_held_; }

 private:
  struct Blob {
    std::optional<BlobRecord> record;  // nullopt: no such blob
    FreshBlobs::Octets unwritten;      // a fresh one's, until somebody holds it
    bool pending = false;              // it stands on the disk, and nobody has held it yet
    std::map<std::string, bool, std::less<>> holders;  // as far as anybody asked
  };

  base::Result<Blob*> load(const base::BlobId& id);
  base::Result<> load_holder(const base::BlobId& id, Blob& blob, const std::string& holder);
  void hold(const base::BlobId& id, Blob& blob, const std::string& holder,
            rocksdb::WriteBatch& batch);
  void release(const base::BlobId& id, Blob& blob, const std::string& holder,
               rocksdb::WriteBatch& batch);
  void settle(const base::BlobId& id, Blob& blob, rocksdb::WriteBatch& batch);

  Engine& engine_;
  const FreshBlobs& fresh_;
  std::map<base::BlobId, Blob> blobs_;
  std::vector<base::BlobId> newly_held_;
};

}  // namespace letterlock::store
