// A store for contents that are long and dull: of each blob it keeps the first 64 KiB, and checks
// that the rest repeats their last line for ever. So a message of 50 MiB takes no memory that a
// session's could be mistaken for.
#pragma once

#include <map>
#include <memory>

#include "store/store.h"

namespace letterlock::test {

class LongStore final : public store::Store {
 public:
  // Every line of the content after its beginning: 64 octets with its CRLF.
  static constexpr std::size_t line_octets = 64;
  static constexpr std::size_t kept_octets = 64 * 1024;

  explicit LongStore(store::Store& beneath) : beneath_(beneath) {}

  net::ResultTask<> transact(store::Scope scope, Function function) override {
    return beneath_.transact(std::move(scope), std::move(function));
  }
  net::ResultTask<> read(store::Scope scope, Function function) override {
    return beneath_.read(std::move(scope), std::move(function));
  }
  Count watch(std::function<bool(std::string_view key)> concerns) override {
    return beneath_.watch(std::move(concerns));
  }
  std::unique_ptr<store::BlobWriter> write_blob() override;
  void drop_blob(const base::BlobId& blob) override { beneath_.drop_blob(blob); }
  // Errors also: corrupt, for what was written and didn't repeat.
  net::ResultTask<base::Bytes> read_blob(base::BlobId blob, std::uint64_t offset,
                                         std::size_t octets_max) override;
  base::Result<std::uint64_t> free_octets() const override { return beneath_.free_octets(); }

 private:
  class Writer;
  struct Long {
    std::uint64_t octets = 0;
    std::string line;  // from the octet that follows the kept ones
  };
  store::Store& beneath_;
  std::map<base::BlobId, Long> longs_;
};

}  // namespace letterlock::test
