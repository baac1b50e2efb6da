#include "store/watchers.h"

#include <algorithm>

namespace letterlock::store {

Store::Count Watchers::add(Concerns concerns) {
  auto count = std::make_shared<std::atomic<std::uint64_t>>(0);
  const std::scoped_lock lock(mutex_);
  std::erase_if(watchers_, [](const Watcher& watcher) { return watcher.count.use_count() == 1; });
  watchers_.push_back({std::move(concerns), count});
  return count;
}

void Watchers::note(const Changes& changes, Noted& noted) const {
  const std::scoped_lock lock(mutex_);
  for (const auto& watcher : watchers_) {
    if (std::ranges::find(noted, watcher.count) != noted.end()) continue;
    const bool concerned = std::ranges::any_of(
        changes.keys, [&](const auto& change) { return watcher.concerns(change.first); });
    if (concerned) noted.push_back(watcher.count);
  }
}

void Watchers::raise(const Noted& noted) {
  for (const auto& count : noted) count->fetch_add(1);
}

}  // namespace letterlock::store
