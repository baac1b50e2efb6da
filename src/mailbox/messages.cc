// Messages: put in, looked at, flagged, taken out.
#include <algorithm>

#include "base/pack.h"
#include "mailbox/rows.h"

namespace letterlock::mailbox {
namespace {

using base::ErrorKind;
using base::fail;

base::Result<Message> message_from(const store::KeyValue& row) {
  const auto uid = TRY(uid_from_message_key(row.first));
  return decode_message(uid, row.second);
}

Message make_message(NewMessage from, Uid uid, Modseq modseq) {
  Message message;
  message.uid = uid;
  message.blob = from.blob;
  message.blob_octets = from.blob_octets;
  message.prefix = std::move(from.prefix);
  message.flags = std::move(from.flags);
  message.modseq = modseq;
  message.internal_date = from.internal_date;
  message.trace = from.trace;
  message.trace_owner = from.trace_owner;
  message.recipients = std::move(from.recipients);
  message.content_digest = std::move(from.content_digest);
  message.protected_fetch_for = std::move(from.protected_fetch_for);
  return message;
}

// Forgets the oldest of what would be more than tombstones_max.
net::ResultTask<> forget_tombstones(store::Transaction& tx, Place place, MailboxRecord& record) {
  if (record.tombstones <= tombstones_max) co_return base::Result<void>();
  const auto too_many = std::min<std::uint64_t>(record.tombstones - tombstones_max, uids_max);
  const auto all = store::range_of(tombstones_prefix(place));
  CO_TRY(const auto oldest,
         co_await tx.scan(all, {.count_max = static_cast<std::size_t>(too_many)}));
  for (const auto& row : oldest) {
    CO_TRY(const auto change, from_change_key(row.first));
    tx.erase(row.first);
    record.tombstones -= 1;
    record.tombstones_forgotten = std::max(record.tombstones_forgotten, change.modseq);
  }
  co_return base::Result<void>();
}

}  // namespace

net::ResultTask<Delivery> deliver(store::Transaction& tx, Owner owner, NewMessage message,
                                  DeliverOptions options) {
  if (message.prefix.size() > prefix_octets_max) {
    co_return fail(ErrorKind::invalid, "what stands before a message is longer than 2048 octets");
  }
  CO_TRY(auto account, co_await create_account_mailboxes(tx, owner, options.now));
  CO_TRY(auto mailbox, co_await find(tx, owner, options.name));
  auto& record = mailbox.record;
  CO_CHECK(remember_keywords(record.keywords, message.flags));
  const auto uid_validity = record.uid_validity;
  const auto needed = message.prefix.size() + message.blob_octets;
  if (const auto over = rows::over(account, needed, options.quota_octets))
    co_return Delivery(*over);
  CO_TRY(const auto uid, rows::take_uid(record));
  record.modseq_highest += 1;
  const auto stored = make_message(std::move(message), uid, record.modseq_highest);
  rows::count_in(record, stored);
  rows::count_in(account, stored);
  rows::add_message(tx, mailbox.place, stored);
  rows::put_mailbox(tx, mailbox.place, record);
  rows::put_account(tx, owner, account);
  co_return Delivery(Stored{mailbox.place, uid_validity, uid});
}

net::ResultTask<std::vector<Message>> list(store::Transaction& tx, Place place, Uid from,
                                           std::size_t count_max) {
  CO_TRY(const auto record, co_await rows::mailbox(tx, place));
  auto range = store::range_of(messages_prefix(place));
  range.first = message_key(place, from);
  CO_TRY(const auto found, co_await tx.scan(range, {.count_max = rows::page(count_max)}));
  std::vector<Message> messages;
  messages.reserve(found.size());
  for (const auto& row : found) {
    CO_TRY(auto message, message_from(row));
    messages.push_back(std::move(message));
  }
  co_return messages;
}

net::ResultTask<std::optional<Message>> get(store::Transaction& tx, Place place, Uid uid) {
  CO_TRY(const auto row, co_await tx.get(message_key(place, uid)));
  if (!row) co_return std::nullopt;
  CO_TRY(auto message, decode_message(uid, *row));
  co_return message;
}

net::ResultTask<FlagOutcome> set_flags(store::Transaction& tx, Place place, std::vector<Uid> uids,
                                       FlagChange change) {
  CO_TRY(const auto ordered, rows::in_order(std::move(uids)));
  CO_TRY(auto record, co_await rows::mailbox(tx, place));
  if (change.mode != FlagMode::remove) CO_CHECK(remember_keywords(record.keywords, change.flags));
  const Modseq modseq = record.modseq_highest + 1;
  FlagOutcome outcome;
  bool any = false;
  CO_TRY(auto messages, co_await rows::messages(tx, place, ordered));
  for (auto& message : messages) {
    if (change.unchanged_since && message.modseq > *change.unchanged_since) {
      outcome.modified.push_back(message.uid);
      continue;
    }
    CO_TRY(auto flags, changed(message.flags, change.mode, change.flags));
    if (flags != message.flags) {
      any = true;
      CO_CHECK(rows::count_out(record, message));
      tx.erase(change_key(place, message.modseq, message.uid));
      message.flags = std::move(flags);
      message.modseq = modseq;
      rows::count_in(record, message);
      rows::put_message(tx, place, message);
    }
    outcome.messages.push_back(std::move(message));
  }
  // RFC 7162 §3.1: a change gets a new sequence; a store that changes nothing may keep the old.
  if (any) {
    record.modseq_highest = modseq;
    rows::put_mailbox(tx, place, record);
  }
  co_return outcome;
}

net::ResultTask<std::vector<Message>> expunge(store::Transaction& tx, Place place,
                                              std::vector<Uid> uids) {
  CO_TRY(const auto ordered, rows::in_order(std::move(uids)));
  CO_TRY(auto record, co_await rows::mailbox(tx, place));
  const Modseq modseq = record.modseq_highest + 1;
  std::uint64_t octets = 0;
  CO_TRY(auto gone, co_await rows::messages(tx, place, ordered));
  for (const auto& message : gone) {
    CO_CHECK(rows::count_out(record, message));
    octets += message.octets();
    rows::erase_message(tx, place, message);
    tx.put(tombstone_key(place, modseq, message.uid), base::Packer(1).take());
    record.tombstones += 1;
  }
  if (gone.empty()) co_return gone;
  record.modseq_highest = modseq;
  CO_CHECK(co_await forget_tombstones(tx, place, record));
  CO_TRY(auto account, co_await rows::account(tx, place.owner));
  CO_CHECK(rows::count_out(account, gone.size(), octets));
  rows::put_account(tx, place.owner, account);
  rows::put_mailbox(tx, place, record);
  co_return gone;
}

net::ResultTask<std::vector<Message>> changed_since(store::Transaction& tx, Place place,
                                                    ChangeKey from, std::size_t count_max) {
  const auto behind = rows::behind(changes_prefix(place), change_key(place, from.modseq, from.uid));
  CO_TRY(const auto found, co_await tx.scan(behind, {.count_max = rows::page(count_max)}));
  std::vector<Uid> uids;
  for (const auto& row : found) {
    CO_TRY(const auto change, from_change_key(row.first));
    uids.push_back(change.uid);
  }
  CO_TRY(auto messages, co_await rows::messages(tx, place, uids));
  if (messages.size() != uids.size())
    co_return fail(ErrorKind::corrupt, "a change names a message that isn't there");
  co_return messages;
}

net::ResultTask<Vanished> vanished_since(store::Transaction& tx, Place place, ChangeKey from,
                                         std::size_t count_max) {
  CO_TRY(const auto record, co_await rows::mailbox(tx, place));
  Vanished vanished;
  vanished.complete = from.modseq >= record.tombstones_forgotten;
  const auto behind =
      rows::behind(tombstones_prefix(place), tombstone_key(place, from.modseq, from.uid));
  CO_TRY(const auto found, co_await tx.scan(behind, {.count_max = rows::page(count_max)}));
  for (const auto& row : found) {
    CO_TRY(const auto change, from_change_key(row.first));
    vanished.expunged.push_back(change);
  }
  co_return vanished;
}

net::ResultTask<bool> is_empty(store::Transaction& tx, base::TenantId tenant) {
  CO_TRY(const auto rows,
         co_await tx.scan(store::range_of(store::tenant_prefix(tenant) + "m/"), {.count_max = 1}));
  co_return rows.empty();
}

net::ResultTask<std::vector<base::AccountId>> accounts_with(store::Transaction& tx,
                                                            base::TenantId tenant,
                                                            base::TraceId trace,
                                                            std::size_t count_max) {
  const auto prefix = of_trace_prefix(tenant, trace);
  auto range = store::range_of(prefix);
  std::vector<base::AccountId> accounts;
  while (accounts.size() < count_max) {
    CO_TRY(const auto found, co_await tx.scan(range, {.count_max = 1}));
    if (found.empty()) break;
    CO_TRY(const auto account, account_from_trace_key(prefix, found.front().first));
    accounts.push_back(account);
    // An account may have any number of copies: on to the next account.
    range.first = store::range_of(prefix + std::string(account.octets())).end;
  }
  co_return accounts;
}

std::string unique_id(UidValidity uid_validity, Uid uid) {
  return std::to_string(uid_validity) + "." + std::to_string(uid);
}

}  // namespace letterlock::mailbox
