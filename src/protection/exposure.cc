#include "protection/exposure.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "protection/hop_words.h"

namespace letterlock::protection {
namespace {

using hop::End;
using hop::Hop;
using hop::Level;
using hop::Outcome;
using Hops = std::vector<const Hop*>;

// Clauses of one reason, each once.
class Clauses {
 public:
  void add(std::string clause) {
    if (std::ranges::find(clauses_, clause) == clauses_.end())
      clauses_.push_back(std::move(clause));
  }
  bool empty() const { return clauses_.empty(); }
  std::string text() const {
    constexpr std::size_t count_max = 6;
    std::string text;
    for (std::size_t i = 0; i < std::min(clauses_.size(), count_max); ++i) {
      if (i > 0) text += "; ";
      text += clauses_[i];
    }
    if (clauses_.size() > count_max) text += fmt::format("; {} more", clauses_.size() - count_max);
    return text;
  }

 private:
  std::vector<std::string> clauses_;
};

template <class Condition>
Hops those(const std::vector<Hop>& hops, Condition condition) {
  Hops found;
  for (const Hop& hop : hops) {
    if (condition(hop)) found.push_back(&hop);
  }
  return found;
}

bool is_public(const Hop* hop) {
  return hop->protection.network == hop::Network::public_;
}

// People nobody chose, where the road is public; on a private road those who are let onto it.
Could could_on(const Hops& hops) {
  if (hops.empty()) return Could::no;
  return std::ranges::any_of(hops, is_public) ? Could::anyone : Could::yes;
}

std::string road(const Hop& hop) {
  return is_public(&hop) ? "" : " (on a private network)";
}

const PasswordState* password_of(const AtRest& at_rest, const std::string& account) {
  const auto state = std::ranges::find_if(at_rest.passwords, [&](const PasswordState& password) {
    return base::equal_ignoring_case(password.account, account);
  });
  return state == at_rest.passwords.end() ? nullptr : &*state;
}

// Other tenants tell times as coarse as a day, or not at all: the latest that may be meant.
base::Time latest(base::Time seen) {
  if (seen == base::Time()) return base::Time::max();
  const bool is_day = seen == std::chrono::floor<std::chrono::days>(seen);
  return is_day ? seen + std::chrono::days(1) : seen;
}

// How long a password that was seen at `seen` opens the mailbox of its account.
std::string open_until(const PasswordState* state, const std::string& account, base::Time seen) {
  const std::string all = "all of " + short_name({End::Role::mailbox, account, {}, {}});
  if (state != nullptr && (!state->changed || *state->changed < seen)) {
    return all + " lies open until it is changed (not yet)";
  }
  if (state == nullptr || *state->changed < latest(seen)) {
    return all + " lies open until it is changed (whether it was is not known)";
  }
  return fmt::format("{} was open until it was changed on {}", all, day(*state->changed));
}

std::string password_clause(const Hop& hop, const AtRest& at_rest) {
  if (!hop.password_in_clear) return {};
  const std::string& account = hop.from.who;  // the mailbox of a fetch, the client of a submission
  return ", password included: " + open_until(password_of(at_rest, account), account, hop.time);
}

// Sign-ins on no hop of this message, that opened the mailbox while it lay there.
std::vector<std::string> other_sign_ins(const std::vector<Hop>& hops, const AtRest& at_rest) {
  std::vector<std::string> clauses;
  for (const PasswordState& state : at_rest.passwords) {
    if (!state.seen_in_clear) continue;
    const bool told_already = std::ranges::any_of(hops, [&](const Hop& hop) {
      return hop.password_in_clear && base::equal_ignoring_case(hop.from.who, state.account);
    });
    const bool lay_there = std::ranges::any_of(hops, [&](const Hop& hop) {
      return hop.kind == hop::Kind::delivery && hop.outcome == hop::Outcome::completed &&
             base::equal_ignoring_case(hop.to.who, state.account) &&
             (!state.changed || *state.changed > hop.time);
    });
    if (told_already || !lay_there) continue;
    clauses.push_back(fmt::format("a sign-in of {} on {} showed the password: {}",
                                  base::printable(state.account, 80), day(*state.seen_in_clear),
                                  open_until(&state, state.account, *state.seen_in_clear)));
  }
  return clauses;
}

PartyExposure listener(const std::vector<Hop>& hops, const AtRest& at_rest) {
  PartyExposure found{.party = Party::listener, .could = {}, .reason = {}, .hops = {}};
  // A password opens the mailbox also where that hop itself carried no content.
  const Hops open = those(hops, [](const Hop& hop) {
    return crosses_network(hop) && hop.protection.level == Level::clear &&
           (gave_content(hop) || hop.password_in_clear);
  });
  Clauses clauses;
  for (const Hop* hop : open) {
    clauses.add(fmt::format("hop {}: {}{}{}", hop->number, clear_clause(*hop), road(*hop),
                            password_clause(*hop, at_rest)));
  }
  found.could = could_on(open);
  for (std::string& clause : other_sign_ins(hops, at_rest)) {
    clauses.add(std::move(clause));
    found.could = Could::anyone;
  }
  found.hops = numbers_of(open);
  const Hops crossed =
      those(hops, [](const Hop& hop) { return crosses_network(hop) && gave_content(hop); });
  if (clauses.empty()) {
    clauses.add(crossed.empty() ? "no content has crossed a network"
                                : fmt::format("TLS on {}", hop_list(numbers_of(crossed))));
  }
  const Hops envelopes = those(hops, [](const Hop& hop) {
    return crosses_network(hop) && hop.protection.level == Level::clear && !gave_content(hop) &&
           hop.given == hop::Given::envelope;
  });
  if (!envelopes.empty()) {
    clauses.add(fmt::format("the addresses alone on {}", hop_list(numbers_of(envelopes))));
  }
  found.reason = clauses.text();
  return found;
}

// Hops of the same kind of weakness or proof, named together.
Clauses grouped(const Hops& hops, std::string_view lead, std::string (*clause)(const Hop&),
                std::string_view link) {
  std::vector<std::pair<std::string, Hops>> groups;
  for (const Hop* hop : hops) {
    std::string words = clause(*hop);
    const auto group = std::ranges::find(groups, words, &std::pair<std::string, Hops>::first);
    if (group == groups.end()) {
      groups.emplace_back(std::move(words), Hops{hop});
    } else {
      group->second.push_back(hop);
    }
  }
  Clauses clauses;
  for (const auto& [words, members] : groups) {
    clauses.add(fmt::format("{}{}{}{}", lead, hop_list(numbers_of(members)), link, words));
  }
  return clauses;
}

PartyExposure interferer(const std::vector<Hop>& hops) {
  PartyExposure found{.party = Party::interferer, .could = {}, .reason = {}, .hops = {}};
  const auto at = [&hops](auto condition) {
    return those(hops, [&](const Hop& hop) {
      return crosses_network(hop) && gave_content(hop) && condition(hop.protection.level);
    });
  };
  const Hops clear = at([](Level level) { return level == Level::clear; });
  const Hops unproved = at([](Level level) { return level == Level::encrypted; });
  const Hops proved = at([](Level level) { return level >= Level::authenticated; });
  Clauses clauses;
  if (!clear.empty()) clauses.add(fmt::format("{}, in clear", hop_list(numbers_of(clear))));
  if (!unproved.empty()) clauses.add(grouped(unproved, "", unproved_clause, ": ").text());
  if (!proved.empty()) clauses.add(grouped(proved, "not on ", proved_clause, ", ").text());
  if (clauses.empty()) clauses.add("no content has crossed a network");
  Hops open = clear;
  open.insert(open.end(), unproved.begin(), unproved.end());
  found.could = could_on(open);
  found.hops = numbers_of(open);
  found.reason = clauses.text();
  return found;
}

PartyExposure platform_operator(const std::vector<Hop>& hops, const AtRest& at_rest) {
  PartyExposure found{.party = Party::operator_, .could = {}, .reason = {}, .hops = {}};
  std::vector<std::string> places;
  const bool held = std::ranges::any_of(hops, [](const Hop& hop) {
    return gave_content(hop) &&
           (hop.to.role == End::Role::node || hop.from.role == End::Role::node ||
            hop.from.role == End::Role::mailbox);
  });
  if (!held) {
    found.reason = "it has not been here";
    return found;
  }
  places.emplace_back("in memory");
  places.emplace_back(at_rest.in_queue ? "in the queue, where it is now" : "in the queue");
  for (const Hop& hop : hops) {
    if (hop.kind != hop::Kind::delivery || hop.outcome != hop::Outcome::completed) continue;
    std::string place = "in " + short_name(hop.to);
    if (std::ranges::find(places, place) == places.end()) places.push_back(std::move(place));
  }
  found.could = Could::yes;
  found.reason = and_list(places, 6);
  return found;
}

PartyExposure others(const std::vector<Hop>& hops) {
  PartyExposure found{.party = Party::others, .could = {}, .reason = {}, .hops = {}};
  Clauses clauses;
  Hops beyond;
  for (const Hop& hop : hops) {
    if (!gave_content(hop)) continue;
    if (comes_in(hop)) {
      clauses.add(
          fmt::format("{}'s, before hop {}: unknown from here", short_name(hop.from), hop.number));
      beyond.push_back(&hop);
    } else if (goes_out(hop)) {
      clauses.add(
          fmt::format("{}'s, from hop {} on: unknown from here", short_name(hop.to), hop.number));
      beyond.push_back(&hop);
    }
  }
  found.could = beyond.empty() ? Could::no : Could::yes;
  found.hops = numbers_of(beyond);
  found.reason = beyond.empty() ? "no content has left this platform" : clauses.text();
  return found;
}

// A disk forgets late: what was deleted stays in the store's log and files until they are written
// anew, and in backups that were made meanwhile (docs/storage.md). So "no" is for what never was
// here.
PartyExposure legal_order(bool was_here, const AtRest& at_rest, bool went_beyond) {
  PartyExposure found{.party = Party::legal_order, .could = {}, .reason = {}, .hops = {}};
  std::vector<std::string> places;
  if (at_rest.in_queue) places.emplace_back("the queue");
  for (const std::string& copy : at_rest.copies) places.push_back(base::printable(copy, 80));
  if (at_rest.backups_until) {
    places.push_back(fmt::format("backups until {}", day(*at_rest.backups_until)));
  }
  if (!was_here) {
    found.reason = "it has not been here";
  } else if (places.empty()) {
    found.could = Could::yes;
    found.reason =
        "deleted; the disk may hold it until it is written over, and so may backups made meanwhile";
  } else {
    found.could = Could::yes;
    found.reason =
        fmt::format("now: {}; from now on: an order can keep it there", and_list(places));
  }
  if (went_beyond) found.reason += "; what others keep is unknown from here";
  return found;
}

std::string key_exchange(const Hop& hop) {
  if (hop.protection.tls.group.empty()) return "the key exchange does not resist it";
  return base::printable(hop.protection.tls.group, 40) + " alone does not resist it";
}
std::string resisting(const Hop& hop) {
  return base::printable(hop.protection.tls.group, 40);
}

PartyExposure recorder(const std::vector<Hop>& hops) {
  PartyExposure found{.party = Party::recorder, .could = {}, .reason = {}, .hops = {}};
  const auto at = [&hops](auto condition) {
    return those(hops, [&](const Hop& hop) {
      return crosses_network(hop) && gave_content(hop) && condition(hop);
    });
  };
  const auto is_clear = [](const Hop& hop) { return hop.protection.level == Level::clear; };
  const Hops clear = at(is_clear);
  const Hops later =
      at([&](const Hop& hop) { return !is_clear(hop) && !hop.protection.tls.post_quantum; });
  const Hops resists =
      at([&](const Hop& hop) { return !is_clear(hop) && hop.protection.tls.post_quantum; });
  Clauses clauses;
  if (!clear.empty()) clauses.add(fmt::format("{} at once", hop_list(numbers_of(clear))));
  if (!later.empty()) {
    clauses.add(grouped(later, "", key_exchange, " later: ").text());
  }
  if (!resists.empty()) clauses.add(grouped(resists, "not ", resisting, ": ").text());
  if (clauses.empty()) clauses.add("no content has crossed a network");
  Hops open = clear;
  open.insert(open.end(), later.begin(), later.end());
  found.could = could_on(open);
  found.hops = numbers_of(open);
  found.reason = clauses.text();
  return found;
}

// What the client at the end of a fetch has of the message; the later the more.
enum class Fetched { some, perhaps, all };

Fetched fetched_by(const Hop& hop) {
  switch (hop.outcome) {
    case Outcome::completed:
      return Fetched::all;
    case Outcome::failed:
      return Fetched::some;
    case Outcome::intended:
    case Outcome::unknown:
      return Fetched::perhaps;
  }
  return Fetched::perhaps;
}

std::string_view words(Fetched fetched) {
  switch (fetched) {
    case Fetched::some:
      return "which was given some of it";
    case Fetched::perhaps:
      return "which may have fetched it";
    case Fetched::all:
      return "which fetched it";
  }
  return "";
}

PartyExposure devices(const std::vector<Hop>& hops) {
  PartyExposure found{.party = Party::devices, .could = Could::no, .reason = {}, .hops = {}};
  Clauses clauses;
  std::map<std::string, Fetched> clients;
  std::map<std::string, bool> fetched;  // by mailbox
  for (const Hop& hop : hops) {
    if (!gave_content(hop)) continue;
    if (hop.kind == hop::Kind::submission) {
      clauses.add(fmt::format("{}, which sent it", short_name(hop.from)));
    }
    if (hop.kind == hop::Kind::delivery) fetched.try_emplace(short_name(hop.to), false);
    if (hop.kind == hop::Kind::fetch) {
      auto& most = clients.try_emplace(short_name(hop.to), Fetched::some).first->second;
      most = std::max(most, fetched_by(hop));
      fetched[short_name(hop.from)] = true;
    }
  }
  for (const auto& [client, most] : clients)
    clauses.add(fmt::format("{}, {}", client, words(most)));
  if (!clauses.empty()) found.could = Could::yes;
  if (std::ranges::any_of(hops,
                          [](const Hop& hop) { return gave_content(hop) && goes_out(hop); })) {
    clauses.add("those beyond this platform: unknown from here");
  }
  for (const auto& [mailbox, was_fetched] : fetched) {
    if (!was_fetched) clauses.add(fmt::format("nobody has fetched it from {} yet", mailbox));
  }
  found.reason = clauses.empty() ? "unknown from here" : clauses.text();
  return found;
}

// Whoever held a sealed message held its ciphertext; only the devices hold keys.
void seal(PartyExposure& party) {
  if (party.party == Party::devices || party.could == Could::no) return;
  party.could = Could::no;
  party.reason = "the ciphertext only, for it was sealed; " + party.reason;
}

}  // namespace

std::string_view name(Party party) {
  switch (party) {
    case Party::listener:
      return "listener";
    case Party::interferer:
      return "interferer";
    case Party::operator_:
      return "operator";
    case Party::others:
      return "others";
    case Party::legal_order:
      return "legal-order";
    case Party::recorder:
      return "recorder";
    case Party::devices:
      return "devices";
  }
  ASSERT(false && "a party without a name");
}

std::string_view title(Party party) {
  switch (party) {
    case Party::listener:
      return "on the network, listening";
    case Party::interferer:
      return "on the network, interfering";
    case Party::operator_:
      return "the platform's operator";
    case Party::others:
      return "other operators";
    case Party::legal_order:
      return "a legal order to the operator";
    case Party::recorder:
      return "a recorder with a quantum computer";
    case Party::devices:
      return "the devices at both ends";
  }
  ASSERT(false && "a party without a title");
}

std::string_view name(Could could) {
  switch (could) {
    case Could::no:
      return "no";
    case Could::yes:
      return "yes";
    case Could::anyone:
      return "YES";
  }
  ASSERT(false && "an answer without a name");
}

Exposure exposure(const std::vector<Hop>& hops, const AtRest& at_rest) {
  Exposure all;
  all.parties.push_back(listener(hops, at_rest));
  all.parties.push_back(interferer(hops));
  all.parties.push_back(platform_operator(hops, at_rest));
  const bool was_here = all.parties.back().could != Could::no;
  all.parties.push_back(others(hops));
  const bool went_beyond = all.parties.back().could != Could::no;
  all.parties.push_back(legal_order(was_here, at_rest, went_beyond));
  all.parties.push_back(recorder(hops));
  all.parties.push_back(devices(hops));
  // Who can interfere, or record, can listen: a mailbox that lies open to a listener does to them.
  const PartyExposure listening = all.parties.front();
  for (PartyExposure& party : all.parties) {
    const bool can_listen = party.party == Party::interferer || party.party == Party::recorder;
    if (!can_listen || party.could >= listening.could) continue;
    party.could = listening.could;
    party.reason = "as who listened could; " + party.reason;
  }
  if (at_rest.sealed) {
    for (PartyExposure& party : all.parties) seal(party);
  }
  return all;
}

}  // namespace letterlock::protection
