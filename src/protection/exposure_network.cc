// Those on the network: who listens, who interferes, who records for later.
#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "protection/clauses.h"
#include "protection/hop_words.h"

namespace letterlock::protection {
namespace {

using hop::Hop;
using hop::Level;
using Hops = std::vector<const Hop*>;

template <class Condition>
Hops those(const std::vector<Hop>& hops, Condition condition) {
  Hops found;
  for (const Hop& hop : hops) {
    if (condition(hop)) found.push_back(&hop);
  }
  return found;
}

// People nobody chose, where the road is public; on a private road those who are let onto it.
Could could_on(hop::Network network) {
  return network == hop::Network::public_ ? Could::anyone : Could::yes;
}
Could could_on(const Hops& hops) {
  Could could = Could::no;
  for (const Hop* hop : hops) could = std::max(could, could_on(hop->protection.network));
  return could;
}

bool is_public(const Hop& hop) {
  return hop.protection.network == hop::Network::public_;
}
std::string road(const Hop& hop) {
  return is_public(hop) ? "" : " (on a private network)";
}

// Since when, and until when, a mailbox lies open.
std::string open_until(const Opening& opening) {
  if (!opening.closed) return "lies open until the password is changed (not yet)";
  return fmt::format("was open until the password was changed on {}", day(*opening.closed));
}

// What a password that was shown on this very hop opens.
std::string password_clause(const Hop& hop, const Evidence& evidence) {
  if (!hop.password_in_clear) return {};
  const std::string& account = hop.from.who;  // the mailbox of a fetch, the client of a submission
  const std::string all = fmt::format(", password included: all of {} ", mailbox_of(account));
  for (const Mailbox& mailbox : evidence.at_rest.mailboxes) {
    if (!base::equal_ignoring_case(mailbox.account, account)) continue;
    for (const Opening& opening : mailbox.openings) {
      const bool covers = opening.how == Opening::How::in_clear && opening.first <= hop.time &&
                          (!opening.closed || evidence.order.is_before(hop.time, *opening.closed));
      if (covers) return all + open_until(opening);
    }
  }
  return all + "lies open until the password is changed (whether it was is not known)";
}

std::string_view how_clause(Opening::How how) {
  switch (how) {
    case Opening::How::in_clear:
      return "in clear";
    case Opening::How::unbound:
      return "that were not bound to their connection";
    case Opening::How::recordable:
      return "with the password in TLS that does not resist it";
    case Opening::How::by_program:
      return "by a program on this machine";  // a gap
    case Opening::How::unrecorded:
      return "that are not recorded";  // a gap
  }
  ASSERT(false && "a way to sign in without words");
}

// A hop of this message that tells of the same sign-ins already.
bool is_told(const Hops& told, const Mailbox& mailbox) {
  return std::ranges::any_of(told, [&](const Hop* hop) {
    return hop->kind == hop::Kind::fetch && !hop->told &&
           base::equal_ignoring_case(hop->from.who, mailbox.account);
  });
}

// Sign-ins that opened a mailbox while it lay there, whatever they then fetched. `told`: hops that
// the reason names already.
void add_openings(Answering& answer, const Evidence& evidence,
                  std::initializer_list<Opening::How> hows, const Hops& told) {
  for (const auto& [mailbox, opening] : openings_of(evidence)) {
    if (std::ranges::find(hows, opening->how) == hows.end()) continue;
    answer.raise(could_on(opening->network));
    if (is_told(told, *mailbox)) continue;
    const std::string since = day(opening->first);
    const std::string last = day(opening->last);
    answer.clauses.add(fmt::format("sign-ins to {} {} ({}): all of it {}",
                                   mailbox_of(mailbox->account), how_clause(opening->how),
                                   since == last ? since : fmt::format("{} to {}", since, last),
                                   open_until(*opening)));
  }
}

bool carried(const Hop& hop) {
  return crosses_network(hop) && gave_content(hop);
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

std::string key_exchange(const Hop& hop) {
  if (hop.protection.tls.group.empty()) return "the key exchange does not resist it";
  return base::printable(hop.protection.tls.group, 40) + " alone does not resist it";
}
std::string resisting(const Hop& hop) {
  return base::printable(hop.protection.tls.group, 40);
}

bool is_clear(const Hop& hop) {
  return hop.protection.level == Level::clear;
}

}  // namespace

Answering listener(const Evidence& evidence, const std::vector<Gap>& gaps) {
  Answering answer{.found = {.party = Party::listener, .could = {}, .reason = {}, .hops = {}},
                   .clauses = {},
                   .otherwise = {}};
  // A password opens the mailbox also where that hop itself carried no content.
  const Hops open = those(evidence.hops, [](const Hop& hop) {
    return crosses_network(hop) && is_clear(hop) && (gave_content(hop) || hop.password_in_clear);
  });
  for (const Hop* hop : open) {
    answer.clauses.add(fmt::format("hop {}: {}{}{}", hop->number, clear_clause(*hop), road(*hop),
                                   password_clause(*hop, evidence)));
  }
  answer.raise(could_on(open));
  answer.found.hops = numbers_of(open);
  add_openings(answer, evidence, {Opening::How::in_clear}, open);
  if (answer.clauses.empty()) {
    const Hops crossed = those(evidence.hops, carried);
    if (!crossed.empty()) {
      answer.clauses.add(fmt::format("TLS on {}", hop_list(numbers_of(crossed))));
    }
  }
  const Hops envelopes = those(evidence.hops, [](const Hop& hop) {
    return crosses_network(hop) && is_clear(hop) && !gave_content(hop) &&
           hop.given == hop::Given::envelope;
  });
  if (!envelopes.empty()) {
    answer.clauses.add(fmt::format("the addresses alone on {}", hop_list(numbers_of(envelopes))));
  }
  answer.add_gaps(gaps, Hides::roads);
  answer.otherwise = "no content has crossed a network";
  return answer;
}

Answering interferer(const Evidence& evidence, const std::vector<Gap>& gaps) {
  Answering answer{.found = {.party = Party::interferer, .could = {}, .reason = {}, .hops = {}},
                   .clauses = {},
                   .otherwise = {}};
  const auto at = [&evidence](auto condition) {
    return those(evidence.hops,
                 [&](const Hop& hop) { return carried(hop) && condition(hop.protection.level); });
  };
  const Hops clear = at([](Level level) { return level == Level::clear; });
  const Hops unproved = at([](Level level) { return level == Level::encrypted; });
  const Hops proved = at([](Level level) { return level >= Level::authenticated; });
  if (!clear.empty()) {
    answer.clauses.add(fmt::format("{}, in clear", hop_list(numbers_of(clear))));
  }
  answer.clauses.add(grouped(unproved, "", unproved_clause, ": "));
  Hops open = clear;
  open.insert(open.end(), unproved.begin(), unproved.end());
  answer.raise(could_on(open));
  answer.found.hops = numbers_of(open);
  add_openings(answer, evidence, {Opening::How::in_clear, Opening::How::unbound}, open);
  answer.clauses.add(grouped(proved, "not on ", proved_clause, ", "));
  answer.add_gaps(gaps, Hides::roads);
  answer.otherwise = "no content has crossed a network";
  return answer;
}

Answering recorder(const Evidence& evidence, const std::vector<Gap>& gaps) {
  Answering answer{.found = {.party = Party::recorder, .could = {}, .reason = {}, .hops = {}},
                   .clauses = {},
                   .otherwise = {}};
  const auto at = [&evidence](auto condition) {
    return those(evidence.hops, [&](const Hop& hop) { return carried(hop) && condition(hop); });
  };
  const Hops clear = at(is_clear);
  const Hops later =
      at([](const Hop& hop) { return !is_clear(hop) && !hop.protection.tls.post_quantum; });
  const Hops resists =
      at([](const Hop& hop) { return !is_clear(hop) && hop.protection.tls.post_quantum; });
  if (!clear.empty()) {
    answer.clauses.add(fmt::format("{} at once", hop_list(numbers_of(clear))));
  }
  answer.clauses.add(grouped(later, "", key_exchange, " later: "));
  Hops open = clear;
  open.insert(open.end(), later.begin(), later.end());
  answer.raise(could_on(open));
  answer.found.hops = numbers_of(open);
  add_openings(answer, evidence, {Opening::How::in_clear, Opening::How::recordable}, open);
  answer.clauses.add(grouped(resists, "not ", resisting, ": "));
  answer.add_gaps(gaps, Hides::roads);
  answer.otherwise = "no content has crossed a network";
  return answer;
}

}  // namespace letterlock::protection
