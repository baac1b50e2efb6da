#include "sim/day/custody.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "queue/keys.h"
#include "sim/day/evidence.h"

namespace letterlock::day {

using queue::State;

void Custody::add_account(const base::AccountId& account, std::string address) {
  accounts_[account] = std::move(address);
}

const std::string& Custody::address_of(const base::AccountId& account) const {
  static const std::string nobody;
  const auto at = accounts_.find(account);
  return at == accounts_.end() ? nobody : at->second;
}

const Custody::Taken* Custody::taken(const base::TraceId& trace) const {
  const auto at = taken_.find(trace);
  return at == taken_.end() ? nullptr : &at->second;
}

bool Custody::took(const base::TraceId& trace, const std::string& address) const {
  return std::ranges::any_of(fates_, [&](const auto& entry) {
    return std::get<1>(entry.first) == trace && entry.second.address == address;
  });
}

void Custody::fetched(const std::string& address, unsigned letter) {
  fetched_.emplace(address, letter);
}

std::string Custody::name(const base::TraceId& trace, const std::string& address) const {
  const auto* what = taken(trace);
  const auto number = what != nullptr && what->letter != nullptr ? what->letter->number : 0;
  return fmt::format("{} {} (trace {}) for {}",
                     what != nullptr && what->report_of ? "the report on letter" : "letter", number,
                     trace.text(), address);
}

void Custody::committed(const Commit& commit) {
  delivered_now_.clear();
  for (const auto& row : commit.messages) {
    if (row.value) take(commit, row);
  }
  for (const auto& row : commit.recipients) step(commit, row);
  for (const auto& row : commit.messages) {
    if (row.value) continue;
    settle_rest(commit, row);
    leave(commit, row);
  }
  for (const auto& row : commit.mails) keep(commit, row);
}

// ---- in ----

void Custody::take(const Commit& commit, const Commit::QueueMessage& row) {
  const auto& message = *row.value;
  const auto [at, is_new] = entries_.try_emplace({row.tenant, row.id}, Entry{message, {}});
  if (!is_new) {
    if (at->second.message != message)
      findings_.broken("custody: the queued message " + row.id.text() + " was changed");
    return;
  }
  learn(commit, message);
  const bool is_copy =
      std::ranges::any_of(commit.messages,
                          [&](const auto& other) { return !other.value || other.id != row.id; }) ||
      !commit.recipients.empty();
  const auto twins = std::ranges::count_if(entries_, [&](const auto& entry) {
    return entry.first.first == row.tenant && entry.second.message.trace == message.trace;
  });
  if (twins > 1 && !is_copy)
    findings_.broken("custody: " + name(message.trace, "all") + " is in the queue twice");
}

void Custody::learn(const Commit& commit, const queue::Message& message) {
  Taken taken;
  taken.requirement = message.requirement;
  const auto head = std::ranges::find_if(commit.traces, [&](const Commit::TraceHead& row) {
    return row.id == message.trace && row.value;
  });
  if (message.is_report) {
    taken.report_of = reported_in(commit, message.id);
    if (!taken.report_of) {
      findings_.broken("custody: the report " + message.trace.text() + " tells of nothing");
    } else if (const auto* original = this->taken(*taken.report_of)) {
      taken.letter = original->letter;
    }
  } else if (head != commit.traces.end()) {
    if (const auto number = letter_of_message_id(head->value->message_id))
      taken.letter = letters_.find(*number);
  }
  taken_.try_emplace(message.trace, taken);
}

// Another message's notices are told in the same commit that takes the report in.
std::optional<base::TraceId> Custody::reported_in(const Commit& commit,
                                                  const base::MessageId& report) const {
  std::vector<std::pair<base::TenantId, base::MessageId>> changed;
  for (const auto& row : commit.recipients) changed.emplace_back(row.tenant, row.id);
  for (const auto& row : commit.messages) changed.emplace_back(row.tenant, row.id);
  for (const auto& [tenant, id] : changed) {
    if (id == report) continue;
    const auto at = entries_.find({tenant, id});
    if (at != entries_.end()) return at->second.message.trace;
  }
  return std::nullopt;
}

// ---- within ----

void Custody::step(const Commit& commit, const Commit::QueueRecipient& row) {
  const auto at = entries_.find({row.tenant, row.id});
  if (at == entries_.end()) {
    findings_.broken("custody: a recipient of no message, " + row.id.text());
    return;
  }
  auto& entry = at->second;
  const auto before = entry.recipients.find(row.index);
  if (before == entry.recipients.end()) {
    if (!row.value) return;
    entry.recipients.emplace(row.index, *row.value);
    fates_.try_emplace({row.tenant, entry.message.trace, row.value->trace_index},
                       Fate{row.value->address, State::waiting, false, {}});
    return;
  }
  const auto old = before->second;
  const About about{row.tenant, entry.message.trace, old.trace_index};
  const auto now = row.value                    ? row.value->state
                   : queue::is_final(old.state) ? old.state
                                                : shown(commit, about).value_or(State::waiting);
  if (old.notice != queue::Notice::none && (!row.value || row.value->notice == queue::Notice::none))
    tell(commit, entry, old);
  if (now != old.state) {
    if (queue::is_final(old.state))
      findings_.broken(fmt::format("custody: {} was {} and is {}",
                                   name(entry.message.trace, old.address), queue::name(old.state),
                                   queue::name(now)));
    settle(commit, entry, row.value ? *row.value : old, now);
  }
  if (!row.value) {
    if (!queue::is_final(now))
      findings_.broken("custody: " + name(entry.message.trace, old.address) +
                       " left the queue and nothing shows where to");
    entry.recipients.erase(before);
    return;
  }
  before->second = *row.value;
}

// Recipients that never had a record of their own go with the message's.
void Custody::settle_rest(const Commit& commit, const Commit::QueueMessage& row) {
  const auto at = entries_.find({row.tenant, row.id});
  if (at == entries_.end()) return;
  const auto rest = at->second.recipients;
  for (const auto& [index, recipient] : rest) step(commit, {row.tenant, row.id, index, {}});
}

// The step's evidence lies in the same commit.
void Custody::settle(const Commit& commit, const Entry& entry, const queue::Recipient& recipient,
                     State state) {
  const About about{entry.message.tenant, entry.message.trace, recipient.trace_index};
  if (queue::is_final(state) && state != State::removed && shown(commit, about) != state)
    findings_.broken(fmt::format("custody: {} is {} without a record of it",
                                 name(entry.message.trace, recipient.address), queue::name(state)));
  const FateKey key{entry.message.tenant, entry.message.trace, recipient.trace_index};
  auto& fate = fates_[key];
  fate.state = state;
  fate.must_be_told = state == State::failed && !entry.message.mail_from.empty() &&
                      recipient.params.notify.wants_failure();
  if (state == State::delivered) delivered_now_.insert(key);
}

void Custody::tell(const Commit& commit, const Entry& entry, const queue::Recipient& before) {
  auto& fate = fates_[{entry.message.tenant, entry.message.trace, before.trace_index}];
  for (const auto& row : commit.messages) {
    if (row.value && row.value->is_report) fate.report = row.value->trace;
  }
}

// ---- out ----

void Custody::leave(const Commit& /*commit*/, const Commit::QueueMessage& row) {
  const auto at = entries_.find({row.tenant, row.id});
  if (at == entries_.end()) return;
  for (const auto& [index, recipient] : at->second.recipients)
    findings_.broken("custody: " + name(at->second.message.trace, recipient.address) +
                     " is still queued, and its message is gone");
  entries_.erase(at);
}

void Custody::keep(const Commit& /*commit*/, const Commit::Mail& row) {
  const auto at = kept_.find(row.key);
  const auto& owner = address_of(row.account);
  if (!row.value) {
    if (at == kept_.end()) return;
    const auto* what = taken(at->second.trace);
    const bool is_letter = what != nullptr && what->letter != nullptr && !what->report_of;
    if (is_letter && !fetched_.contains({owner, what->letter->number}))
      findings_.broken("custody: " + name(at->second.trace, owner) +
                       " went out of its mailbox before anybody had it");
    kept_.erase(at);
    return;
  }
  if (at != kept_.end()) return;  // flags
  const auto& message = *row.value;
  const FateKey key{message.trace_owner, message.trace, message.recipient};
  kept_[row.key] = {row.account, message.trace, message.blob};
  if (!delivered_now_.contains(key)) {
    findings_.broken("custody: " + name(message.trace, owner) +
                     " came into a mailbox out of no queue");
  } else if (!base::equal_ignoring_case(fates_[key].address, owner)) {
    findings_.broken("custody: " + name(message.trace, fates_[key].address) +
                     " came into the mailbox of " + owner);
  }
}

// ---- looking ----

std::string Custody::text() const {
  std::string text;
  for (const auto& [key, entry] : entries_) {
    for (const auto& [index, recipient] : entry.recipients)
      text +=
          fmt::format("{} is {}, {} attempts, {} ({}); ",
                      name(entry.message.trace, recipient.address), queue::name(recipient.state),
                      recipient.attempts, recipient.reply, queue::name(recipient.notice));
  }
  return text;
}

std::map<base::BlobId, std::set<std::string>> Custody::holders() const {
  std::map<base::BlobId, std::set<std::string>> holders;
  for (const auto& [key, entry] : entries_)
    holders[entry.message.blob].insert(store::tenant_prefix(key.first) +
                                       queue::keys::holder(key.second));
  for (const auto& [key, kept] : kept_) holders[kept.blob].insert(key);
  return holders;
}

}  // namespace letterlock::day
