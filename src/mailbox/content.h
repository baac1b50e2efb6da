// A stored message's octets, prefix then blob, in pieces. Lives on the session's loop.
#pragma once

#include "base/limits.h"
#include "mailbox/record.h"
#include "store/store.h"

namespace letterlock::mailbox {

class ContentReader {
 public:
  // The store must outlive it. The blob must still be held: one that was let go meanwhile gives
  // not_found.
  ContentReader(store::Store& store, const Message& message);

  std::uint64_t octets() const { return prefix_.size() + blob_octets_; }
  std::uint64_t position() const { return position_; }
  // The octets at position(), at most chunk_octets, and moves behind them; empty at the end.
  // Errors: not_found, io; corrupt (the blob is shorter than it was).
  net::ResultTask<base::Bytes> next();
  // Octets from `offset`, at most `octets_max` and chunk_octets; empty behind the end. May be short
  // where the prefix ends. Errors: as next().
  net::ResultTask<base::Bytes> read(std::uint64_t offset, std::size_t octets_max);

 private:
  store::Store& store_;
  base::BlobId blob_;
  std::uint64_t blob_octets_;
  std::string prefix_;
  std::uint64_t position_ = 0;
};

}  // namespace letterlock::mailbox
