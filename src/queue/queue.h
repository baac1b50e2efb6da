// What the platform carries: messages and their recipients, each step of which is one change in
// the caller's transaction. What is answered 250 is here, durably, until every recipient is
// delivered, relayed, given up or removed, and the sender told. Lives on any thread: functions over
// a transaction keep nothing themselves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "queue/record.h"
#include "queue/schedule.h"
#include "store/store.h"

namespace letterlock::queue {

// What changed with one recipient by an attempt or an operator.
struct Outcome {
  unsigned index = 0;
  Step step = Step::defer;
  std::string status;  // "2.0.0", "4.4.1", "5.1.1"
  std::string reply;   // one line
  std::string host;    // who said it; empty: we
  bool counts_as_attempt = true;
  // relay: the peer took over the duty to send success notes (RFC 3461 §5.2.1: it offers DSN).
  bool duty_passed_on = false;
  // defer: not the schedule's wait but this one, if longer than zero.
  base::Milliseconds wait{0};
  // defer: nothing was tried, so it stays as due as it is: only its time may be over, or a delay be
  // told.
  bool keeps_turn = false;
};

// Whether a step that defers it without a try would change anything: its lifetime is over, or its
// delay is to be told.
bool is_late(const Message& message, const Recipient& recipient, const Schedule& schedule,
             base::Time now);

// What is due: the dispatcher's item. Read from the index alone, without the records.
struct Due {
  base::TenantId tenant;
  base::MessageId message;
  unsigned recipient = 0;
  base::Time at;
  Lane lane = Lane::remote;
  std::string destination;
  bool operator==(const Due&) const = default;
};

// What settle() did, for those who must be woken and for the log.
struct Settled {
  // At least those that it was about, as they stand now.
  std::vector<Recipient> recipients;
  bool message_gone = false;    // nothing is left to do: records and content are gone
  bool notice_pending = false;  // the reporter has work
  // The earliest try of those that wait; nothing: none waits.
  std::optional<base::Time> next_try() const;
};

// Puts a message with its recipients into the queue, all due at once, and holds its content.
// Recipients' states, indexes and tries are set here. Errors: invalid (none, or too many).
base::Result<std::vector<Due>> enqueue(store::Transaction& transaction, const Message& message,
                                       std::vector<Recipient>& recipients);

// A message with its recipients as they stand now, in their order.
net::ResultTask<std::optional<Entry>> find(store::Transaction& transaction, base::TenantId tenant,
                                           base::MessageId id);
// The same with these of its recipients alone. Limits: it reads no others, but for a few that stand
// in the message's own record.
net::ResultTask<std::optional<Entry>> find(store::Transaction& transaction, base::TenantId tenant,
                                           base::MessageId id, std::vector<unsigned> recipients);
// Whether a message of this trace is in the queue, with its content: it waits, is held, or its
// sender is still to be told.
net::ResultTask<bool> holds_content_of(store::Transaction& transaction, base::TenantId tenant,
                                       base::TraceId trace);
// Neither a message nor anything to tell of one. Errors: the store's.
net::ResultTask<bool> is_empty(store::Transaction& transaction, base::TenantId tenant);
// What find() and settle() read, where few recipients stand in the message's own record: asked for
// beforehand (Transaction::get_many), it is one read instead of several.
std::vector<std::string> rows_of(base::TenantId tenant, base::MessageId id,
                                 const std::vector<Recipient>& recipients);

struct SettleOptions {
  base::Time now;
  std::uint64_t random = 0;
  // By whom: the agent that holds the partition's lease names its epoch, an operator doesn't.
  std::optional<std::uint64_t> epoch;
};
// Takes the steps. A step that isn't legal any more (removed meanwhile) is passed over: what
// really happened stands in the trace. Limits: reads what find() reads of them. Errors: not_found
// (no such message), denied (the lease was lost: somebody else has the partition; stop), corrupt.
net::ResultTask<Settled> settle(store::Transaction& transaction, const Schedule& schedule,
                                base::TenantId tenant, base::MessageId id,
                                std::vector<Outcome> outcomes, SettleOptions options);

// Messages of a tenant that have something to tell, oldest first, from behind `after` (empty: the
// beginning).
struct NoticePage {
  struct Item {
    base::MessageId message;
    bool is_final = false;  // none of its recipients waits any more: there will be no more to tell
    bool operator==(const Item&) const = default;
  };
  std::vector<Item> items;
  std::string last_key;  // give it as `after` for the next page
  bool more = false;
};
net::ResultTask<NoticePage> notices(store::Transaction& transaction, base::TenantId tenant,
                                    std::string after, std::size_t count_max);
// Who still waits, wants to hear of a delay and hasn't: may be told beside those with a notice.
bool could_be_told_of_delay(const Recipient& recipient);
// What was told of a recipient (or there is nobody to tell). `delayed` may be told of one that has
// no notice, while it waits.
struct Told {
  unsigned index = 0;
  Notice notice = Notice::none;
};
// Those notices are done with. Errors: not_found (no such message), conflict (a notice is another
// one by now, or somebody else has told it: read again, and tell what is to be told then).
net::ResultTask<Settled> told(store::Transaction& transaction, base::TenantId tenant,
                              base::MessageId id, std::vector<Told> told);

// Where a listing goes on: with this recipient of this message, or the first behind it.
struct ListPlace {
  base::MessageId message;
  unsigned recipient = 0;
  bool operator==(const ListPlace&) const = default;
};
// A page of the queue, oldest first. Its end may lie within a message.
struct ListOptions {
  std::optional<ListPlace> from;  // nothing: the beginning
  std::size_t count_max = 100;    // messages
  std::size_t recipients_max = 1000;
};
struct ListPage {
  std::vector<Entry> entries;
  std::optional<ListPlace> next;  // nothing: no more
};
// Limits: reads at most count_max messages and recipients_max + 1 of their recipients' records.
net::ResultTask<ListPage> list(store::Transaction& transaction, base::TenantId tenant,
                               ListOptions options);

// For the partition leases: lost means that another node took over.
net::ResultTask<> check_epoch(store::Transaction& transaction, unsigned partition,
                              std::uint64_t epoch);

}  // namespace letterlock::queue
