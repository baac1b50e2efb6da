// The mailboxes of an account, in the shape that IMAP needs, as functions over a transaction in
// the account's tenant's scope. What they keep true: a UID is never used twice under one
// UIDVALIDITY, a modification sequence only rises, totals and quota are exact.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mailbox/name.h"
#include "mailbox/record.h"
#include "net/task.h"
#include "store/store.h"

namespace letterlock::mailbox {

inline constexpr std::size_t prefix_octets_max = 4096;
inline constexpr std::size_t mailboxes_max = 1000;      // of one account
inline constexpr std::size_t subscriptions_max = 2000;  // of one account
inline constexpr std::size_t page_max = 1000;           // a list's page
inline constexpr std::size_t uids_max = 100;            // changed in one transaction
inline constexpr std::size_t tombstones_max = 10'000;   // expunged UIDs remembered a mailbox

// What any function here may fail with, beside what it says: the store's errors, corrupt.

struct Mailbox {
  Place place;
  std::string name;
  MailboxRecord record;  // UIDVALIDITY, UIDNEXT, totals: running, no scan
};

// ---- mailboxes ----

// INBOX and the special-use mailboxes, if the account has none yet. Its totals.
// Errors: not_found (the account is being removed).
net::ResultTask<AccountRecord> create_account_mailboxes(store::Transaction& tx, Owner owner,
                                                        base::Time now);
// The account's totals; all zero before its first delivery.
net::ResultTask<AccountRecord> account_totals(store::Transaction& tx, Owner owner);

// Creates those above it too. Errors: invalid, exists, full (too many), not_found (being removed).
// RFC: 9051 section 6.3.4.
net::ResultTask<Mailbox> create(store::Transaction& tx, Owner owner, std::string name,
                                base::Time now);
// With all below it. INBOX's messages go to the new name, and a new INBOX stands in its place.
// Errors: invalid, not_found, exists, full. RFC: 9051 section 6.3.6.
net::ResultTask<> rename(store::Transaction& tx, Owner owner, std::string from, std::string to,
                         base::Time now);
// Its messages are out of reach and out of the quota at once; purge() takes them from the disk.
// Mailboxes below it stay. Errors: invalid, not_found, denied (INBOX). RFC: 9051 section 6.3.5.
net::ResultTask<> remove(store::Transaction& tx, Owner owner, std::string name);
// Errors: invalid, not_found.
net::ResultTask<Mailbox> find(store::Transaction& tx, Owner owner, std::string name);
// By name, those after `after`; at most `count_max` and page_max.
net::ResultTask<std::vector<Mailbox>> list_mailboxes(store::Transaction& tx, Owner owner,
                                                     std::string after, std::size_t count_max);
// Errors: not_found.
net::ResultTask<MailboxRecord> status(store::Transaction& tx, Place place);

// A name may be subscribed without there being such a mailbox. Errors: invalid, full. RFC: 9051
// section 6.3.7.
enum class Subscription { on, off };
net::ResultTask<> subscribe(store::Transaction& tx, Owner owner, std::string name,
                            Subscription subscription);
net::ResultTask<std::vector<std::string>> list_subscriptions(store::Transaction& tx, Owner owner,
                                                             std::string after,
                                                             std::size_t count_max);

// ---- messages ----

struct NewMessage {
  base::BlobId blob;
  std::uint64_t blob_octets = 0;
  std::string prefix;
  Flags flags;
  base::Time internal_date;
  base::TraceId trace;
  base::TenantId trace_owner;
  std::vector<unsigned> recipients;
  std::string content_digest;
  std::string protected_fetch_for;
};
struct DeliverOptions {
  std::string name = std::string(inbox);
  std::uint64_t quota_octets = 0;  // of the account; 0: none
  base::Time now;
};
struct Stored {
  Place place;
  UidValidity uid_validity = 0;
  Uid uid = 0;
};
// An outcome, not an error: the message is fine, there is no room for it.
struct OverQuota {
  std::uint64_t used_octets = 0;
  std::uint64_t needed_octets = 0;
  std::uint64_t quota_octets = 0;
};
using Delivery = std::variant<Stored, OverQuota>;

// Puts one message into a mailbox and holds its blob; the account's mailboxes are made if need be.
// Errors: invalid (prefix too long), not_found (no such mailbox, account being removed), full (UIDs
// or keywords used up).
net::ResultTask<Delivery> deliver(store::Transaction& tx, Owner owner, NewMessage message,
                                  DeliverOptions options);

// By UID, from `from` on; at most `count_max` and page_max. Errors: not_found (no such mailbox).
net::ResultTask<std::vector<Message>> list(store::Transaction& tx, Place place, Uid from,
                                           std::size_t count_max);
net::ResultTask<std::optional<Message>> get(store::Transaction& tx, Place place, Uid uid);

struct FlagChange {
  FlagMode mode = FlagMode::add;
  Flags flags;
  std::optional<Modseq> unchanged_since;  // RFC 7162 §3.1.3
};
struct FlagOutcome {
  std::vector<Message> messages;  // those that are there and passed, as they are now
  std::vector<Uid> modified;      // changed after unchanged_since: left alone
};
// Errors: invalid (more than uids_max), not_found (no such mailbox), full (keywords).
net::ResultTask<FlagOutcome> set_flags(store::Transaction& tx, Place place, std::vector<Uid> uids,
                                       FlagChange change);

// Takes messages away for good and lets go of their blobs. Those that were there.
// Errors: invalid (more than uids_max), not_found (no such mailbox).
net::ResultTask<std::vector<Message>> expunge(store::Transaction& tx, Place place,
                                              std::vector<Uid> uids);

// Whether a tenant has no mailbox any more, those included that wait for purge() or
// remove_account(). Errors: the store's.
net::ResultTask<bool> is_empty(store::Transaction& tx, base::TenantId tenant);
// The accounts of a tenant that have a message of this trace on the disk: in any mailbox, those
// included that wait for purge() or remove_account(). Limits: `count_max` accounts; one scan each.
net::ResultTask<std::vector<base::AccountId>> accounts_with(store::Transaction& tx,
                                                            base::TenantId tenant,
                                                            base::TraceId trace,
                                                            std::size_t count_max);

struct Copied {
  UidValidity uid_validity = 0;           // of the target
  std::vector<std::pair<Uid, Uid>> uids;  // there, and in the target
};
using CopyOutcome = std::variant<Copied, OverQuota>;
struct CopyOptions {
  std::uint64_t quota_octets = 0;  // 0: none
};
// Between mailboxes of one account; all or nothing. A move needs no quota.
// Errors: invalid (more than uids_max, another account), not_found (a mailbox), full. RFC: 9051
// sections 6.4.7, 6.4.8.
net::ResultTask<CopyOutcome> copy(store::Transaction& tx, Place from, std::vector<Uid> uids,
                                  Place to, CopyOptions options);
net::ResultTask<Copied> move(store::Transaction& tx, Place from, std::vector<Uid> uids, Place to);

// ---- changes ----

// Where a walk through the changes stands: behind this change.
inline ChangeKey after(Modseq modseq) {
  return {modseq, std::numeric_limits<Uid>::max()};
}

// Messages changed behind `from`, in the order of their changes; the next page begins behind the
// last one's modseq and UID. RFC: 7162 section 3.1.4.
net::ResultTask<std::vector<Message>> changed_since(store::Transaction& tx, Place place,
                                                    ChangeKey from, std::size_t count_max);
struct Vanished {
  bool complete = true;  // false: `from` is older than what is remembered; compare all UIDs instead
  std::vector<ChangeKey> expunged;
};
// UIDs expunged behind `from`, in order. RFC: 7162 section 3.2.
net::ResultTask<Vanished> vanished_since(store::Transaction& tx, Place place, ChangeKey from,
                                         std::size_t count_max);

// ---- taking away ----

enum class Left { nothing, more };
// One batch of the messages of removed mailboxes, of all accounts of the tenant: call until nothing
// is left.
net::ResultTask<Left> purge(store::Transaction& tx, base::TenantId tenant, std::size_t count_max);
// One batch of all that an account has, each in a transaction of its own: call until nothing is
// left. From the first on nothing is delivered; after the last the account is as if it had never
// been, so take it from the directory before.
net::ResultTask<Left> remove_account(store::Transaction& tx, Owner owner, std::size_t count_max);

// RFC 1939 §7: 1 to 70 printable octets, unique in the maildrop and kept over sessions.
std::string unique_id(UidValidity uid_validity, Uid uid);

}  // namespace letterlock::mailbox
