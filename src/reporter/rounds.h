// When the notices of one message are told: as few reports as a person can use, however many
// recipients there are and however they trickle in. Pure, but for the small memory of what rests.
#pragma once

#include <map>
#include <optional>

#include "base/id.h"
#include "base/time.h"

namespace letterlock::reporter {

// From the first notice on, those of the other recipients are waited for so long.
inline constexpr base::Milliseconds gather_wait = std::chrono::seconds(10);
// Messages of one tenant that rest; of more, those that aren't through wait until they are.
inline constexpr std::size_t resting_max = 10'000;

// After a report at `told`, about a message that is still under way: no other one before this time,
// unless none of its recipients waits any more. Nothing: none but the last.
// So at most five: in the first four hours, until a day has passed, until three have, until it
// ends, and at its end.
std::optional<base::Time> next_round(base::Time accepted, base::Time told);

// One tenant's messages with notices that aren't told yet. On the reporter's loop.
class Resting {
 public:
  enum class Why {
    gathers,    // more notices are expected any moment
    was_told,   // lately
    no_budget,  // its sender has had as many reports as there are for now
    trouble     // the last try failed
  };
  // Whether it is to be told now; if it was never seen and others of its recipients wait, it begins
  // to gather.
  enum class Is { under_way, final };
  bool is_ready(const base::MessageId& id, Is is, base::Time now);
  void rest(const base::MessageId& id, base::Time until, Why why);
  void forget(const base::MessageId& id) { until_.erase(id); }
  bool is_resting(const base::MessageId& id, Why why) const;
  std::size_t count(Why why) const;
  // After each message with a notice was asked for: those that are over, or gone, are forgotten.
  void tidy(base::Time now);
  bool has_over(base::Time now) const;
  std::optional<base::Time> next(base::Time now) const;

 private:
  struct Rest {
    base::Time until;
    Why why = Why::gathers;
  };
  std::map<base::MessageId, Rest> until_;
};

}  // namespace letterlock::reporter
