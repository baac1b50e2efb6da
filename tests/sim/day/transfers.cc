#include "sim/day/transfers.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/day/evidence.h"

namespace letterlock::day {

using hop::Outcome;

void Transfers::committed(const Commit& commit) {
  for (const auto& lease : commit.leases) {
    if (lease.partition < holders_.size()) holders_[lease.partition] = lease.node;
  }
  for (const auto& row : commit.traces) {
    if (row.value) continue;
    outcomes_.erase({row.tenant, row.id, 1});
    const auto* what = custody_.taken(row.id);
    if (what != nullptr && what->letter != nullptr) forgotten_.insert(what->letter->number);
  }
  for (const auto& row : commit.hops) {
    const Key key{row.tenant, row.trace, row.sequence};
    // Forgotten: what begins anew under this name counts its hops anew.
    if (!row.value) {
      outcomes_.erase(key);
      open_.erase(key);
      continue;
    }
    if (row.value->outcome == Outcome::intended) {
      intended(row);
      continue;
    }
    const bool was_open = open_.erase(key) > 0;
    const auto before = outcomes_.find(key);
    const bool repeats = before != outcomes_.end() && before->second == row.value->outcome;
    if (before != outcomes_.end() && before->second != Outcome::unknown && !repeats)
      findings_.broken(fmt::format("record: hop {} of {} was {} and is {}", row.sequence,
                                   row.trace.text(), hop::name(before->second),
                                   hop::name(row.value->outcome)));
    // A report's trace carries the attempts of what it tells of, without their recipients.
    const bool is_carried = row.value->recipients.empty();
    if (!repeats && !is_carried && is_relay_out(*row.value))
      ended(row, was_open || before != outcomes_.end());
    outcomes_[key] = row.value->outcome;
  }
}

// A hop names recipients by their number in the trace; of an alias's targets several have one.
std::vector<const Fate*> Transfers::candidates(const Commit::HopRow& row, unsigned index) const {
  std::vector<const Fate*> found;
  for (const auto* fate : custody_.fates_of(row.trace)) {
    if (fate->tenant == row.tenant && fate->trace_index == index &&
        fate->lane != queue::Lane::local)
      found.push_back(fate);
  }
  return found;
}

void Transfers::intended(const Commit::HopRow& row) {
  open_[{row.tenant, row.trace, row.sequence}] = *row.value;
  if (!is_relay_out(*row.value)) return;
  for (const auto index : row.value->recipients) check_waits(row, index);
}

// Whom the far end has, whom an operator holds or took out, nobody begins with; and nobody but the
// node that has the partition.
void Transfers::check_waits(const Commit::HopRow& row, unsigned index) {
  const auto all = candidates(row, index);
  const auto waiting = std::ranges::find(all, queue::State::waiting, &Fate::state);
  if (waiting == all.end()) {
    findings_.broken(fmt::format("record: {} begins again for recipient {}, who doesn't wait",
                                 row.trace.text(), index));
    return;
  }
  const auto& holder = holders_[queue::keys::partition_of((*waiting)->message)];
  if (holder != row.value->from.who)
    findings_.broken(fmt::format("record: {} is begun by {}, and {} has it", row.trace.text(),
                                 row.value->from.who, holder.empty() ? "nobody" : holder));
}

// Those whom this very commit took off the queue; where nobody was there any more, all who may be
// meant, if that is one.
std::vector<std::string> Transfers::completed_for(const Commit::HopRow& row) {
  std::vector<std::string> found;
  for (const auto index : row.value->recipients) {
    const auto all = candidates(row, index);
    const auto count = found.size();
    for (const auto* fate : all) {
      if (custody_.is_relayed_now(*fate)) found.push_back(fate->address);
    }
    if (found.size() > count) continue;
    if (all.size() == 1) {
      found.push_back(all.front()->address);
    } else {
      for (const auto* fate : all)
        counts_[{custody_.root_of(row.trace), fate->address}].is_vague = true;
    }
  }
  return found;
}

void Transfers::forget_unknown(const Key& key) {
  const auto at = unknown_for_.find(key);
  if (at == unknown_for_.end()) return;
  for (const auto& address : at->second)
    --counts_[{custody_.root_of(std::get<1>(key)), address}].unknown;
  unknown_for_.erase(at);
}

void Transfers::ended(const Commit::HopRow& row, bool was_open) {
  const auto& hop = *row.value;
  const auto key = Key{row.tenant, row.trace, row.sequence};
  if (hop.given == hop::Given::content && !was_open)
    findings_.broken(fmt::format("intent: {} gave content to {} without an intent before it",
                                 row.trace.text(), hop.to.who));
  forget_unknown(key);
  if (hop.outcome == Outcome::completed) {
    for (const auto& address : completed_for(row)) {
      auto& count = counts_[{custody_.root_of(row.trace), address}];
      if (++count.completed > count.taken)
        findings_.broken(
            fmt::format("record: {} is said to be relayed to {}, whose MTA never took it",
                        row.trace.text(), address));
    }
  }
  if (hop.outcome != Outcome::unknown) return;
  for (const auto index : hop.recipients) {
    for (const auto* fate : candidates(row, index)) {
      ++counts_[{custody_.root_of(row.trace), fate->address}].unknown;
      unknown_for_[key].push_back(fate->address);
    }
  }
}

std::vector<Transfers::Intent> Transfers::intents_for(unsigned letter, const net::IpAddress& peer,
                                                      hop::Kind kind) const {
  const auto text = peer.text();
  std::vector<Intent> found;
  for (const auto& [key, hop] : open_) {
    if (hop.kind != kind || hop.to.address != text) continue;
    const auto* what = custody_.taken(std::get<1>(key));
    if (what != nullptr && what->letter != nullptr && what->letter->number == letter)
      found.push_back({std::get<0>(key), std::get<1>(key), &hop});
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
    if (!count.is_vague && count.taken > count.completed + count.unknown)
      findings_.broken(fmt::format(
          "record: {} came to {} {} times; records know of {}, and of {} that may have",
          recipient.first.text(), recipient.second, count.taken, count.completed, count.unknown));
  }
}

}  // namespace letterlock::day
