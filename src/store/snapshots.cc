#include "store/snapshots.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace letterlock::store {

Snapshots::~Snapshots() {
  shared_.reset();
  give_back();
  ASSERT(begun_.empty());
}

// The number is taken before the snapshot: so the snapshot may show more than it says, never less,
// and the check may find a conflict too many, never one too few.
Snapshots::Shared Snapshots::begin() {
  const std::scoped_lock lock(mutex_);
  if (!shared_) {
    Snapshot snapshot;
    snapshot.begun = committed_;
    begun_.insert(snapshot.begun);
    snapshot.snapshot = db_.GetSnapshot();
    shared_ = Shared(new Snapshot(snapshot), [this](const Snapshot* last) {
      end(*last);
      delete last;
    });
  }
  return shared_;
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
