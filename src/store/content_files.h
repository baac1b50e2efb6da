// Large content in files of its own beside the database, each written once from its beginning to
// its end and synced before the transaction that holds it: what goes through RocksDB is written to
// its log, to memory and to its files, with a checksum each time. Knows files and octets; who holds
// what the engine says.
//
// A file is born in content/new, moves to its place behind the transaction that holds it, and goes
// by way of content/gone: so a start looks at these two alone, however much is kept, and one sync
// of a folder makes many removals durable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <rocksdb/file_system.h>

#include "base/bytes.h"
#include "base/id.h"

namespace letterlock::store {

// One that is being written. Its chunks stand in a row, each with its checksum behind it.
// Lives on one thread at a time.
class ContentFile {
 public:
  ContentFile(std::unique_ptr<rocksdb::FSWritableFile> file, base::BlobId blob)
      : file_(std::move(file)), blob_(blob) {}

  // One chunk, whole but for the last; the checksum's octets are appended to it. Errors: full, io.
  base::Result<> append(std::string& chunk);
  // On the disk, and closed. Its name is durable after ContentFiles::sync_new(). Errors: full, io.
  base::Result<> sync_and_close();

 private:
  std::unique_ptr<rocksdb::FSWritableFile> file_;
  const base::BlobId blob_;
  std::uint32_t chunks_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t flushed_ = 0;  // the disk was told of them
};

// Any thread.
class ContentFiles {
 public:
  // Makes the folders. Errors: full, io.
  static base::Result<std::unique_ptr<ContentFiles>> open(
      std::shared_ptr<rocksdb::FileSystem> system, const std::string& store_path);

  // Those of a backup, to be read.
  static ContentFiles of(const std::string& path) {
    return {rocksdb::FileSystem::Default(), path + "/content"};
  }

  base::Result<std::unique_ptr<ContentFile>> create(const base::BlobId& blob);
  // The names of all whose sync_and_close() has ended are durable.
  base::Result<> sync_new();

  // Octets `offset` to `end` of one that has `octets`. Errors: corrupt (a checksum, a length, no
  // file), io.
  base::Result<base::Bytes> read(const base::BlobId& blob, std::uint64_t octets,
                                 std::uint64_t offset, std::uint64_t end);

  bool has(const base::BlobId& blob) { return find(blob).has_value(); }

  // From content/new into its place. One that has moved, or is gone, is no error.
  base::Result<> settle(const base::BlobId& blob);
  // One that isn't there is no error. Durable after sync_gone().
  base::Result<> remove(const base::BlobId& blob);
  base::Result<> sync_gone();
  // What stands in content/new.
  base::Result<std::vector<base::BlobId>> unsettled() { return in("/new"); }
  // What a crash has left in content/gone goes.
  base::Result<> empty_gone();

  // What its file takes on the disk.
  static std::uint64_t file_octets(std::uint64_t octets);

 private:
  ContentFiles(std::shared_ptr<rocksdb::FileSystem> system, std::string folder)
      : system_(std::move(system)), folder_(std::move(folder)) {}
  base::Result<std::vector<base::BlobId>> in(const std::string& folder);
  std::string name_when_new(const base::BlobId& blob) const;
  std::string name_when_gone(const base::BlobId& blob) const;
  std::string shelf(const base::BlobId& blob) const;
  std::string name_when_settled(const base::BlobId& blob) const;
  base::Result<std::unique_ptr<rocksdb::FSRandomAccessFile>> find(const base::BlobId& blob);

  const std::shared_ptr<rocksdb::FileSystem> system_;
  const std::string folder_;
  std::unique_ptr<rocksdb::FSDirectory> new_;
  std::unique_ptr<rocksdb::FSDirectory> gone_;
};

}  // namespace letterlock::store
