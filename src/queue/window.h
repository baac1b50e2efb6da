// The active window: what of the queue is in memory, ready to be tried, bounded, and in which order
// it is taken: tenants in turn, and each tenant's destinations in turn, so that nobody's thousand
// messages stand before another's one. Concurrency and rate are kept for each destination. Pure
// data: no I/O, no clock. Lives on the dispatcher's loop.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "queue/queue.h"

namespace letterlock::queue {

struct WindowLimits {
  std::size_t recipients_max = 20'000;             // in memory, under way ones included
  std::size_t destination_recipients_max = 5'000;  // of them, for one destination
  std::size_t job_recipients_max = 100;  // RFC 5321 §4.5.3.1.8: what any server takes at once
  std::size_t local_concurrency = 64;    // jobs under way in each lane
  std::size_t remote_concurrency = 500;
  std::size_t destination_concurrency = 40;  // jobs under way to one destination at most
  // To one elsewhere so many at first: each that the host takes lets one more go, one that finds no
  // session there halves them.
  std::size_t destination_concurrency_first = 10;
  std::size_t destination_per_minute = 0;  // jobs begun to one destination; 0: no limit
};

// What an agent takes: one message, and those of its recipients that share a destination.
struct Job {
  base::TenantId tenant;
  base::MessageId message;
  Lane lane = Lane::remote;
  std::string destination;
  std::vector<Due> items;
  bool has_place = true;  // among those under way; false: the job that followed it has it
};

class Window {
 public:
  explicit Window(WindowLimits limits) : limits_(limits) {}

  enum class Added { added, known, full, destination_full, resting };
  Added add(const Due& item, base::Time now);
  // The next job whose destination may take one; nothing: none now.
  std::optional<Job> take(Lane lane, base::Time now);
  // What goes to the host is done, though not yet written: the next job of the same tenant to the
  // same destination in this one's place. Nothing where there is none, or where somebody else's
  // turn has come.
  std::optional<Job> follow(Job& job, base::Time now);
  // The destination has taken what a job brought, or it gave no session to one: it may have more
  // at once from now on, or fewer.
  enum class Showed { takes, crowded };
  void note(Lane lane, const std::string& destination, Showed showed);
  // The job is over, whatever came of it: its items are forgotten.
  void finish(const Job& job);
  // Nothing goes to this destination until then. What was ready for it is forgotten and returned,
  // to be postponed.
  std::vector<Due> rest(Lane lane, const std::string& destination, base::Time until);
  std::optional<base::Time> resting_until(Lane lane, const std::string& destination,
                                          base::Time now) const;
  // Forgets every ready item of one message (held or removed by an operator).
  void forget(const base::MessageId& message);

  // When something that waits for its rate may go; nothing: only a finish or an add changes
  // anything.
  std::optional<base::Time> next_time() const;
  std::size_t count() const { return known_.size(); }
  std::size_t under_way(Lane lane) const {
    return lane == Lane::local ? under_way_[0] : under_way_[1];
  }
  bool has_room() const { return known_.size() < limits_.recipients_max; }

 private:
  using Place = std::pair<Lane, std::string>;  // a destination of a lane
  struct Group {                               // one message's items for one destination
    base::MessageId message;
    std::vector<Due> items;
  };
  struct Stream {  // one tenant's ready groups for one destination
    std::deque<Group> groups;
  };
  struct Turn {  // one tenant's destinations, in turn
    std::deque<std::string> destinations;
    std::map<std::string, Stream> streams;
  };
  struct Destination {
    std::size_t recipients = 0;  // ready and under way
    std::size_t under_way = 0;
    std::size_t allowed = 0;  // under way at once, as it has shown; 0: it has shown nothing
    base::Time rests_until{};
    base::Time next_start{};             // by its rate
    std::size_t timers = 0;              // entries in waiting_for_time_
    std::vector<base::TenantId> parked;  // tenants whose turn found it busy
  };
  struct LaneState {
    std::deque<base::TenantId> tenants;  // with destinations in turn
    std::map<base::TenantId, Turn> turns;
  };
  static std::string known_key(const Due& item);
  LaneState& lane_state(Lane lane) { return lanes_[lane == Lane::local ? 0 : 1]; }
  std::size_t lane_limit(Lane lane) const {
    return lane == Lane::local ? limits_.local_concurrency : limits_.remote_concurrency;
  }
  bool may_start(Lane lane, const Destination& destination, base::Time now) const;
  std::size_t allowed(Lane lane, const Destination& destination) const;
  void put_in_turn(Lane lane, const base::TenantId& tenant, const std::string& destination);
  void unpark(Lane lane, const std::string& destination);
  void unpark_by_time(base::Time now);
  void wait_for_time(base::Time until, const Place& place);
  std::optional<Job> take_from(Lane lane, const base::TenantId& tenant, base::Time now);
  Job start(Lane lane, const base::TenantId& tenant, const std::string& name,
            Destination& destination, base::Time now);
  Job pop_front(Lane lane, const base::TenantId& tenant, const std::string& name);
  void forget_item(const Due& item);
  void drop_if_idle(const Place& place);

  WindowLimits limits_;
  LaneState lanes_[2];
  std::size_t under_way_[2] = {0, 0};
  std::map<Place, Destination> destinations_;
  std::multimap<base::Time, Place> waiting_for_time_;
  std::unordered_set<std::string> known_;  // ready or under way: message and recipient
};

}  // namespace letterlock::queue
