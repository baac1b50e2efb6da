// What a trace tells of each recipient's way, held against what the world knows of it: a fetch that
// was seen has its record wherever the mailbox's own tenant or the operator asks, and no sentence
// says to anybody that nothing was fetched, nothing has left, all was protected, where it is not
// so.
#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "sim/day/site.h"
#include "sim/day/truth.h"

namespace letterlock::day {

// The world's facts of a trace at the moment of asking.
struct WayFacts {
  struct Fetched {
    std::string account;  // by its address
    bool in_clear = false;
    bool is_seen = false;  // the asker sees that mailbox's records
    bool is_told = false;  // or his tenant has had the time to be told
  };
  std::vector<Fetched> fetched;
  bool came_in_clear = false;
  bool has_left = false;  // content, to an outside MTA
  std::size_t recipients = 0;
};

// `told_until`: what was before has been told to the trace's owner.
WayFacts facts_of(const Question& question, const Site& site, const Custody& custody,
                  const Witness& witness, base::Milliseconds told_until);

// What is told and isn't so, in sentences.
std::vector<std::string> wrong_in_ways(const WayFacts& facts, const boost::json::object& answer);

}  // namespace letterlock::day
