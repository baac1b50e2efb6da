#include "mailbox/rows.h"

#include <algorithm>
#include <limits>

#include "base/pack.h"

namespace letterlock::mailbox::rows {

using base::ErrorKind;
using base::fail;

net::ResultTask<std::optional<AccountRecord>> find_account(store::Transaction& tx, Owner owner) {
  CO_TRY(const auto row, co_await tx.get(account_key(owner)));
  if (!row) co_return std::nullopt;
  CO_TRY(auto record, decode_account(*row));
  co_return record;
}

net::ResultTask<AccountRecord> account(store::Transaction& tx, Owner owner) {
  CO_TRY(const auto record, co_await find_account(tx, owner));
  if (!record)
    co_return fail(ErrorKind::not_found, "account " + owner.account.text() + " has no mailboxes");
  if (record->removing) {
    co_return fail(ErrorKind::not_found, "account " + owner.account.text() + " is being removed");
  }
  co_return *record;
}

net::ResultTask<MailboxRecord> mailbox(store::Transaction& tx, Place place) {
  CO_TRY(const auto row, co_await tx.get(mailbox_key(place)));
  if (!row) co_return fail(ErrorKind::not_found, "no mailbox " + place.mailbox.text());
  CO_TRY(auto record, decode_mailbox(*row));
  if (record.removed)
    co_return fail(ErrorKind::not_found, "mailbox " + place.mailbox.text() + " was removed");
  co_return record;
}

net::ResultTask<std::vector<Message>> messages(store::Transaction& tx, Place place,
                                               std::vector<Uid> uids) {
  std::vector<std::string> keys;
  for (const auto uid : uids) keys.push_back(message_key(place, uid));
  CO_TRY(const auto values, co_await tx.get_many(std::move(keys)));
  std::vector<Message> found;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i]) continue;
    CO_TRY(auto message, decode_message(uids[i], *values[i]));
    found.push_back(std::move(message));
  }
  co_return found;
}

net::ResultTask<std::optional<base::MailboxId>> id_of(store::Transaction& tx, Owner owner,
                                                      std::string name) {
  CO_TRY(const auto row, co_await tx.get(names_prefix(owner) + name));
  if (!row) co_return std::nullopt;
  base::Unpacker in("mailbox name", *row);
  const auto id = in.id<base::MailboxId>();
  CO_CHECK(in.done(1));
  co_return id;
}

void put_account(store::Transaction& tx, const Owner& owner, const AccountRecord& record) {
  tx.put(account_key(owner), encode(record));
}

void put_mailbox(store::Transaction& tx, const Place& place, const MailboxRecord& record) {
  tx.put(mailbox_key(place), encode(record));
}

void put_message(store::Transaction& tx, const Place& place, const Message& message) {
  tx.put(message_key(place, message.uid), encode(message));
  tx.put(change_key(place, message.modseq, message.uid), base::Packer(1).take());
}

void add_message(store::Transaction& tx, const Place& place, const Message& message) {
  tx.hold(message.blob, message_key(place, message.uid));
  put_message(tx, place, message);
  if (!message.trace.is_nil()) tx.put(of_trace_key(place, message.trace, message.uid), "");
}

void erase_message(store::Transaction& tx, const Place& place, const Message& message) {
  tx.erase(message_key(place, message.uid));
  tx.erase(change_key(place, message.modseq, message.uid));
  if (!message.trace.is_nil()) tx.erase(of_trace_key(place, message.trace, message.uid));
  tx.release(message.blob, message_key(place, message.uid));
}

void count_in(MailboxRecord& record, const Message& message) {
  record.messages += 1;
  record.octets += message.octets();
  if (!message.flags.has(SystemFlag::seen)) record.unseen += 1;
  if (message.flags.has(SystemFlag::deleted)) record.deleted += 1;
}

base::Result<void> count_out(MailboxRecord& record, const Message& message) {
  const std::uint64_t unseen = message.flags.has(SystemFlag::seen) ? 0 : 1;
  const std::uint64_t deleted = message.flags.has(SystemFlag::deleted) ? 1 : 0;
  const bool enough = record.messages >= 1 && record.octets >= message.octets() &&
                      record.unseen >= unseen && record.deleted >= deleted;
  if (!enough) return fail(ErrorKind::corrupt, "a mailbox's totals are smaller than its messages");
  record.messages -= 1;
  record.octets -= message.octets();
  record.unseen -= unseen;
  record.deleted -= deleted;
  return {};
}

void count_in(AccountRecord& record, const Message& message) {
  record.messages += 1;
  record.octets += message.octets();
}

base::Result<void> count_out(AccountRecord& record, std::uint64_t messages, std::uint64_t octets) {
  if (record.messages < messages || record.octets < octets) {
    return fail(ErrorKind::corrupt, "an account's totals are smaller than its mailboxes'");
  }
  record.messages -= messages;
  record.octets -= octets;
  return {};
}

base::Result<Uid> take_uid(MailboxRecord& record) {
  if (record.uid_next == std::numeric_limits<Uid>::max()) {
    return fail(ErrorKind::full, "a mailbox has used up its UIDs: move its messages to a new one");
  }
  return record.uid_next++;
}

std::optional<OverQuota> over(const AccountRecord& record, std::uint64_t octets,
                              std::uint64_t quota_octets) {
  if (quota_octets == 0) return std::nullopt;
  const bool fits = octets <= quota_octets && record.octets <= quota_octets - octets;
  if (fits) return std::nullopt;
  return OverQuota{record.octets, octets, quota_octets};
}

base::Result<std::vector<Uid>> in_order(std::vector<Uid> uids) {
  if (uids.size() > uids_max) {
    return fail(ErrorKind::invalid, "at most " + std::to_string(uids_max) + " messages at once");
  }
  std::ranges::sort(uids);
  const auto twice = std::ranges::unique(uids);
  uids.erase(twice.begin(), twice.end());
  return uids;
}

std::size_t page(std::size_t count_max) {
  return std::min(count_max, page_max);
}

store::Range behind(const std::string& prefix, std::string key) {
  auto range = store::range_of(prefix);
  key.push_back('\0');  // the smallest key behind it
  range.first = std::move(key);
  return range;
}

}  // namespace letterlock::mailbox::rows
