#include "queue/queue.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/pack.h"
#include "dsn/status.h"
#include "queue/keys.h"

namespace letterlock::queue {
namespace {

using base::ErrorKind;
using base::fail;

constexpr std::size_t asked_by_name_max = 4;
constexpr const char* final_notice = "f";  // a notice's row, once no recipient waits

std::string due_key(const Message& message, const Recipient& recipient) {
  return keys::due(message.tenant, recipient.lane, recipient.next_try, recipient.destination,
                   message.id, recipient.index);
}

// The due index holds exactly the recipients that wait.
void index_due(store::Transaction& transaction, const Message& message,
               const Recipient& recipient) {
  transaction.put(due_key(message, recipient), "");
}
void unindex_due(store::Transaction& transaction, const Message& message,
                 const Recipient& recipient) {
  transaction.erase(due_key(message, recipient));
}
void save(store::Transaction& transaction, const Message& message, const Recipient& recipient) {
  transaction.put(keys::recipient(message.tenant, message.id, recipient.index), pack(recipient));
}

// A message as the store has it.
struct Kept {
  Message message;
  std::vector<Recipient> recipients;  // all, or those that were asked for
  std::vector<unsigned> rows;         // those of them that have a record of their own
  bool is_within = true;              // the recipients stand in the message's own record
  Left left;                          // of all
};

bool has_notice(const Recipient& recipient) {
  return recipient.notice != Notice::none;
}

Left left_of(const std::vector<Recipient>& recipients) {
  Left left{recipients.size(), 0, 0};
  for (const auto& recipient : recipients) {
    left.open += is_final(recipient.state) ? 0 : 1;
    left.notices += has_notice(recipient) ? 1 : 0;
  }
  return left;
}

// What a recipient's own record says goes before what stood in the message's. They come in order.
void put_own(std::vector<Recipient>& recipients, Recipient own) {
  if (own.index < recipients.size())
    recipients[own.index] = std::move(own);
  else
    recipients.push_back(std::move(own));
}

// The records of their own that a message's recipients have. Of few that stand in the message each
// is asked for by its name: that is less than the way through a range.
net::ResultTask<std::vector<std::string>> own_rows(store::Transaction& transaction,
                                                   base::TenantId tenant, base::MessageId id,
                                                   std::size_t within) {
  std::vector<std::string> rows;
  if (within > 0 && within <= asked_by_name_max) {
    std::vector<std::string> names;
    for (unsigned at = 0; at < within; ++at) names.push_back(keys::recipient(tenant, id, at));
    CO_TRY(auto found, co_await transaction.get_many(std::move(names)));
    for (auto& row : found) {
      if (row) rows.push_back(std::move(*row));
    }
    co_return rows;
  }
  store::Transaction::ScanOptions options;
  options.count_max = recipients_max;
  CO_TRY(auto found,
         co_await transaction.scan(store::range_of(keys::recipients(tenant, id)), options));
  for (auto& row : found) rows.push_back(std::move(row.second));
  co_return rows;
}

// From the message's record, which may hold what its recipients began with, and from their own.
net::ResultTask<Kept> read(store::Transaction& transaction, base::TenantId tenant,
                           const std::string& octets) {
  Kept kept;
  CO_TRY(auto entry, unpack_message(octets));
  kept.message = std::move(entry.message);
  kept.recipients = std::move(entry.recipients);
  kept.is_within = !kept.recipients.empty();
  CO_TRY(const auto rows,
         co_await own_rows(transaction, tenant, kept.message.id, kept.recipients.size()));
  for (const auto& row : rows) {
    CO_TRY(auto recipient, unpack_recipient(row));
    kept.rows.push_back(recipient.index);
    put_own(kept.recipients, std::move(recipient));
  }
  kept.left = left_of(kept.recipients);
  co_return kept;
}

// The same with these alone, where they don't stand in the message's record: so what is done with
// each of a thousand recipients doesn't read the thousand.
net::ResultTask<Kept> read(store::Transaction& transaction, base::TenantId tenant,
                           const std::string& octets, std::vector<unsigned> recipients) {
  Kept kept;
  CO_TRY(auto entry, unpack_message(octets));
  if (!entry.recipients.empty()) co_return co_await read(transaction, tenant, octets);
  kept.message = std::move(entry.message);
  kept.is_within = false;
  std::ranges::sort(recipients);
  const auto twice = std::ranges::unique(recipients);
  recipients.erase(twice.begin(), twice.end());
  std::vector<std::string> names{keys::left(tenant, kept.message.id)};
  for (const auto recipient : recipients)
    names.push_back(keys::recipient(tenant, kept.message.id, recipient));
  CO_TRY(const auto rows, co_await transaction.get_many(std::move(names)));
  if (!rows.front())
    co_return fail(ErrorKind::corrupt,
                   "queue: nothing says what is left of " + kept.message.id.text());
  CO_TRY(kept.left, unpack_left(*rows.front()));
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (!rows[i]) continue;
    CO_TRY(auto recipient, unpack_recipient(*rows[i]));
    kept.recipients.push_back(std::move(recipient));
  }
  co_return kept;
}

net::ResultTask<Kept> read(store::Transaction& transaction, base::TenantId tenant,
                           base::MessageId id, std::vector<unsigned> recipients) {
  CO_TRY(const auto octets, co_await transaction.get(keys::message(tenant, id)));
  if (!octets) co_return fail(ErrorKind::not_found, "queue: no message " + id.text());
  co_return co_await read(transaction, tenant, *octets, std::move(recipients));
}

// RFC 5321 §6.1: a report that can't be delivered makes no report; RFC 3461 §6.2.
bool has_nobody_to_tell(const Message& message) {
  return message.mail_from.empty() || message.is_report;
}

// RFC 3461 §4.1: what the sender asked to be told.
Notice notice_for(const Message& message, const Recipient& recipient, Step step,
                  bool duty_passed_on) {
  if (has_nobody_to_tell(message)) return Notice::none;
  const auto& notify = recipient.params.notify;
  switch (step) {
    case Step::deliver:
      return notify.success ? Notice::delivered : Notice::none;
    case Step::relay:
      return notify.success && !duty_passed_on ? Notice::relayed : Notice::none;
    case Step::expand:
      return notify.success ? Notice::expanded : Notice::none;
    case Step::fail:
    case Step::expire:
      return notify.wants_failure() ? Notice::failed : Notice::none;
    case Step::defer:
    case Step::hold:
    case Step::release:
    case Step::remove:
      return Notice::none;
  }
  return Notice::none;
}

// A delay is told once, when it has lasted long enough.
bool delay_is_due(const Message& message, const Recipient& recipient, const Schedule& schedule,
                  base::Time now) {
  return !has_nobody_to_tell(message) && !recipient.delay_told &&
         recipient.notice == Notice::none && recipient.params.notify.wants_delay() &&
         schedule.delay_notice_after > base::Milliseconds(0) &&
         now - message.accepted >= schedule.delay_notice_after;
}

void note_attempt(Recipient& recipient, const Outcome& outcome, base::Time now) {
  if (!outcome.counts_as_attempt) return;
  ++recipient.attempts;
  recipient.last_try = now;
  recipient.status = outcome.status;
  recipient.reply = outcome.reply;
  recipient.host = outcome.host;
}

// RFC 3463 §3.5: the time is over. Where the last word was about security, that is what the sender
// can do something about, so it stands, for good now.
std::string status_of_expired(const std::string& last) {
  const auto status = dsn::Status::parse(last);
  return status && status->subject == 7 ? status->as_permanent().text() : "4.4.7";
}

// Takes one step with one recipient, its index entry included; its record is the caller's to write.
void take_step(store::Transaction& transaction, const Message& message, Recipient& recipient,
               Outcome outcome, const Schedule& schedule, const SettleOptions& options) {
  if (!next(recipient.state, outcome.step)) return;
  const bool was_waiting = recipient.state == State::waiting;
  const auto old = recipient;
  note_attempt(recipient, outcome, options.now);
  if (outcome.step == Step::defer) {
    const auto wait =
        outcome.wait > base::Milliseconds(0)
            ? outcome.wait
            : schedule.wait_after(recipient.attempts, options.random + recipient.index);
    if (!outcome.keeps_turn) recipient.next_try = options.now + wait;
    // RFC 5321 §4.5.4.1: the last try is at the end of the lifetime, not before it.
    if (options.now >= message.expires) {
      outcome.step = Step::expire;
      recipient.status = status_of_expired(outcome.status);
      recipient.reply =
          fmt::format("not delivered in {}; the last answer was: {}",
                      base::to_text(std::chrono::floor<std::chrono::minutes>(message.expires -
                                                                             message.accepted)),
                      recipient.reply.empty() ? "none, as it was never tried" : recipient.reply);
    } else if (recipient.next_try > message.expires) {
      recipient.next_try = message.expires;
    }
  }
  if (outcome.step == Step::release) recipient.next_try = options.now;
  recipient.state = *next(old.state, outcome.step);
  if (const auto notice = notice_for(message, recipient, outcome.step, outcome.duty_passed_on);
      notice != Notice::none) {
    recipient.notice = notice;
  } else if (recipient.state == State::waiting &&
             delay_is_due(message, recipient, schedule, options.now)) {
    recipient.notice = Notice::delayed;
    recipient.delay_told = true;
  } else if (is_final(recipient.state) && recipient.notice == Notice::delayed) {
    recipient.notice = Notice::none;  // no use telling of a delay that is over
  }
  if (was_waiting) unindex_due(transaction, message, old);
  if (recipient.state == State::waiting) index_due(transaction, message, recipient);
}

// All records of a message, and its content.
void take_out(store::Transaction& transaction, const Kept& kept) {
  const auto& message = kept.message;
  if (kept.is_within) {
    for (const auto row : kept.rows)
      transaction.erase(keys::recipient(message.tenant, message.id, row));
  } else {
    for (unsigned row = 0; row < kept.left.recipients; ++row)
      transaction.erase(keys::recipient(message.tenant, message.id, row));
    transaction.erase(keys::left(message.tenant, message.id));
  }
  transaction.erase(keys::message(message.tenant, message.id));
  transaction.erase(keys::of_trace(message.tenant, message.trace, message.id));
  transaction.release(message.blob, keys::holder(message.tenant, message.id));
}

// Of one recipient that has changed; the counts follow.
void note_change(Left& left, const Recipient& was, const Recipient& is) {
  left.open += is_final(is.state) ? 0 : 1;
  left.open -= is_final(was.state) ? 0 : 1;
  left.notices += has_notice(is) ? 1 : 0;
  left.notices -= has_notice(was) ? 1 : 0;
}

// Writes the records of those that changed, or takes the message out when nothing is left to do
// with it; keeps the notice index true. `before`: what was left of it.
Settled conclude(store::Transaction& transaction, Kept kept, const Left& before,
                 const std::vector<unsigned>& changed) {
  const auto& message = kept.message;
  Settled settled;
  settled.notice_pending = kept.left.notices > 0;
  const bool was_pending = before.notices > 0;
  const bool all_final = kept.left.open == 0;
  settled.message_gone = !settled.notice_pending && all_final;
  if (settled.notice_pending && (!was_pending || all_final))
    transaction.put(keys::notice(message.tenant, message.id), all_final ? final_notice : "");
  if (!settled.notice_pending && was_pending)
    transaction.erase(keys::notice(message.tenant, message.id));
  if (settled.message_gone) {
    take_out(transaction, kept);
  } else {
    if (!kept.is_within && kept.left != before)
      transaction.put(keys::left(message.tenant, message.id), pack(kept.left));
    for (const auto& recipient : kept.recipients) {
      if (std::ranges::find(changed, recipient.index) != changed.end())
        save(transaction, message, recipient);
    }
  }
  settled.recipients = std::move(kept.recipients);
  return settled;
}

}  // namespace

bool is_late(const Message& message, const Recipient& recipient, const Schedule& schedule,
             base::Time now) {
  return recipient.state == State::waiting &&
         (now >= message.expires || delay_is_due(message, recipient, schedule, now));
}

std::optional<base::Time> Settled::next_try() const {
  std::optional<base::Time> earliest;
  for (const auto& recipient : recipients) {
    if (recipient.state == State::waiting && (!earliest || recipient.next_try < *earliest))
      earliest = recipient.next_try;
  }
  return earliest;
}

base::Result<std::vector<Due>> enqueue(store::Transaction& transaction, const Message& message,
                                       std::vector<Recipient>& recipients) {
  if (recipients.empty()) return fail(ErrorKind::invalid, "queue: a message without recipients");
  if (recipients.size() > recipients_max) {
    return fail(ErrorKind::invalid,
                fmt::format("queue: {} recipients, at most {}", recipients.size(), recipients_max));
  }
  const bool within = recipients.size() <= recipients_within_max;
  std::vector<Due> items;
  unsigned index = 0;
  for (auto& recipient : recipients) {
    recipient.index = index++;
    if (recipient.state != State::held) recipient.state = State::waiting;
    if (message.is_report && recipient.lane == Lane::remote) recipient.lane = Lane::report;
    recipient.next_try = message.accepted;
    if (!within) save(transaction, message, recipient);
    if (recipient.state == State::held) continue;
    index_due(transaction, message, recipient);
    items.push_back({message.tenant, message.id, recipient.index, recipient.next_try,
                     recipient.lane, recipient.destination});
  }
  transaction.put(keys::message(message.tenant, message.id),
                  pack(message, within ? recipients : std::vector<Recipient>()));
  if (!within) transaction.put(keys::left(message.tenant, message.id), pack(left_of(recipients)));
  transaction.put(keys::of_trace(message.tenant, message.trace, message.id), "");
  transaction.hold(message.blob, keys::holder(message.tenant, message.id));
  return items;
}

net::ResultTask<std::optional<Entry>> find(store::Transaction& transaction, base::TenantId tenant,
                                           base::MessageId id) {
  CO_TRY(const auto octets, co_await transaction.get(keys::message(tenant, id)));
  if (!octets) co_return std::nullopt;
  CO_TRY(auto kept, co_await read(transaction, tenant, *octets));
  co_return Entry{std::move(kept.message), std::move(kept.recipients)};
}

net::ResultTask<std::optional<Entry>> find(store::Transaction& transaction, base::TenantId tenant,
                                           base::MessageId id, std::vector<unsigned> recipients) {
  CO_TRY(const auto octets, co_await transaction.get(keys::message(tenant, id)));
  if (!octets) co_return std::nullopt;
  CO_TRY(auto kept, co_await read(transaction, tenant, *octets, std::move(recipients)));
  co_return Entry{std::move(kept.message), std::move(kept.recipients)};
}

net::ResultTask<bool> holds_content_of(store::Transaction& transaction, base::TenantId tenant,
                                       base::TraceId trace) {
  CO_TRY(const auto found, co_await transaction.scan(store::range_of(keys::of_trace(tenant, trace)),
                                                     {.count_max = 1}));
  co_return !found.empty();
}

net::ResultTask<bool> is_empty(store::Transaction& transaction, base::TenantId tenant) {
  for (const auto* part : {"m", "n"}) {
    CO_TRY(const auto rows,
           co_await transaction.scan(store::range_of(keys::area(tenant, part)), {.count_max = 1}));
    if (!rows.empty()) co_return false;
  }
  co_return true;
}

std::vector<std::string> rows_of(base::TenantId tenant, base::MessageId id,
                                 const std::vector<Recipient>& recipients) {
  std::vector<std::string> rows{keys::epoch(keys::partition_of(id)), keys::message(tenant, id)};
  if (recipients.size() > asked_by_name_max) return rows;
  for (const auto& recipient : recipients)
    rows.push_back(keys::recipient(tenant, id, recipient.index));
  return rows;
}

net::ResultTask<> check_epoch(store::Transaction& transaction, unsigned partition,
                              std::uint64_t epoch) {
  CO_TRY(const auto octets, co_await transaction.get(keys::epoch(partition)));
  if (!octets || *octets != base::key_number(epoch)) {
    co_return fail(ErrorKind::denied,
                   fmt::format("queue: partition {} belongs to another node now", partition));
  }
  co_return base::Result<>();
}

net::ResultTask<Settled> settle(store::Transaction& transaction, const Schedule& schedule,
                                base::TenantId tenant, base::MessageId id,
                                std::vector<Outcome> outcomes, SettleOptions options) {
  if (options.epoch)
    CO_CHECK(co_await check_epoch(transaction, keys::partition_of(id), *options.epoch));
  std::vector<unsigned> changed;
  for (const auto& outcome : outcomes) changed.push_back(outcome.index);
  CO_TRY(auto kept, co_await read(transaction, tenant, id, changed));
  const auto before = kept.left;
  for (auto& outcome : outcomes) {
    const auto at = std::ranges::find(kept.recipients, outcome.index, &Recipient::index);
    if (at == kept.recipients.end())
      co_return fail(ErrorKind::not_found,
                     fmt::format("queue: no recipient {} in {}", outcome.index, id.text()));
    const auto was = *at;
    take_step(transaction, kept.message, *at, std::move(outcome), schedule, options);
    note_change(kept.left, was, *at);
  }
  co_return conclude(transaction, std::move(kept), before, changed);
}

net::ResultTask<NoticePage> notices(store::Transaction& transaction, base::TenantId tenant,
                                    std::string after, std::size_t count_max) {
  const auto area = keys::area(tenant, "n");
  auto range = store::range_of(area);
  if (!after.empty()) range.first = after + std::string(1, '\0');
  store::Transaction::ScanOptions options;
  options.count_max = count_max;
  CO_TRY(const auto pairs, co_await transaction.scan(range, options));
  NoticePage page;
  for (const auto& pair : pairs) {
    CO_TRY(const auto id,
           base::MessageId::from_octets(std::string_view(pair.first).substr(area.size())));
    page.items.push_back({id, pair.second == final_notice});
    page.last_key = pair.first;
  }
  page.more = pairs.size() == count_max;
  co_return page;
}

bool could_be_told_of_delay(const Recipient& recipient) {
  return recipient.state == State::waiting && recipient.notice == Notice::none &&
         !recipient.delay_told && recipient.attempts > 0 && recipient.params.notify.wants_delay();
}

net::ResultTask<Settled> told(store::Transaction& transaction, base::TenantId tenant,
                              base::MessageId id, std::vector<Told> told) {
  std::vector<unsigned> asked;
  for (const auto& one : told) asked.push_back(one.index);
  CO_TRY(auto kept, co_await read(transaction, tenant, id, asked));
  const auto before = kept.left;
  std::vector<unsigned> changed;
  for (auto& recipient : kept.recipients) {
    const auto at = std::ranges::find(told, recipient.index, &Told::index);
    if (at == told.end()) continue;
    changed.push_back(recipient.index);
    if (at->notice == Notice::delayed && could_be_told_of_delay(recipient)) {
      recipient.delay_told = true;
      continue;
    }
    // A delay that was told must not take the failure with it that has come since.
    if (at->notice != recipient.notice)
      co_return fail(ErrorKind::conflict,
                     fmt::format("queue: what is to be told of {} has changed", recipient.address));
    const auto was = recipient;
    recipient.notice = Notice::none;
    note_change(kept.left, was, recipient);
  }
  co_return conclude(transaction, std::move(kept), before, changed);
}

}  // namespace letterlock::queue
