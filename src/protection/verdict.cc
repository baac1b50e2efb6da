// The verdict: what a manager reads if it is the only line.
#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "protection/exposure.h"
#include "protection/hop_words.h"

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

// How far it was protected, of the hops on which content crossed a network.
std::string how_far(const Hops& crossed) {
  const auto is_at = [](Level level) {
    return [level](const Hop* hop) { return hop->protection.level == level; };
  };
  if (crossed.empty()) return {};
  const auto first = std::ranges::find_if(crossed, is_at(Level::clear));
  if (first == crossed.end()) {
    Hops unproved;
    std::ranges::copy_if(crossed, std::back_inserter(unproved), is_at(Level::encrypted));
    if (unproved.empty()) return "protected on every hop that this platform saw";
    return fmt::format(
        "nobody who only listened could read it; somebody interfering could have on {}, where {}",
        hop_list(numbers_of(unproved)),
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

// What an attempt that failed leaves.
std::string after_failure(const Hop& last, bool left_platform, Fate fate) {
  const std::string kept =
      left_platform ? "" : "; no content has left the platform, in none of the attempts";
  const std::string peer = short_name(last.to);
  if (is_refused_by_peer(last)) return fmt::format("{} did not accept it{}", peer, kept);
  const bool by_us = last.answer != hop::Answer::take;
  const std::string_view why =
      by_us ? "because it could not be protected as required" : "because no attempt succeeded";
  if (fate == Fate::came_back || last.answer == hop::Answer::refuse) {
    return fmt::format("not sent on, {}{}", why, kept);
  }
  if (by_us) return fmt::format("it waits, until it can be protected as required{}", kept);
  return fmt::format("it waits, until {} takes it{}", peer, kept);
}

// A fetch that failed says nothing of where the message is.
const Hop& last_of(const std::vector<Hop>& hops) {
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    if (hop->kind != hop::Kind::fetch || hop->outcome != Outcome::failed) return *hop;
  }
  return hops.back();
}

// How it ended, as far as that is known.
std::string how_it_ended(const std::vector<Hop>& hops, bool left_platform, Fate fate) {
  const Hop& last = last_of(hops);
  switch (last.outcome) {
    case Outcome::failed:
      return after_failure(last, left_platform, fate);
    case Outcome::intended:
      return fmt::format("it is being given to {}", short_name(last.to));
    case Outcome::unknown:
      return fmt::format(
          "whether {} has it is unknown, for the node stopped in between: it is "
          "counted as given",
          short_name(last.to));
    case Outcome::completed:
      break;
  }
  if (goes_out(last)) return fmt::format("beyond {}: unknown", short_name(last.to));
  if (last.kind == hop::Kind::delivery) return "not fetched yet";
  if (last.kind == hop::Kind::fetch) return {};
  if (fate == Fate::came_back) return "not sent on";
  return "it is in the queue";
}

}  // namespace

std::string verdict(const std::vector<Hop>& hops, Fate fate) {
  if (hops.empty()) return "nothing is recorded.";
  Hops crossed;
  bool left_platform = false;
  for (const Hop& hop : hops) {
    const bool is_open = hop.password_in_clear && hop.protection.level == Level::clear;
    if (!gave_content(hop) && !is_open) continue;
    if (crosses_network(hop)) crossed.push_back(&hop);
    left_platform = left_platform || (goes_out(hop) && gave_content(hop));
  }
  const std::string ended = how_it_ended(hops, left_platform, fate);
  std::string far = how_far(crossed);
  if (comes_in(hops.front())) {
    far +=
        fmt::format("{}before {}: unknown", far.empty() ? "" : "; ", short_name(hops.front().from));
  }
  const bool failed = last_of(hops).outcome == Outcome::failed;
  // Of mail that didn't go on, that is what matters most.
  std::vector<std::string> sentences =
      failed ? std::vector{ended, far.empty() ? far : "so far: " + far} : std::vector{far, ended};
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
  return (text.empty() ? "it never left the node" : text) + ".";
}

}  // namespace letterlock::protection
