#include "sim/day/transfers.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/day/evidence.h"

namespace letterlock::day {

using hop::Outcome;

// A hop names recipients by their number in the trace.
std::vector<std::string> Transfers::addresses(const Commit::HopRow& row) const {
  std::vector<std::string> addresses;
  for (const auto index : row.value->recipients) {
    const auto fate = custody_.fates().find({row.tenant, row.trace, index});
    if (fate != custody_.fates().end()) addresses.push_back(fate->second.address);
  }
  return addresses;
}

void Transfers::committed(const Commit& commit) {
  for (const auto& row : commit.hops) {
    if (!row.value) continue;
    const Key key{row.tenant, row.trace, row.sequence};
    if (row.value->outcome == Outcome::intended) {
      intended(row);
      continue;
    }
    const bool was_open = open_.erase(key) > 0;
    unknown_.erase(key);
    // A sign-in sweeps what other sessions of its mailbox have open: that still counts as given.
    if (row.value->outcome == Outcome::unknown && row.value->kind == hop::Kind::fetch)
      unknown_[key] = *row.value;
    const auto before = outcomes_.find(key);
    const bool repeats = before != outcomes_.end() && before->second == row.value->outcome;
    if (before != outcomes_.end() && before->second != Outcome::unknown && !repeats)
      findings_.broken(fmt::format("record: hop {} of {} was {} and is {}", row.sequence,
                                   row.trace.text(), hop::name(before->second),
                                   hop::name(row.value->outcome)));
    if (!repeats && is_relay_out(*row.value)) ended(row, was_open || before != outcomes_.end());
    outcomes_[key] = row.value->outcome;
  }
}

void Transfers::intended(const Commit::HopRow& row) {
  open_[{row.tenant, row.trace, row.sequence}] = *row.value;
  if (!is_relay_out(*row.value)) return;
  for (const auto& address : addresses(row)) {
    // Once the queue has let go of it because the far end has it, nobody may begin again. A node
    // that lost its lease meanwhile records what it gave and settles nothing: there it may.
    if (counts_[{row.trace, address}].settled > 0)
      findings_.broken(fmt::format("record: {} for {} is relayed already and begins again",
                                   row.trace.text(), address));
  }
}

bool Transfers::is_settled(const Commit::HopRow& row, const std::string& address) const {
  return std::ranges::any_of(row.value->recipients, [&](unsigned index) {
    const auto fate = custody_.fates().find({row.tenant, row.trace, index});
    return fate != custody_.fates().end() && fate->second.address == address &&
           fate->second.state == queue::State::relayed;
  });
}

void Transfers::ended(const Commit::HopRow& row, bool was_open) {
  const auto& hop = *row.value;
  const auto key = Key{row.tenant, row.trace, row.sequence};
  const bool was_unknown = outcomes_.contains(key) && outcomes_[key] == Outcome::unknown;
  if (hop.given == hop::Given::content && !was_open)
    findings_.broken(fmt::format("intent: {} gave content to {} without an intent before it",
                                 row.trace.text(), hop.to.who));
  for (const auto& address : addresses(row)) {
    auto& count = counts_[{row.trace, address}];
    if (was_unknown) --count.unknown;
    if (hop.outcome == Outcome::completed) {
      ++count.completed;
      if (is_settled(row, address)) ++count.settled;
    }
    if (hop.outcome == Outcome::unknown) ++count.unknown;
    if (hop.outcome == Outcome::completed && count.completed > count.taken)
      findings_.broken(
          fmt::format("record: {} is said to be relayed to {}, whose MTA never took it",
                      row.trace.text(), address));
  }
}

std::vector<const hop::Hop*> Transfers::intents_for(unsigned letter, const net::IpAddress& peer,
                                                    hop::Kind kind) const {
  const auto text = peer.text();
  std::vector<const hop::Hop*> found;
  for (const auto* intents : {&open_, &unknown_}) {
    for (const auto& [key, hop] : *intents) {
      if (hop.kind != kind || hop.to.address != text) continue;
      const auto* what = custody_.taken(std::get<1>(key));
      if (what != nullptr && what->letter != nullptr && what->letter->number == letter)
        found.push_back(&hop);
    }
  }
  return found;
}

void Transfers::taken(const base::TraceId& trace, const std::vector<std::string>& recipients) {
  for (const auto& recipient : recipients) {
    if (!custody_.took(trace, recipient))
      findings_.broken(
          fmt::format("record: {} was given to {}, who is no recipient", trace.text(), recipient));
    ++counts_[{trace, recipient}].taken;
  }
}

void Transfers::check_end() const {
  for (const auto& [key, hop] : open_)
    findings_.broken(
        fmt::format("intent: {} to {} was never closed", std::get<1>(key).text(), hop.to.who));
  for (const auto& [recipient, count] : counts_) {
    if (count.taken > count.completed + count.unknown)
      findings_.broken(fmt::format(
          "record: {} came to {} {} times; records know of {}, and of {} that may have",
          recipient.first.text(), recipient.second, count.taken, count.completed, count.unknown));
  }
}

}  // namespace letterlock::day
