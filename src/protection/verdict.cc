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
  of_all,             // that this platform saw
  before_it_went_on,  // to where it could be read
  still_recorded,     // the trace was forgotten and begun again, or is a copy without its beginning
};

std::string_view which_hops(Spoken spoken) {
  switch (spoken) {
    case Spoken::of_all:
      return "";
    case Spoken::before_it_went_on:
      return " before it went on";
    case Spoken::still_recorded:
      return " on the hops that are still recorded";
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
      if (spoken == Spoken::of_all) return "protected on every hop that this platform saw";
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
    text = fmt::format("protected{} as far as {}; between there and {} {} could read it",
                       all_proved ? "" : " against listeners", short_name(open.from),
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

// Where content has gone beyond this platform's sight, or may have.
enum class Left { nothing, something };

bool leaves_platform(const Child& child) {
  if (!child.exposure) return true;
  return child.exposure->parties.at(static_cast<std::size_t>(Party::others)).could != Could::no;
}

// What an attempt that failed leaves.
std::string after_failure(const Hop& last, Left left, Fate fate) {
  const std::string kept =
      left == Left::something ? "" : "; no content has left the platform, in none of the attempts";
  const std::string peer = short_name(last.to);
  if (is_refused_by_peer(last)) return fmt::format("{} did not accept it{}", peer, kept);
  const bool by_us = is_refused_by_us(last);
  const std::string_view why =
      by_us ? "because it could not be protected as required" : "because no attempt succeeded";
  if (fate == Fate::came_back || last.answer == hop::Answer::refuse) {
    return fmt::format("not sent on, {}{}", why, kept);
  }
  if (by_us) return fmt::format("it waits, until it can be protected as required{}", kept);
  return fmt::format("it waits, until {} takes it{}", peer, kept);
}

// A fetch that came to nothing, or to a part, says nothing of where the message is.
bool says_where(const Hop& hop) {
  if (hop.kind != hop::Kind::fetch) return true;
  return hop.outcome != Outcome::failed && hop.outcome != Outcome::partial;
}
const Hop& last_of(const std::vector<Hop>& hops) {
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    if (says_where(*hop)) return *hop;
  }
  return hops.back();
}

bool was_given_a_part(const std::vector<Hop>& hops) {
  return std::ranges::any_of(hops, [](const Hop& hop) {
    return hop.kind == hop::Kind::fetch && !says_where(hop) && gave_content(hop);
  });
}

// How it ended where the last hop was taken.
std::string after_success(const Evidence& way, const Hop& last, Fate fate) {
  if (goes_out(last)) return {};  // beyond it is a gap
  switch (last.kind) {
    case hop::Kind::fetch:
      return {};
    case hop::Kind::delivery: {
      const auto unseen = unseen_mailboxes(way);
      if (std::ranges::find(unseen, last.to.who) != unseen.end()) return {};  // a gap
      return was_given_a_part(way.hops) ? "not fetched as a whole yet" : "not fetched yet";
    }
    case hop::Kind::expansion:
      if (last.to.role == hop::End::Role::list) return {};  // a child, or a gap
      break;
    case hop::Kind::submission:
    case hop::Kind::relay:
    case hop::Kind::site_link:
      break;
  }
  if (fate == Fate::came_back) return "not sent on";
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
      return after_failure(last, left, fate);
    case Outcome::intended:
      return fmt::format("it is being given to {}", short_name(last.to));
    case Outcome::unknown:
      return fmt::format("whether {} has it is unknown: it is counted as given",
                         short_name(last.to));
    case Outcome::completed:
    case Outcome::partial:
      break;
      if (!way.lost.empty()) return {};                                       // another
  }
  return after_success(way, last, fate);
}

// Who could read it where no hop of its own shows it: sign-ins that opened the mailbox.
std::string by_openings(const Evidence& way) {
  for (const auto& [mailbox, opening] : openings_of(way)) {
    const std::string name = mailbox_of(mailbox->account);
    if (opening->how == Opening::How::in_clear) {
      return fmt::format(
          "sign-ins in clear opened {}: {} could read it there", name,
          opening->network == hop::Network::public_ ? "anyone" : "anyone on that private network");
    }
  }
  return {};
}

bool adds_listeners(const Child& child) {
  return !child.exposure || child.exposure->parties.front().could != Could::no;
}

Spoken spoken_of(const Evidence& way) {
  if (!has_first_hop(way.hops)) return Spoken::still_recorded;
  return std::ranges::any_of(way.children, adds_listeners) ? Spoken::before_it_went_on
                                                           : Spoken::of_all;
}

// What isn't seen, in one sentence; and those who could read it beyond.
std::string by_gaps(const Evidence& way, const std::vector<Gap>& gaps) {
  Clauses clauses;
  for (const Gap& gap : gaps) clauses.add(gap.clause);
  for (const Child& child : way.children) {
    if (!child.exposure) continue;
    const auto& listener = child.exposure->parties.front();
    if (listener.could == Could::no) continue;
    clauses.add(fmt::format("by way of {}, listening on the network: {}",
                            base::printable(child.name, 255), name(listener.could)));
  }
  return clauses.text();
}

std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) {
    if (sentence.empty()) continue;
    if (!text.empty()) text += ". ";
    text += sentence;
    // The line begins in small letters, as it follows "Verdict:"; further sentences don't.
    const std::size_t start = text.size() - sentence.size();
    if (start > 0 && text[start] >= 'a' && text[start] <= 'z') {
      text[start] = static_cast<char>(text[start] - 'a' + 'A');
    }
  }
  return text;
}

}  // namespace

std::string verdict(const Evidence& way, Fate fate) {
  if (way.hops.empty()) return "nothing is recorded: who could have read it is unknown.";
  Hops crossed;
  Left left = std::ranges::any_of(way.children, leaves_platform) ? Left::something : Left::nothing;
  for (const Hop& hop : way.hops) {
    const bool is_open = hop.password_in_clear && hop.protection.level == Level::clear;
    if (!gave_content(hop) && !is_open) continue;
    if (crosses_network(hop)) crossed.push_back(&hop);
    if (goes_out(hop) && gave_content(hop)) left = Left::something;
  }
  const auto gaps = gaps_of(way);
  const auto hides_everybody = [](const Gap& gap) { return gap.hides == Hides::everybody; };
  if (std::ranges::any_of(gaps, hides_everybody)) left = Left::something;
  const std::string ended = how_it_ended(way, left, fate);
  const std::string far = how_far(crossed, spoken_of(way));
  const bool failed = last_of(way.hops).outcome == Outcome::failed;
  // Of mail that didn't go on, that is what matters most.
  std::vector<std::string> sentences =
      failed ? std::vector{ended, far.empty() ? far : "so far: " + far} : std::vector{far, ended};
  sentences.push_back(by_openings(way));
  sentences.push_back(by_gaps(way, gaps));
  const std::string text = joined(sentences);
  return (text.empty() ? "it never left the node" : text) + ".";
}

}  // namespace letterlock::protection
