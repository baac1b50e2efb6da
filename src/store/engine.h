// RocksDB as this store uses it: opened with care, its families and keys, its errors as ours.
// Nothing outside this folder includes it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include "base/event.h"
#include "store/content_files.h"
#include "store/reserve.h"
#include "store/rocksdb.h"

namespace letterlock::store {

// The format of all that the store holds, the rooms' records too: raise it with any change of a
// key or a record. It is written when the store is made. A program opens its own format alone.
inline constexpr std::uint64_t format_version = 4;

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
std::string gone_key(const base::BlobId& blob);
std::string holder_key(const base::BlobId& blob, std::string_view holder);
std::string small_key(const base::BlobId& blob);
std::uint32_t chunk_count(std::uint64_t octets);

// What is known of a finished blob.
struct BlobRecord {
  enum class Place : std::uint8_t { database, file };
  std::uint64_t octets = 0;
  std::uint64_t holders = 0;  // 0: written, not held yet
  Place place = Place::database;
  std::string first;  // one of the holders, which has no row of its own; empty: each has one

  std::string pack() const;
  static base::Result<BlobRecord> unpack(std::string_view record);
};

// Any thread.
class Engine {
 public:
  // `env` null: the machine's own. Errors: see RocksStore::open.
  static base::Result<std::unique_ptr<Engine>> open(const RocksOptions& options,
                                                    base::EventSink& events,
                                                    rocksdb::Env* env = nullptr);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* keys() { return keys_; }
  rocksdb::ColumnFamilyHandle* own() { return own_; }
  rocksdb::ColumnFamilyHandle* chunks() { return chunks_; }
  ContentFiles& files() { return *files_; }

  // From::memory: what isn't there is answered with `unavailable`, without a look at the disk.
  enum class From { memory, disk };
  // RocksDB goes on after a full disk only where something is in one of its tables in memory; with
  // nothing in them, as after a start or when all were written out, resuming would end the process.
  void stay_resumable();

  static rocksdb::ReadOptions read_options(From from);
  // As rocksdb::DB::Get. From memory alone that says ok, and gives nothing, where a table may have
  // the key that nobody has opened yet: here it is incomplete, as is a value that is empty indeed.
  rocksdb::Status get(const rocksdb::ReadOptions& options, rocksdb::ColumnFamilyHandle* family,
                      const rocksdb::Slice& key, rocksdb::PinnableSlice* value);
  // Errors: not_found, corrupt, io.
  base::Result<BlobRecord> blob(const base::BlobId& blob, From from = From::disk);
  // Each blob that stands in a file and is held, or was held and may not have been removed yet,
  // until `use` fails. Errors: corrupt, io, those of `use`.
  enum class Held { yes, no_more };
  using UseFile = std::function<base::Result<>(const base::BlobId&, std::uint64_t octets, Held)>;
  base::Result<> each_file(const UseFile& use);
  // The files of these, which nobody holds, are removed: durably, and then forgotten.
  base::Result<> forget_removed(const std::vector<base::BlobId>& blobs);

  base::Result<> has_room(Use use) const;
  // None where the disk can make no further files.
  base::Result<std::uint64_t> free_octets() const;
  // The disk is asked once a second, by the commit thread; in between what is written counts.
  void ask_disk();
  void count_written(std::uint64_t octets) {
    written_.fetch_add(octets, std::memory_order_relaxed);
  }
  void count_file() { files_free_.fetch_sub(1, std::memory_order_relaxed); }

  // Of all files of the store; 0: the disk doesn't say.
  std::uint64_t disk_octets() const;
  // What the files of large content take. The commit thread writes it with each change of it.
  std::uint64_t content_octets() const { return content_octets_; }
  void set_content_octets(std::uint64_t octets, rocksdb::WriteBatch& batch);

  // RocksDB takes no writes any more after an error of the disk, until this says it may.
  bool stopped() const;
  void try_resume();

 private:
  class Listener;
  Engine(const RocksOptions& options, base::EventSink& events);
  base::Result<> open_database(rocksdb::Env* env);
  base::Result<> check_format();
  base::Result<> open_files(rocksdb::Env* env);
  base::Result<> finish_removals();
  base::Result<> sort_new_files();
  bool is_empty();

  const RocksOptions options_;
  base::EventSink& events_;
  int lock_ = -1;
  std::shared_ptr<Listener> listener_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  rocksdb::ColumnFamilyHandle* keys_ = nullptr;
  rocksdb::ColumnFamilyHandle* own_ = nullptr;
  rocksdb::ColumnFamilyHandle* chunks_ = nullptr;
  std::unique_ptr<ContentFiles> files_;
  std::atomic<std::uint64_t> content_octets_{0};
  std::atomic<std::uint64_t> disk_free_{0};
  std::atomic<std::uint64_t> files_free_{0};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<bool> disk_silent_{false};
};

}  // namespace letterlock::store
