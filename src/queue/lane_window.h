// One lane's part of the window: which items are in memory, and in which order they are taken.
// Tenants take turns, and each tenant's destinations; nobody's many stand before another's one.
// Places in memory and among the jobs under way are budgets (budget.h) that tenants share. A
// destination is proven while it takes mail; all others together are on trial, with half of the
// places at most: so however many of them stay silent, there are places for those that answer.
// Pure data: no I/O, no clock.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "queue/budget.h"
#include "queue/due.h"
#include "queue/job.h"

namespace letterlock::queue {

struct LaneLimits {
  std::size_t recipients_max = 14'000;  // in memory, under way ones included
  std::size_t concurrency = 500;        // jobs under way
  std::size_t destination_recipients_max = 5'000;
  std::size_t destination_recipients_first = 1'000;  // on trial
  std::size_t destination_concurrency = 40;
  // To one elsewhere so many at first: each message that the host takes lets one more go, one that
  // finds no session there halves them.
  std::size_t destination_concurrency_first = 10;
  std::size_t destination_per_minute = 0;  // jobs begun to one destination; 0: no limit
  std::size_t job_recipients_max = 100;    // RFC 5321 §4.5.3.1.8: what any server takes at once
  enum class Trials { yes, none } trials = Trials::yes;  // none: all destinations are this node's
};
// So long a destination stays proven that takes nothing more, while jobs are under way there; and
// while none is. So many that nothing waits for are remembered for it.
inline constexpr base::Milliseconds proven_for = std::chrono::minutes(2);
inline constexpr base::Milliseconds remembered_for = std::chrono::hours(1);
inline constexpr std::size_t remembered_max = 10'000;

class LaneWindow {
 public:
  LaneWindow(Lane lane, LaneLimits limits);

  enum class Added { added, known, full, destination_full, resting };
  Added add(const Due& item, base::Time now);
  // Whether add() would take an item for this destination; and for any. Whoever hears that there is
  // no room is told by note() or finish() when there is.
  Wanted wanted(const base::TenantId& tenant, const std::string& destination, base::Time now);
  bool has_room(const base::TenantId& tenant);

  // The next job that may begin; nothing: none now.
  std::optional<Job> take(base::Time now);
  // What goes to the host is done, though not yet written: the next job of the same tenant to the
  // same destination in this one's place. Nothing where there is none, or where somebody else's
  // turn has come.
  std::optional<Job> follow(Job& job, base::Time now);
  // Both: true if some that were turned away would find room by now.
  [[nodiscard]] bool note(const std::string& destination, Showed showed, base::Time now);
  [[nodiscard]] bool finish(const Job& job, base::Time now);  // its items are forgotten
  // The job isn't under way any more, but its items stay known, so that nobody tries them.
  void give_place_back(Job& job, base::Time now);
  // These, of one message for one destination, as a job without a place: whoever has it alone may
  // settle them. Nothing: one of them is under way. What of the message was ready is forgotten.
  std::optional<Job> claim(const std::vector<Due>& items, base::Time now);
  // Nothing goes to this destination until then. What was ready for it is forgotten: it is due in
  // the store as it was. Whose that is.
  std::vector<base::TenantId> rest(const std::string& destination, base::Time until);
  std::optional<base::Time> resting_until(const std::string& destination, base::Time now) const;
  // Forgets what is ready of these messages.
  void forget(const base::TenantId& tenant, const std::set<base::MessageId>& messages,
              base::Time now);

  // When something that waits for its rate or its rest may go.
  std::optional<base::Time> next_time() const;
  std::size_t count() const { return known_.size(); }
  std::size_t count(const base::TenantId& tenant) const;
  std::size_t under_way() const { return places_.used; }

 private:
  enum Standing : std::size_t { proven = 0, on_trial = 1 };
  struct Group {  // one message's items for one destination
    base::MessageId message;
    std::vector<Due> items;
  };
  using Stream = std::deque<Group>;  // one tenant's for one destination
  struct Tenant {
    std::size_t items = 0;  // ready and under way
    std::size_t items_on_trial = 0;
    std::size_t places = 0;
    std::size_t places_on_trial = 0;
    std::optional<std::size_t> turned_away;  // with so many items it had no room for more
    bool in_turn = false;
    Standing next = proven;            // whose turn it is
    std::deque<std::string> ready[2];  // destinations in turn, by their standing
    std::map<std::string, Stream> streams;
  };
  struct Destination {
    std::size_t recipients = 0;  // ready and under way
    std::size_t under_way = 0;
    std::map<base::TenantId, std::size_t> under_way_of;
    std::size_t allowed = 0;  // under way at once, as it has shown; 0: it has shown nothing
    std::optional<base::Time> took_at;
    bool turned_away = false;
    base::Time rests_until{};
    base::Time next_start{};             // by its rate
    std::size_t timers = 0;              // entries in waiting_for_time_
    std::vector<base::TenantId> parked;  // tenants whose turn found it busy
  };

  bool may_have(const base::TenantId& tenant, const Destination* destination, base::Time now) const;
  Standing standing(const Destination* destination, base::Time now) const;
  const Destination* known_destination(const std::string& name) const;
  std::size_t recipients_max(Standing standing) const;
  std::size_t allowed(const Destination& destination) const;
  bool may_start(const base::TenantId& tenant, const Destination& destination,
                 base::Time now) const;
  void put_in_turn(const base::TenantId& id, Tenant& tenant, const std::string& destination,
                   Standing standing);
  void park(const base::TenantId& id, const std::string& name, Destination& destination,
            base::Time now);
  void unpark(Destination& destination, const std::string& name, base::Time now);
  void unpark_by_time(base::Time now);
  void wait_for_time(base::Time until, const std::string& destination);
  void promote(const std::string& destination);
  std::optional<Job> take_from(const base::TenantId& id, Tenant& tenant, base::Time now);
  std::optional<Job> take_ready(const base::TenantId& id, Tenant& tenant, Standing from,
                                base::Time now);
  Job start(const base::TenantId& id, Tenant& tenant, const std::string& name,
            Destination& destination, base::Time now);
  Job pop_front(const base::TenantId& id, const std::string& name, Stream& stream) const;
  void drop_stream(const base::TenantId& id, Tenant& tenant, const std::string& name);
  void free_place(const Job& job);
  void remember_item(const Due& item, Standing standing);
  void forget_item(const Due& item);
  bool has_room_again(Tenant& tenant, Destination& destination, base::Time now);
  void drop_if_idle(const base::TenantId& id);
  void drop_if_idle(const std::string& destination, base::Time now);

  Lane lane_;
  LaneLimits limits_;
  Budget items_;
  Budget items_on_trial_;
  Budget places_;
  Budget places_on_trial_;
  std::deque<base::TenantId> turn_;
  std::map<base::TenantId, Tenant> tenants_;
  std::map<std::string, Destination> destinations_;
  std::multimap<base::Time, std::string> waiting_for_time_;
  std::unordered_map<std::string, Standing> known_;  // ready or under way: message and recipient
};

}  // namespace letterlock::queue
