// Blobs as they are written and read: of one chunk, in memory until a transaction holds it; longer,
// in a file of their own from the second chunk on.
#pragma once

#include <optional>
#include <string>

#include "net/loop.h"
#include "store/committer.h"
#include "store/engine.h"

namespace letterlock::store {

// Lives on its caller's loop. Holds one chunk in memory, and a second while one is being written.
class RocksBlobWriter final : public BlobWriter {
 public:
  RocksBlobWriter(Engine& engine, Committer& committer, net::Workers& workers, os::Counter& written,
                  base::BlobId id)
      : engine_(engine), committer_(committer), workers_(workers), written_(written), id_(id) {}
  ~RocksBlobWriter() override;
  RocksBlobWriter(const RocksBlobWriter&) = delete;
  RocksBlobWriter& operator=(const RocksBlobWriter&) = delete;

  net::ResultTask<> write(std::string_view octets) override;
  net::ResultTask<> finish() override;
  const base::BlobId& id() const override { return id_; }
  std::uint64_t octets() const override { return octets_; }

 private:
  enum class Last { no, yes };
  bool stays_in_memory();
  net::ResultTask<> put_chunk(Last last);
  base::Result<> put_chunk_now(Last last);
  base::Result<> open_file();

  Engine& engine_;
  Committer& committer_;
  net::Workers& workers_;
  os::Counter& written_;  // octets of all writers
  const base::BlobId id_;
  std::string chunk_;
  std::unique_ptr<ContentFile> file_;
  std::uint64_t octets_ = 0;
  bool finished_ = false;
  std::optional<base::Error> failed_;  // a blob with a hole never ends well
};

// From the disk it blocks: for a store thread. Errors: not_found (no such blob, or nobody holds
// it), corrupt, io; unavailable (only the disk has it).
base::Result<base::Bytes> read_blob_now(Engine& engine, Engine::From from, const base::BlobId& blob,
                                        std::uint64_t offset, std::size_t octets_max);

}  // namespace letterlock::store
