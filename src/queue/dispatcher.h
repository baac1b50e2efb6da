// Feeds the agents: loads what is due from the store into the window, hands jobs to whoever asks,
// and learns what became of them. Lives on one loop; offer() may be called from any thread.
#pragma once

#include <functional>
#include <map>
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

  // The next job of this lane; waits until there is one. Errors: cancelled.
  net::ResultTask<Job> take(Lane lane);
  // The host has taken the job's message, which isn't written yet: the next one that may go to the
  // same host at once, in its place, if it is nobody else's turn.
  std::optional<Job> follow(Job& job);
  // What the job's destination has shown, for how many may be under way there.
  void note(const Job& job, Window::Showed showed);
  // The job's outcomes are settled in the store; `next_try` is the earliest of what was deferred.
  void finish(const Job& job, std::optional<base::Time> next_try);
  // They could not be settled (disk full, lease lost): its items stay due, and are looked at again
  // after `wait`.
  void abandon(const Job& job, base::Milliseconds wait);
  // The destination doesn't answer: nothing more goes there before `until`, without costing anybody
  // an attempt.
  void rest(Lane lane, const std::string& destination, base::Time until);
  // An operator wants a try now, whether the destination answered before or not.
  void end_rest(Lane lane, const std::string& destination);
  // An operator changed this tenant's queue: look again.
  void look_again(const base::TenantId& tenant);
  void forget(const base::MessageId& message);

  // On its loop.
  std::size_t in_memory() const { return window_.count(); }
  std::size_t under_way(Lane lane) const { return window_.under_way(lane); }
  // When the loader and each lane's agent last came round: what lives does so within idle_wait.
  struct Rounds {
    os::Steady loader;
    os::Steady local;
    os::Steady remote;
  };
  const Rounds& rounds() const { return rounds_; }
  static constexpr base::Milliseconds idle_wait = std::chrono::minutes(5);

 private:
  struct TenantState {
    bool more = true;          // something may be due behind the cursor
    bool passed_over = false;  // something due was left for want of room
    std::string cursor;
    std::optional<base::Time> next_due;  // nothing: nothing waits
    base::Time pass_began{};
  };
  net::ResultTask<> learn_tenants();
  net::ResultTask<bool> load_round();
  net::ResultTask<> load_page(base::TenantId tenant);
  net::ResultTask<> postpone_some();
  // Into the window, if it is this node's and there is room. True: the loader has to look, for a
  // rest to be written down, or because something is passed over now that wasn't before.
  bool place(const Due& item, base::Time now);
  void take_in(const base::TenantId& tenant, const DuePage& page);
  bool wants_loading(const TenantState& state, base::Time now) const;
  base::Milliseconds until_next() const;
  net::Task<> forget_later(Job job, base::Milliseconds wait);
  net::Bell& bell(Lane lane) { return lane == Lane::local ? local_bell_ : remote_bell_; }

  DispatcherPorts ports_;
  Window window_;
  std::map<base::TenantId, TenantState> tenants_;
  std::vector<Due> to_postpone_;
  base::Time tenants_asked_{};
  net::Bell load_bell_;
  net::Bell local_bell_;
  net::Bell remote_bell_;
  net::Gate gate_;
  bool ended_ = false;
  Rounds rounds_;
};

}  // namespace letterlock::queue
