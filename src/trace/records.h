// The stored form of what this room keeps. For its own files.
#pragma once

#include <string>

#include "trace/attempts.h"
#include "trace/trace.h"

namespace letterlock::trace {

// The counters of one trace.
struct State {
  std::uint64_t next_sequence = 1;
  unsigned next_number = 1;
  std::uint64_t quiet = 0;  // attempts kept that gave no content
  std::uint64_t quiet_not_kept = 0;
  std::uint64_t fetches = 0;  // kept, of all mailboxes
  bool operator==(const State&) const = default;
};

// What was last tried for a recipient.
struct Last {
  unsigned number = 0;
  unsigned attempt = 0;
  hop::Kind kind = hop::Kind::relay;
  bool completed = false;
  bool open = false;  // an intent whose outcome is not there yet
  bool operator==(const Last&) const = default;
};

// What one mailbox's fetches of the message have shown so far.
struct Fetches {
  struct Shown {
    hop::Level level = hop::Level::clear;
    hop::Network network = hop::Network::public_;
    bool post_quantum = false;
    bool password_in_clear = false;
    bool completed = false;  // one of these has ended, and gave the whole
    bool operator==(const Shown&) const = default;
  };
  std::uint64_t kept = 0;
  std::uint64_t not_kept = 0;
  std::vector<Shown> shown;  // by those that are kept, each once
  bool operator==(const Fetches&) const = default;
};

// A trace's head: the message, and the hop that it was accepted over where it began with one. That
// hop is the first in every respect: sequence, number and attempt 1, and it has ended.
std::string pack(const Trace& trace, const hop::Hop* first = nullptr);
base::Result<Trace> unpack_trace(std::string_view octets);
base::Result<std::optional<hop::Hop>> unpack_first_hop(std::string_view octets);
// The counters of a trace of which no more than its head is written.
base::Result<State> first_state(std::string_view head);
std::string pack(const State& state);
base::Result<State> unpack_state(std::string_view octets);
std::string pack(const Fetches& fetches);
base::Result<Fetches> unpack_fetches(std::string_view octets);
std::string pack(const Attempts& attempts);
base::Result<Attempts> unpack_attempts(std::string_view octets);
std::string pack(const Last& last);
base::Result<Last> unpack_last(std::string_view octets);
std::string pack(const Ending& ending);
base::Result<Ending> unpack_ending(std::string_view octets);
std::string pack(const Link& link);
base::Result<Link> unpack_link(std::string_view octets);
// An intent whose outcome isn't written yet: who will close it, and whose trace is to be told.
struct Open {
  std::string node;
  base::TenantId told;  // nil: nobody's but its own tenant's
  bool operator==(const Open&) const = default;
};
std::string pack(const Open& open);
base::Result<Open> unpack_open(std::string_view octets);
// When a message was taken out of a mailbox.
std::string pack_left(base::Time when);
base::Result<base::Time> unpack_left(std::string_view octets);
// The hop's JSON record behind a version.
std::string pack(const hop::Hop& hop);
base::Result<hop::Hop> unpack_hop(std::string_view octets);
// An event on its way: to whom, and the hop as it may be told.
std::string pack_event(const base::TenantId& to, const hop::Hop& hop);
base::Result<std::pair<base::TenantId, hop::Hop>> unpack_event(std::string_view octets);

// Cut to the limits of trace.h, made UTF-8.
Trace bounded(Trace trace);

}  // namespace letterlock::trace
