// The store on the disk of one node: RocksDB underneath, one commit thread, a few store threads.
// What is committed is synced; what is not never becomes visible.
#pragma once

#include <memory>
#include <string>

#include "base/event.h"
#include "os/clock.h"
#include "os/metrics.h"
#include "os/random.h"
#include "store/backup.h"
#include "store/store.h"

namespace letterlock::store {

enum class Durability {
  required,          // refuse a file system that forgets (tmpfs) or is mounted without barriers
  volatile_allowed,  // tests and the demonstration
};

struct RocksOptions {
  std::string path;                             // a directory of its own; made if it isn't there
  std::size_t cache_octets = 32 * 1024 * 1024;  // of blocks, filters and indexes
  std::size_t write_buffer_octets =
      4 * 1024 * 1024;       // of changes not yet in sorted files; 2.5 times as much lives at once
  int open_files_max = 512;  // of the database: its tables and blob files
  std::uint64_t reserve_octets = 256 * 1024 * 1024;  // of the disk, kept free (reserve.h)
  unsigned store_threads = 4;
  std::size_t waiting_max = 10'000;  // reads, and commits, that wait; more fail with full
  base::Milliseconds blob_grace =
      std::chrono::minutes(10);  // between a blob's end and the transaction that holds it
  Durability durability = Durability::required;
  os::Metrics* metrics = nullptr;  // outlives the store; none: nobody looks
};

// Any thread; each call resumes on its caller's loop. All calls and writers have ended before it is
// destroyed.
class RocksStore final : public Store {
 public:
  // Blocks. Errors: unavailable (another process has it open), denied (directory not ours alone),
  // invalid (not a store, a newer version's, a file system that forgets), corrupt, io, full. Each
  // says what to do.
  static base::Result<std::unique_ptr<RocksStore>> open(RocksOptions options,
                                                        const os::Clock& clock, os::Random& random,
                                                        base::EventSink& events);
  ~RocksStore() override;

  net::ResultTask<> transact(Scope scope, Function function) override;
  net::ResultTask<> read(Scope scope, Function function) override;
  Count watch(std::function<bool(std::string_view key)> concerns) override;
  std::unique_ptr<BlobWriter> write_blob() override;
  void drop_blob(const base::BlobId& blob) override;
  net::ResultTask<base::Bytes> read_blob(base::BlobId blob, std::uint64_t offset,
                                         std::size_t octets_max) override;
  base::Result<std::uint64_t> free_octets() const override;

  // All of it as of one moment, into a directory of its own; one at a time.
  // Errors: unavailable (one is being written), those of write_backup().
  net::ResultTask<BackupFacts> backup(BackupOptions options);
  // Ends one that runs, soon. Any thread.
  void stop_backup();

  // Takes no writes after an error of the disk. Any thread.
  bool stopped() const;
  // Of its files. Any thread.
  std::uint64_t disk_octets() const;

 private:
  friend struct OpenOver;  // tests put a failing disk underneath
  class Parts;
  class RocksTransaction;
  explicit RocksStore(std::unique_ptr<Parts> parts);
  net::ResultTask<> attempt(Scope scope, const Function& function, os::Steady deadline);

  std::unique_ptr<Parts> parts_;
};

}  // namespace letterlock::store
