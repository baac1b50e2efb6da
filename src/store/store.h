// The one store: ordered keys and values, changed in transactions; blobs beside them. The real
// one is RocksDB (rocksdb.h), the simulated one memory that can crash (memory.h).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "net/task.h"

namespace letterlock::store {

using KeyValue = std::pair<std::string, std::string>;

// Keys from `first` (included) to `end` (excluded). The whole of a prefix: range_of(prefix).
struct Range {
  std::string first;
  std::string end;
};
Range range_of(std::string_view prefix);

// The part of the key space that a transaction may touch: keys begin with one of its prefixes.
class Scope {
 public:
  static Scope site();                                // "s/"
  static Scope tenant(const base::TenantId& tenant);  // "t/" + 16 octets + "/"
  // Delivery out of one tenant's queue into another's mailbox or queue.
  static Scope delivery(const base::TenantId& from, const base::TenantId& into);
  // Taking one message in for several tenants: it is in all of them or in none. At least one.
  static Scope tenants(const std::vector<base::TenantId>& tenants);
  bool covers(std::string_view key) const;       // may be written
  bool covers_read(std::string_view key) const;  // may be read: the same, and the site's keys
  bool covers_read(const Range& range) const;
  // The whole key of a blob's holder: as it is if it begins with a prefix of the scope, else behind
  // the first.
  std::string holder_key(std::string_view holder) const;
  // The prefix of the (first) scope: rooms build their keys on it.
  const std::string& prefix() const { return prefixes_.front(); }

 private:
  std::vector<std::string> prefixes_;
};
std::string site_prefix();
std::string tenant_prefix(const base::TenantId& tenant);

// What a transaction's function reads and changes. Reads see the state as of its beginning plus
// its own changes. A key outside the scope is a bug (ASSERT).
class Transaction {
 public:
  virtual ~Transaction() = default;
  // Errors of all reads: full (32 MiB of pairs in one scan, 4 MiB of keys read), io, timeout,
  // corrupt.
  virtual net::ResultTask<std::optional<std::string>> get(std::string key) = 0;
  // Several keys in one go, one answer each, in their order: one way to a store thread and back.
  virtual net::ResultTask<std::vector<std::optional<std::string>>> get_many(
      std::vector<std::string> keys) = 0;
  // At most `count_max` pairs in order (backwards from the end if `reverse`); fewer only when there
  // are no more.
  struct ScanOptions {
    std::size_t count_max = 1000;
    bool reverse = false;
  };
  virtual net::ResultTask<std::vector<KeyValue>> scan(Range range, ScanOptions options) = 0;
  net::ResultTask<std::vector<KeyValue>> scan(Range range) {
    return scan(std::move(range), ScanOptions());
  }
  virtual void put(std::string key, std::string value) = 0;
  virtual void erase(std::string_view key) = 0;
  // Blobs live as long as somebody holds them; `holder` names who, within this scope: "q/<id>", or
  // best the whole key of the record that names the blob (Scope::holder_key). Holding a blob that
  // was written but never committed makes it durable with this transaction; it goes with its last
  // holder's release. Holding one that doesn't exist fails the transaction with not_found;
  // releasing what isn't held does nothing.
  virtual void hold(const base::BlobId& blob, std::string_view holder) = 0;
  virtual void release(const base::BlobId& blob, std::string_view holder) = 0;
};

// Writes one blob, chunk after chunk, unsynced: it is durable, and exists, when a transaction holds
// it.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;  // not held by then: swept later
  // Any number of octets; kept in chunks of 64 KiB. Errors: full, io, cancelled.
  virtual net::ResultTask<> write(std::string_view octets) = 0;
  // No more. The blob's id and size in octets.
  virtual net::ResultTask<> finish() = 0;
  virtual const base::BlobId& id() const = 0;
  virtual std::uint64_t octets() const = 0;
};

class Store {
 public:
  using Function = std::function<net::ResultTask<>(Transaction&)>;
  virtual ~Store() = default;

  // Runs `function` and commits what it changed, atomically and durably, or nothing of it. The
  // function may run several times: no side effects but on variables it sets anew each time. An
  // error of the function is passed on and nothing changes. It is kept alive until the transaction
  // ends. Limits: 1 MiB of changes, 5 s. Errors: full (disk, limits), io, conflict (after 20
  // tries), timeout, cancelled (before the commit began; once it has begun the outcome is waited
  // for).
  virtual net::ResultTask<> transact(Scope scope, Function function) = 0;
  // Reads without a commit: the function's puts are a bug.
  virtual net::ResultTask<> read(Scope scope, Function function) = 0;

  // A count that each commit raises which changes a key that `concerns`, when its change can be
  // seen and before its caller is told. So who remembers what it read knows by the count, taken
  // before the reading, whether that still stands. `concerns` is asked on the commit thread, of
  // each changed key: it is quick, and true alone of keys that change seldom.
  using Count = std::shared_ptr<const std::atomic<std::uint64_t>>;
  virtual Count watch(std::function<bool(std::string_view key)> concerns) = 0;

  virtual std::unique_ptr<BlobWriter> write_blob() = 0;
  // Octets from `offset`, at most `octets_max`; short only at the end. Errors: not_found, corrupt,
  // io.
  virtual net::ResultTask<base::Bytes> read_blob(base::BlobId blob, std::uint64_t offset,
                                                 std::size_t octets_max) = 0;

  // A finished one that nobody is going to hold, so that it goes now, and not after its grace.
  // Where somebody holds it nothing happens.
  virtual void drop_blob(const base::BlobId& blob) = 0;

  // What the disk still takes above the reserve, in octets. At 0 blobs fail with full; changes go
  // on until half of the reserve, so that a queue can drain; transactions that only erase and
  // release until an eighth.
  virtual base::Result<std::uint64_t> free_octets() const = 0;
};

}  // namespace letterlock::store
