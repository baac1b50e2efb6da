// The index of what is due, read a page at a time: all that may be tried now, the oldest first to
// within a span of four seconds. Whatever can't go now (its destination has all the places it may
// have, or rests) is passed over in one step a span, so that nobody's rows, however many, keep
// another's from being looked at. Lives on any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "queue/queue.h"

namespace letterlock::queue {

// Whether items of a destination are wanted now.
struct Wanted {
  enum class What { yes, full, rests } what = What::yes;
  base::Time until{};  // rests: how long
};

struct DueQuery {
  Lane lane = Lane::remote;
  base::Time now;
  std::string from;  // a page's next_key; empty: the beginning
  std::size_t count_max = 200;
  std::function<Wanted(const std::string& destination)> wanted;  // none: everything is
};

struct DuePage {
  std::vector<Due> items;
  std::string next_key;      // where the next page begins; empty: this was the last
  bool passed_over = false;  // something due was left, its destination being full
  // When what isn't due yet, or rests, may go, as far as this page has seen it; not later than
  // that.
  std::optional<base::Time> next_time;
  std::size_t scans = 0;  // of the store
};

// Limits: due_scans_max scans of the store, count_max items; a page may end early, and be empty,
// with more behind it.
inline constexpr std::size_t due_scans_max = 64;
net::ResultTask<DuePage> due(store::Transaction& transaction, base::TenantId tenant,
                             DueQuery query);

}  // namespace letterlock::queue
