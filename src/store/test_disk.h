// A disk for tests that can be full, fail, and lose what was not synced. RocksDB writes to the
// real files through it; lengths synced are remembered.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "store/parts.h"

namespace letterlock::store {

// Opens a store over an Env of the test's.
struct OpenOver {
  static base::Result<std::unique_ptr<RocksStore>> open(RocksOptions options,
                                                        const os::Clock& clock, os::Random& random,
                                                        base::EventSink& events,
                                                        rocksdb::Env* env) {
    return RocksStore::Parts::open(std::move(options), clock, random, events, env);
  }
};

class TestDisk final : public rocksdb::FileSystemWrapper {
 public:
  TestDisk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "TestDisk"; }

  // That it is full it says once it has refused a write, as one does that fills between two looks.
  void set_full(bool full) {
    const std::scoped_lock lock(mutex_);
    full_ = full;
    has_refused_ = false;
  }

  // What a power cut at this moment leaves, as a copy: each file to its synced length, and of what
  // comes after an arbitrary part, sometimes with a hole of zeros. Of large content (the folder
  // `content`) a name whose folder was not synced may be missing, and what was moved may stand
  // where it stood before.
  void cut_power_into(const std::string& from, const std::string& to, std::uint64_t seed) {
    const std::scoped_lock lock(mutex_);
    std::mt19937_64 random(seed);
    std::filesystem::create_directory(to);
    std::filesystem::permissions(to, std::filesystem::perms::owner_all);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(from)) {
      auto name = entry.path().string();
      if (entry.is_directory()) {
        std::filesystem::create_directories(to + name.substr(from.size()));
        continue;
      }
      if (unsynced_names_.contains(name) && random() % 2 == 0) continue;
      const auto moved = moved_.find(name);
      if (moved != moved_.end() && random() % 2 == 0) name = moved->second;
      const auto copy = to + name.substr(from.size());
      std::filesystem::create_directories(std::filesystem::path(copy).parent_path());
      std::filesystem::copy_file(entry.path(), copy);
      const auto at = files_.find(entry.path().string());
      if (at == files_.end()) continue;
      const auto [synced, written] = at->second;
      const auto kept = synced + random() % (written - synced + 1);
      std::filesystem::resize_file(copy, kept);
      if (kept > synced + 8 && random() % 2 == 0)
        zero(copy, synced + random() % (kept - synced), kept);
    }
  }

  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                 std::uint64_t* free, rocksdb::IODebugContext* context) override {
    const auto status = target()->GetFreeSpace(path, options, free, context);
    const std::scoped_lock lock(mutex_);
    if (full_ && has_refused_) *free = 0;
    return status;
  }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    const std::scoped_lock lock(mutex_);
    if (full_) return refuse();
    auto status = target()->NewWritableFile(name, options, result, context);
    if (!status.ok()) return status;
    files_[name] = {};
    if (is_content(name)) unsynced_names_.insert(name);
    *result = std::make_unique<File>(*this, name, std::move(*result));
    return status;
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    const std::scoped_lock lock(mutex_);
    const auto at = files_.find(from);
    const auto status = target()->RenameFile(from, to, options, context);
    if (!status.ok()) return status;
    if (at != files_.end()) files_[to] = at->second;
    files_.erase(from);
    if (unsynced_names_.erase(from) > 0)
      unsynced_names_.insert(to);
    else if (is_content(from))
      moved_[to] = from;
    return status;
  }
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* context) override {
    auto status = target()->NewDirectory(name, options, result, context);
    if (status.ok()) *result = std::make_unique<Directory>(*this, name, std::move(*result));
    return status;
  }
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    const std::scoped_lock lock(mutex_);
    files_.erase(name);
    unsynced_names_.erase(name);
    moved_.erase(name);
    return target()->DeleteFile(name, options, context);
  }

 private:
  struct Lengths {
    std::uint64_t synced = 0;
    std::uint64_t written = 0;
  };

  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(TestDisk& disk, std::string name, std::unique_ptr<rocksdb::FSWritableFile>&& file)
        : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk), name_(std::move(name)) {}
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
      const std::scoped_lock lock(disk_.mutex_);
      if (disk_.full_) return disk_.refuse();
      disk_.files_[name_].written += data.size();
      return target()->Append(data, options, context);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo& /*info*/,
                             rocksdb::IODebugContext* context) override {
      return Append(data, options, context);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
      return synced(target()->Sync(options, context));
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* context) override {
      return synced(target()->Fsync(options, context));
    }

   private:
    rocksdb::IOStatus synced(rocksdb::IOStatus status) {
      const std::scoped_lock lock(disk_.mutex_);
      if (status.ok()) disk_.files_[name_].synced = disk_.files_[name_].written;
      return status;
    }
    TestDisk& disk_;
    std::string name_;
  };

  class Directory final : public rocksdb::FSDirectoryWrapper {
   public:
    Directory(TestDisk& disk, std::string name, std::unique_ptr<rocksdb::FSDirectory>&& directory)
        : FSDirectoryWrapper(std::move(directory)), disk_(disk), name_(std::move(name)) {}
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* context) override {
      std::set<std::string> before;
      {
        const std::scoped_lock lock(disk_.mutex_);
        before = disk_.unsynced_names_;
      }
      auto status = FSDirectoryWrapper::Fsync(options, context);
      const std::scoped_lock lock(disk_.mutex_);
      for (const auto& name : before) {
        if (status.ok() && std::filesystem::path(name).parent_path() == name_)
          disk_.unsynced_names_.erase(name);
      }
      return status;
    }

   private:
    TestDisk& disk_;
    std::string name_;
  };

  static bool is_content(const std::string& name) {
    return name.find("/content/") != std::string::npos;
  }
  static void zero(const std::string& name, std::uint64_t from, std::uint64_t to) {
    std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(from));
    file << std::string(std::min<std::uint64_t>(4096, to - from), '\0');
  }

  std::mutex mutex_;
  rocksdb::IOStatus refuse() {
    has_refused_ = true;
    return rocksdb::IOStatus::NoSpace("the test's disk is full");
  }

  bool full_ = false;
  bool has_refused_ = false;
  std::map<std::string, Lengths> files_;
  std::set<std::string> unsynced_names_;
  std::map<std::string, std::string> moved_;  // where it stands, and where it stood
};

}  // namespace letterlock::store
