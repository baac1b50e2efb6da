// The optimistic check of both stores: a transaction may commit if nothing that it read was
// changed since it began. Lives where commits happen: the commit thread, or the only one.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "store/changes.h"

namespace letterlock::store {

// Numbers the commits; a transaction that began at n has seen all up to n and none after.
using Sequence = std::uint64_t;

// What changed lately, in the order of change. Whether a key is among it is first asked of a table
// that says for each key's place when anything there last changed: nearly always that is long ago.
class RecentCommits {
 public:
  // Remembers at most about so many changed keys; who began before what was forgotten conflicts.
  explicit RecentCommits(std::size_t keys_max = 200'000)
      : keys_max_(keys_max), places_(std::make_unique<Places>()) {}

  // True if a key or range that was read has changed since `begun`, or nobody knows any more.
  bool conflicts(const Reads& reads, Sequence begun) const;
  // Notes the keys of the next commit and gives its number.
  Sequence add(std::vector<std::string> keys);
  // Nobody who began before `oldest` will ask any more.
  void forget_until(Sequence oldest);

  Sequence last() const { return last_; }
  std::size_t keys() const { return keys_; }

 private:
  static constexpr std::size_t places_count = std::size_t{1} << 15U;
  using Places = std::array<Sequence, places_count>;
  struct Changed {
    Sequence sequence;
    std::vector<std::string> keys;
  };

  static std::size_t place_of(std::string_view key);
  bool has_changed(std::string_view key, Sequence begun) const;
  bool any_changed(const std::vector<Range>& ranges, Sequence begun) const;
  void forget_first();

  std::size_t keys_max_;
  std::deque<Changed> commits_;
  std::size_t keys_ = 0;            // of all of them
  std::unique_ptr<Places> places_;  // when a key of this place was changed last
  Sequence last_ = 0;
  Sequence forgotten_ = 0;  // changes up to this one may be missing
};

}  // namespace letterlock::store
