#include "protection/unseen.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/bytes.h"
#include "protection/hop_words.h"

namespace letterlock::protection {
namespace {

using hop::End;
using hop::Hop;
using hop::Kind;

// Each gap once, in the order in which they were found; hosts of one kind are named together.
class Gaps {
 public:
  void add(Hides hides, std::string clause) {
    if (seen_.insert(clause).second) gaps_.push_back({hides, std::move(clause)});
  }
  void before(const End& end) { name("before", end, before_); }
  void beyond(const End& end) { name("beyond", end, beyond_); }
  void beyond_list(const std::string& list) {
    if (seen_.insert("list " + base::to_lower(list)).second) lists_.push_back(list);
  }
  std::vector<Gap> take() {
    put(Hides::roads, "before", before_);
    put(Hides::roads, "beyond", beyond_);
    put(Hides::everybody, "beyond", lists_);
    return std::move(gaps_);
  }

 private:
  void name(std::string_view where, const End& end, std::vector<std::string>& names) {
    std::string name = short_name(end);
    if (seen_.insert(fmt::format("{} {}", where, name)).second) names.push_back(std::move(name));
  }
  void put(Hides hides, std::string_view where, const std::vector<std::string>& names) {
    if (names.empty()) return;
    gaps_.push_back({hides, fmt::format("{} {}: unknown from here", where, and_list(names, 4))});
  }

  std::set<std::string> seen_;
  std::vector<Gap> gaps_;
  std::vector<std::string> before_;
  std::vector<std::string> beyond_;
  std::vector<std::string> lists_;
};

bool is_child(const Evidence& evidence, const std::string& list) {
  return std::ranges::any_of(evidence.children, [&](const Child& child) {
    return child.what == Child::What::expanded && base::equal_ignoring_case(child.name, list);
  });
}

void add_gaps_of(const Hop& hop, const Evidence& evidence, Gaps& gaps) {
  if (!gave_content(hop)) return;
  if (comes_in(hop)) gaps.before(hop.from);
  if (goes_out(hop)) gaps.beyond(hop.to);
  if (ends_at_program_here(hop)) {
    const bool is_fetch = hop.kind == Kind::fetch;
    gaps.add(Hides::roads,
             fmt::format("{} {} on this machine {}: unknown from here", is_fetch ? "where" : "how",
                         short_name(*client_of(hop)), is_fetch ? "shows it" : "came by it"));
  }
  if (goes_to_list(hop) && !is_child(evidence, hop.to.who)) gaps.beyond_list(short_name(hop.to));
}

bool is_same_mailbox(const std::string& a, const std::string& b) {
  return base::equal_ignoring_case(a, b);
}

// When it came to lie there; the earliest that may be meant.
base::Time delivered(const Evidence& evidence, const std::string& account) {
  std::optional<base::Time> first;
  for (const Hop& hop : evidence.hops) {
    if (!delivers_to(hop, account)) continue;
    first = std::min(first.value_or(hop.time), hop.time);
  }
  return first.value_or(base::Time());
}

// From a backup until the store was restored from it.
std::string between(base::Time from, base::Time to) {
  return fmt::format("between the backup of {} and the restore on {}", day(from), day(to));
}

// The password may have been shown while nothing is recorded, and was the same afterwards.
void add_unrecorded(const Evidence& evidence, Gaps& gaps) {
  for (const auto& [mailbox, opening] : openings_of(evidence)) {
    if (opening->how != Opening::How::unrecorded) continue;
    const Lost lost{opening->first, opening->last};
    if (std::ranges::find(evidence.lost, lost) != evidence.lost.end()) continue;  // said already
    gaps.add(Hides::roads,
             fmt::format("sign-ins to {} {} are not recorded: whoever saw the password then {}",
                         mailbox_of(mailbox->account), between(lost.from, lost.to),
                         opening->closed ? fmt::format("could read it until it was changed on {}",
                                                       day(*opening->closed))
                                         : "can read it until it is changed (not yet)"));
  }
}

// A webmail, say: whoever was on its users' way to it may have the password. A hop of this message
// over that way says as much.
void add_by_program(const Evidence& evidence, Gaps& gaps) {
  for (const auto& [mailbox, opening] : openings_of(evidence)) {
    if (opening->how != Opening::How::by_program) continue;
    const bool is_said = std::ranges::any_of(evidence.hops, [&](const Hop& hop) {
      return hop.kind == Kind::fetch && gave_content(hop) && ends_at_program_here(hop) &&
             is_same_mailbox(hop.from.who, mailbox->account);
    });
    if (is_said) continue;
    const auto whose = mailbox_of(mailbox->account);
    gaps.add(Hides::roads,
             opening->closed
                 ? fmt::format("a program on this machine signed in to {}, and how the password "
                               "came to it is not seen: whoever saw it there could read it until "
                               "it was changed on {}",
                               whose, day(*opening->closed))
                 : fmt::format("a program on this machine signs in to {}, and how the password "
                               "comes to it is not seen: whoever saw it there can read it until it "
                               "is changed (not yet)",
                               whose));
  }
}

// Unless it is certain that they don't.
bool overlaps(const Opening& opening, base::Time from, const std::optional<base::Time>& left,
              const base::Order& order) {
  const bool closed_before = opening.closed && order.is_before(*opening.closed, from);
  const bool opened_after = left && order.is_before(*left, opening.first);
  return !closed_before && !opened_after;
}

}  // namespace

bool has_first_hop(const std::vector<Hop>& hops) {
  return std::ranges::any_of(hops, [](const Hop& hop) {
    const bool into_here = hop.kind == Kind::submission || comes_in(hop);
    return into_here && gave_content(hop);
  });
}

bool delivers_to(const Hop& hop, const std::string& account) {
  return hop.kind == Kind::delivery && hop.outcome == hop::Outcome::completed &&
         hop.to.role == End::Role::mailbox && is_same_mailbox(hop.to.who, account);
}

std::vector<std::string> unseen_mailboxes(const Evidence& evidence) {
  std::vector<std::string> unseen;
  for (const Hop& hop : evidence.hops) {
    const std::string& account = hop.to.who;
    if (!delivers_to(hop, account)) continue;
    const bool is_known = std::ranges::any_of(
        evidence.at_rest.mailboxes,
        [&](const Mailbox& mailbox) { return is_same_mailbox(mailbox.account, account); });
    if (!is_known && std::ranges::find(unseen, account) == unseen.end()) unseen.push_back(account);
  }
  return unseen;
}

std::vector<Gap> gaps_of(const Evidence& evidence) {
  Gaps gaps;
  if (!has_first_hop(evidence.hops)) {
    gaps.add(Hides::everybody, "how it came here is not recorded");
  }
  for (const Hop& hop : evidence.hops) add_gaps_of(hop, evidence, gaps);
  for (const std::string& account : unseen_mailboxes(evidence)) {
    gaps.add(Hides::readers,
             fmt::format("what happens in {} is not shown here", mailbox_of(account)));
  }
  for (const Child& child : evidence.children) {
    if (child.exposure) continue;
    if (child.what == Child::What::expanded) {
      gaps.beyond_list(base::printable(child.name, 255));
      continue;
    }
    gaps.add(Hides::everybody,
             fmt::format("what became of the report that returned {} is not shown here ({})",
                         child.what == Child::What::header ? "its header" : "it",
                         base::printable(child.name, 80)));
  }
  for (const std::string& clause : evidence.elsewhere) gaps.add(Hides::everybody, clause);
  if (!evidence.complete) gaps.add(Hides::everybody, "not all of its hops are shown");
  for (const Lost& lost : evidence.lost) {
    gaps.add(Hides::everybody,
             fmt::format("what happened {} is not recorded", between(lost.from, lost.to)));
  }
  add_unrecorded(evidence, gaps);
  add_by_program(evidence, gaps);
  return gaps.take();
}

std::vector<Open> openings_of(const Evidence& evidence) {
  std::vector<Open> open;
  for (const Mailbox& mailbox : evidence.at_rest.mailboxes) {
    const base::Time from = delivered(evidence, mailbox.account);
    for (const Opening& opening : mailbox.openings) {
      if (overlaps(opening, from, mailbox.left, evidence.order))
        open.push_back({&mailbox, &opening});
    }
  }
  return open;
}

Evidence of_way(const Evidence& all, std::vector<Hop> hops) {
  Evidence way{
      std::move(hops), {},       all.complete, {all.at_rest.in_queue, {}, all.at_rest.backups},
      all.order,       all.lost, all.elsewhere};
  const auto leads_to = [&](auto condition) { return std::ranges::any_of(way.hops, condition); };
  for (const Child& child : all.children) {
    const bool concerns =
        child.what != Child::What::expanded || leads_to([&](const Hop& hop) {
          return hop.kind == Kind::expansion && is_same_mailbox(hop.to.who, child.name);
        });
    if (concerns) way.children.push_back(child);
  }
  for (const Mailbox& mailbox : all.at_rest.mailboxes) {
    if (leads_to([&](const Hop& hop) { return delivers_to(hop, mailbox.account); })) {
      way.at_rest.mailboxes.push_back(mailbox);
    }
  }
  return way;
}

}  // namespace letterlock::protection
