// Hops in the words of exposure and verdict, for this room's own files.
#pragma once

#include <string>
#include <vector>

#include "hop/hop.h"

namespace letterlock::protection {

// It crossed a road that somebody else could be on.
bool crosses_network(const hop::Hop& hop);
// From this platform to another operator's MTA, or the other way round.
bool goes_out(const hop::Hop& hop);
bool comes_in(const hop::Hop& hop);
// To a list of this platform: what goes on from it has a trace of its own.
bool goes_to_list(const hop::Hop& hop);

// A client that is a program on this machine, a webmail say: it has the content from people who
// aren't here, or shows it to them.
bool ends_at_program_here(const hop::Hop& hop);
// The client that a submission came from, or that a fetch gave to; nothing of other hops.
const hop::End* client_of(const hop::Hop& hop);

// "bob's mailbox", of "bob@birch.example".
std::string mailbox_of(const std::string& account);

// Numbers once each, in order.
std::vector<unsigned> numbers_of(const std::vector<const hop::Hop*>& hops);
// "hop 4", "hops 1 and 2", "hops 1, 2, 3 and 5"; at most eight are named.
std::string hop_list(const std::vector<unsigned>& numbers);
// "a", "a and b", "a, b and c"; at most `count_max` are named.
std::string and_list(const std::vector<std::string>& items, std::size_t count_max = 8);
// "2026-11-23".
std::string day(base::Time time);

// What happened on a hop in clear: "bob's client fetched over POP3 in clear".
std::string clear_clause(const hop::Hop& hop);
// Why an interferer could have read a hop with TLS: "nothing proved mx1.modern.example's identity".
std::string unproved_clause(const hop::Hop& hop);
// Why no interferer could: "both ends saw one and the same channel".
std::string proved_clause(const hop::Hop& hop);

}  // namespace letterlock::protection
