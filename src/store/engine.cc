#include "store/engine.h"

#include <algorithm>

#include <fmt/format.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/pack.h"
#include "store/checksum.h"
#include "store/directory.h"
#include "store/engine_log.h"
#include "store/tuning.h"

namespace letterlock::store {
namespace {

constexpr std::string_view format_key = "meta/format";
constexpr std::string_view content_key = "meta/content";
constexpr std::string_view resumable_key = "meta/resumable";

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
std::string gone_key(const base::BlobId& blob) {
  return fmt::format("g/{}", blob.octets());
}
std::string holder_key(const base::BlobId& blob, std::string_view holder) {
  return fmt::format("h/{}/{}", blob.octets(), holder);
}

std::string small_key(const base::BlobId& blob) {
  return std::string(blob.octets());
}

std::uint32_t chunk_count(std::uint64_t octets) {
  return static_cast<std::uint32_t>((octets + base::limits::chunk_octets - 1) /
                                    base::limits::chunk_octets);
}

std::string BlobRecord::pack() const {
  return base::Packer(1)
      .number(octets)
      .number(holders)
      .flag(place == Place::file)
      .text(first)
      .take();
}

base::Result<BlobRecord> BlobRecord::unpack(std::string_view record) {
  base::Unpacker in("a blob's record", record);
  BlobRecord blob;
  blob.octets = in.number();
  blob.holders = in.number();
  if (in.flag()) blob.place = Place::file;
  blob.first = in.text();
  TRY(in.done(1));
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
};

Engine::Engine(const RocksOptions& options, base::EventSink& events)
    : options_(options), events_(events), listener_(std::make_shared<Listener>(events)) {}

Engine::~Engine() {
  if (db_) {
    for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
    db_->Close();
    db_.reset();
  }
  if (lock_ >= 0) ::close(lock_);
}

base::Result<std::unique_ptr<Engine>> Engine::open(const RocksOptions& options,
                                                   base::EventSink& events, rocksdb::Env* env) {
  return guarded([&]() -> base::Result<std::unique_ptr<Engine>> {
    std::unique_ptr<Engine> engine(new Engine(options, events));
    TRY(check_checksums());
    TRY(prepare_directory(options.path));
    if (options.durability == Durability::required) TRY(check_remembers(options.path));
    engine->lock_ = TRY(store::lock_directory(options.path));
    TRY(engine->open_database(env));
    TRY(engine->check_format());
    engine->ask_disk();
    TRY(engine->open_files(env));
    engine->stay_resumable();
    return engine;
  });
}

base::Result<> Engine::open_database(rocksdb::Env* env) {
  auto database = database_options(options_);
  if (env != nullptr) database.env = env;
  database.listeners.push_back(listener_);
  database.info_log = engine_log(events_);
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
          fmt::format("{} holds a database that this program didn't write: it has a family \"{}\"",
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
  std::string first;
  if (status.IsCorruption()) {
    first = status.ToString();
    database.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    status = rocksdb::DB::Open(database, options_.path, wanted, &handles_, &db);
    if (status.ok()) events_.emit({base::Severity::error, "store.log_cut", {{"reason", first}}});
  }
  TRY(to_result(status, "opening the store " + options_.path +
                            (first.empty() ? "" : " (its log: " + first + ")")));
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
  if (in.version() != format_version) {
    return base::fail(base::ErrorKind::invalid,
                      fmt::format("the data in {} has format {}; this program reads format {} "
                                  "alone: use the program that wrote it, or an empty site.data",
                                  options_.path, in.version(), format_version));
  }
  return in.done(format_version);
}

base::Result<> Engine::open_files(rocksdb::Env* env) {
  auto system = env == nullptr ? rocksdb::FileSystem::Default() : env->GetFileSystem();
  files_ = TRY(ContentFiles::open(std::move(system), options_.path));
  std::string record;
  const auto status = db_->Get(rocksdb::ReadOptions(), own_, rocksdb::Slice(content_key), &record);
  if (!status.IsNotFound()) {
    TRY(to_result(status, "reading the content's size"));
    base::Unpacker in("the content's size", record);
    content_octets_ = in.number();
    TRY(in.done(1));
  }
  TRY(finish_removals());
  return sort_new_files();
}

// Files whose last holder went before the process did.
base::Result<> Engine::finish_removals() {
  TRY(files_->empty_gone());
  const rocksdb::Slice end("g0");
  rocksdb::ReadOptions within;
  within.iterate_upper_bound = &end;
  std::vector<base::BlobId> removed;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(within, own_));
  for (at->Seek("g/"); at->Valid(); at->Next()) {
    removed.push_back(TRY(base::BlobId::from_octets(at->key().ToStringView().substr(2))));
    TRY(files_->remove(removed.back()));
  }
  TRY(to_result(at->status(), "looking for files to be removed"));
  return forget_removed(removed);
}

// What was written before this start and never held: nobody is left who could hold it. What is
// held had no time to move.
base::Result<> Engine::sort_new_files() {
  std::size_t swept = 0;
  for (const auto& blob : TRY(files_->unsettled())) {
    const auto record = this->blob(blob);
    if (!record && record.error().kind != base::ErrorKind::not_found)
      return base::fail(record.error());
    if (record && record->holders > 0) {
      TRY(files_->settle(blob));
      continue;
    }
    ++swept;
    TRY(files_->remove(blob));
  }
  if (swept > 0)
    events_.emit({base::Severity::info, "store.orphans_swept", {{"blobs", std::to_string(swept)}}});
  return {};
}

rocksdb::ReadOptions Engine::read_options(From from) {
  rocksdb::ReadOptions options;
  if (from == From::memory) options.read_tier = rocksdb::kBlockCacheTier;
  return options;
}

rocksdb::Status Engine::get(const rocksdb::ReadOptions& options,
                            rocksdb::ColumnFamilyHandle* family, const rocksdb::Slice& key,
                            rocksdb::PinnableSlice* value) {
  auto status = db_->Get(options, family, key, value);
  const bool may_be_elsewhere = options.read_tier == rocksdb::kBlockCacheTier && value->empty();
  if (status.ok() && may_be_elsewhere) return rocksdb::Status::Incomplete("a table isn't open");
  return status;
}

base::Result<BlobRecord> Engine::blob(const base::BlobId& blob, From from) {
  rocksdb::PinnableSlice record;
  const auto status = get(read_options(from), own_, blob_key(blob), &record);
  if (status.IsNotFound()) return base::fail(base::ErrorKind::not_found, "no blob " + blob.text());
  TRY(to_result(status, "reading blob " + blob.text()));
  return BlobRecord::unpack({record.data(), record.size()});
}

base::Result<> Engine::each_file(const UseFile& use) {
  for (const std::string_view prefix : {"b/", "g/"}) {
    const std::string after = std::string(prefix.substr(0, 1)) + "0";
    const rocksdb::Slice end(after);
    rocksdb::ReadOptions within;
    within.iterate_upper_bound = &end;
    within.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(within, own_));
    for (at->Seek(prefix); at->Valid(); at->Next()) {
      const auto record = TRY(BlobRecord::unpack(at->value().ToStringView()));
      if (record.place != BlobRecord::Place::file) continue;
      const std::string_view key = at->key().ToStringView();
      TRY(use(TRY(base::BlobId::from_octets(key.substr(prefix.size()))), record.octets,
              prefix == "b/" ? Held::yes : Held::no_more));
    }
    TRY(to_result(at->status(), "looking for blobs in files"));
  }
  return {};
}

base::Result<> Engine::forget_removed(const std::vector<base::BlobId>& blobs) {
  if (blobs.empty()) return {};
  TRY(files_->sync_gone());
  rocksdb::WriteBatch batch;
  for (const auto& blob : blobs) batch.Delete(own_, gone_key(blob));
  return to_result(db_->Write(rocksdb::WriteOptions(), &batch), "noting what was removed");
}

void Engine::set_content_octets(std::uint64_t octets, rocksdb::WriteBatch& batch) {
  content_octets_ = octets;
  batch.Put(own_, rocksdb::Slice(content_key), base::Packer(1).number(octets).take());
}

base::Result<> Engine::has_room(Use use) const {
  TRY(has_files(use, files_free_.load(std::memory_order_relaxed)));
  const auto free = disk_free_.load(std::memory_order_relaxed);
  const auto written = written_.load(std::memory_order_relaxed);
  return store::has_room(use, free > written ? free - written : 0, options_.reserve_octets);
}

base::Result<std::uint64_t> Engine::free_octets() const {
  if (disk_silent_)
    return base::fail(base::ErrorKind::io,
                      "the disk of " + options_.path + " doesn't say what it has free");
  if (!has_files(Use::content, files_free_.load(std::memory_order_relaxed))) return 0;
  const auto free = disk_free_.load(std::memory_order_relaxed);
  const auto written = written_.load(std::memory_order_relaxed);
  return above_reserve(free > written ? free - written : 0, options_.reserve_octets);
}

void Engine::ask_disk() {
  files_free_ = store::free_files(options_.path);
  std::uint64_t free = 0;
  disk_silent_ = !db_->GetEnv()->GetFreeSpace(options_.path, &free).ok();
  if (disk_silent_) return;
  disk_free_ = free;
  written_ = 0;
}

std::uint64_t Engine::disk_octets() const {
  std::vector<rocksdb::Env::FileAttributes> files;
  if (!db_->GetEnv()->GetChildrenFileAttributes(options_.path, &files).ok()) return 0;
  std::uint64_t sum = content_octets_;
  for (const auto& file : files) sum += file.size_bytes;
  return sum;
}

void Engine::stay_resumable() {
  if (!has_room(Use::removal)) return;
  // If this fails the store has stopped, and says so.
  (void)db_->Put(rocksdb::WriteOptions(), own_, rocksdb::Slice(resumable_key), rocksdb::Slice());
}

bool Engine::stopped() const {
  return listener_->stopped();
}

// Not before there is room again: a recovery that fails half way is one that only a restart ends.
void Engine::try_resume() {
  if (stopped() && has_room(Use::change) && db_->Resume().ok()) listener_->resumed();
}

}  // namespace letterlock::store
