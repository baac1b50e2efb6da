#include "store/rocks_blob.h"

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"
#include "base/pack.h"

namespace letterlock::store {

using base::limits::chunk_octets;

RocksBlobWriter::~RocksBlobWriter() {
  committer_.written(id_);
}

net::ResultTask<> RocksBlobWriter::write(std::string_view octets) {
  ASSERT(!finished_);
  while (!octets.empty()) {
    const auto fits = octets.substr(0, chunk_octets - chunk_.size());
    chunk_.append(fits);
    octets_ += fits.size();
    octets.remove_prefix(fits.size());
    if (chunk_.size() == chunk_octets) CO_CHECK(co_await put_chunk(Last::no));
  }
  co_return base::Result<>();
}

net::ResultTask<> RocksBlobWriter::finish() {
  ASSERT(!finished_);
  if (failed_) co_return base::fail(*failed_);
  if (begun_ || !stays_in_memory()) CO_CHECK(co_await put_chunk(Last::yes));
  finished_ = true;
  written_.add(octets_);
  co_return base::Result<>();
}

// Of one chunk at most: the transaction that holds it brings it to the disk.
bool RocksBlobWriter::stays_in_memory() {
  if (!engine_.has_room(Use::content)) return false;
  committer_.writing(id_);
  begun_ = committer_.fresh().keep(id_, std::move(chunk_));
  return begun_;
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

// The first write marks the blob as pending, the last one says how long it is. Nothing of it waits
// for the disk: the transaction that holds the blob syncs the log, and all this stands before it
// there.
base::Result<> RocksBlobWriter::put_chunk_now(Last last) {
  TRY(engine_.has_room(Use::content));
  rocksdb::WriteBatch batch;
  if (!begun_) {
    committer_.writing(id_);
    begun_ = true;
    batch.Put(engine_.own(), pending_key(id_), base::Packer(1).take());
  }
  if (!chunk_.empty()) batch.Put(engine_.chunks(), chunk_key(id_, chunks_++), chunk_);
  if (last == Last::yes) batch.Put(engine_.own(), blob_key(id_), BlobRecord{octets_, 0, {}}.pack());
  engine_.count_written(batch.GetDataSize());
  return to_result(engine_.db().Write(rocksdb::WriteOptions(), &batch), "writing a blob");
}

base::Result<base::Bytes> read_blob_now(Engine& engine, const base::BlobId& blob,
                                        std::uint64_t offset, std::size_t octets_max) {
  const auto record = TRY(engine.blob(blob));
  if (record.holders == 0) return base::fail(base::ErrorKind::not_found, "no blob " + blob.text());
  base::Bytes octets;
  if (offset >= record.octets) return octets;
  const auto end = offset + std::min<std::uint64_t>(octets_max, record.octets - offset);
  octets.reserve(static_cast<std::size_t>(end - offset));
  rocksdb::PinnableSlice chunk;
  for (auto at = offset; at < end;) {
    const auto number = static_cast<std::uint32_t>(at / chunk_octets);
    const auto within = static_cast<std::size_t>(at % chunk_octets);
    const auto status =
        engine.db().Get(rocksdb::ReadOptions(), engine.chunks(), chunk_key(blob, number), &chunk);
    // Its last holder may have gone since the record was read.
    if (status.IsNotFound()) TRY(engine.blob(blob));
    const auto expected =
        std::min<std::uint64_t>(chunk_octets, record.octets - std::uint64_t{number} * chunk_octets);
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

}  // namespace letterlock::store
