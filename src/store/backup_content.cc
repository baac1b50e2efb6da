#include "store/backup_content.h"

#include <algorithm>
#include <thread>

#include "base/limits.h"
#include "store/engine.h"

namespace letterlock::store {
namespace {

using Moment = std::chrono::steady_clock::time_point;

// Keeps to so many octets a second, from its beginning on.
class Pace {
 public:
  explicit Pace(std::uint64_t octets_per_second) : octets_per_second_(octets_per_second) {}
  void note(std::uint64_t octets) {
    octets_ += octets;
    if (octets_per_second_ == 0) return;
    const std::chrono::duration<double> due(static_cast<double>(octets_) /
                                            static_cast<double>(octets_per_second_));
    std::this_thread::sleep_until(
        began_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(due));
  }

 private:
  const std::uint64_t octets_per_second_;
  const Moment began_ = std::chrono::steady_clock::now();
  std::uint64_t octets_ = 0;
};

// `use` hears of each chunk.
template <class Use>
base::Result<> each_chunk(ContentFiles& files, const base::BlobId& blob, std::uint64_t octets,
                          const Use& use) {
  for (std::uint64_t at = 0; at < octets;) {
    const auto end = std::min(octets, at + base::limits::chunk_octets);
    auto chunk = TRY(files.read(blob, octets, at, end));
    TRY(use(chunk));
    at = end;
  }
  return {};
}

template <class Use>
base::Result<> copy_file(ContentFiles& from, ContentFiles& to, const base::BlobId& blob,
                         std::uint64_t octets, const Use& use) {
  const auto file = TRY(to.create(blob));
  TRY(each_chunk(from, blob, octets, [&](std::string& chunk) -> base::Result<> {
    TRY(use(chunk.size()));
    return file->append(chunk);
  }));
  TRY(file->sync_and_close());
  TRY(to.settle(blob));
  // As the database is: not done before it has been read again.
  return each_chunk(to, blob, octets, [](std::string&) -> base::Result<> { return {}; });
}

}  // namespace

base::Result<> copy_content(Engine& engine, const std::string& into,
                            std::uint64_t octets_per_second, const BackupBounds& bounds) {
  const auto files = TRY(ContentFiles::open(rocksdb::FileSystem::Default(), into));
  Pace pace(octets_per_second);
  return engine.each_file([&](const base::BlobId& blob, std::uint64_t octets, Engine::Held held) {
    // Removed before the database was copied, which doesn't name it then.
    if (held == Engine::Held::no_more && !engine.files().has(blob)) return base::Result<>();
    return copy_file(engine.files(), *files, blob, octets,
                     [&](std::uint64_t count) -> base::Result<> {
                       pace.note(count);
                       return bounds.check();
                     });
  });
}

base::Result<> restore_content(const std::string& from, Engine& engine) {
  auto files = ContentFiles::of(from);
  const auto restored =
      engine.each_file([&](const base::BlobId& blob, std::uint64_t octets, Engine::Held) {
        return copy_file(files, engine.files(), blob, octets,
                         [](std::uint64_t) -> base::Result<> { return {}; });
      });
  if (restored) return {};
  return base::fail(restored.error().kind, "verifying the backup: " + restored.error().what);
}

}  // namespace letterlock::store
