#include "store/backup.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/utilities/backup_engine.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/descriptor.h"
#include "os/files.h"
#include "store/backup_content.h"
#include "store/engine.h"

namespace letterlock::store {
namespace {

namespace files = std::filesystem;
namespace json = boost::json;
using base::ErrorKind;
using base::fail;

constexpr std::uint64_t look_every_octets = 4 << 20;
constexpr std::uint64_t spare_octets = 64ULL << 20;
constexpr std::size_t facts_octets_max = 64 * 1024;

base::Result<> failed(const std::string& doing, std::error_code error) {
  auto kind = ErrorKind::io;
  if (error == std::errc::no_such_file_or_directory) kind = ErrorKind::not_found;
  if (error == std::errc::permission_denied || error == std::errc::read_only_file_system)
    kind = ErrorKind::denied;
  if (error == std::errc::no_space_on_device) kind = ErrorKind::full;
  if (error == std::errc::file_exists) kind = ErrorKind::exists;
  return fail(kind, doing + ": " + error.message());
}
std::error_code last_error() {
  return {errno, std::generic_category()};
}

base::Result<> sync_directory(const std::string& path) {
  const os::Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.number()) != 0)
    return failed("syncing " + path, last_error());
  return {};
}

// The owner's alone, everything; and on the disk.
base::Result<> close_to_others(const std::string& path) {
  std::error_code error;
  for (files::recursive_directory_iterator at(path, error), end; !error && at != end;
       at.increment(error)) {
    const auto name = at->path().string();
    const bool is_directory = at->is_directory();
    if (::chmod(name.c_str(), is_directory ? 0700 : 0600) != 0)
      return failed("closing " + name + " to others", last_error());
    if (is_directory) TRY(sync_directory(name));
  }
  if (error) return failed("reading " + path, error);
  if (::chmod(path.c_str(), 0700) != 0)
    return failed("closing " + path + " to others", last_error());
  return sync_directory(path);
}

std::string parent_of(const std::string& path) {
  return files::path(path).parent_path().string();
}

// The one step by which a backup, or a store, comes to be there.
base::Result<> give_name(const std::string& from, const std::string& to) {
  TRY(close_to_others(from));
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0)
    return failed("naming " + to, last_error());
  return sync_directory(parent_of(to));
}

// A directory that goes again unless it was finished.
class Half {
 public:
  static base::Result<Half> make(const std::string& whole) {
    if (files::exists(files::symlink_status(whole)))
      return fail(ErrorKind::exists, whole + " is there already: name another directory");
    auto path = whole + ".partial";
    if (::mkdir(path.c_str(), 0700) != 0) {
      if (errno == EEXIST)
        return fail(ErrorKind::exists,
                    path + " is what an interrupted run has left: remove it first");
      return std::unexpected(failed("making " + path, last_error()).error());
    }
    return Half(std::move(path));
  }
  Half(Half&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Half& operator=(Half&&) = delete;
  ~Half() {
    std::error_code ignored;
    if (!path_.empty()) files::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  base::Result<> finish(const std::string& whole) {
    TRY(give_name(path_, whole));
    path_.clear();
    return {};
  }

 private:
  explicit Half(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::uint64_t octets_in(const std::string& path) {
  std::uint64_t sum = 0;
  std::error_code error;
  for (files::recursive_directory_iterator at(path, error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_regular_file(error)) sum += at->file_size(error);
  }
  return sum;
}

rocksdb::BackupEngineOptions engine_options(const std::string& directory) {
  rocksdb::BackupEngineOptions options(directory);
  options.share_table_files = false;  // one directory, one backup
  options.sync = true;
  options.max_background_operations = 1;
  options.callback_trigger_interval_size = look_every_octets;
  return options;
}

std::string to_json(const BackupFacts& facts) {
  return json::serialize(json::object{{"letterlock-backup", 1},
                                      {"store-format", facts.format},
                                      {"octets", facts.octets},
                                      {"site", facts.site},
                                      {"node", facts.node},
                                      {"version", facts.version},
                                      {"written", facts.written}}) +
         "\n";
}

base::Result<> room_for(const std::string& beside, std::uint64_t octets) {
  std::error_code error;
  const auto space = files::space(beside, error);
  if (error) return failed("asking for room at " + beside, error);
  if (space.available < octets + spare_octets)
    return fail(ErrorKind::full, fmt::format("{} has {} octets free, and the backup takes {}",
                                             beside, space.available, octets));
  return {};
}

base::Result<> copy(Engine& engine, const BackupOptions& options, const std::string& into,
                    const BackupBounds& bounds) {
  auto settings = engine_options(into);
  settings.backup_rate_limit = options.octets_per_second;
  rocksdb::BackupEngine* opened = nullptr;
  TRY(to_result(rocksdb::BackupEngine::Open(rocksdb::Env::Default(), settings, &opened),
                "preparing the backup"));
  const std::unique_ptr<rocksdb::BackupEngine> backup(opened);
  rocksdb::CreateBackupOptions how;
  // The log goes along: what stands in memory alone is in it, of all families the same moment.
  how.flush_before_backup = false;
  how.progress_callback = [&] {
    if (bounds.is_over()) backup->StopBackup();
  };
  const auto copied = backup->CreateNewBackup(how, &engine.db());
  TRY(bounds.check());
  TRY(to_result(copied, "writing the backup"));
  std::vector<rocksdb::BackupInfo> made;
  backup->GetBackupInfo(&made);
  if (made.size() != 1) return fail(ErrorKind::io, "the backup isn't in what was written");
  TRY(to_result(backup->VerifyBackup(made.front().backup_id, true), "verifying the backup"));
  return bounds.check();
}

}  // namespace

base::Result<BackupFacts> write_backup(Engine& engine, const BackupOptions& options,
                                       const std::atomic<bool>& stop) {
  const BackupBounds bounds{stop, std::chrono::steady_clock::now() + options.time_max};
  TRY(room_for(parent_of(options.directory), engine.disk_octets()));
  auto half = TRY(Half::make(options.directory));
  TRY(copy(engine, options, half.path(), bounds));
  TRY(copy_content(engine, half.path(), options.octets_per_second, bounds));
  BackupFacts facts{octets_in(half.path()), format_version,  options.site,
                    options.node,           options.version, base::to_rfc3339(options.now)};
  TRY(os::write_file(half.path() + "/" + backup_facts_file, to_json(facts), 0600));
  TRY(half.finish(options.directory));
  return facts;
}

base::Result<BackupFacts> inspect_backup(const std::string& directory) {
  const auto text = os::read_file(directory + "/" + backup_facts_file, facts_octets_max);
  const auto none = [&](const std::string& why) {
    return fail(ErrorKind::invalid, directory + " holds no finished backup: " + why);
  };
  if (!text) return none(text.error().what);
  boost::system::error_code error;
  const auto value = json::parse(*text, error);
  if (error || !value.is_object()) return none("its facts can't be read");
  const auto& object = value.get_object();
  const auto word = [&](std::string_view name) {
    const auto* found = object.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
  };
  const auto number = [&](std::string_view name) -> std::uint64_t {
    const auto* found = object.if_contains(name);
    return found != nullptr && found->is_int64() && found->get_int64() > 0
               ? static_cast<std::uint64_t>(found->get_int64())
               : 0;
  };
  BackupFacts facts{number("octets"), number("store-format"), word("site"),
                    word("node"),     word("version"),        word("written")};
  if (facts.format == 0) return none("its facts don't say which format it has");
  return facts;
}

base::Result<BackupFacts> restore_backup(const std::string& directory, const std::string& path,
                                         const RestoredRow& row) {
  auto facts = TRY(inspect_backup(directory));
  if (facts.format != format_version)
    return fail(
        ErrorKind::invalid,
        fmt::format("{} has format {}, written by program {}; this one reads format {} alone",
                    directory, facts.format, facts.version, format_version));
  const auto [key, value] = TRY(row(facts));
  rocksdb::BackupEngineReadOnly* opened = nullptr;
  TRY(to_result(rocksdb::BackupEngineReadOnly::Open(rocksdb::Env::Default(),
                                                    engine_options(directory), &opened),
                "reading the backup"));
  const std::unique_ptr<rocksdb::BackupEngineReadOnly> backup(opened);
  std::vector<rocksdb::BackupInfo> found;
  backup->GetBackupInfo(&found);
  if (found.empty()) return fail(ErrorKind::corrupt, directory + " has facts, but no backup");
  const auto id = found.back().backup_id;
  TRY(to_result(backup->VerifyBackup(id, true), "verifying the backup"));
  auto half = TRY(Half::make(path));
  TRY(to_result(
      backup->RestoreDBFromBackup(rocksdb::RestoreOptions(), id, half.path(), half.path()),
      "restoring"));
  TRY(close_to_others(half.path()));
  {
    // Opened once as a node will open it: a log to be replayed, a format to be known.
    RocksOptions options;
    options.path = half.path();
    options.durability = Durability::volatile_allowed;
    base::NoEvents events;
    const auto engine = TRY(Engine::open(options, events));
    TRY(restore_content(directory, *engine));
    rocksdb::WriteOptions durably;
    durably.sync = true;
    TRY(to_result(engine->db().Put(durably, engine->keys(), key, value),
                  "writing the restore down"));
  }
  TRY(half.finish(path));
  return facts;
}

}  // namespace letterlock::store
