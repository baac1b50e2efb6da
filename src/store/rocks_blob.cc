#include "store/rocks_blob.h"

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"
#include "base/pack.h"

namespace letterlock::store {

using base::limits::chunk_octets;

namespace {

base::Result<base::Bytes> read_chunks(Engine& engine, Engine::From from, const base::BlobId& blob,
                                      std::uint64_t size, std::uint64_t offset, std::uint64_t end) {
  base::Bytes octets;
  octets.reserve(static_cast<std::size_t>(end - offset));
  rocksdb::PinnableSlice chunk;
  for (auto at = offset; at < end;) {
    const auto number = static_cast<std::uint32_t>(at / chunk_octets);
    const auto within = static_cast<std::size_t>(at % chunk_octets);
    const auto status =
        engine.get(Engine::read_options(from), engine.chunks(), chunk_key(blob, number), &chunk);
    // Its last holder may have gone since the record was read.
    if (status.IsNotFound()) TRY(engine.blob(blob, from));
    const auto expected =
        std::min<std::uint64_t>(chunk_octets, size - std::uint64_t{number} * chunk_octets);
    if (status.IsNotFound() || (status.ok() && chunk.size() != expected)) {
      return base::fail(base::ErrorKind::corrupt,
                        "a chunk of blob " + blob.text() + " is missing or cut");
    }
    TRY(to_result(status, "reading blob " + blob.text()));
    const auto count =
        std::min<std::size_t>(chunk.size() - within, static_cast<std::size_t>(end - at));
    octets.append(chunk.data() + within, count);
    at += count;
    chunk.Reset();
  }
  return octets;
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
  if (record.place == BlobRecord::Place::chunks)
    return read_chunks(engine, from, blob, record.octets, offset, end);
  if (from == Engine::From::memory)
    return base::fail(base::ErrorKind::unavailable, "large content is on the disk");
  auto octets = engine.files().read(blob, record.octets, offset, end);
  // Its last holder may have gone since the record was read.
  if (!octets) TRY(engine.blob(blob));
  return octets;
}

}  // namespace letterlock::store
