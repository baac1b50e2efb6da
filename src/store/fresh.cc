#include "store/fresh.h"

namespace letterlock::store {

namespace {
constexpr std::size_t each = 256;  // what an entry costs beside its octets
}

bool FreshBlobs::keep(const base::BlobId& blob, std::string&& octets) {
  const std::scoped_lock lock(mutex_);
  const auto more = octets.capacity() + each;
  if (octets_ + more > octets_max_) return false;
  octets_ += more;
  blobs_.emplace(blob, std::make_shared<const std::string>(std::move(octets)));
  return true;
}

FreshBlobs::Octets FreshBlobs::find(const base::BlobId& blob) const {
  const std::scoped_lock lock(mutex_);
  const auto at = blobs_.find(blob);
  return at == blobs_.end() ? nullptr : at->second;
}

void FreshBlobs::drop(const base::BlobId& blob) {
  const std::scoped_lock lock(mutex_);
  const auto at = blobs_.find(blob);
  if (at == blobs_.end()) return;
  octets_ -= at->second->capacity() + each;
  blobs_.erase(at);
}

}  // namespace letterlock::store
