#include "store/rocksdb.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "store/changes.h"
#include "store/parts.h"
#include "store/rocks_blob.h"

namespace letterlock::store {
namespace {
// A longer scan goes to a store thread, even if memory has it all: the loop has other peers.
constexpr std::size_t pairs_at_once_max = 64;
constexpr std::size_t scan_at_once_octets_max = 64 * 1024;

template <class Found>
bool needs_disk(const base::Result<Found>& found) {
  return !found && found.error().kind == base::ErrorKind::unavailable;
}
auto cancelled() {
  return base::fail(base::ErrorKind::cancelled, "stopping");
}
}  // namespace

// Lives on its caller's loop, all its reads from the snapshot that the first one took. What RocksDB
// has in memory is read at once, there; only what needs the disk goes to a store thread: the way
// there and back costs ten times the read.
class RocksStore::RocksTransaction final : public BufferedTransaction {
 public:
  RocksTransaction(Parts& parts, Scope scope, Mode mode, os::Steady deadline)
      : BufferedTransaction(std::move(scope), mode), parts_(parts), deadline_(deadline) {}

  Sequence begun() const { return snapshot_ ? snapshot_->begun : 0; }
  base::Result<> within_time() const {
    if (parts_.clock.steady() < deadline_) return {};
    return base::fail(base::ErrorKind::timeout, "a transaction took longer than 5 s");
  }

 private:
  using From = Engine::From;

  net::ResultTask<std::vector<std::optional<std::string>>> fetch(
      std::vector<std::string> keys) override {
    CO_CHECK(co_await may_read());
    auto values = guarded([&] { return get_now(keys, From::memory); });
    if (!needs_disk(values)) co_return values;
    CO_CHECK(co_await parts_.readers.run(
        [&] { values = guarded([&] { return get_now(keys, From::disk); }); }));
    co_return values;
  }
  net::ResultTask<std::vector<KeyValue>> fetch_range(Range range, ScanOptions options) override {
    CO_CHECK(co_await may_read());
    auto pairs = guarded([&] { return scan_now(range, options, From::memory); });
    if (!needs_disk(pairs)) co_return pairs;
    CO_CHECK(co_await parts_.readers.run(
        [&] { pairs = guarded([&] { return scan_now(range, options, From::disk); }); }));
    co_return pairs;
  }
  net::ResultTask<> may_read() {
    if (co_await net::is_cancelled()) co_return cancelled();
    co_return within_time();
  }
  rocksdb::ReadOptions read_options(From from) {
    if (!snapshot_) snapshot_ = parts_.committer.begin();
    auto options = Engine::read_options(from);
    options.snapshot = snapshot_->snapshot;
    return options;
  }
  base::Result<std::vector<std::optional<std::string>>> get_now(
      const std::vector<std::string>& keys, From from) {
    const auto options = read_options(from);
    const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
    std::vector<rocksdb::PinnableSlice> found(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    auto& engine = *parts_.engine;
    if (keys.size() == 1 || from == From::memory) {
      // One by one from memory: MultiGet would read blocks from the disk all the same, and says ok
      // of a key that isn't there where the block that would have it isn't in memory.
      for (std::size_t i = 0; i < keys.size(); ++i) {
        statuses[i] = engine.get(options, engine.keys(), slices[i], &found[i]);
        if (statuses[i].IsIncomplete()) break;
      }
    } else {
      engine.db().MultiGet(options, engine.keys(), slices.size(), slices.data(), found.data(),
                           statuses.data());
    }
    std::vector<std::optional<std::string>> values(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (statuses[i].IsNotFound()) continue;
      TRY(to_result(statuses[i], "reading"));
      values[i].emplace(found[i].data(), found[i].size());
    }
    return values;
  }
  base::Result<std::vector<KeyValue>> scan_now(const Range& range, ScanOptions scan, From from) {
    auto options = read_options(from);
    const rocksdb::Slice first(range.first);
    const rocksdb::Slice end(range.end);
    options.iterate_lower_bound = &first;
    options.iterate_upper_bound = &end;
    // A long scan reads each block once, and would drive out what is read again and again.
    options.fill_cache = from == From::memory;
    const std::unique_ptr<rocksdb::Iterator> at(
        parts_.engine->db().NewIterator(options, parts_.engine->keys()));
    std::vector<KeyValue> pairs;
    std::size_t octets = 0;
    for (scan.reverse ? at->SeekToLast() : at->Seek(first);
         at->Valid() && pairs.size() < scan.count_max; scan.reverse ? at->Prev() : at->Next()) {
      octets += at->key().size() + at->value().size();
      if (from == From::memory &&
          (pairs.size() == pairs_at_once_max || octets > scan_at_once_octets_max))
        return base::fail(base::ErrorKind::unavailable, "too much to be read on a loop");
      if (octets > scan_octets_max)
        return base::fail(base::ErrorKind::full, "a scan holds more than 32 MiB");
      pairs.emplace_back(at->key().ToString(), at->value().ToString());
    }
    TRY(to_result(at->status(), "scanning"));
    return pairs;
  }

  Parts& parts_;
  const os::Steady deadline_;
  Snapshots::Shared snapshot_;
};

RocksStore::RocksStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RocksStore::~RocksStore() = default;

base::Result<std::unique_ptr<RocksStore>> RocksStore::open(RocksOptions options,
                                                           const os::Clock& clock,
                                                           os::Random& random,
                                                           base::EventSink& events) {
  return Parts::open(std::move(options), clock, random, events, nullptr);
}

base::Result<std::unique_ptr<RocksStore>> RocksStore::Parts::open(RocksOptions options,
                                                                  const os::Clock& clock,
                                                                  os::Random& random,
                                                                  base::EventSink& events,
                                                                  rocksdb::Env* env) {
  auto engine = TRY(Engine::open(options, events, env));
  return std::unique_ptr<RocksStore>(
      new RocksStore(std::make_unique<Parts>(options, clock, random, events, std::move(engine))));
}

net::ResultTask<> RocksStore::transact(Scope scope, Function function) {
  const auto deadline = parts_->clock.steady() + transaction_time_max;
  for (int tries = 1;; ++tries) {
    auto done = co_await attempt(scope, function, deadline);
    if (done || done.error().kind != base::ErrorKind::conflict || tries == transaction_tries_max)
      co_return done;
    // The first loser tries again at once; later ones step back, each its own while.
    if (tries == 1) continue;
    const auto most = std::min<std::uint64_t>(std::uint64_t{1} << tries, 64);
    CO_CHECK(co_await parts_->timers.sleep(base::Milliseconds(parts_->random.below(most))));
  }
}

net::ResultTask<> RocksStore::attempt(Scope scope, const Function& function, os::Steady deadline) {
  if (co_await net::is_cancelled()) co_return cancelled();
  RocksTransaction transaction(*parts_, std::move(scope), BufferedTransaction::Mode::change,
                               deadline);
  CO_CHECK(co_await function(transaction));
  CO_CHECK(transaction.within_limits());
  CO_CHECK(transaction.within_time());
  if (transaction.changes.empty()) co_return base::Result<>();
  if (co_await net::is_cancelled()) co_return cancelled();
  const auto commit = std::make_shared<Commit>();
  commit->changes = std::move(transaction.changes);
  commit->reads = std::move(transaction.reads);
  commit->begun = transaction.begun();
  CO_CHECK(parts_->committer.submit(commit));
  co_await commit->done.wait_to_the_end();
  co_return commit->result;
}

net::ResultTask<> RocksStore::read(Scope scope, Function function) {
  if (co_await net::is_cancelled()) co_return cancelled();
  const auto deadline = parts_->clock.steady() + transaction_time_max;
  RocksTransaction transaction(*parts_, std::move(scope), BufferedTransaction::Mode::read_only,
                               deadline);
  CO_CHECK(co_await function(transaction));
  co_return transaction.within_limits();
}

Store::Count RocksStore::watch(std::function<bool(std::string_view key)> concerns) {
  return parts_->committer.watchers().add(std::move(concerns));
}

std::unique_ptr<BlobWriter> RocksStore::write_blob() {
  return std::make_unique<RocksBlobWriter>(
      *parts_->engine, parts_->committer, parts_->blob_writers, parts_->figures.blob_octets,
      os::make_id<base::BlobId>(parts_->clock, parts_->random));
}

void RocksStore::drop_blob(const base::BlobId& blob) {
  parts_->committer.dropped(blob);
}

net::ResultTask<base::Bytes> RocksStore::read_blob(base::BlobId blob, std::uint64_t offset,
                                                   std::size_t octets_max) {
  if (co_await net::is_cancelled()) co_return cancelled();
  auto& engine = *parts_->engine;
  // What came just now is mostly still in memory.
  auto octets = guarded(
      [&] { return read_blob_now(engine, Engine::From::memory, blob, offset, octets_max); });
  if (!needs_disk(octets)) co_return octets;
  CO_CHECK(co_await parts_->readers.run([&] {
    octets = guarded(
        [&] { return read_blob_now(engine, Engine::From::disk, blob, offset, octets_max); });
  }));
  co_return octets;
}

base::Result<std::uint64_t> RocksStore::free_octets() const {
  return parts_->engine->free_octets();
}

net::ResultTask<BackupFacts> RocksStore::backup(BackupOptions options) {
  if (parts_->backing_up.exchange(true))
    co_return base::fail(base::ErrorKind::unavailable, "a backup is being written already");
  base::Result<BackupFacts> facts;
  const auto ran = co_await parts_->backups.run([&] {
    const ContentThread::Pause pause(parts_->content);
    facts = guarded([&] { return write_backup(*parts_->engine, options, parts_->stop_backup); });
    parts_->backing_up = false;
  });
  if (!ran && ran.error().kind != base::ErrorKind::cancelled) {
    parts_->backing_up = false;
    co_return base::fail(ran.error());
  }
  co_return facts;
}

void RocksStore::stop_backup() {
  parts_->stop_backup = true;
}

bool RocksStore::stopped() const {
  return parts_->engine->stopped();
}

std::uint64_t RocksStore::disk_octets() const {
  return parts_->engine->disk_octets();
}

}  // namespace letterlock::store
