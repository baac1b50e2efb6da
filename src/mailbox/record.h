// What the room keeps, as records with a version, and the keys they lie under. The layout is
// written down in docs/storage.md.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "mailbox/flags.h"

namespace letterlock::mailbox {

using Uid = std::uint32_t;          // within a mailbox and its UIDVALIDITY; 0 is none
using UidValidity = std::uint32_t;  // unique and rising within an account
using Modseq = std::uint64_t;       // RFC 7162; rises with every change in a mailbox

// Whose mailboxes.
struct Owner {
  base::TenantId tenant;
  base::AccountId account;
  bool operator==(const Owner&) const = default;
};
// One mailbox of theirs.
struct Place {
  Owner owner;
  base::MailboxId mailbox;
  bool operator==(const Place&) const = default;
};

// RFC 6154.
enum class SpecialUse : std::uint8_t { none, archive, drafts, junk, sent, trash };
std::string_view name(SpecialUse use);  // "\Sent"; none is ""

// The totals of an account.
struct AccountRecord {
  std::uint64_t octets = 0;
  std::uint64_t messages = 0;
  std::uint64_t mailboxes = 0;
  std::uint64_t subscriptions = 0;
  UidValidity uid_validity_last = 0;
  bool removing = false;  // remove_account has begun: nothing comes in any more
  bool operator==(const AccountRecord&) const = default;
};

// A mailbox without its name, which lies in the index of names alone, so that a rename is cheap.
struct MailboxRecord {
  UidValidity uid_validity = 0;
  Uid uid_next = 1;  // never goes back
  Modseq modseq_highest = 1;
  std::uint64_t messages = 0;
  std::uint64_t unseen = 0;
  std::uint64_t deleted = 0;  // flagged \Deleted
  std::uint64_t octets = 0;
  std::uint64_t tombstones = 0;     // how many expunged UIDs are remembered
  Modseq tombstones_forgotten = 0;  // up to this change they aren't, any more
  SpecialUse special_use = SpecialUse::none;
  std::vector<std::string> keywords;  // all that any message ever had here
  bool removed = false;               // has no name any more; its messages wait for purge()
  bool operator==(const MailboxRecord&) const = default;
};

struct Message {
  Uid uid = 0;  // stands in the key
  base::BlobId blob;
  std::uint64_t blob_octets = 0;
  std::string prefix;  // octets before the blob's: Return-Path, Delivered-To, Received
  Flags flags;
  Modseq modseq = 0;
  base::Time internal_date;
  base::TraceId trace;
  base::TenantId trace_owner;        // in whose scope the trace lies
  std::vector<unsigned> recipients;  // which of that trace's recipients this is for
  // Hex SHA-256 of the content as it was delivered: behind the lines that the delivery itself put
  // in front (Return-Path, Delivered-To). May be empty.
  std::string content_digest;
  // Whose requirement it is that it leaves by a protected fetch alone; "": nobody's.
  std::string protected_fetch_for;
  std::uint64_t octets() const { return prefix.size() + blob_octets; }
  bool operator==(const Message&) const = default;
};

std::string encode(const AccountRecord& record);
std::string encode(const MailboxRecord& record);
std::string encode(const Message& message);
// Errors of all: corrupt.
base::Result<AccountRecord> decode_account(std::string_view octets);
base::Result<MailboxRecord> decode_mailbox(std::string_view octets);
base::Result<Message> decode_message(Uid uid, std::string_view octets);

// Keys. Every one begins with the tenant's prefix, "m/", a letter and the account.
std::string account_key(const Owner& owner);
std::string names_prefix(const Owner& owner);
std::string subscriptions_prefix(const Owner& owner);
std::string mailbox_key(const Place& place);
std::string messages_prefix(const Place& place);
std::string message_key(const Place& place, Uid uid);  // also who holds the message's blob
std::string changes_prefix(const Place& place);
std::string change_key(const Place& place, Modseq modseq, Uid uid);
std::string tombstones_prefix(const Place& place);
std::string tombstone_key(const Place& place, Modseq modseq, Uid uid);
// Where the messages of a trace lie, in all mailboxes of all accounts.
std::string of_trace_prefix(const base::TenantId& tenant, const base::TraceId& trace);
std::string of_trace_key(const Place& place, const base::TraceId& trace, Uid uid);
std::string removed_prefix(const base::TenantId& tenant);
std::string removed_key(const Place& place);
// All of an account's keys but its own record, its messages first.
std::vector<std::string> prefixes_of_account(const Owner& owner);

// The parts at the end of a key. Errors: corrupt.
base::Result<Uid> uid_from_message_key(std::string_view key);
struct ChangeKey {
  Modseq modseq = 0;
  Uid uid = 0;
  auto operator<=>(const ChangeKey&) const = default;
};
base::Result<ChangeKey> from_change_key(std::string_view key);
base::Result<base::AccountId> account_from_trace_key(std::string_view prefix, std::string_view key);
base::Result<Place> place_from_removed_key(const base::TenantId& tenant, std::string_view key);
base::Result<Place> place_from_message_key(const Owner& owner, std::string_view key);

}  // namespace letterlock::mailbox
