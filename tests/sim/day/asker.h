// Whoever asks: tenants and the operator, of any trace, at some moments of the day and in the
// evening of all of them, by the node's own command (trace.show). Invariant 6: what they are told
// is held against the truth, party by party: never "no" where somebody could have read it.
//
// The opposite is no fault, but counted; and of mail that nobody could have read, some must be told
// that nobody could, or the answer would be worth nothing.
#pragma once

#include <map>
#include <string>

#include <boost/json/object.hpp>

#include "sim/day/site.h"
#include "sim/day/told_ways.h"
#include "sim/day/truth.h"

namespace letterlock::day {

// What a day's answers came to.
struct Answers {
  std::uint64_t asked = 0;
  std::uint64_t told = 0;                   // with an exposure
  std::array<std::uint64_t, 7> could{};     // by party: somebody could, by the truth
  std::array<std::uint64_t, 7> cautious{};  // nobody could, and yes was said
  std::array<std::uint64_t, 7> unknown{};   // nobody could, and unknown was said
  std::uint64_t quiet = 0;                  // of messages that nobody could have read on the way
  std::uint64_t quiet_no = 0;               // and were told so
};

class Asker {
 public:
  Asker(Site& site, const Custody& custody, const Witness& witness);

  void begin(unsigned times, base::Milliseconds span);
  // By now everything from before that moment has been told wherever it must be.
  void told_until(base::Milliseconds moment) { told_until_ = moment; }
  // About every trace, each tenant and the operator; one in `share` of them.
  void ask_all(unsigned share);
  bool are_done() const { return pending_ == 0 && gate_.running() == 0; }
  net::Task<> close() { return gate_.close(site_.world.timers(), base::Milliseconds(0)); }
  const Answers& answers() const { return answers_; }

 private:
  net::Task<> come(base::Milliseconds after);
  void ask(const Question& question);
  // All that is known at the moment of asking, of what this tenant's records tell, or all of them.
  struct Known {
    Question question;
    Truth truth;
    WayFacts ways;
    bool is_quiet = false;
  };
  std::optional<Known> known(const Question& question) const;
  // Each for the records of one tenant, as they are shown; the first is what was asked.
  using AllKnown = std::vector<Known>;
  void answered(const AllKnown& all, const boost::json::object& answer);
  void shown(const AllKnown& all, const boost::json::object& one);
  void compare(const Known& known, const boost::json::object& one);
  void check(const Question& question, const Truth& truth, protection::Party party,
             std::string_view could);
  bool is_quiet(const Question& question) const;
  Node* any_node();
  std::string name(const Question& question) const;

  Site& site_;
  const Custody& custody_;
  const Witness& witness_;
  sim::Random random_;
  net::Gate gate_;
  unsigned pending_ = 0;
  base::Milliseconds told_until_{0};
  Answers answers_;
};

}  // namespace letterlock::day
