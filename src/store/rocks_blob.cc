#include "store/rocks_blob.h"

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"
#include "base/pack.h"

namespace letterlock::store {

using base::limits::chunk_octets;

namespace {

// Small content, which the database has whole.
base::Result<base::Bytes> read_small(Engine& engine, Engine::From from, const base::BlobId& blob,
                                     std::uint64_t size, std::uint64_t offset, std::uint64_t end) {
  rocksdb::PinnableSlice content;
  const auto status =
      engine.get(Engine::read_options(from), engine.chunks(), small_key(blob), &content);
  // Its last holder may have gone since the record was read.
  if (status.IsNotFound()) TRY(engine.blob(blob, from));
  if (status.IsNotFound() || (status.ok() && content.size() != size)) {
    return base::fail(base::ErrorKind::corrupt,
                      "the content of blob " + blob.text() + " is missing or cut");
  }
  TRY(to_result(status, "reading blob " + blob.text()));
  return base::Bytes(content.data() + offset, static_cast<std::size_t>(end - offset));
}

}  // namespace

RocksBlobWriter::~RocksBlobWriter() {
  if (finished_)
    committer_.written(id_);
  else
    committer_.abandoned(id_);
}

net::ResultTask<> RocksBlobWriter::write(std::string_view octets) {
  ASSERT(!finished_);
  while (!octets.empty()) {
    if (chunk_.size() == chunk_octets) CO_CHECK(co_await put_chunk(Last::no));
    const auto fits = octets.substr(0, chunk_octets - chunk_.size());
    chunk_.append(fits);
    octets_ += fits.size();
    octets.remove_prefix(fits.size());
  }
  co_return base::Result<>();
}

net::ResultTask<> RocksBlobWriter::finish() {
  ASSERT(!finished_);
  if (failed_) co_return base::fail(*failed_);
  if (file_ || !stays_in_memory()) CO_CHECK(co_await put_chunk(Last::yes));
  finished_ = true;
  written_.add(octets_);
  co_return base::Result<>();
}

// Of one chunk at most: the transaction that holds it brings it to the disk.
bool RocksBlobWriter::stays_in_memory() {
  if (!engine_.has_room(Use::content)) return false;
  committer_.writing(id_);
  return committer_.fresh().keep(id_, std::move(chunk_));
}

net::ResultTask<> RocksBlobWriter::put_chunk(Last last) {
  if (failed_) co_return base::fail(*failed_);
  if (co_await net::is_cancelled()) co_return base::fail(base::ErrorKind::cancelled, "stopping");
  base::Result<> put;
  const auto ran =
      co_await workers_.run([&] { put = guarded([&] { return put_chunk_now(last); }); });
  if (!ran) put = ran;
  if (!put) failed_ = put.error();
  chunk_.clear();
  co_return put;
}

// Nothing before the last chunk waits for the disk. Then the file and its name are synced: the
// transaction that holds the blob is durable after them.
base::Result<> RocksBlobWriter::put_chunk_now(Last last) {
  TRY(engine_.has_room(Use::content));
  if (!file_) TRY(open_file());
  if (!chunk_.empty()) {
    TRY(file_->append(chunk_));
    engine_.count_written(chunk_.size());
  }
  if (last == Last::no) return {};
  TRY(file_->sync_and_close());
  TRY(engine_.files().sync_new());
  committer_.fresh().note_file(id_, octets_);
  return {};
}

base::Result<> RocksBlobWriter::open_file() {
  committer_.writing(id_);
  file_ = TRY(engine_.files().create(id_));
  engine_.count_file();
  return {};
}

base::Result<base::Bytes> read_blob_now(Engine& engine, Engine::From from, const base::BlobId& blob,
                                        std::uint64_t offset, std::size_t octets_max) {
  const auto record = TRY(engine.blob(blob, from));
  if (record.holders == 0) return base::fail(base::ErrorKind::not_found, "no blob " + blob.text());
  if (offset >= record.octets) return base::Bytes();
  const auto end = offset + std::min<std::uint64_t>(octets_max, record.octets - offset);
  if (record.place == BlobRecord::Place::database)
    return read_small(engine, from, blob, record.octets, offset, end);
  if (from == Engine::From::memory)
    return base::fail(base::ErrorKind::unavailable, "large content is on the disk");
  auto octets = engine.files().read(blob, record.octets, offset, end);
  // Its last holder may have gone since the record was read.
  if (!octets) TRY(engine.blob(blob));
  return octets;
}

}  // namespace letterlock::store
