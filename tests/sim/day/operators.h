// Whoever runs the site, in the middle of things: holds, releases, retries and removes what waits,
// by the node's own table of commands; suspends people, changes passwords, quotas, limits, what
// addresses stand for; removes an account. What is about to be said is told to the shadows first.
#pragma once

#include <functional>

#include "sim/day/custody.h"
#include "sim/day/site.h"
#include "sim/day/sums.h"

namespace letterlock::day {

class Operators {
 public:
  Operators(Site& site, Custody& custody, Sums& sums);

  // So many acts within this time.
  void begin(unsigned acts, base::Milliseconds span);
  // His hand between two steps of an agent, at some commits.
  void meddle(const Commit& commit);
  // Undoes what stands in anybody's way, and goes on until it is undone.
  void end();
  bool are_done() const { return gate_.running() == 0; }
  net::Task<> close() { return gate_.close(site_.world.timers(), base::Milliseconds(0)); }

 private:
  using Act = net::Task<> (Operators::*)();
  net::Task<> come(base::Milliseconds after);
  net::Task<> undo();
  net::Task<bool> undo_once();

  // The queue.
  net::Task<> hold();
  net::Task<> release();
  net::Task<> remove();
  void remove_this(const base::MessageId& id);
  // The directory.
  net::Task<> suspend();
  net::Task<> change_password();
  net::Task<> change_quota();
  net::Task<> change_limits();
  net::Task<> free_sending();
  net::Task<> allow_clear();
  net::Task<> change_list();
  net::Task<> change_addresses();
  net::Task<> remove_account();

  void order(std::string_view operation, boost::json::object arguments);
  boost::json::object some_of_the_queue();
  net::Task<bool> set(const Person& person, directory::AccountChange change, std::string_view what);
  bool note(const base::Result<directory::Account>& answer, std::string_view what);
  Person& any_person();
  Tenant& any_tenant();
  base::Milliseconds moment(base::Milliseconds span);

  Site& site_;
  Custody& custody_;
  Sums& sums_;
  sim::Random random_;
  net::Gate gate_;
  bool may_remove_account_ = false;
  unsigned hands_ = 0;  // how often he still meddles
  bool is_over_ = false;
  unsigned pending_ = 0;      // orders that a node is still at, or will get to
  bool has_removed_ = false;  // nobody doubts it any more
};

}  // namespace letterlock::day
