// Where transactions begin. Those that begin between two commits share one snapshot of the
// database: nothing changed between them, and each of its own costs the engine's lock twice.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include <rocksdb/db.h>

#include "store/conflict.h"

namespace letterlock::store {

struct Snapshot {
  const rocksdb::Snapshot* snapshot = nullptr;
  Sequence begun = 0;  // it shows all up to this commit; it may show later ones, too
};

// Any thread, but for what says otherwise. Outlives all that began.
class Snapshots {
 public:
  // Kept by a transaction as long as it reads, and until it has committed.
  using Shared = std::shared_ptr<const Snapshot>;

  explicit Snapshots(rocksdb::DB& db) : db_(db) {}
  ~Snapshots();
  Snapshots(const Snapshots&) = delete;
  Snapshots& operator=(const Snapshots&) = delete;

  Shared begin();

  // The commit thread's, before anybody is told: who begins from now on sees all up to `last`.
  void committed(Sequence last);
  // The commit thread's: no transaction that is under way, or comes, began before it.
  Sequence oldest() const;
  // The commit thread's: gives back to the engine what nobody reads from any more.
  void give_back();

 private:
  struct Held;
  using Begun = std::multiset<Sequence>;
  const rocksdb::Snapshot* take_or_forget(Begun::iterator place);
  void end(Snapshot snapshot);

  rocksdb::DB& db_;
  mutable std::mutex mutex_;
  Shared shared_;           // for whoever begins before the next commit; may be none yet
  Sequence committed_ = 0;  // what a snapshot taken now surely shows
  Begun begun_;             // of those that are read from
  std::vector<Snapshot> ended_;
};

}  // namespace letterlock::store
