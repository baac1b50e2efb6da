// A recipient's step, held against what the same commit shows of it, against whose word it was, and
// against who must hear of it.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/day/custody.h"
#include "sim/day/evidence.h"

namespace letterlock::day {

using queue::Notice;
using queue::State;

namespace {

// RFC 3461 §4.1, as a sender may count on it.
bool wants_to_know(const queue::Message& message, const queue::Recipient& recipient, State state) {
  if (message.mail_from.empty() || message.is_report) return false;
  const auto& notify = recipient.params.notify;
  switch (state) {
    case State::failed:
      return notify.wants_failure();
    case State::delivered:
    case State::relayed:
    case State::expanded:
      return notify.success;
    case State::waiting:
    case State::held:
    case State::removed:
      break;
  }
  return false;
}

bool tells_now(const Commit& commit) {
  return std::ranges::any_of(commit.messages, [](const Commit::QueueMessage& row) {
    return row.value && row.value->is_report;
  });
}

}  // namespace

void Custody::settle(const Commit& commit, const Entry& entry, Standing& standing,
                     const queue::Recipient& now, State state) {
  auto& fate = *standing.fate;
  const auto before = fate.state;
  fate.state = state;
  fate.must_be_told = wants_to_know(entry.message, now, state);
  fate.report.reset();
  check_order(fate, before, state);
  check_evidence(commit, fate, state);
  if (state == State::failed) failed_now_.push_back(&fate);
  if (state == State::delivered) delivered_now_.push_back(&fate);
  if (state == State::relayed) relayed_now_.push_back(&fate);
  if (state == State::expanded) expand(commit, fate);
  if (state == State::failed || state == State::removed)
    ended_now_.emplace(fate.tenant, fate.trace, fate.trace_index);
}

// The step's evidence lies in the same commit.
void Custody::check_evidence(const Commit& commit, const Fate& fate, State state) {
  if (!queue::is_final(state)) return;
  const About about{fate.tenant, fate.trace, fate.trace_index};
  const bool shows = [&] {
    switch (state) {
      case State::delivered:
        return shows_delivery(commit, about);
      case State::relayed:
        return shows_relay(commit, about);
      case State::expanded:
        return shows_expansion(commit, about);
      default:
        return shows_end(commit, about) ||
               endings_.contains({fate.tenant, fate.trace, fate.trace_index});
    }
  }();
  // An operator's word on one whose trace is forgotten has none to stand in.
  const bool by_operator = removals_.contains(fate.message) || bounces_.contains(fate.message);
  if (!shows && by_operator && !traces_.contains({fate.tenant, fate.trace})) return;
  if (!shows)
    findings_.broken(fmt::format("custody: {} is {} without a record of it",
                                 name(fate.trace, fate.address), queue::name(state)));
}

// Nobody but an operator holds, releases and removes.
void Custody::check_order(const Fate& fate, State before, State state) {
  const bool is_released =
      before == State::held && state == State::waiting && !ordered_.contains(queue::Step::release);
  if (is_released)
    findings_.broken(fmt::format("custody: {} is held no more, and nobody said so",
                                 name(fate.trace, fate.address)));
  const bool is_held = state == State::held && !ordered_.contains(queue::Step::hold);
  const bool is_removed = state == State::removed && !removals_.contains(fate.message);
  if (is_held || is_removed)
    findings_.broken(fmt::format("custody: {} is {}, and nobody said so",
                                 name(fate.trace, fate.address), queue::name(state)));
}

// Into those that it stands for: nobody else, and nobody forgotten. Once, whatever leads there.
void Custody::expand(const Commit& commit, Fate& fate) {
  std::set<std::string> into;
  for (const auto& row : commit.recipients) {
    if (!row.value || row.id == fate.message) continue;
    fate.became = row.id;
    into.insert(row.value->address);
    if (!names_.leads_to(fate.address, row.value->address))
      findings_.broken(fmt::format("names: {} is expanded to {}, who isn't in it",
                                   name(fate.trace, fate.address), row.value->address));
  }
  if (!fate.became) {
    const bool before = std::ranges::any_of(
        fates_from(root_of(fate.trace)),
        [&](const Fate* other) { return other->became && other->address == fate.address; });
    if (!before)
      findings_.broken(fmt::format("names: {} is expanded to nobody, and was not before",
                                   name(fate.trace, fate.address)));
    return;
  }
  if (names_.has_changed()) return;
  for (const auto& one : names_.targets_of(fate.address)) {
    if (!into.contains(one))
      findings_.broken(fmt::format("names: {} is expanded, and {} is forgotten",
                                   name(fate.trace, fate.address), one));
  }
}

// Who wants to know how it ended will be told: that it must be is kept with it.
void Custody::check_notice(const Fate& fate, const Commit::QueueRecipient& row) {
  if (!fate.must_be_told) return;
  const bool will_be = row.value && row.value->notice != Notice::none;
  const bool by_peer =
      fate.state == State::relayed && passed_on_.contains({root_of(fate.trace), fate.address});
  if (!will_be && !by_peer)
    findings_.broken(fmt::format("told: {} is {}, its sender wants to know, and nobody will say so",
                                 name(fate.trace, fate.address), queue::name(fate.state)));
}

void Custody::tell(const Commit& commit, Fate& fate, Notice notice) {
  if (!tells_now(commit)) {
    findings_.broken(
        fmt::format("told: what was to be told of {} is dropped", name(fate.trace, fate.address)));
    return;
  }
  for (const auto& row : commit.messages) {
    if (!row.value || !row.value->is_report) continue;
    fate.report = row.value->trace;
    told_[row.value->trace].insert(queue::name(notice));
  }
}

// "Action: failed", each as often as it was to be told; a delay of more than those for whom it was
// time.
void Custody::check_report(const base::TraceId& report, std::string_view content) const {
  constexpr std::string_view field = "\r\nAction: ";
  std::multiset<std::string_view> said;
  for (auto at = content.find(field); at != std::string_view::npos;
       at = content.find(field, at + 1)) {
    const auto word = content.substr(at + field.size());
    said.insert(word.substr(0, word.find_first_of(" \r\n")));
  }
  const auto at = told_.find(report);
  if (at == told_.end()) return;
  auto due = at->second;
  if (said.count("delayed") > due.count("delayed")) {
    said.erase("delayed");
    due.erase("delayed");
  }
  if (said != due)
    findings_.broken(fmt::format("told: the report {} says {}, and {} was to be said",
                                 report.text(), fmt::join(said, ", "),
                                 fmt::join(at->second, ", ")));
}

}  // namespace letterlock::day
