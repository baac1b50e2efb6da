// The reckoning at the end of a day: nothing fails any more, the queue is empty. Every promise was
// kept, every mailbox gives what it should, every blob has its holder.
#pragma once

#include "sim/day/custody.h"
#include "sim/day/people.h"
#include "sim/day/site.h"

namespace letterlock::day {

struct Books {
  Site& site;
  const People& people;
  Readers& readers;
  const Letters& letters;
  Custody& custody;
  Findings& findings;
};

// Restarts the nodes and signs everybody in, so that what a crash left open is closed. From outside
// of the world's loop.
void check_day(const Books& books);

// The first trace known to `custody` that a header names.
std::optional<base::TraceId> trace_in_header(std::string_view header, const Custody& custody);

}  // namespace letterlock::day
