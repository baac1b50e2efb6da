// When the machine's calendar was set back: a fact of the site, for without it two recorded moments
// would be put in the wrong order, and a trace could say "no" of a mailbox that was open. A node
// writes down each setback that it sees, and beforehand, again and again, up to which moment it may
// record anything: what starts before that moment has been set back, or follows a crash, and both
// count the same. Lives on one loop; told() and open() from any thread.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/event.h"
#include "base/setbacks.h"
#include "net/loop.h"
#include "os/watched_clock.h"
#include "store/store.h"

namespace letterlock::directory {

struct CalendarRecord {
  base::Time not_after;  // the node records no later moment, unless it writes this again first
  std::vector<base::Setback> setbacks;
  bool operator==(const CalendarRecord&) const = default;
};
std::string encode(const CalendarRecord& record);
base::Result<CalendarRecord> decode_calendar(std::string_view octets);

inline constexpr std::size_t setbacks_max = 64;  // of a node; beyond, the closest become one
inline constexpr base::Milliseconds calendar_ahead = std::chrono::minutes(5);

struct CalendarOptions {
  std::string node;
  base::Milliseconds ahead = calendar_ahead;  // written again at half of it
};

// The latest moment that any node may have recorded. Errors: the store's, corrupt.
net::ResultTask<base::Time> latest_recorded(store::Transaction& tx);

class Calendar {
 public:
  Calendar(store::Store& store, const os::Clock& machine, net::Timers& timers,
           base::EventSink& events, CalendarOptions options);

  // The clock that everything which is recorded is told by.
  os::Clock& clock() { return clock_; }
  // Before anything is recorded: what was set back while the node was down. Errors: the store's.
  net::ResultTask<> open();
  // Writes down what there is, until it is cancelled.
  net::Task<> run();
  // In order: nothing is recorded any more. Errors: the store's.
  net::ResultTask<> close();
  // Of all nodes, those not yet written included. Errors: the store's, corrupt.
  net::ResultTask<base::Order> order();

 private:
  void told(base::Setback setback);
  void keep(base::Setback setback);  // until it is written
  void say(const base::Setback& setback) const;
  net::ResultTask<> write(base::Milliseconds ahead);
  net::ResultTask<> write_in(store::Transaction& tx, base::Milliseconds ahead);
  std::vector<base::Setback> unwritten() const;

  store::Store& store_;
  net::Timers& timers_;
  base::EventSink& events_;
  CalendarOptions options_;
  mutable std::mutex mutex_;
  std::vector<base::Setback> unwritten_;
  net::Bell bell_;
  os::WatchedClock clock_;  // last: it tells the others
};

}  // namespace letterlock::directory
