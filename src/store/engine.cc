#include "store/engine.h"

#include <algorithm>

#include <fmt/format.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/pack.h"
#include "store/directory.h"
#include "store/tuning.h"

namespace letterlock::store {
namespace {

constexpr std::string_view format_key = "meta/format";

rocksdb::WriteOptions synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

}  // namespace

base::Result<> to_result(const rocksdb::Status& status, std::string_view doing) {
  using base::ErrorKind;
  if (status.ok()) return {};
  const auto kind = [&] {
    if (status.IsNotFound()) return ErrorKind::not_found;
    if (status.IsNoSpace() || status.IsMemoryLimit()) return ErrorKind::full;
    if (status.IsCorruption()) return ErrorKind::corrupt;
    if (status.IsInvalidArgument() || status.IsNotSupported()) return ErrorKind::invalid;
    if (status.IsShutdownInProgress()) return ErrorKind::closed;
    if (status.IsIncomplete()) return ErrorKind::unavailable;  // only the disk could say
    if (status.IsBusy() || status.IsTryAgain() || status.IsTimedOut())
      return ErrorKind::unavailable;
    return ErrorKind::io;
  }();
  return base::fail(kind, fmt::format("{}: {}", doing, status.ToString()));
}

std::string blob_key(const base::BlobId& blob) {
  return fmt::format("b/{}", blob.octets());
}
std::string pending_key(const base::BlobId& blob) {
  return fmt::format("p/{}", blob.octets());
}
std::string holder_key(const base::BlobId& blob, std::string_view holder) {
  return fmt::format("h/{}/{}", blob.octets(), holder);
}

std::string chunk_key(const base::BlobId& blob, std::uint32_t number) {
  std::string key(blob.octets());
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift));
  return key;
}

std::uint32_t chunk_count(std::uint64_t octets) {
  return static_cast<std::uint32_t>((octets + base::limits::chunk_octets - 1) /
                                    base::limits::chunk_octets);
}

std::string BlobRecord::pack() const {
  return base::Packer(2).number(octets).number(holders).text(first).take();
}

base::Result<BlobRecord> BlobRecord::unpack(std::string_view record) {
  base::Unpacker in("a blob's record", record);
  BlobRecord blob{in.number(), in.number(), {}};
  if (in.version() >= 2) blob.first = in.text();
  TRY(in.done(2));
  return blob;
}

// Told by RocksDB, on its threads, that it stopped taking writes, and that it takes them again.
class Engine::Listener final : public rocksdb::EventListener {
 public:
  explicit Listener(base::EventSink& events) : events_(events) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* error) override {
    if (stopped_.exchange(true)) return;
    events_.emit({base::Severity::error, "store.stopped", {{"reason", error->ToString()}}});
  }
  void OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) override {
    if (info.new_bg_error.ok()) resumed();
  }
  void resumed() {
    if (stopped_.exchange(false)) events_.emit({base::Severity::warning, "store.resumed", {}});
  }
  bool stopped() const { return stopped_; }

 private:
  base::EventSink& events_;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> lost_{false};
};

Engine::Engine(const RocksOptions& options, const os::Clock& clock, base::EventSink& events)
    : options_(options),
      clock_(clock),
      events_(events),
      listener_(std::make_shared<Listener>(events)) {}

Engine::~Engine() {
  if (db_) {
    for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
    db_->Close();
    db_.reset();
  }
  if (lock_ >= 0) ::close(lock_);
}

base::Result<std::unique_ptr<Engine>> Engine::open(const RocksOptions& options,
                                                   const os::Clock& clock, base::EventSink& events,
                                                   rocksdb::Env* env) {
  return guarded([&]() -> base::Result<std::unique_ptr<Engine>> {
    std::unique_ptr<Engine> engine(new Engine(options, clock, events));
    TRY(prepare_directory(options.path));
    if (options.durability == Durability::required) TRY(check_remembers(options.path));
    engine->lock_ = TRY(store::lock_directory(options.path));
    TRY(engine->open_database(env));
    TRY(engine->check_format());
    engine->ask_disk();
    TRY(engine->sweep_orphans());
    return engine;
  });
}

base::Result<> Engine::open_database(rocksdb::Env* env) {
  auto database = database_options(options_);
  if (env != nullptr) database.env = env;
  database.listeners.push_back(listener_);
  const auto wanted = families(options_);
  if (holds_database(options_.path)) {
    std::vector<std::string> found;
    TRY(to_result(rocksdb::DB::ListColumnFamilies(database, options_.path, &found),
                  "reading the store " + options_.path));
    for (const auto& name : found) {
      const bool known =
          std::ranges::any_of(wanted, [&](const auto& family) { return family.name == name; });
      if (known) continue;
      return base::fail(
          base::ErrorKind::invalid,
          fmt::format("the store {} was written by a newer version: it has a family \"{}\"",
                      options_.path, base::printable(name)));
    }
  } else {
    database.create_if_missing = true;
  }
  // An octet wrong before the log's end is refused at first: it could be mail that was
  // acknowledged. If all that can be had is what stands before it (a power cut may leave holes in
  // what was never synced), that is taken, loudly.
  rocksdb::DB* db = nullptr;
  database.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  auto status = rocksdb::DB::Open(database, options_.path, wanted, &handles_, &db);
  if (status.IsCorruption()) {
    const auto first = status.ToString();
    database.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    status = rocksdb::DB::Open(database, options_.path, wanted, &handles_, &db);
    if (status.ok()) events_.emit({base::Severity::error, "store.log_cut", {{"reason", first}}});
  }
  TRY(to_result(status, "opening the store " + options_.path));
  db_.reset(db);
  keys_ = handles_[0];
  own_ = handles_[1];
  chunks_ = handles_[2];
  return check_durable(db_->GetDBOptions());
}

bool Engine::is_empty() {
  return std::ranges::all_of(handles_, [&](auto* family) {
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(rocksdb::ReadOptions(), family));
    at->SeekToFirst();
    return !at->Valid() && at->status().ok();
  });
}

base::Result<> Engine::check_format() {
  std::string record;
  const auto status = db_->Get(rocksdb::ReadOptions(), own_, rocksdb::Slice(format_key), &record);
  if (status.IsNotFound()) {
    if (!is_empty()) {
      return base::fail(base::ErrorKind::invalid,
                        options_.path + " holds a database that this program didn't write");
    }
    const auto format = base::Packer(format_version).take();
    return to_result(db_->Put(synced(), own_, rocksdb::Slice(format_key), format),
                     "writing the store's format");
  }
  TRY(to_result(status, "reading the store's format"));
  const base::Unpacker in("the store's format", record);
  if (in.version() > format_version) {
    return base::fail(
        base::ErrorKind::invalid,
        fmt::format("the store {} was written by a newer version: format {}, this one knows {}",
                    options_.path, in.version(), format_version));
  }
  TRY(in.done(format_version));
  if (in.version() == format_version) return {};
  // Former records are read as they are, and written anew where they change. The number alone is
  // raised, so that a former program doesn't begin with what it can't read.
  events_.emit({base::Severity::info,
                "store.format_raised",
                {{"from", std::to_string(in.version())}, {"to", std::to_string(format_version)}}});
  return to_result(
      db_->Put(synced(), own_, rocksdb::Slice(format_key), base::Packer(format_version).take()),
      "raising the store's format");
}

// What was written before this start and never held: nobody is left who could hold it.
base::Result<> Engine::sweep_orphans() {
  constexpr std::size_t together = 64;
  std::size_t swept = 0;
  const rocksdb::Slice first("p/");
  const rocksdb::Slice end("p0");
  rocksdb::ReadOptions within;
  within.iterate_upper_bound = &end;
  while (true) {
    rocksdb::WriteBatch batch;
    std::size_t found = 0;
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(within, own_));
    for (at->Seek(first); at->Valid() && found < together; at->Next(), ++found) {
      const auto key = at->key();
      TRY(discard(TRY(base::BlobId::from_octets({key.data() + 2, key.size() - 2})), batch));
    }
    TRY(to_result(at->status(), "looking for orphaned blobs"));
    if (found == 0) break;
    swept += found;
    TRY(to_result(db_->Write(synced(), &batch), "sweeping orphaned blobs"));
  }
  if (swept > 0)
    events_.emit({base::Severity::info, "store.orphans_swept", {{"blobs", std::to_string(swept)}}});
  return {};
}

base::Result<BlobRecord> Engine::blob(const base::BlobId& blob) {
  std::string record;
  const auto status = db_->Get(rocksdb::ReadOptions(), own_, blob_key(blob), &record);
  if (status.IsNotFound()) return base::fail(base::ErrorKind::not_found, "no blob " + blob.text());
  TRY(to_result(status, "reading blob " + blob.text()));
  return BlobRecord::unpack(record);
}

base::Result<> Engine::discard(const base::BlobId& blob, rocksdb::WriteBatch& batch) {
  batch.Delete(own_, pending_key(blob));
  const auto record = this->blob(blob);
  if (record && record->holders > 0) return {};
  if (!record && record.error().kind != base::ErrorKind::not_found)
    return base::fail(record.error());
  batch.Delete(own_, blob_key(blob));
  if (record) {
    for (std::uint32_t i = 0; i < chunk_count(record->octets); ++i)
      batch.Delete(chunks_, chunk_key(blob, i));
    return {};
  }
  const std::string end_key = std::string(blob.octets()) + "\xFF\xFF\xFF\xFF\xFF";
  const rocksdb::Slice end(end_key);
  rocksdb::ReadOptions within;
  within.iterate_upper_bound = &end;
  within.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(within, chunks_));
  for (at->Seek(rocksdb::Slice(blob.octets())); at->Valid(); at->Next())
    batch.Delete(chunks_, at->key());
  return to_result(at->status(), "sweeping blob " + blob.text());
}

base::Result<> Engine::has_room(Use use) const {
  const auto free = disk_free_.load(std::memory_order_relaxed);
  const auto written = written_.load(std::memory_order_relaxed);
  return store::has_room(use, free > written ? free - written : 0, options_.reserve_octets);
}

base::Result<std::uint64_t> Engine::free_octets() const {
  if (disk_silent_)
    return base::fail(base::ErrorKind::io,
                      "the disk of " + options_.path + " doesn't say what it has free");
  const auto free = disk_free_.load(std::memory_order_relaxed);
  const auto written = written_.load(std::memory_order_relaxed);
  return above_reserve(free > written ? free - written : 0, options_.reserve_octets);
}

void Engine::ask_disk() {
  std::uint64_t free = 0;
  disk_silent_ = !db_->GetEnv()->GetFreeSpace(options_.path, &free).ok();
  if (disk_silent_) return;
  disk_free_ = free;
  written_ = 0;
}

std::uint64_t Engine::disk_octets() const {
  std::vector<rocksdb::Env::FileAttributes> files;
  if (!db_->GetEnv()->GetChildrenFileAttributes(options_.path, &files).ok()) return 0;
  std::uint64_t sum = 0;
  for (const auto& file : files) sum += file.size_bytes;
  return sum;
}

bool Engine::stopped() const {
  return listener_->stopped();
}

// Not before there is room again: a recovery that fails half way is one that only a restart ends.
void Engine::try_resume() {
  if (stopped() && has_room(Use::change) && db_->Resume().ok()) listener_->resumed();
}

}  // namespace letterlock::store
