#include "store/committer.h"

#include <algorithm>

#include <fmt/format.h>
#include <rocksdb/perf_level.h>

#include "store/ledger.h"

namespace letterlock::store {
namespace {
constexpr std::size_t group_octets_max = 8 * 1024 * 1024;
// A group waits for as many as the last one had: so many times as long as that one took.
constexpr int gathering_groups = 3;
constexpr std::chrono::milliseconds gathering_max(1);
constexpr std::size_t swept_at_once_max = 500;  // a second
constexpr base::Milliseconds housekeeping_every = std::chrono::seconds(1);
}  // namespace

// What becomes one batch. A transaction that fails by itself is left out of it.
struct Committer::Group {
  Group(Engine& engine, const FreshBlobs& fresh) : ledger(engine, fresh) {}
  rocksdb::WriteBatch batch;
  Ledger ledger;
  std::vector<std::shared_ptr<Commit>> commits;
  Watchers::Noted watched;
  bool torn = false;  // a transaction went in by half, when memory ran out
};

Committer::Committer(Engine& engine, const os::Clock& clock, base::EventSink& events,
                     const RocksOptions& options, const Figures& figures, ContentThread& content)
    : engine_(engine),
      clock_(clock),
      events_(events),
      figures_(figures),
      content_(content),
      waiting_max_(options.waiting_max),
      blob_grace_(options.blob_grace),
      snapshots_(engine.db()),
      thread_([this] { run(); }) {}

Committer::~Committer() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

base::Result<> Committer::submit(std::shared_ptr<Commit> commit) {
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= waiting_max_)
      return base::fail(base::ErrorKind::full, "too many transactions wait for the disk");
    waiting_.push_back(std::move(commit));
    if (!wakes()) return {};
  }
  changed_.notify_one();
  return {};
}

// Under the lock: each wake-up is a system call and a change of threads, so one is enough.
bool Committer::wakes() {
  if (waiting_.size() < wakes_at_) return false;
  wakes_at_ = never;
  return true;
}

void Committer::writing(const base::BlobId& blob) {
  const std::scoped_lock lock(mutex_);
  unheld_.emplace(blob, std::nullopt);
}

void Committer::written(const base::BlobId& blob) {
  const std::scoped_lock lock(mutex_);
  const auto at = unheld_.find(blob);
  if (at != unheld_.end()) at->second = clock_.steady();
}

void Committer::dropped(const base::BlobId& blob) {
  const std::scoped_lock lock(mutex_);
  const auto at = unheld_.find(blob);
  if (at != unheld_.end()) at->second = clock_.steady() - blob_grace_;
}

void Committer::abandoned(const base::BlobId& blob) {
  {
    const std::scoped_lock lock(mutex_);
    if (unheld_.erase(blob) == 0) return;
  }
  content_.gone({blob});
}

void Committer::run() {
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);  // nobody reads what it counts for each key
  std::unique_lock lock(mutex_);
  while (true) {
    wakes_at_ = 1;
    changed_.wait_for(lock, housekeeping_every, [&] { return ending_ || !waiting_.empty(); });
    if (ending_ && waiting_.empty()) return;
    gather(lock);
    std::vector<std::shared_ptr<Commit>> commits;
    for (std::size_t octets = 0; !waiting_.empty() && octets < group_octets_max;
         waiting_.pop_front()) {
      octets += waiting_.front()->changes.octets;
      commits.push_back(std::move(waiting_.front()));
    }
    lock.unlock();
    if (!commits.empty()) {
      last_group_ = commits.size();
      const auto begun = std::chrono::steady_clock::now();
      write(std::move(commits));
      gathering_ = std::min<std::chrono::nanoseconds>(
          (std::chrono::steady_clock::now() - begun) * gathering_groups, gathering_max);
    }
    snapshots_.give_back();
    housekeeping();
    lock.lock();
  }
}

// Those who were told just now come back with their next transaction: a moment's wait lets them
// share a sync instead of the first going alone, which costs each less, and all together time. A
// single writer never waits.
void Committer::gather(std::unique_lock<std::mutex>& lock) {
  wakes_at_ = never;
  if (waiting_.empty() || waiting_.size() >= last_group_) return;
  wakes_at_ = last_group_;
  changed_.wait_for(lock, gathering_, [&] { return ending_ || waiting_.size() >= last_group_; });
  wakes_at_ = never;
}

void Committer::write(std::vector<std::shared_ptr<Commit>> commits) {
  Group group(engine_, fresh_);
  for (auto& commit : commits) {
    commit->result = guarded([&] { return add(group, *commit); });
    if (commit->result)
      group.commits.push_back(commit);
    else
      figures_.note(commit->result.error());
  }
  if (!group.commits.empty()) {
    const auto written = guarded([&]() -> base::Result<> {
      if (group.torn)
        return base::fail(base::ErrorKind::full, "out of memory while gathering transactions");
      return write_group(group);
    });
    for (auto& commit : group.commits) commit->result = written;
    if (written)
      figures_.committed.add(group.commits.size());
    else
      figures_.note(written.error());
    // What failed may be in or out: who began before it must look again, who begins now needn't.
    snapshots_.committed(recent_.last());
    // Whatever became of it; before anybody is told, and not before who begins sees it: else one
    // keeps what he read from the snapshot before, as if it stood.
    Watchers::raise(group.watched);
    recent_.forget_until(snapshots_.oldest());
    if (written) {
      const std::scoped_lock lock(mutex_);
      for (const auto& blob : group.ledger.newly_held()) {
        unheld_.erase(blob);
        fresh_.drop(blob);
      }
    }
  }
  if (!group.commits.empty() && group.commits.front()->result) {
    content_.held(group.ledger.held_files());
    content_.gone(group.ledger.gone_files());
  }
  for (auto& commit : commits) commit->done.set();
}

base::Result<> Committer::add(Group& group, Commit& commit) {
  // The batch isn't written: nothing more goes in.
  if (group.torn)
    return base::fail(base::ErrorKind::full, "out of memory while gathering transactions");
  TRY(engine_.has_room(commit.changes.only_removes() ? Use::removal : Use::change));
  if (recent_.conflicts(commit.reads, commit.begun)) {
    return base::fail(base::ErrorKind::conflict, "another transaction changed what this one read");
  }
  TRY(group.ledger.check(commit.changes));
  group.torn = true;
  for (const auto& [key, value] : commit.changes.keys) {
    TRY(to_result(value ? group.batch.Put(engine_.keys(), key, *value)
                        : group.batch.Delete(engine_.keys(), key),
                  "gathering a transaction"));
  }
  group.ledger.apply(commit.changes, group.batch);
  watchers_.note(commit.changes, group.watched);
  recent_.add(commit.changes.take_keys());
  group.torn = false;
  return {};
}

base::Result<> Committer::write_group(Group& group) {
  rocksdb::WriteOptions options;
  options.sync = true;
  group.ledger.finish(group.batch);
  const auto octets = group.batch.GetDataSize();
  const auto begun = std::chrono::steady_clock::now();
  const auto status = engine_.db().Write(options, &group.batch);
  figures_.commit_seconds.observe(std::chrono::steady_clock::now() - begun);
  figures_.group.observe(group.commits.size());
  figures_.syncs.add();
  engine_.count_written(octets);
  return to_result(status, "committing");
}

void Committer::housekeeping() {
  const auto now = clock_.steady();
  if (now - last_housekeeping_ < housekeeping_every) return;
  last_housekeeping_ = now;
  engine_.ask_disk();
  engine_.try_resume();
  sweep();
}

// Here, where holders change too: a blob can't come to be held while it is swept.
void Committer::sweep() {
  // What a failed sync has left may come to life at the next start, and would want its content.
  if (engine_.stopped()) return;
  std::vector<base::BlobId> orphans;
  {
    const std::scoped_lock lock(mutex_);
    const auto now = clock_.steady();
    for (const auto& [blob, gone] : unheld_) {
      if (gone && now - *gone >= blob_grace_ && orphans.size() < swept_at_once_max)
        orphans.push_back(blob);
    }
    for (const auto& blob : orphans) unheld_.erase(blob);
  }
  if (orphans.empty()) return;
  for (const auto& blob : orphans) fresh_.drop(blob);
  content_.gone(orphans);
  events_.emit(
      {base::Severity::info, "store.orphans_swept", {{"blobs", std::to_string(orphans.size())}}});
}

}  // namespace letterlock::store
