// Who could have read a message: computed from its hops, every attempt counted, from where its
// content went on, and from what lies where now. Each party with the reason in a sentence.
//
// What isn't seen is unknown, never no. So "no" stands only where every hop that could have added
// the party is recorded: a trace that lacks the hop it came by, or that goes on out of the reader's
// sight, gives "unknown" for each party whom what lies there could add.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/setbacks.h"
#include "base/time.h"
#include "hop/hop.h"

namespace letterlock::protection {

enum class Party {
  listener,     // on the network, listening
  interferer,   // on the network, interfering
  operator_,    // of this platform
  others,       // operators beyond it
  legal_order,  // to this platform's operator
  recorder,     // with a quantum computer, later
  devices,      // of both ends
};
std::string_view name(Party party);   // "listener" …, for JSON
std::string_view title(Party party);  // "on the network, listening" …, for people

// In the order in which they outweigh each other: what is known of one hop says more than that
// another isn't seen. `anyone`: people whom neither sender nor recipient chose; shown as "YES".
enum class Could { no, unknown, yes, anyone };
std::string_view name(Could could);  // "no", "unknown", "yes", "YES"

struct PartyExposure {
  Party party = Party::listener;
  Could could = Could::no;
  std::string reason;
  std::vector<unsigned> hops;  // the numbers of the hops that are the reason
  bool operator==(const PartyExposure&) const = default;
};

struct Exposure {
  std::vector<PartyExposure> parties;  // one each, in the order of Party
  bool operator==(const Exposure&) const = default;
};

// Sign-ins of one kind to an account, while its password was the same, that opened its mailbox to
// others than its owner: a fact of the account, whatever was then fetched.
struct Opening {
  enum class How {
    in_clear,    // who listened has the password, or had the session
    unbound,     // TLS that the client may not have verified: who interfered has or had the same
    recordable,  // the password crossed in TLS that a quantum computer opens later
    by_program,  // a program of this machine signed in: how the password came to it isn't seen
    unrecorded,  // what there was from `first` to `last` was lost: the store was restored
  };
  How how = How::in_clear;
  hop::Network network = hop::Network::public_;  // the most public road of them
  base::Time first;
  base::Time last;
  std::optional<base::Time> closed = {};  // when the password became another one; nothing: not yet
  bool operator==(const Opening&) const = default;
};

// A mailbox that the message was delivered to, or lies in, as far as the reader may know of it.
struct Mailbox {
  std::string account;                  // "bob@birch.example", as the hops name it
  bool holds = false;                   // it lies there now: the mailbox says so, not the hops
  std::optional<base::Time> left = {};  // when it was taken away, where that is known
  std::vector<Opening> openings;
  bool operator==(const Mailbox&) const = default;
};

// A backup that was made while the message was here, and that nobody has said is destroyed.
struct Backup {
  base::Time made;
  std::optional<base::Time> kept_until = {};  // nothing: no end is known
  bool is_overdue = false;                    // that time is over
  bool operator==(const Backup&) const = default;
};

// What lies where, as of now. It is asked of the queue, the mailboxes and the directory, not
// guessed from hops; what could not be asked is unknown.
struct AtRest {
  enum class InQueue { unknown, no, yes };
  InQueue in_queue = InQueue::unknown;
  // A mailbox that a delivery names and that isn't here is another's: not seen.
  std::vector<Mailbox> mailboxes;
  std::vector<Backup> backups;
};

// What was recorded from a backup until the store was restored from it is lost.
struct Lost {
  base::Time from;
  base::Time to;
  bool operator==(const Lost&) const = default;
};

// Content that went on under another trace: a list's copy, a report that returns it, or its header.
struct Child {
  enum class What { expanded, report, header };
  What what = What::expanded;
  std::string name;        // "team@birch.example"; of a report, with or without the body, its trace
  std::string trace = {};  // its id, where the reader may see it
  // Who could have read it there; nothing: out of the reader's sight.
  std::optional<Exposure> exposure = {};
};

// All that is known of a message.
struct Evidence {
  // All that are recorded, failed attempts and open intents included, in order. Content counts as
  // given where it was, where that is unknown, and where it is only intended yet.
  std::vector<hop::Hop> hops;
  std::vector<Child> children;
  // False: there are more hops than these (a limit, or some were only counted that gave content).
  bool complete = true;
  AtRest at_rest;
  base::Order order = {};       // of the moments in it
  std::vector<Lost> lost = {};  // while the message was here
  // Where others may have had it, out of this evidence: a clause each.
  std::vector<std::string> elsewhere = {};
};

Exposure exposure(const Evidence& evidence);

// Whether the message still has a way before it.
enum class Fate { going_on, came_back };

// What of the evidence concerns these hops to one recipient: the children and the mailboxes that
// they lead to.
Evidence of_way(const Evidence& all, std::vector<hop::Hop> hops);

// One line for the hops to one recipient: how far the message was protected, who could read it
// where it wasn't, and what isn't known. Without "Verdict:" in front.
std::string verdict(const Evidence& way, Fate fate = Fate::going_on);

// "alice's client", "bob's mailbox", "dublin-1": an end as tables and sentences name it.
// Strangers' names are printable.
std::string short_name(const hop::End& end);

// The content was, or may have been, given away on this hop.
bool gave_content(const hop::Hop& hop);

}  // namespace letterlock::protection
