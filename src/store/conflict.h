// The optimistic check of both stores: a transaction may commit if nothing that it read was
// changed since it began. Lives where commits happen: the commit thread, or the only one.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "store/changes.h"

namespace letterlock::store {

// Numbers the commits; a transaction that began at n has seen all up to n and none after.
using Sequence = std::uint64_t;

class RecentCommits {
 public:
  // Remembers at most about so many changed keys; who began before what was forgotten conflicts.
  explicit RecentCommits(std::size_t keys_max = 200'000) : keys_max_(keys_max) {}

  // True if a key or range that was read has changed since `begun`, or nobody knows any more.
  bool conflicts(const Reads& reads, Sequence begun) const;
  // Notes the keys of the next commit and gives its number.
  Sequence add(const Changes& changes);
  // Nobody who began before `oldest` will ask any more.
  void forget_until(Sequence oldest);

  Sequence last() const { return last_; }
  std::size_t keys() const { return keys_.size(); }

 private:
  using Keys = std::map<std::string, Sequence, std::less<>>;
  void forget_first();

  std::size_t keys_max_;
  Keys keys_;  // each with its last change
  // In the order of change. A key changed again stands here twice; only the last entry erases it.
  std::deque<std::pair<Sequence, Keys::iterator>> order_;
  Sequence last_ = 0;
  Sequence forgotten_ = 0;  // changes up to this one may be missing
};

}  // namespace letterlock::store
