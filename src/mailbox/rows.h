// Reading and writing the room's rows, and the sums that ride on each change. For this room's
// files alone.
#pragma once

#include <optional>
#include <vector>

#include "mailbox/mailbox.h"

namespace letterlock::mailbox::rows {

// An account that has had no mail has no row: nullopt.
net::ResultTask<std::optional<AccountRecord>> find_account(store::Transaction& tx, Owner owner);
// Errors: not_found (never any mail, or being removed).
net::ResultTask<AccountRecord> account(store::Transaction& tx, Owner owner);
// Errors: not_found (never was, or removed).
net::ResultTask<MailboxRecord> mailbox(store::Transaction& tx, Place place);
// Those of `uids` that are there.
net::ResultTask<std::vector<Message>> messages(store::Transaction& tx, Place place,
                                               std::vector<Uid> uids);
// By canonical name.
net::ResultTask<std::optional<base::MailboxId>> id_of(store::Transaction& tx, Owner owner,
                                                      std::string name);

void put_account(store::Transaction& tx, const Owner& owner, const AccountRecord& record);
void put_mailbox(store::Transaction& tx, const Place& place, const MailboxRecord& record);
// The message and its entry among the changes.
void put_message(store::Transaction& tx, const Place& place, const Message& message);
// One that is new in this mailbox: its blob is held, and its trace leads to it.
void add_message(store::Transaction& tx, const Place& place, const Message& message);
void erase_message(store::Transaction& tx, const Place& place, const Message& message);

// Sums. Errors: corrupt, where more is taken off than was there.
void count_in(MailboxRecord& record, const Message& message);
base::Result<void> count_out(MailboxRecord& record, const Message& message);
void count_in(AccountRecord& record, const Message& message);
base::Result<void> count_out(AccountRecord& record, std::uint64_t messages, std::uint64_t octets);

// The next UID, or full: 2^32 - 1 is the last (RFC 9051 §9, nz-number).
base::Result<Uid> take_uid(MailboxRecord& record);
// How much is over, if `octets` more are. 0 is no quota.
std::optional<OverQuota> over(const AccountRecord& record, std::uint64_t octets,
                              std::uint64_t quota_octets);

// Sorted, each once. Errors: invalid (more than uids_max).
base::Result<std::vector<Uid>> in_order(std::vector<Uid> uids);
std::size_t page(std::size_t count_max);
// What lies behind `key` within `prefix`.
store::Range behind(const std::string& prefix, std::string key);

}  // namespace letterlock::mailbox::rows
