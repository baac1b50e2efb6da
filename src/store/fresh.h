// Blobs that were written and not yet held. A small one waits in memory and goes to the disk in the
// batch of the transaction that holds it, so that most mail costs one write and one sync; a large
// one stands in a file of its own already, and only what is to be known of it waits.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/id.h"

namespace letterlock::store {

// Any thread.
class FreshBlobs {
 public:
  struct Fresh {
    std::uint64_t octets = 0;
    std::shared_ptr<const std::string> content;  // null: in its file
  };
  explicit FreshBlobs(std::size_t octets_max = 32 * 1024 * 1024) : octets_max_(octets_max) {}

  // False: no room here, it must go into a file; `content` is as it was then.
  bool keep(const base::BlobId& blob, std::string&& content);
  // It stands in its file, synced.
  void note_file(const base::BlobId& blob, std::uint64_t octets);
  std::optional<Fresh> find(const base::BlobId& blob) const;
  void drop(const base::BlobId& blob);

 private:
  const std::size_t octets_max_;
  mutable std::mutex mutex_;
  std::size_t octets_ = 0;
  std::unordered_map<base::BlobId, Fresh> blobs_;
};

}  // namespace letterlock::store
