// Those who read their mail, as people do: well guarded or carelessly, all of it or a part, only
// looking whether there is any, over and over, with lines that are cut. Each has his habit.
#pragma once

#include <functional>

#include "drive/pop_client.h"
#include "sim/day/site.h"

namespace letterlock::day {

class Readers {
 public:
  // Who connects from where, said before he signs in; `binds`: his proof is bound to the channel.
  using Comes = std::function<void(const net::Endpoint& from, const Person& who, bool binds)>;
  Readers(Site& site, Comes comes);

  // So many people come within this time, some of them again and again.
  void begin(unsigned people, base::Milliseconds span);
  // Everything that lies there, over the best way that his account takes.
  net::ResultTask<std::vector<base::Bytes>> all_of(const Person* person);
  bool are_done() const { return gate_.running() == 0; }
  net::Task<> close() { return gate_.close(site_.world.timers(), base::Milliseconds(0)); }

 private:
  struct Way {
    bool in_clear = false;
    bool verifies = true;
    sasl::Mechanism mechanism = sasl::Mechanism::plain;
    bool is_late = false;  // with the first password, whatever it is now
  };
  net::Task<> come(base::Milliseconds after);
  net::ResultTask<> visit(const Person* person, Way way);
  net::ResultTask<std::unique_ptr<drive::PopClient>> enter(const Person* person, Way way);
  net::ResultTask<> sign_in(drive::PopClient& client, const Person* person, Way way);
  net::ResultTask<> read(drive::PopClient& client);
  Way way_of(Person::Habit habit);

  Site& site_;
  Comes comes_;
  sim::Random random_;
  net::Gate gate_;
};

}  // namespace letterlock::day
