#include "store/snapshots.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/assert.h"

namespace letterlock::store {

Snapshots::~Snapshots() {
  shared_.reset();
  give_back();
  ASSERT(begun_.empty());
}

// Ends what it holds with the last who reads from it; one that was never taken has no end.
struct Snapshots::Held {
  explicit Held(Snapshots& of) : snapshots(of) {}
  ~Held() {
    if (snapshot.snapshot != nullptr) snapshots.end(snapshot);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  Snapshots& snapshots;
  Snapshot snapshot;
};

// The number is taken before the snapshot: so the snapshot may show more than it says, never less,
// and the check may find a conflict too many, never one too few.
Snapshots::Shared Snapshots::begin() {
  const std::scoped_lock lock(mutex_);
  if (!shared_) {
    const auto held = std::make_shared<Held>(*this);
    const auto place = begun_.insert(committed_);
    held->snapshot = {take_or_forget(place), committed_};
    shared_ = Shared(held, &held->snapshot);
  }
  return shared_;
}

// A number that stays behind without a snapshot would hold the memory of all later commits.
const rocksdb::Snapshot* Snapshots::take_or_forget(Begun::iterator place) try {
  const auto* taken = db_.GetSnapshot();
  if (taken == nullptr) throw std::bad_alloc();
  return taken;
} catch (...) {
  begun_.erase(place);
  throw;
}

void Snapshots::end(Snapshot snapshot) {
  const std::scoped_lock lock(mutex_);
  begun_.erase(begun_.find(snapshot.begun));
  ended_.push_back(snapshot);
}

void Snapshots::committed(Sequence last) {
  Shared before;  // its end takes the lock
  const std::scoped_lock lock(mutex_);
  committed_ = last;
  before = std::move(shared_);
}

Sequence Snapshots::oldest() const {
  const std::scoped_lock lock(mutex_);
  return begun_.empty() ? committed_ : std::min(*begun_.begin(), committed_);
}

void Snapshots::give_back() {
  std::vector<Snapshot> ended;
  {
    const std::scoped_lock lock(mutex_);
    ended.swap(ended_);
  }
  for (const auto& snapshot : ended) db_.ReleaseSnapshot(snapshot.snapshot);
}

}  // namespace letterlock::store
