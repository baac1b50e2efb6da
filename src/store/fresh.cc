#include "store/fresh.h"

namespace letterlock::store {

namespace {
constexpr std::size_t each = 256;  // what an entry costs beside its octets
}

bool FreshBlobs::keep(const base::BlobId& blob, std::string&& content) {
  const std::scoped_lock lock(mutex_);
  const auto more = content.capacity() + each;
  if (octets_ + more > octets_max_) return false;
  octets_ += more;
  const auto size = content.size();
  blobs_.emplace(blob, Fresh{size, std::make_shared<const std::string>(std::move(content))});
  return true;
}

void FreshBlobs::note_file(const base::BlobId& blob, std::uint64_t octets) {
  const std::scoped_lock lock(mutex_);
  blobs_.emplace(blob, Fresh{octets, nullptr});
}

std::optional<FreshBlobs::Fresh> FreshBlobs::find(const base::BlobId& blob) const {
  const std::scoped_lock lock(mutex_);
  const auto at = blobs_.find(blob);
  return at == blobs_.end() ? std::nullopt : std::optional(at->second);
}

void FreshBlobs::drop(const base::BlobId& blob) {
  const std::scoped_lock lock(mutex_);
  const auto at = blobs_.find(blob);
  if (at == blobs_.end()) return;
  if (at->second.content) octets_ -= at->second.content->capacity() + each;
  blobs_.erase(at);
}

}  // namespace letterlock::store
