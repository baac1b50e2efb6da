#include "store/conflict.h"

namespace letterlock::store {

bool RecentCommits::conflicts(const Reads& reads, Sequence begun) const {
  if (reads.empty()) return false;
  if (begun < forgotten_) return true;
  for (const auto& key : reads.keys) {
    const auto at = keys_.find(key);
    if (at != keys_.end() && at->second > begun) return true;
  }
  for (const auto& range : reads.ranges) {
    for (auto at = keys_.lower_bound(range.first); at != keys_.end() && at->first < range.end;
         ++at) {
      if (at->second > begun) return true;
    }
  }
  return false;
}

Sequence RecentCommits::add(const Changes& changes) {
  ++last_;
  for (const auto& [key, value] : changes.keys) {
    const auto at = keys_.insert_or_assign(key, last_).first;
    order_.emplace_back(last_, at);
  }
  while (order_.size() > keys_max_) forget_first();
  return last_;
}

void RecentCommits::forget_until(Sequence oldest) {
  while (!order_.empty() && order_.front().first <= oldest) forget_first();
}

void RecentCommits::forget_first() {
  const auto [sequence, at] = order_.front();
  order_.pop_front();
  forgotten_ = sequence;
  if (at->second == sequence) keys_.erase(at);
}

}  // namespace letterlock::store
