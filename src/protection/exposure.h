// Who could have read a message: computed from its hops, every attempt counted, and from what lies
// where now. Each party with the reason in a sentence. It claims nothing that a hop doesn't show.
#pragma once

#include <optional>
#include <string>
#include <vector>

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

// `anyone`: people whom neither sender nor recipient chose; shown as "YES".
enum class Could { no, yes, anyone };
std::string_view name(Could could);  // "no", "yes", "YES"

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

// What has become of an account's password, where it once crossed a network in clear: on a hop of
// this message, or at any other sign-in while the message lay in the mailbox.
struct PasswordState {
  std::string account;                     // "bob@birch.example"
  std::optional<base::Time> changed = {};  // the last time; empty: not since
  std::optional<base::Time> seen_in_clear =
      {};  // the last sign-in that showed it; empty: none known
};

// What lies where, as of now.
struct AtRest {
  bool in_queue = false;
  std::vector<std::string> copies;          // "bob's mailbox", "alice's Sent"
  std::optional<base::Time> backups_until;  // what was removed may still be in them
  std::vector<PasswordState> passwords;     // an account that isn't named: not known
  // The sender sealed the content end to end: whoever held it held its ciphertext.
  bool sealed = false;
};

// `hops`: all that are recorded of the message, failed attempts and open intents included, in
// order. Content counts as given where it was, where that is unknown, and where it is only intended
// yet.
Exposure exposure(const std::vector<hop::Hop>& hops, const AtRest& at_rest);

// Whether the message still has a way before it.
enum class Fate { going_on, came_back };

// One line for the hops to one recipient: how far the message was protected, who could read it
// where it wasn't, and what isn't known. Without "Verdict:" in front.
std::string verdict(const std::vector<hop::Hop>& hops, Fate fate = Fate::going_on);

// "alice's client", "bob's mailbox", "dublin-1": an end as tables and sentences name it.
// Strangers' names are printable.
std::string short_name(const hop::End& end);

// The content was, or may have been, given away on this hop.
bool gave_content(const hop::Hop& hop);

}  // namespace letterlock::protection
