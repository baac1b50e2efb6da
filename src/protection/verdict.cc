// The verdict: what a manager reads if it is the only line.
#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "protection/clauses.h"
#include "protection/exposure.h"
#include "protection/hop_words.h"
#include "protection/unseen.h"

namespace letterlock::protection {
namespace {

using hop::Hop;
using hop::Level;
using hop::Outcome;
using Hops = std::vector<const Hop*>;

// Who was let onto the road.
std::string_view everybody(const Hop& hop) {
  return hop.protection.network == hop::Network::public_ ? "anyone"
                                                         : "anyone on that private network";
}

// Which hops are spoken of, where not all can be.
enum class Spoken {
  of_all,             // there are no others
  of_seen,            // there are others that no platform sees
  of_shown,           // the platform may have seen more than the reader does
  before_it_went_on,  // to where it could be read
  on_its_way,         // to a mailbox that lay open
};

std::string_view which_hops(Spoken spoken) {
  switch (spoken) {
    case Spoken::of_all:
      return "";
    case Spoken::of_seen:
      return " on the hops that this platform saw";
    case Spoken::before_it_went_on:
      return " before it went on";
    case Spoken::of_shown:
      return " on the hops shown here";
    case Spoken::on_its_way:
      return " on its way";
  }
  ASSERT(false && "hops without words");
}

// How far it was protected, of the hops on which content crossed a network.
std::string how_far(const Hops& crossed, Spoken spoken) {
  const auto is_at = [](Level level) {
    return [level](const Hop* hop) { return hop->protection.level == level; };
  };
  if (crossed.empty()) return {};
  const auto first = std::ranges::find_if(crossed, is_at(Level::clear));
  if (first == crossed.end()) {
    Hops unproved;
    std::ranges::copy_if(crossed, std::back_inserter(unproved), is_at(Level::encrypted));
    if (unproved.empty()) {
      if (spoken == Spoken::of_all || spoken == Spoken::of_seen)
        return "protected on every hop that this platform saw";
      return fmt::format("protected{}", which_hops(spoken));
    }
    return fmt::format(
        "nobody who only listened could read it{}; somebody interfering could have on {}, where {}",
        which_hops(spoken), hop_list(numbers_of(unproved)),
        unproved.size() == 1 ? unproved_clause(*unproved.front()) : "identities were not proved");
  }
  const Hop& open = **first;
  std::string text;
  if (first == crossed.begin()) {
    text = fmt::format("not protected between {} and {}: {} could read it there",
                       short_name(open.from), short_name(open.to), everybody(open));
  } else {
    const bool all_proved = std::none_of(crossed.begin(), first, is_at(Level::encrypted));
    text = fmt::format("protected{}{} as far as {}; between there and {} {} could read it",
                       all_proved ? "" : " against listeners",
                       spoken == Spoken::of_shown ? which_hops(spoken) : "", short_name(open.from),
                       short_name(open.to), everybody(open));
  }
  Hops more;
  std::copy_if(std::next(first), crossed.end(), std::back_inserter(more), [&](const Hop* hop) {
    return hop->protection.level == Level::clear && hop->number != open.number;
  });
  if (!more.empty()) text += fmt::format(", and on {}", hop_list(numbers_of(more)));
  return text;
}

bool is_refused_by_peer(const Hop& hop) {
  return hop.answer == hop::Answer::take && hop.reply.starts_with('5');
}
// A host that couldn't be asked fails, too: only the judgement names what was required.
bool is_refused_by_us(const Hop& hop) {
  return hop.answer != hop::Answer::take && !hop.required.empty();
}

// Where content has gone beyond this platform's sight, or may have; by no attempt, where a report
// alone returned it, or its header.
enum class Left { nothing, by_report, something };

Could could(const Child& child, Party party) {
  return child.exposure->parties.at(static_cast<std::size_t>(party)).could;
}

// By another operator, or by whoever fetched it.
bool leaves_platform(const Child& child) {
  return !child.exposure || could(child, Party::others) != Could::no ||
         could(child, Party::devices) != Could::no;
}
Left left_by(const std::vector<Child>& children) {
  Left left = Left::nothing;
  for (const Child& child : children) {
    if (!leaves_platform(child)) continue;
    left = std::max(left, child.what == Child::What::expanded ? Left::something : Left::by_report);
  }
  return left;
}

std::string_view kept_words(Left left) {
  switch (left) {
    case Left::nothing:
      return "; no content has left the platform, in none of the attempts";
    case Left::by_report:
      return "; no attempt has given content away";
    case Left::something:
      return "";
  }
  ASSERT(false && "content without words");
}

// An alias's way has several ends: it came to one of them.
bool has_arrived(const std::vector<Hop>& hops) {
  return std::ranges::any_of(hops, [](const Hop& hop) {
    const bool is_end = hop.kind == hop::Kind::delivery || hop.kind == hop::Kind::fetch ||
                        goes_out(hop) || goes_to_list(hop);
    return is_end && hop.outcome == Outcome::completed;
  });
}

// What an attempt that failed leaves; a fetch takes nothing away from where it lies.
std::string after_failure(const Evidence& way, const Hop& last, Left left, Fate fate) {
  if (last.kind == hop::Kind::fetch) return {};
  const std::string_view kept = kept_words(left);
  const std::string peer = short_name(last.to);
  if (is_refused_by_peer(last)) return fmt::format("{} did not accept it{}", peer, kept);
  const bool by_us = is_refused_by_us(last);
  const std::string_view why =
      by_us ? "because it could not be protected as required" : "because no attempt succeeded";
  const std::string_view part = has_arrived(way.hops) ? "in part " : "";
  if (fate == Fate::came_back || last.answer == hop::Answer::refuse) {
    return fmt::format("{}not sent on, {}{}", part, why, kept);
  }
  if (by_us) return fmt::format("{}it waits, until it can be protected as required{}", part, kept);
  return fmt::format("{}it waits, until {} takes it{}", part, peer, kept);
}

// A fetch that came to nothing, or to a part, says nothing of where the message is.
bool says_where(const Hop& hop) {
  if (hop.kind != hop::Kind::fetch) return true;
  return hop.outcome != Outcome::failed && hop.outcome != Outcome::partial;
}
const Hop& last_of(const std::vector<Hop>& hops) {
  const auto said = std::ranges::find_if(hops.rbegin(), hops.rend(), says_where);
  return said == hops.rend() ? hops.back() : *said;
}

bool was_given_a_part(const std::vector<Hop>& hops) {
  return std::ranges::any_of(hops, [](const Hop& hop) {
    return hop.kind == hop::Kind::fetch && !says_where(hop) && gave_content(hop);
  });
}

bool is_fetched(const Hop& hop) {
  return hop.kind == hop::Kind::fetch && says_where(hop) && gave_content(hop);
}

// Of the mailboxes that it was delivered into. A fetch that another tenant told of names none of
// them where an alias led there: then which one it was isn't shown.
std::string not_fetched(const Evidence& way) {
  if (std::ranges::none_of(way.hops, is_fetched))
    return was_given_a_part(way.hops) ? "not fetched as a whole yet" : "not fetched yet";
  std::vector<std::string> left;
  for (const Hop& hop : way.hops) {
    if (delivers_to(hop, hop.to.who)) left.push_back(hop.to.who);
  }
  for (const Hop& hop : way.hops) {
    if (!is_fetched(hop)) continue;
    const auto is_it = [&](const std::string& mailbox) {
      return base::equal_ignoring_case(mailbox, hop.from.who);
    };
    const bool is_known = std::ranges::any_of(
        way.hops, [&](const Hop& other) { return delivers_to(other, hop.from.who); });
    if (!is_known) return {};
    std::erase_if(left, is_it);
  }
  if (left.empty()) return {};
  for (std::string& mailbox : left) mailbox = mailbox_of(mailbox);
  return fmt::format("not fetched from {} yet", and_list(left, 4));
}

// How it ended where the last hop was taken.
std::string after_success(const Evidence& way, const Hop& last, Fate fate) {
  if (fate == Fate::came_back) return has_arrived(way.hops) ? "in part not sent on" : "not sent on";
  if (goes_out(last)) return {};      // beyond it is a gap
  if (goes_to_list(last)) return {};  // a child, or a gap
  if (last.kind == hop::Kind::fetch) return {};
  if (last.kind == hop::Kind::delivery) {
    const auto unseen = unseen_mailboxes(way);
    if (std::ranges::find(unseen, last.to.who) != unseen.end()) return {};  // a gap
    if (!way.lost.empty()) return {};                                       // another
    return not_fetched(way);
  }
  switch (way.at_rest.in_queue) {
    case AtRest::InQueue::yes:
      return "it waits in the queue";
    case AtRest::InQueue::no:
      return "it is in no queue here any more";
    case AtRest::InQueue::unknown:
      break;
  }
  return "whether it waits in the queue is not shown here";
}

// How it ended, as far as that is known.
std::string how_it_ended(const Evidence& way, Left left, Fate fate) {
  const Hop& last = last_of(way.hops);
  switch (last.outcome) {
    case Outcome::failed:
      return after_failure(way, last, left, fate);
    case Outcome::intended:
      return fmt::format("it is being given to {}", short_name(last.to));
    case Outcome::unknown:
      return fmt::format("whether {} has it is unknown: it is counted as given",
                         short_name(last.to));
    case Outcome::completed:
    case Outcome::partial:
      break;
  }
  return after_success(way, last, fate);
}

// A kind of sign-in that opened a mailbox, and from where.
struct Opened {
  Opening::How how = {};
  hop::Network network = {};
  const Mailbox* mailbox = nullptr;
};

// Whether whoever could read it by `b` could by `a`, too.
bool says_as_much(const Opened& a, const Opened& b) {
  return base::equal_ignoring_case(a.mailbox->account, b.mailbox->account) && a.how <= b.how &&
         a.network >= b.network;
}

// A fetch of this way that says as much of who could read it.
bool is_told(const Opened& opened, const Hops& crossed) {
  return std::ranges::any_of(crossed, [&](const Hop* hop) {
    if (hop->kind != hop::Kind::fetch || hop->protection.level > Level::encrypted) return false;
    const auto how =
        hop->protection.level == Level::clear ? Opening::How::in_clear : Opening::How::unbound;
    const Mailbox mailbox{.account = hop->from.who};
    return says_as_much({how, hop->protection.network, &mailbox}, opened);
  });
}

std::string opened_words(const Opened& kind, const std::vector<std::string>& names) {
  const bool is_public = kind.network == hop::Network::public_;
  if (kind.how == Opening::How::in_clear) {
    return fmt::format("sign-ins in clear opened {}: {} could read it there", and_list(names, 4),
                       is_public ? "anyone" : "anyone on that private network");
  }
  return fmt::format(
      "sign-ins that were not bound to their connection opened {}: somebody interfering{} could "
      "have read it there",
      and_list(names, 4), is_public ? "" : " on that private network");
}

// Who could read it where no hop of its own shows it: sign-ins that opened the mailbox, the worst
// first.
std::vector<std::string> by_openings(const Evidence& way, const Hops& crossed) {
  using enum Opening::How;
  using enum hop::Network;
  std::vector<Opened> said;
  std::vector<std::string> sentences;
  for (const auto& kind : {Opened{in_clear, public_}, Opened{in_clear, private_},
                           Opened{unbound, public_}, Opened{unbound, private_}}) {
    std::vector<std::string> names;
    for (const auto& [mailbox, opening] : openings_of(way)) {
      const Opened opened{opening->how, opening->network, mailbox};
      const bool is_it = opened.how == kind.how && opened.network == kind.network;
      if (!is_it || is_told(opened, crossed)) continue;
      if (std::ranges::any_of(said, [&](const Opened& s) { return says_as_much(s, opened); }))
        continue;
      said.push_back(opened);
      names.push_back(mailbox_of(mailbox->account));
    }
    if (!names.empty()) sentences.push_back(opened_words(kind, names));
  }
  return sentences;
}

bool adds_readers(const Child& child) {
  return !child.exposure || could(child, Party::listener) != Could::no ||
         could(child, Party::interferer) != Could::no;
}

Spoken spoken_of(const Evidence& way, const std::vector<Gap>& gaps, bool is_opened) {
  // What no platform sees is beyond "every hop that this platform saw"; the others it may have
  // seen, and this reader doesn't.
  const auto hides_seen = [](const Gap& gap) { return gap.hides > Hides::roads; };
  if (std::ranges::any_of(gaps, hides_seen)) return Spoken::of_shown;
  if (std::ranges::any_of(way.children, adds_readers)) return Spoken::before_it_went_on;
  if (is_opened) return Spoken::on_its_way;
  return gaps.empty() ? Spoken::of_all : Spoken::of_seen;
}

// What isn't seen, in one sentence; and those who could read it beyond.
std::string by_gaps(const Evidence& way, const std::vector<Gap>& gaps) {
  Clauses clauses;
  for (const Gap& gap : gaps) clauses.add(gap.clause);
  for (const Child& child : way.children) {
    if (!child.exposure) continue;
    const std::string by_way = by_way_of(child);
    const Could listening = could(child, Party::listener);
    const Could interfering = could(child, Party::interferer);
    if (listening != Could::no) {
      clauses.add(fmt::format("{}, listening on the network: {}", by_way, name(listening)));
    }
    if (interfering > listening) {
      clauses.add(fmt::format("{}, interfering on the network: {}", by_way, name(interfering)));
    }
  }
  return clauses.text();
}

std::string capitalised(std::string sentence) {
  char& first = sentence.front();
  if (first >= 'a' && first <= 'z') first = static_cast<char>(first - 'a' + 'A');
  return sentence;
}

// The line begins in small letters, as it follows "Verdict:"; further sentences don't.
std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) {
    if (sentence.empty()) continue;
    text += text.empty() ? sentence : ". " + capitalised(sentence);
  }
  return text;
}

}  // namespace

std::string verdict(const Evidence& way, Fate fate) {
  if (way.hops.empty()) return "nothing is recorded: who could have read it is unknown.";
  Hops crossed;
  Left left = left_by(way.children);
  for (const Hop& hop : way.hops) {
    const bool is_open = hop.password_in_clear && hop.protection.level == Level::clear;
    if (!gave_content(hop) && !is_open) continue;
    if (crosses_network(hop)) crossed.push_back(&hop);
    const bool leaves = goes_out(hop) || hop.kind == hop::Kind::fetch;
    if (leaves && gave_content(hop)) left = Left::something;
  }
  const auto gaps = gaps_of(way);
  // A mailbox that isn't seen may have given it to its client.
  const auto hides_leaving = [](const Gap& gap) { return gap.hides > Hides::roads; };
  if (std::ranges::any_of(gaps, hides_leaving)) left = Left::something;
  const std::string ended = how_it_ended(way, left, fate);
  // Who could read it comes first: nothing that reassures stands before it.
  std::vector<std::string> sentences = by_openings(way, crossed);
  const std::string far = how_far(crossed, spoken_of(way, gaps, !sentences.empty()));
  // Of mail that didn't go on, that is what matters most.
  if (last_of(way.hops).outcome == Outcome::failed) {
    sentences.push_back(ended);
    sentences.push_back(far.empty() ? far : "so far: " + far);
  } else {
    sentences.push_back(far);
    sentences.push_back(ended);
  }
  sentences.push_back(by_gaps(way, gaps));
  const std::string text = joined(sentences);
  return (text.empty() ? "it never left the node" : text) + ".";
}

}  // namespace letterlock::protection
