// RocksDB as this store uses it: opened with care, its families and keys, its errors as ours.
// Nothing outside this folder includes it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include "base/event.h"
#include "store/reserve.h"
#include "store/rocksdb.h"

namespace letterlock::store {

// 2: a blob's record names its first holder, and the rooms' records hold what a message begins
// with.
inline constexpr std::uint64_t format_version = 2;

// Errors: as ErrorKind says; ok is no error.
base::Result<> to_result(const rocksdb::Status& status, std::string_view doing);

// Runs what may throw (bad_alloc in a library) and gives its Result.
template <class Function>
auto guarded(Function function) -> decltype(function()) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    return base::fail(base::ErrorKind::full, "out of memory in the store");
  } catch (const std::exception& error) {
    return base::fail(base::ErrorKind::io,
                      std::string("the store's library failed: ") + error.what());
  }
}

// The keys of the store's own family (docs/storage.md).
std::string blob_key(const base::BlobId& blob);
std::string pending_key(const base::BlobId& blob);
std::string holder_key(const base::BlobId& blob, std::string_view holder);
std::string chunk_key(const base::BlobId& blob, std::uint32_t number);
std::uint32_t chunk_count(std::uint64_t octets);

// What is known of a finished blob.
struct BlobRecord {
  std::uint64_t octets = 0;
  std::uint64_t holders = 0;  // 0: written, not held yet
  std::string first;          // one of them, which has no row of its own; empty: each has one

  std::string pack() const;
  static base::Result<BlobRecord> unpack(std::string_view record);
};

// Any thread.
class Engine {
 public:
  // `env` null: the machine's own. Errors: see RocksStore::open.
  static base::Result<std::unique_ptr<Engine>> open(const RocksOptions& options,
                                                    const os::Clock& clock, base::EventSink& events,
                                                    rocksdb::Env* env = nullptr);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* keys() { return keys_; }
  rocksdb::ColumnFamilyHandle* own() { return own_; }
  rocksdb::ColumnFamilyHandle* chunks() { return chunks_; }

  // Errors: not_found, corrupt, io.
  base::Result<BlobRecord> blob(const base::BlobId& blob);
  // Takes away what is left of an unheld blob; a held one stays.
  base::Result<> discard(const base::BlobId& blob, rocksdb::WriteBatch& batch);

  base::Result<> has_room(Use use) const;
  base::Result<std::uint64_t> free_octets() const;
  // The disk is asked once a second, by the commit thread; in between what is written counts.
  void ask_disk();
  void count_written(std::uint64_t octets) {
    written_.fetch_add(octets, std::memory_order_relaxed);
  }

  // Of all files of the store; 0: the disk doesn't say.
  std::uint64_t disk_octets() const;

  // RocksDB takes no writes any more after an error of the disk, until this says it may.
  bool stopped() const;
  void try_resume();

 private:
  class Listener;
  Engine(const RocksOptions& options, const os::Clock& clock, base::EventSink& events);
  base::Result<> open_database(rocksdb::Env* env);
  base::Result<> check_format();
  base::Result<> sweep_orphans();
  bool is_empty();

  const RocksOptions options_;
  const os::Clock& clock_;
  base::EventSink& events_;
  int lock_ = -1;
  std::shared_ptr<Listener> listener_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  rocksdb::ColumnFamilyHandle* keys_ = nullptr;
  rocksdb::ColumnFamilyHandle* own_ = nullptr;
  rocksdb::ColumnFamilyHandle* chunks_ = nullptr;
  std::atomic<std::uint64_t> disk_free_{0};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<bool> disk_silent_{false};
};

}  // namespace letterlock::store
