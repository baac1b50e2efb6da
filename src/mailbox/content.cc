#include "mailbox/content.h"

#include <algorithm>

namespace letterlock::mailbox {

using base::limits::chunk_octets;

ContentReader::ContentReader(store::Store& store, const Message& message)
    : store_(store),
      blob_(message.blob),
      blob_octets_(message.blob_octets),
      prefix_(message.prefix) {}

net::ResultTask<base::Bytes> ContentReader::next() {
  CO_TRY(auto octets, co_await read(position_, chunk_octets));
  position_ += octets.size();
  co_return octets;
}

net::ResultTask<base::Bytes> ContentReader::read(std::uint64_t offset, std::size_t octets_max) {
  octets_max = std::min(octets_max, chunk_octets);
  if (offset < prefix_.size())
    co_return prefix_.substr(static_cast<std::size_t>(offset), octets_max);
  const auto at = offset - prefix_.size();
  if (at >= blob_octets_ || octets_max == 0) co_return base::Bytes();
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(octets_max, blob_octets_ - at));
  CO_TRY(auto octets, co_await store_.read_blob(blob_, at, wanted));
  if (octets.size() != wanted) {
    co_return base::fail(base::ErrorKind::corrupt,
                         "blob " + blob_.text() + " is shorter than its message says");
  }
  co_return octets;
}

}  // namespace letterlock::mailbox
