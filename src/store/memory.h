// The store of tests and of the simulator: memory, one thread, no clock, the same answer each time.
// It keeps the real one's promises and its checks (conflict.h, changes.h), and breaks on demand.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "store/changes.h"
#include "store/conflict.h"
#include "store/reserve.h"
#include "store/store.h"
#include "store/watchers.h"

namespace letterlock::store {

// Where a commit stands when on_commit is called. A crash at `before` loses it; at `durable` it is
// there, but its task never hears of it.
enum class CommitStage { before, durable };

// Whether what failed is in the store all the same: after an io error nobody knows.
enum class Outcome { rolled_back, applied };

// What becomes of blobs that were written but not held when the power goes.
enum class Unsynced { kept, dropped, torn };

class MemoryStore final : public Store {
 public:
  struct Options {
    // Each read and each commit lets other tasks run 1 to `yields_max` times, as `seed` says; 0:
    // never.
    unsigned yields_max = 1;
    std::uint64_t seed = 1;
    std::uint64_t reserve_octets = 1024 * 1024;
    std::size_t recent_keys_max = 200'000;
  };
  MemoryStore() : MemoryStore(Options()) {}
  explicit MemoryStore(Options options);
  ~MemoryStore() override;

  net::ResultTask<> transact(Scope scope, Function function) override;
  net::ResultTask<> read(Scope scope, Function function) override;
  Count watch(std::function<bool(std::string_view key)> concerns) override {
    return watchers_.add(std::move(concerns));
  }
  std::unique_ptr<BlobWriter> write_blob() override;
  void drop_blob(const base::BlobId& blob) override;
  net::ResultTask<base::Bytes> read_blob(base::BlobId blob, std::uint64_t offset,
                                         std::size_t octets_max) override;
  base::Result<std::uint64_t> free_octets() const override;

  // How often a part of a blob was read, ever.
  std::uint64_t blob_reads() const { return blob_reads_; }

  // Faults. Those of commits and reads are used up in order, one a commit or read.
  void fail_next_commit(base::ErrorKind kind, Outcome outcome = Outcome::rolled_back);
  void fail_next_read(base::ErrorKind kind);
  // Those that were ordered and not used up are taken back.
  void forget_faults() {
    commit_faults_.clear();
    read_faults_.clear();
  }
  // From now on this blob can't be read: corrupt.
  void damage(const base::BlobId& blob) { damaged_.insert(blob); }
  void set_disk_free_octets(std::uint64_t octets) { disk_free_octets_ = octets; }
  // Runs inside the committing task; it may call crash().
  void on_commit(std::function<void(CommitStage)> hook) { hook_ = std::move(hook); }

  // Hears what each transaction read and changed: once its changes are in the store, or at the end
  // of a read. It must not call the store.
  void observe(std::function<void(const Reads&, const Changes&)> observer) {
    observer_ = std::move(observer);
  }

  // The power goes and comes back: what was committed is there. Tasks from before get `closed` from
  // whatever they do next here. With `torn` each unheld blob is kept, cut or dropped, as `seed`
  // says.
  void crash(std::uint64_t seed, Unsynced unsynced);
  // What the real one does at start: blobs that nobody holds and nobody writes go. Not between a
  // blob's writing and the transaction that holds it.
  void sweep();

  // For shadow models and tests.
  std::map<std::string, std::string> contents() const;
  std::size_t blob_count() const { return blobs_.size(); }
  std::size_t unheld_blob_count() const;
  std::set<std::string> holders(const base::BlobId& blob) const;
  std::size_t version_count() const;  // of all keys
  std::uint64_t commits() const { return recent_.last(); }

 private:
  class MemoryTransaction;
  class MemoryBlobWriter;
  struct Version {
    Sequence sequence;
    std::optional<std::string> value;
  };
  struct Blob {
    std::string octets;
    bool finished = false;
    bool writing = true;
    std::set<std::string> holders;
  };

  net::Task<> pause();
  base::Result<> commit(const BufferedTransaction& transaction, Sequence begun);
  base::Result<> check_holds(const Changes& changes) const;
  void apply(const BufferedTransaction& transaction);
  void apply_holds(const Changes& changes);
  void trim();
  const std::optional<std::string>* find(const std::vector<Version>& versions, Sequence at) const;
  bool alive(std::uint64_t epoch) const { return epoch == epoch_; }
  std::uint64_t random();

  Options options_;
  RecentCommits recent_;
  Watchers watchers_;
  std::map<std::string, std::vector<Version>, std::less<>> keys_;  // versions ascending
  std::deque<std::pair<Sequence, std::string>>
      old_;                        // keys with a version to drop, once nobody sees it
  std::multiset<Sequence> begun_;  // snapshots in use
  std::map<base::BlobId, Blob> blobs_;
  std::deque<std::pair<base::ErrorKind, Outcome>> commit_faults_;
  std::deque<base::ErrorKind> read_faults_;
  std::set<base::BlobId> damaged_;
  std::function<void(CommitStage)> hook_;
  std::function<void(const Reads&, const Changes&)> observer_;
  std::uint64_t disk_free_octets_ = std::uint64_t{1} << 40;
  std::uint64_t epoch_ = 0;  // counts the crashes
  std::uint64_t random_state_;
  std::uint64_t blobs_made_ = 0;
  std::uint64_t blob_reads_ = 0;
};

}  // namespace letterlock::store
