// What one commit of the store changed, as the values of the rooms that own the keys: what a shadow
// model looks at. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "directory/types.h"
#include "mailbox/record.h"
#include "queue/record.h"
#include "store/changes.h"
#include "trace/trace.h"

namespace letterlock::day {

// Rows that were written; those erased have no value.
struct Commit {
  struct QueueMessage {
    base::TenantId tenant;
    base::MessageId id;
    std::optional<queue::Message> value;
  };
  struct QueueRecipient {
    base::TenantId tenant;
    base::MessageId id;
    unsigned index = 0;
    std::optional<queue::Recipient> value;
  };
  struct TraceHead {
    base::TenantId tenant;
    base::TraceId id;
    std::optional<trace::Trace> value;
  };
  struct HopRow {
    base::TenantId tenant;
    base::TraceId trace;
    std::uint64_t sequence = 0;
    std::optional<hop::Hop> value;
  };
  struct Ending {
    base::TenantId tenant;
    base::TraceId trace;
    unsigned recipient = 0;
    trace::Ending::Kind kind = trace::Ending::Kind::bounced;
  };
  struct Mail {
    base::TenantId tenant;
    base::AccountId account;
    std::string key;
    std::optional<mailbox::Message> value;
  };
  struct Totals {
    base::AccountId account;
    std::optional<mailbox::AccountRecord> value;
  };
  struct Sending {
    base::AccountId account;
    directory::SendingCount value;
  };
  struct Account {
    base::AccountId account;
    std::optional<directory::Account> value;
  };
  struct Lease {
    unsigned partition = 0;
    std::string node;  // empty: given back
  };
  std::vector<QueueMessage> messages;
  std::vector<QueueRecipient> recipients;
  std::vector<TraceHead> traces;
  std::vector<HopRow> hops;
  std::vector<Ending> endings;
  std::vector<Mail> mails;
  std::vector<Totals> totals;
  std::vector<Sending> sendings;
  std::vector<Account> accounts;
  std::vector<Lease> leases;
};

// Errors: corrupt (a row that its own room can't read).
base::Result<Commit> read_commit(const store::Changes& changes);

// The tenant whose key it is; nothing for the site's.
std::optional<base::TenantId> tenant_of_key(std::string_view key);
// The key behind its scope: "q/m/…".
std::string_view behind_scope(std::string_view key);

}  // namespace letterlock::day
