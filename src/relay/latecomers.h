// Whose turn doesn't come: behind a destination that is down for days, or one that takes less than
// there is for it, a message may stand due for as long as it lives. Its sender is told of the delay
// all the same, and it expires at its time. A slow walk through what is long due finds them; it
// tries nothing. Mail that stays here is tried soon, so its lane isn't walked.
#pragma once

#include <vector>

#include "relay/work.h"

namespace letterlock::relay {

class Latecomers {
 public:
  explicit Latecomers(const World& world) : world_(world) {}

  // Walks, waits, walks again, until it is stopped or cancelled. Limits: 100 rows a read; it rests
  // fifty times as long as a read took.
  net::Task<> run();
  void stop();

 private:
  using Page = std::vector<std::vector<queue::Due>>;  // each a message's for one destination
  net::ResultTask<> walk();
  net::ResultTask<> walk_lane(base::TenantId tenant, queue::Lane lane);
  net::ResultTask<> find_late(store::Transaction& transaction, base::TenantId tenant,
                              queue::DueQuery query, std::string& next, Page& late);
  net::ResultTask<bool> is_late(store::Transaction& transaction, const queue::Job& job);
  net::Task<> settle(std::vector<queue::Due> items);
  net::ResultTask<> wait(base::Milliseconds duration);

  const World& world_;
  net::Bell stop_bell_;
  bool stopped_ = false;
};

}  // namespace letterlock::relay
