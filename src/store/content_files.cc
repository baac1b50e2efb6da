#include "store/content_files.h"

#include <algorithm>

#include "base/limits.h"
#include "store/engine.h"
#include "store/hash.h"

namespace letterlock::store {
namespace {

using base::limits::chunk_octets;

constexpr std::string_view head = "letterlock-blob1";  // what it is, and its form
constexpr std::size_t checksum_octets = 8;
constexpr std::size_t stored_chunk_octets = chunk_octets + checksum_octets;
// The disk is told of so many at a time, so that the sync at the end finds little left to write.
constexpr std::uint64_t flushed_at_once = std::uint64_t{1} << 20;

rocksdb::IOOptions plainly() {
  return {};
}
rocksdb::FileOptions plain_file() {
  rocksdb::FileOptions options;
  options.use_mmap_reads = false;
  options.use_mmap_writes = false;
  return options;
}

// A file renamed while it is opened is looked for again.
bool is_absent(const rocksdb::Status& status) {
  return status.IsNotFound() || status.IsPathNotFound();
}

// Of a chunk in its place: one of another blob, or another of this one, doesn't pass for it.
std::string checksum_of(const base::BlobId& blob, std::uint32_t number, std::string_view chunk) {
  auto sum = fast_hash(chunk, fast_hash(blob.octets(), number));
  std::string octets(checksum_octets, '\0');
  for (auto at = octets.rbegin(); at != octets.rend(); ++at, sum >>= 8)
    *at = static_cast<char>(sum);
  return octets;
}

auto corrupt(const base::BlobId& blob, std::string_view what) {
  return base::fail(base::ErrorKind::corrupt,
                    "the file of blob " + blob.text() + " " + std::string(what));
}

}  // namespace

base::Result<> ContentFile::append(std::string& chunk) {
  if (chunks_ == 0) {
    TRY(to_result(file_->Append(head, plainly(), nullptr), "writing a blob's file"));
    written_ += head.size();
  }
  chunk += checksum_of(blob_, chunks_++, chunk);
  TRY(to_result(file_->Append(chunk, plainly(), nullptr), "writing a blob's file"));
  written_ += chunk.size();
  if (written_ - flushed_ < flushed_at_once) return {};
  const auto told = file_->RangeSync(flushed_, written_ - flushed_, plainly(), nullptr);
  flushed_ = written_;
  return to_result(told, "writing a blob's file");
}

base::Result<> ContentFile::sync_and_close() {
  TRY(to_result(file_->Sync(plainly(), nullptr), "syncing a blob's file"));
  const auto closed = file_->Close(plainly(), nullptr);
  file_.reset();
  return to_result(closed, "closing a blob's file");
}

base::Result<std::unique_ptr<ContentFiles>> ContentFiles::open(
    std::shared_ptr<rocksdb::FileSystem> system, const std::string& store_path) {
  std::unique_ptr<ContentFiles> files(new ContentFiles(std::move(system), store_path + "/content"));
  const auto fresh = files->folder_ + "/new";
  const auto gone = files->folder_ + "/gone";
  for (const auto& folder : {files->folder_, fresh, gone}) {
    TRY(to_result(files->system_->CreateDirIfMissing(folder, plainly(), nullptr),
                  "making the folder " + folder));
  }
  // Their names are as durable as what will stand in them.
  for (const auto& folder : {store_path, files->folder_}) {
    std::unique_ptr<rocksdb::FSDirectory> opened;
    TRY(to_result(files->system_->NewDirectory(folder, plainly(), &opened, nullptr),
                  "opening the folder " + folder));
    TRY(to_result(opened->Fsync(plainly(), nullptr), "syncing the folder " + folder));
  }
  TRY(to_result(files->system_->NewDirectory(fresh, plainly(), &files->new_, nullptr),
                "opening the folder " + fresh));
  TRY(to_result(files->system_->NewDirectory(gone, plainly(), &files->gone_, nullptr),
                "opening the folder " + gone));
  return files;
}

std::string ContentFiles::name_when_new(const base::BlobId& blob) const {
  return folder_ + "/new/" + blob.text();
}

std::string ContentFiles::name_when_gone(const base::BlobId& blob) const {
  return folder_ + "/gone/" + blob.text();
}

// Ids begin with the time and end at random: 1,024 folders of about as many files each.
std::string ContentFiles::shelf(const base::BlobId& blob) const {
  const auto text = blob.text();
  return folder_ + "/" + text.substr(text.size() - 2);
}

std::string ContentFiles::name_when_settled(const base::BlobId& blob) const {
  return shelf(blob) + "/" + blob.text();
}

base::Result<std::unique_ptr<ContentFile>> ContentFiles::create(const base::BlobId& blob) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  TRY(to_result(system_->NewWritableFile(name_when_new(blob), plain_file(), &file, nullptr),
                "making a blob's file"));
  return std::make_unique<ContentFile>(std::move(file), blob);
}

base::Result<> ContentFiles::sync_new() {
  return to_result(new_->Fsync(plainly(), nullptr), "syncing the names of blobs' files");
}

base::Result<std::unique_ptr<rocksdb::FSRandomAccessFile>> ContentFiles::find(
    const base::BlobId& blob) {
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  // It moves one way, and only once: what was in neither place stands in its own by now.
  rocksdb::IOStatus status;
  for (const auto& name : {name_when_settled(blob), name_when_new(blob), name_when_settled(blob)}) {
    status = system_->NewRandomAccessFile(name, plain_file(), &file, nullptr);
    if (!is_absent(status)) break;
  }
  if (is_absent(status)) return corrupt(blob, "is missing");
  TRY(to_result(status, "opening the file of blob " + blob.text()));
  return file;
}

base::Result<base::Bytes> ContentFiles::read(const base::BlobId& blob, std::uint64_t octets,
                                             std::uint64_t offset, std::uint64_t end) {
  const auto file = TRY(find(blob));
  base::Bytes out;
  std::string stored;
  for (auto at = offset; at < end;) {
    const auto number = static_cast<std::uint32_t>(at / chunk_octets);
    const auto begin = std::uint64_t{number} * chunk_octets;
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(chunk_octets, octets - begin));
    stored.resize(size + checksum_octets);
    rocksdb::Slice got;
    TRY(to_result(file->Read(head.size() + std::uint64_t{number} * stored_chunk_octets,
                             stored.size(), plainly(), &got, stored.data(), nullptr),
                  "reading blob " + blob.text()));
    if (got.size() != stored.size()) return corrupt(blob, "is cut");
    const std::string_view chunk(got.data(), size);
    if (std::string_view(got.data() + size, checksum_octets) != checksum_of(blob, number, chunk))
      return corrupt(blob, "is damaged");
    const auto within = static_cast<std::size_t>(at - begin);
    const auto count = std::min(size - within, static_cast<std::size_t>(end - at));
    at += count;
    // A whole chunk, which is what is mostly asked for, is handed on without a copy.
    if (out.empty() && count == size && at == end && got.data() == stored.data()) {
      stored.resize(size);
      return stored;
    }
    out.append(chunk.substr(within, count));
  }
  return out;
}

base::Result<> ContentFiles::settle(const base::BlobId& blob) {
  const auto from = name_when_new(blob);
  const auto to = name_when_settled(blob);
  auto moved = system_->RenameFile(from, to, plainly(), nullptr);
  if (is_absent(moved)) {
    TRY(to_result(system_->CreateDirIfMissing(shelf(blob), plainly(), nullptr),
                  "making a folder for blobs' files"));
    moved = system_->RenameFile(from, to, plainly(), nullptr);
  }
  if (is_absent(moved)) return {};
  return to_result(moved, "moving the file of blob " + blob.text());
}

base::Result<> ContentFiles::remove(const base::BlobId& blob) {
  const auto gone = name_when_gone(blob);
  for (const auto& name : {name_when_new(blob), name_when_settled(blob)}) {
    const auto moved = system_->RenameFile(name, gone, plainly(), nullptr);
    if (is_absent(moved)) continue;
    // Where nothing may be moved (Landlock before Linux 5.19) it goes from where it is.
    TRY(to_result(system_->DeleteFile(moved.ok() ? gone : name, plainly(), nullptr),
                  "removing the file of blob " + blob.text()));
  }
  return {};
}

base::Result<> ContentFiles::sync_gone() {
  return to_result(gone_->Fsync(plainly(), nullptr), "syncing the removal of blobs' files");
}

base::Result<> ContentFiles::empty_gone() {
  for (const auto& blob : TRY(in("/gone"))) {
    TRY(to_result(system_->DeleteFile(name_when_gone(blob), plainly(), nullptr),
                  "removing the file of blob " + blob.text()));
  }
  return {};
}

base::Result<std::vector<base::BlobId>> ContentFiles::in(const std::string& folder) {
  std::vector<std::string> names;
  TRY(to_result(system_->GetChildren(folder_ + folder, plainly(), &names, nullptr),
                "listing " + folder_ + folder));
  std::vector<base::BlobId> blobs;
  for (const auto& name : names) {
    if (const auto blob = base::BlobId::parse(name)) blobs.push_back(*blob);
  }
  return blobs;
}

std::uint64_t ContentFiles::file_octets(std::uint64_t octets) {
  return head.size() + octets + std::uint64_t{chunk_count(octets)} * checksum_octets;
}

}  // namespace letterlock::store
