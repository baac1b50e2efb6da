// Feeds the agents: loads what is due from the store into the window, hands jobs to whoever asks,
// and learns what became of them. It loads a page for each tenant and lane in turn, so that
// nobody's backlog keeps another's from being looked at. Lives on one loop; offer() may be called
// from any thread.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "net/loop.h"
#include "os/clock.h"
#include "queue/lease.h"
#include "queue/window.h"
#include "store/store.h"

namespace letterlock::queue {

struct DispatcherPorts {
  store::Store& store;
  net::Loop& loop;
  net::Timers& timers;
  const os::Clock& clock;
  base::EventSink& events;
  Leases& leases;
  // The tenants that exist, asked at start and then each few minutes.
  std::function<net::ResultTask<std::vector<base::TenantId>>()> tenants;
};

class Dispatcher {
 public:
  Dispatcher(DispatcherPorts ports, WindowLimits limits);

  // Loads until it is cancelled. Start it through a gate.
  net::Task<> run();
  // New or newly due items, as enqueue() gave them, after their transaction has committed.
  void offer(std::vector<Due> items);

  // The next job of these lanes; waits until there is one. Errors: cancelled.
  net::ResultTask<Job> take(std::vector<Lane> lanes);
  net::ResultTask<Job> take(Lane lane) { return take(std::vector{lane}); }
  // The host has taken the job's message, which isn't written yet: the next one that may go to the
  // same host at once, in its place, if it is nobody else's turn.
  std::optional<Job> follow(Job& job);
  // These, of one message for one destination, for whoever settles them without a try; finish()
  // gives them back. Nothing: one of them is under way.
  std::optional<Job> claim(const std::vector<Due>& items);
  // The tenants whose mail it hands out. Errors: the store's.
  net::ResultTask<std::vector<base::TenantId>> tenants() const { return ports_.tenants(); }
  // What the job's destination has shown, for how many may be under way there.
  void note(const Job& job, Showed showed);
  // The job's outcomes are settled in the store; `next_try` is the earliest of what was deferred.
  void finish(const Job& job, std::optional<base::Time> next_try);
  // They could not be settled (disk full, lease lost): its place is free, and its items stay due,
  // to be looked at again after `wait`.
  void abandon(Job job, base::Milliseconds wait);
  // The destination doesn't answer: nothing more goes there before `until`, without costing anybody
  // an attempt.
  void rest(Lane lane, const std::string& destination, base::Time until);
  // An operator wants a try now, whether the destination answered before or not.
  void end_rest(Lane lane, const std::string& destination);
  // An operator changed this tenant's queue: look again.
  void look_again(const base::TenantId& tenant);
  // What is ready of these messages isn't; look_again() follows, as not all of it may have changed.
  void forget(const base::TenantId& tenant, const std::set<base::MessageId>& messages);

  // On its loop.
  std::size_t in_memory() const { return window_.count(); }
  std::size_t under_way(Lane lane) const { return window_.lane(lane).under_way(); }
  // Scans of the store for what is due, since it began: what loading costs.
  std::uint64_t scans() const { return scans_; }
  // When the loader and each lane's agent last came round: what lives does so within idle_wait.
  struct Rounds {
    os::Steady loader;
    os::Steady local;
    os::Steady remote;
  };
  const Rounds& rounds() const { return rounds_; }
  static constexpr base::Milliseconds idle_wait = std::chrono::minutes(5);

 private:
  // How far one tenant's lane is loaded. A pass goes through all that is due, page by page.
  struct Loading {
    bool more = true;          // the pass isn't at its end, or a new one is to begin at once
    std::string cursor;        // of the pass; empty: it begins
    bool passed_over = false;  // something due was left for want of room
    bool has_room = false;     // … and there is some again
    std::optional<base::Time> next_due;  // nothing: nothing waits, as far as is known
    os::Steady pass_began{};
    base::Milliseconds pass_took{0};  // of the store's time
    os::Steady trouble_until{};       // it couldn't be read: not before
  };
  using Place = std::pair<base::TenantId, Lane>;

  net::ResultTask<> learn_tenants();
  net::ResultTask<bool> load_round();
  net::ResultTask<> load_page(Place place);
  Loading& loading(const base::TenantId& tenant, Lane lane);
  // Into the window, if it is this node's and there is room. True: the loader has to come round for
  // it.
  bool place(const Due& item, base::Time now);
  void take_in(Place place, DuePage page);
  bool wants_loading(const Place& place, const Loading& state, base::Time now) const;
  static base::Milliseconds apart(const Loading& state);
  base::Milliseconds pause_after_pass(const Place& place, const Loading& state) const;
  base::Milliseconds until_next() const;
  void due_at(const Place& place, base::Time at);
  void room_again(Lane lane);
  net::Task<> forget_later(Job job, base::Milliseconds wait);
  os::Steady& round_of(Lane lane);
  net::Bell& bell(Lane lane) { return lane == Lane::local ? local_bell_ : remote_bell_; }

  DispatcherPorts ports_;
  Window window_;
  std::array<std::map<base::TenantId, Loading>, std::size(all_lanes)> loading_;
  base::Time tenants_asked_{};
  std::uint64_t scans_ = 0;
  net::Bell load_bell_;
  net::Bell local_bell_;
  net::Bell remote_bell_;  // reports' too: one agent takes both
  net::Gate gate_;
  bool ended_ = false;
  Rounds rounds_;
};

}  // namespace letterlock::queue
