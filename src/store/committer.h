// The commit thread: gathers the transactions that are ready, checks each against what committed
// since it began, and writes those that pass as one batch with one sync. It also counts the
// blobs' holders, sweeps orphans, gives snapshots back and wakes a stopped engine.
#pragma once

#include <condition_variable>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <rocksdb/write_batch.h>

#include "net/loop.h"
#include "store/conflict.h"
#include "store/content_thread.h"
#include "store/engine.h"
#include "store/figures.h"
#include "store/fresh.h"
#include "store/snapshots.h"
#include "store/watchers.h"

namespace letterlock::store {

// One transaction on its way into the store. Owned by its task and the commit thread together.
struct Commit {
  Changes changes;
  Reads reads;
  Sequence begun = 0;
  base::Result<> result;
  net::Signal done;
};

class Committer {
 public:
  Committer(Engine& engine, const os::Clock& clock, base::EventSink& events,
            const RocksOptions& options, const Figures& figures, ContentThread& content);
  ~Committer();  // what is on its way is finished first
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // Any thread, all of them.
  // `commit->done` is set when `commit->result` stands. Errors: full (too many wait).
  base::Result<> submit(std::shared_ptr<Commit> commit);
  Snapshots::Shared begin() { return snapshots_.begin(); }

  // A blob is being written from the first of its octets; once its writer is gone it must be held
  // within the grace.
  void writing(const base::BlobId& blob);
  void written(const base::BlobId& blob);
  // Nobody will hold it: its grace is over.
  void dropped(const base::BlobId& blob);
  // It was never finished, and goes at once.
  void abandoned(const base::BlobId& blob);
  FreshBlobs& fresh() { return fresh_; }
  Watchers& watchers() { return watchers_; }

 private:
  struct Group;
  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
  void run();
  bool wakes();
  void gather(std::unique_lock<std::mutex>& lock);
  void write(std::vector<std::shared_ptr<Commit>> commits);
  base::Result<> add(Group& group, Commit& commit);
  base::Result<> write_group(Group& group);
  void housekeeping();
  void sweep();

  Engine& engine_;
  const os::Clock& clock_;
  base::EventSink& events_;
  const Figures& figures_;
  ContentThread& content_;
  const std::size_t waiting_max_;
  const base::Milliseconds blob_grace_;

  FreshBlobs fresh_;
  Snapshots snapshots_;
  Watchers watchers_;
  RecentCommits recent_;  // the commit thread's own
  os::Steady last_housekeeping_{};
  std::size_t last_group_ = 0;            // how many were in it
  std::chrono::nanoseconds gathering_{};  // how long the next may wait for as many

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Commit>> waiting_;
  // With how many of them the thread wants to be woken; it sleeps no more once it was.
  std::size_t wakes_at_ = never;
  // Blobs not held yet, with the moment at which their writer went.
  std::map<base::BlobId, std::optional<os::Steady>> unheld_;
  bool ending_ = false;

  std::thread thread_;
};

}  // namespace letterlock::store
