#include "store/content_thread.h"

#include <chrono>
#include <optional>

namespace letterlock::store {
namespace {
// One sync makes so many removals durable, or those of so long.
constexpr std::size_t removed_max = 256;
constexpr std::chrono::seconds removed_wait(10);
}  // namespace

ContentThread::ContentThread(Engine& engine, base::EventSink& events)
    : engine_(engine), events_(events), thread_([this] { run(); }) {}

ContentThread::~ContentThread() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ContentThread::add(Work::Kind kind, const std::vector<base::BlobId>& blobs) {
  if (blobs.empty()) return;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& blob : blobs) work_.push_back({kind, blob});
  }
  changed_.notify_all();
}

void ContentThread::held(const std::vector<base::BlobId>& blobs) {
  add(Work::Kind::settle, blobs);
}

void ContentThread::gone(const std::vector<base::BlobId>& blobs) {
  add(Work::Kind::remove, blobs);
}

ContentThread::Pause::Pause(ContentThread& thread) : thread_(thread) {
  std::unique_lock lock(thread_.mutex_);
  thread_.paused_ = true;
  thread_.changed_.wait(lock, [this] { return !thread_.working_; });
}

ContentThread::Pause::~Pause() {
  {
    const std::scoped_lock lock(thread_.mutex_);
    thread_.paused_ = false;
  }
  thread_.changed_.notify_all();
}

void ContentThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto may_work = [this] { return ending_ || (!paused_ && !work_.empty()); };
    const bool woken = removed_.empty() ? (changed_.wait(lock, may_work), true)
                                        : changed_.wait_for(lock, removed_wait, may_work);
    const bool is_over = ending_ && (paused_ || work_.empty());
    std::optional<Work> work;
    if (woken && !is_over) {
      work = work_.front();
      work_.pop_front();
    }
    working_ = true;
    lock.unlock();
    if (work && work->kind == Work::Kind::settle)
      report(guarded([&] { return engine_.files().settle(work->blob); }));
    if (work && work->kind == Work::Kind::remove) remove(work->blob);
    if (!work || removed_.size() >= removed_max) forget_removed();
    if (is_over) return;
    lock.lock();
    working_ = false;
    changed_.notify_all();
  }
}

void ContentThread::remove(const base::BlobId& blob) {
  const auto removed = guarded([&] { return engine_.files().remove(blob); });
  if (removed) removed_.push_back(blob);
  report(removed);
}

void ContentThread::forget_removed() {
  report(guarded([&] { return engine_.forget_removed(removed_); }));
  removed_.clear();
}

// What can't be done now is done at the next start.
void ContentThread::report(const base::Result<>& done) {
  if (done) return;
  events_.emit({base::Severity::warning, "store.sweep_failed", {{"reason", done.error().what}}});
}

}  // namespace letterlock::store
