// Small blobs that were written and not yet held: they wait in memory and go to the disk in the
// batch of the transaction that holds them, so that most mail costs one write and one sync.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/id.h"

namespace letterlock::store {

// Any thread.
class FreshBlobs {
 public:
  using Octets = std::shared_ptr<const std::string>;
  explicit FreshBlobs(std::size_t octets_max = 32 * 1024 * 1024) : octets_max_(octets_max) {}

  // False: no room here, the disk must take it; `octets` are as they were then.
  bool keep(const base::BlobId& blob, std::string&& octets);
  // Null: not here.
  Octets find(const base::BlobId& blob) const;
  void drop(const base::BlobId& blob);

 private:
  const std::size_t octets_max_;
  mutable std::mutex mutex_;
  std::size_t octets_ = 0;
  std::unordered_map<base::BlobId, Octets> blobs_;
};

}  // namespace letterlock::store
