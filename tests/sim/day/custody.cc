#include "sim/day/custody.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "queue/keys.h"
#include "sim/day/evidence.h"

namespace letterlock::day {

using queue::Notice;
using queue::State;

namespace {

// What stands under a key; nothing where nothing does.
template <class Key>
const std::vector<const Fate*>& fates_under(const std::map<Key, std::vector<const Fate*>>& fates,
                                            const Key& key) {
  static const std::vector<const Fate*> none;
  const auto at = fates.find(key);
  return at == fates.end() ? none : at->second;
}

}  // namespace

const base::MessageId& Custody::queued(std::size_t at) const {
  return std::next(entries_.begin(), static_cast<std::ptrdiff_t>(at))->first.second;
}

const Custody::Taken* Custody::taken(const base::TraceId& trace) const {
  const auto at = taken_.find(trace);
  return at == taken_.end() ? nullptr : &at->second;
}

const std::vector<const Fate*>& Custody::fates_of(const base::TraceId& trace) const {
  return fates_under(by_trace_, trace);
}

const std::vector<const Fate*>& Custody::fates_of(const base::MessageId& message) const {
  return fates_under(by_message_, message);
}

std::optional<base::TraceId> Custody::parent_of(const base::TraceId& trace) const {
  const auto at = parents_.find(trace);
  return at == parents_.end() ? std::nullopt : std::optional(at->second);
}

const base::TraceId& Custody::root_of(const base::TraceId& trace) const {
  const auto at = roots_.find(trace);
  return at == roots_.end() ? trace : at->second;
}

const std::vector<const Fate*>& Custody::fates_from(const base::TraceId& root) const {
  return fates_under(by_root_, root);
}

bool Custody::took(const base::TraceId& root, const std::string& address) const {
  return std::ranges::any_of(fates_from(root),
                             [&](const Fate* fate) { return fate->address == address; });
}

bool Custody::is_relayed_now(const Fate& fate) const {
  return std::ranges::find(relayed_now_, &fate) != relayed_now_.end();
}

void Custody::fetched(const std::string& address, unsigned letter) {
  fetched_.emplace(address, letter);
}

void Custody::passed_on(const base::TraceId& trace, const std::string& address) {
  passed_on_.emplace(trace, address);
}

std::string Custody::name(const base::TraceId& trace, const std::string& address) const {
  const auto* what = taken(trace);
  const auto number = what != nullptr && what->letter != nullptr ? what->letter->number : 0;
  return fmt::format("{} {} (trace {}) for {}",
                     what != nullptr && what->report_of ? "the report on letter" : "letter", number,
                     trace.text(), address);
}

// Recipients that never had a record of their own go with the message's: here they stand beside
// those that had one.
Commit Custody::with_all_steps(Commit commit) const {
  for (const auto& row : commit.messages) {
    const auto at = entries_.find({row.tenant, row.id});
    if (row.value || at == entries_.end()) continue;
    for (const auto& [index, standing] : at->second.recipients) {
      const bool has_own = std::ranges::any_of(commit.recipients, [&](const auto& own) {
        return own.tenant == row.tenant && own.id == row.id && own.index == index;
      });
      if (!has_own) commit.recipients.push_back({row.tenant, row.id, index, {}});
    }
  }
  return commit;
}

void Custody::committed(const Commit& commit) {
  failed_now_.clear();
  delivered_now_.clear();
  relayed_now_.clear();
  ended_now_.clear();
  for (const auto& row : commit.traces) {
    if (row.value)
      traces_.emplace(row.tenant, row.id);
    else
      traces_.erase({row.tenant, row.id});
  }
  for (const auto& row : commit.messages) {
    if (row.value) take(commit, row);
  }
  for (const auto& row : commit.recipients) step(commit, row);
  for (const auto& row : commit.messages) {
    if (!row.value) leave(row);
  }
  for (const auto& row : commit.mails) keep(row);
  check_endings(commit);
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
  // An alias's copy keeps the trace, and comes with the step of whom it stands for.
  const bool is_copy = std::ranges::any_of(commit.recipients, [&](const auto& other) {
    const auto entry = entries_.find({other.tenant, other.id});
    return other.id != row.id && entry != entries_.end() &&
           entry->second.message.trace == message.trace;
  });
  const bool has_twin = std::ranges::any_of(fates_of(message.trace), [&](const Fate* fate) {
    return fate->tenant == row.tenant && fate->message != row.id;
  });
  if (has_twin && !is_copy)
    findings_.broken("custody: " + name(message.trace, "all") + " is in the queue twice");
}

void Custody::learn(const Commit& commit, const queue::Message& message) {
  Taken taken;
  taken.requirement = message.requirement;
  const auto head = std::ranges::find_if(commit.traces, [&](const Commit::TraceHead& row) {
    return row.id == message.trace && row.value;
  });
  const auto made = made_of(commit, message.id);
  if (made && !message.is_report && *made != message.trace)
    roots_.insert_or_assign(message.trace, root_of(*made));
  if (made && *made != message.trace) parents_.insert_or_assign(message.trace, *made);
  if (message.is_report) {
    taken.report_of = made;
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

// Another message's notices are told in the same commit that takes the report in; and a copy is
// made in that which expands whom it stands for.
std::optional<base::TraceId> Custody::made_of(const Commit& commit,
                                              const base::MessageId& made) const {
  for (const auto& row : commit.recipients) {
    if (row.id == made) continue;
    const auto at = entries_.find({row.tenant, row.id});
    if (at != entries_.end()) return at->second.message.trace;
  }
  return std::nullopt;
}

// ---- within ----

void Custody::begin(Entry& entry, const Commit::QueueRecipient& row) {
  const auto& recipient = *row.value;
  auto& fate = fates_.emplace_back();
  fate.tenant = row.tenant;
  fate.message = row.id;
  fate.index = row.index;
  fate.trace = entry.message.trace;
  fate.trace_index = recipient.trace_index;
  fate.address = recipient.address;
  fate.lane = recipient.lane;
  fate.expires = entry.message.expires;
  fate.began = now_();
  by_trace_[fate.trace].push_back(&fate);
  by_root_[root_of(fate.trace)].push_back(&fate);
  by_message_[fate.message].push_back(&fate);
  entry.recipients.emplace(row.index, Standing{recipient, &fate});
}

void Custody::step(const Commit& commit, const Commit::QueueRecipient& row) {
  const auto at = entries_.find({row.tenant, row.id});
  if (at == entries_.end()) {
    findings_.broken("custody: a recipient of no message, " + row.id.text());
    return;
  }
  auto& entry = at->second;
  const auto before = entry.recipients.find(row.index);
  if (before == entry.recipients.end()) {
    if (row.value) begin(entry, row);
    return;
  }
  auto& standing = before->second;
  const auto old = standing.recipient;
  const auto now = row.value                    ? row.value->state
                   : queue::is_final(old.state) ? old.state
                                                : shown(commit, *standing.fate).value_or(old.state);
  if (now != old.state) {
    if (queue::is_final(old.state))
      findings_.broken(fmt::format("custody: {} was {} and is {}",
                                   name(entry.message.trace, old.address), queue::name(old.state),
                                   queue::name(now)));
    settle(commit, entry, standing, row.value ? *row.value : old, now);
    check_notice(*standing.fate, row);
  } else if (old.notice != Notice::none && (!row.value || row.value->notice == Notice::none)) {
    tell(commit, *standing.fate, old.notice);
  }
  if (!row.value) {
    if (!queue::is_final(now))
      findings_.broken("custody: " + name(entry.message.trace, old.address) +
                       " left the queue and nothing shows where to");
    entry.recipients.erase(before);
    return;
  }
  standing.recipient = *row.value;
}

std::optional<State> Custody::shown(const Commit& commit, const Fate& fate) const {
  const About about{fate.tenant, fate.trace, fate.trace_index};
  if (const auto state = day::shown(commit, about)) return state;
  // Of an alias's targets the first that ends writes the ending of all.
  if (!endings_.contains({fate.tenant, fate.trace, fate.trace_index})) return std::nullopt;
  return removals_.contains(fate.message) ? State::removed : State::failed;
}

// ---- out ----

// Before, and a trace that was begun again says so; of an alias's targets one.
bool Custody::has_ended(const Commit::Ending& ending) const {
  using Kind = trace::Ending::Kind;
  return std::ranges::any_of(fates_of(ending.trace), [&](const Fate* fate) {
    if (fate->tenant != ending.tenant || fate->trace_index != ending.recipient) return false;
    const bool came_back = fate->state == State::failed || fate->state == State::removed;
    return queue::is_final(fate->state) && came_back == (ending.kind != Kind::went_on);
  });
}

// A trace that says of somebody that he got nothing must not say it of one who did.
void Custody::check_endings(const Commit& commit) {
  for (const auto& ending : commit.endings) {
    const EndingKey key{ending.tenant, ending.trace, ending.recipient};
    if (ending.kind != trace::Ending::Kind::went_on) endings_.insert(key);
    if (!ended_now_.contains(key) && !has_ended(ending))
      findings_.broken(fmt::format("record: recipient {} of {} is said to have ended, and has not",
                                   ending.recipient, ending.trace.text()));
  }
}

void Custody::leave(const Commit::QueueMessage& row) {
  const auto at = entries_.find({row.tenant, row.id});
  if (at == entries_.end()) return;
  for (const auto& [index, standing] : at->second.recipients)
    findings_.broken("custody: " + name(at->second.message.trace, standing.recipient.address) +
                     " is still queued, and its message is gone");
  entries_.erase(at);
}

void Custody::keep(const Commit::Mail& row) {
  const auto at = kept_.find(row.key);
  if (row.value) {
    if (at != kept_.end()) return;  // flags
    kept_[row.key] = {row.account, row.value->trace, row.value->blob};
    check_place(row);
    return;
  }
  if (at == kept_.end()) return;
  const auto& owner = names_.address_of(row.account);
  const auto* what = taken(at->second.trace);
  const bool is_letter = what != nullptr && what->letter != nullptr && !what->report_of;
  const auto was_fetched = [&](const std::string& by) {
    return fetched_.contains({by, what->letter->number});
  };
  if (is_letter && !leavers_.contains(row.account) && !was_fetched(owner) && !was_fetched(""))
    findings_.broken("custody: " + name(at->second.trace, owner) +
                     " went out of its mailbox before anybody had it");
  kept_.erase(at);
}

// Out of the queue in the same commit, and into the mailbox of whom it was for.
void Custody::check_place(const Commit::Mail& row) {
  const auto& message = *row.value;
  const auto& owner = names_.address_of(row.account);
  const auto came = std::ranges::find_if(delivered_now_, [&](const Fate* fate) {
    return fate->tenant == message.trace_owner && fate->trace == message.trace &&
           std::ranges::find(message.recipients, fate->trace_index) != message.recipients.end();
  });
  if (came == delivered_now_.end()) {
    findings_.broken("custody: " + name(message.trace, owner) +
                     " came into a mailbox out of no queue");
  } else if (!names_.may_lie_with((*came)->address, row.account)) {
    findings_.broken("custody: " + name(message.trace, (*came)->address) +
                     " came into the mailbox of " + owner);
  }
}

// ---- looking ----

std::string Custody::text() const {
  std::string text;
  for (const auto& [key, entry] : entries_) {
    for (const auto& [index, standing] : entry.recipients) {
      const auto& recipient = standing.recipient;
      text +=
          fmt::format("{} is {}, {} attempts, {} ({}); ",
                      name(entry.message.trace, recipient.address), queue::name(recipient.state),
                      recipient.attempts, recipient.reply, queue::name(recipient.notice));
    }
  }
  return text;
}

std::map<base::BlobId, std::set<std::string>> Custody::holders() const {
  std::map<base::BlobId, std::set<std::string>> holders;
  for (const auto& [key, entry] : entries_)
    holders[entry.message.blob].insert(queue::keys::holder(key.first, key.second));
  for (const auto& [key, kept] : kept_) holders[kept.blob].insert(key);
  return holders;
}

}  // namespace letterlock::day
