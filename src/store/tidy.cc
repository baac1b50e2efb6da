#include "store/tidy.h"

#include <chrono>

namespace letterlock::store {
namespace {

constexpr std::chrono::hours every(1);
constexpr double oldest_part = 0.1;

std::uint64_t figure(Engine& engine, const std::string& name) {
  std::uint64_t value = 0;
  return engine.db().GetIntProperty(engine.chunks(), name, &value) ? value : 0;
}
std::uint64_t garbage(Engine& engine) {
  return figure(engine, rocksdb::DB::Properties::kLiveBlobFileGarbageSize);
}

}  // namespace

base::Result<Tidied> tidy(Engine& engine, const TidyLimits& limits, std::atomic<bool>& stop) {
  rocksdb::FlushOptions flush;
  flush.allow_write_stall = false;
  TRY(to_result(engine.db().Flush(flush, {engine.keys(), engine.own(), engine.chunks()}),
                "writing tables"));
  engine.stay_resumable();
  Tidied tidied;
  tidied.garbage_before = tidied.garbage_after = garbage(engine);
  const auto all = figure(engine, rocksdb::DB::Properties::kLiveBlobFileSize);
  if (tidied.garbage_before < limits.garbage_octets ||
      tidied.garbage_before < all / 100 * limits.percent)
    return tidied;
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
  options.blob_garbage_collection_age_cutoff = oldest_part;
  options.canceled = &stop;
  const auto status = engine.db().CompactRange(options, engine.chunks(), nullptr, nullptr);
  if (stop) return tidied;
  TRY(to_result(status, "copying content out of files that are mostly garbage"));
  tidied.done = true;
  tidied.garbage_after = garbage(engine);
  return tidied;
}

TidyThread::TidyThread(Engine& engine, base::EventSink& events)
    : engine_(engine), events_(events), thread_([this] { run(); }) {}

TidyThread::~TidyThread() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void TidyThread::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, every, [this] { return stop_.load(); })) {
    lock.unlock();
    const auto tidied = guarded([&] { return tidy(engine_, {}, stop_); });
    // A store that has stopped says so itself.
    if (!tidied && !engine_.stopped()) {
      events_.emit(
          {base::Severity::warning, "store.tidy_failed", {{"reason", tidied.error().what}}});
    }
    if (tidied && tidied->done) {
      events_.emit({base::Severity::info,
                    "store.tidied",
                    {{"garbage", std::to_string(tidied->garbage_before)},
                     {"left", std::to_string(tidied->garbage_after)}}});
    }
    lock.lock();
  }
}

}  // namespace letterlock::store
