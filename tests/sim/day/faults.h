// What goes wrong in a day. Each day draws which kinds of trouble it knows, how often they come,
// and then the troubles themselves; at the end everything is mended.
#pragma once

#include <array>
#include <functional>
#include <string_view>
#include <vector>

#include "sim/day/site.h"

namespace letterlock::day {

class Faults {
 public:
  explicit Faults(Site& site);

  // Draws troubles until end().
  void begin(base::Milliseconds span);
  // Everything works again, and everybody is honest.
  void end();
  net::Task<> close() { return gate_.close(site_.world.timers(), base::Milliseconds(0)); }

 private:
  using Trouble = void (Faults::*)();
  net::Task<> come();
  // Undone after a while, or at the end.
  void until(base::Milliseconds duration, std::function<void()> undo);

  // The network.
  void break_connections();
  void part();
  void slow_down();
  void impersonate();
  // Others.
  void change_mood();
  void stop_a_stranger();
  void change_a_certificate();
  // Names.
  void fail_names();
  void lie_in_names();
  // The store and the nodes.
  void cut_power();
  void cut_power_at_a_commit();
  void crash_a_node();
  void stall_a_node();
  void stall_at_a_commit();
  void fail_commits();
  void fail_reads();
  void fill_the_disk();
  void jump_the_clock();

  Stranger& any_stranger();
  Node& any_node();
  Domain& any_domain();
  base::Milliseconds a_while(base::Milliseconds max);

  Site& site_;
  sim::Random random_;
  net::Gate gate_;
  std::vector<Trouble> menu_;
  base::Milliseconds every_{0};
  base::Milliseconds end_{0};
  std::vector<std::shared_ptr<std::function<void()>>> undo_;
  unsigned crash_after_commits_ = 0;
  store::CommitStage crash_stage_ = store::CommitStage::before;
};

}  // namespace letterlock::day
