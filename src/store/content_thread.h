// The thread that keeps the files of large content behind the records: those that came to be held
// move into their place, those that nobody holds any more go. Neither is waited for by anybody: a
// start does what a crash left undone.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/event.h"
#include "base/id.h"
#include "store/engine.h"

namespace letterlock::store {

// Any thread.
class ContentThread {
 public:
  ContentThread(Engine& engine, base::EventSink& events);
  ~ContentThread();  // does what it was given first, unless it is paused
  ContentThread(const ContentThread&) = delete;
  ContentThread& operator=(const ContentThread&) = delete;

  // After the batch that says so is on the disk.
  void held(const std::vector<base::BlobId>& blobs);
  void gone(const std::vector<base::BlobId>& blobs);

  // While one lives no file goes or moves: a backup copies what its records name.
  class Pause {
   public:
    explicit Pause(ContentThread& thread);
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    ContentThread& thread_;
  };

 private:
  struct Work {
    enum class Kind { settle, remove } kind = Kind::settle;
    base::BlobId blob;
  };
  void add(Work::Kind kind, const std::vector<base::BlobId>& blobs);
  void run();
  void remove(const base::BlobId& blob);
  void forget_removed();
  void report(const base::Result<>& done);

  Engine& engine_;
  base::EventSink& events_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> work_;
  std::vector<base::BlobId> removed_;  // the thread's own: not yet forgotten
  bool working_ = false;
  bool paused_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace letterlock::store
