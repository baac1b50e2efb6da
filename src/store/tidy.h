// Content that nobody holds any more leaves the disk. Small content lies in blob files, many in
// one; RocksDB drops a file when all of it is garbage, and could copy what is left of others
// whenever it merges tables, but then it copies half of everything, over and over. So it does that
// when asked.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/event.h"
#include "store/engine.h"

namespace letterlock::store {

// From how much garbage on, in octets, and in how many of a hundred of all.
struct TidyLimits {
  std::uint64_t garbage_octets = 64ULL * 1024 * 1024;
  unsigned percent = 30;
};
struct Tidied {
  bool done = false;  // there was enough of it
  std::uint64_t garbage_before = 0;
  std::uint64_t garbage_after = 0;
};
// Writes what is in memory into tables, so that what was deleted is known there; where there is too
// much garbage then, copies what lives in the oldest tenth of the blob files. Blocks, for as long
// as copying a tenth of all small content takes; until `stop`. Errors: io, full.
base::Result<Tidied> tidy(Engine& engine, const TidyLimits& limits, std::atomic<bool>& stop);

// Does that once an hour.
class TidyThread {
 public:
  TidyThread(Engine& engine, base::EventSink& events);
  ~TidyThread();  // what is under way is broken off
  TidyThread(const TidyThread&) = delete;
  TidyThread& operator=(const TidyThread&) = delete;

 private:
  void run();

  Engine& engine_;
  base::EventSink& events_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace letterlock::store
