// What the platform keeps of a message's hops. Every function works within the caller's
// transaction, so that a change of state and its record are one.
//
// A trace lies in its owner's tenant. What happens to the message in another tenant's mailbox is
// recorded there, under a copy of the trace, and told to the owner as a redacted event (event.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hop/hop.h"
#include "store/store.h"

namespace letterlock::trace {

inline constexpr std::size_t subject_octets_max = 100;
inline constexpr std::size_t message_id_octets_max = 998;
inline constexpr std::size_t address_octets_max = 320;
inline constexpr std::size_t recipients_max = 1000;
// Attempts that gave no content away: those beyond are only counted.
inline constexpr std::size_t quiet_attempts_max = 1000;
// Fetches from one recipient's mailbox: those beyond are only counted, unless they show something
// worse than each of those that are kept. Fetches of a part alone are kept further, as long as none
// gave the whole. Once a trace has very many, the first of each mailbox and worse ones alone.
inline constexpr std::size_t fetches_max = 20;
inline constexpr std::size_t fetched_parts_max = 50;
inline constexpr std::size_t fetches_of_trace_max = 2000;
inline constexpr std::size_t loaded_hops_max = 10'000;
inline constexpr std::size_t loaded_links_max = 1000;

// One mailbox's addresses that a trace in another tenant names apart, of what came in one delivery.
inline constexpr std::size_t told_apart_max = 8;

// How exactly the owner of a mailbox lets times out to other tenants.
enum class TimeDetail { exact, day, none };

struct Recipient {
  unsigned index = 0;  // within the message, from 0; hops name recipients by it
  std::string address;
  bool hidden = false;  // no field of the header names it (Bcc): for the sender and himself alone
  bool operator==(const Recipient&) const = default;
};

// One message as it was accepted.
struct Trace {
  base::TraceId id;
  base::TenantId owner;
  std::string message_id;   // as in the field, "<…>"
  std::string subject;      // decoded
  std::string mail_from;    // empty: the null reverse-path
  std::string header_from;  // the address alone
  std::vector<Recipient> recipients;
  base::Time accepted;
  base::Time expires;  // when it is forgotten
  std::uint64_t octets = 0;
  std::string digest;         // hex SHA-256 of the content as it was accepted
  bool from_outside = false;  // another operator's mail: its owner received it, and didn't send it
  // It was forgotten while the message waited, and begun again: how it came, which way others went
  // and whom the header names isn't known any more.
  bool begun_again = false;
  bool operator==(const Trace&) const = default;
};
// Whether a tenant's people may see those recipients that the header doesn't name.
bool shows_hidden(const Trace& trace, const base::TenantId& tenant);

// Content that goes on under another trace, or that came from one. Both traces have a link to the
// other, written in the transaction that makes the later one.
struct Link {
  enum class Relation {
    expanded_into,  // a group's copy of this message
    expanded_from,  // this is a group's copy of that message
    reported_in,    // a report about this message
    report_about,   // this is a report about that message
  };
  Relation relation = Relation::expanded_into;
  base::TraceId trace;      // the other one
  base::TenantId tenant;    // in whose scope it lies
  std::string name;         // the group, "team@birch.example"; of a report empty
  bool has_content = true;  // false: headers alone went on
  bool operator==(const Link&) const = default;
};
std::string_view name(Link::Relation relation);  // "expanded-into" …

// A hop and its record, octet for octet.
struct Written {
  hop::Hop hop;
  std::string record;
};

// Where a hop was recorded. `sequence` 0: it was only counted.
struct HopRef {
  base::TraceId trace;
  std::uint64_t sequence = 0;
  unsigned number = 0;
  unsigned attempt = 0;
  // Of an intent: whoever closes it soon needn't have it taken apart again, if it stands as it did.
  std::shared_ptr<const Written> written = nullptr;
  bool operator==(const HopRef& other) const {
    return trace == other.trace && sequence == other.sequence && number == other.number &&
           attempt == other.attempt;
  }
};

// How the outcome of an intent turned out.
struct Closing {
  hop::Outcome outcome = hop::Outcome::completed;  // completed, failed or unknown
  hop::Given given = hop::Given::content;
  hop::Answer answer = hop::Answer::take;
  std::string reason;  // empty: as it was intended
  std::string reply;
  base::Time finished;
};

// A recipient's way is at its end without having arrived. `went_on`: in a trace that was begun
// again, it had gone on before; by which hops is forgotten, and what is recorded since counts.
struct Ending {
  enum class Kind { bounced, removed, went_on } kind = Kind::bounced;
  std::string status;  // "5.7.4"
  base::Time time;
  bool operator==(const Ending&) const = default;
};

// A new trace in `tenant`: the owner's, or a copy for the tenant of a mailbox it is delivered to.
// Texts are cut to their limits. Errors: exists, invalid (too many recipients).
net::ResultTask<> begin(store::Transaction& tx, base::TenantId tenant, Trace trace);
// A new message's trace, with the hop that it was accepted over, which is completed: one record for
// both. Its id was made for it just now, so nobody looks whether there is one of that name already.
// Errors: invalid (too many recipients).
base::Result<> begin_with(store::Transaction& tx, const base::TenantId& tenant, Trace trace,
                          hop::Hop first);
// The trace as the tenant of these recipients may see it: nobody else's address.
Trace copy_for(const Trace& trace, const std::vector<unsigned>& recipients);
// Begins a copy, or adds to one that is there the recipients that it lacks. The copy begins with
// the hops `before`, which must be fit to be seen in `tenant` (hops_before).
// Errors: invalid (too many recipients).
net::ResultTask<> begin_copy(store::Transaction& tx, base::TenantId tenant, Trace copy,
                             std::vector<hop::Hop> before);
// The hops over which the message came here for a recipient, for a copy that begins where it goes
// on; they concern all of the copy's recipients. Attempts in vain that gave content are among them:
// whoever had it by those had what now goes on.
struct Carry {
  std::optional<unsigned> recipient;  // nothing: for any of them
  base::TraceId into;                 // the copy's trace
  enum class Sight { same_tenant, another_tenants } sight = Sight::another_tenants;
  // Of the hops behind the first so many are looked at, for the expansions among them. The one hop
  // over a network is the first.
  std::size_t rows_max = 0;
};
net::ResultTask<std::vector<hop::Hop>> hops_before(store::Transaction& tx, base::TenantId tenant,
                                                   base::TraceId id, Carry options);

// Of the trace `id`, what went on into lists of tenant `whose`. At most loaded_links_max. Errors:
// the store's, corrupt.
net::ResultTask<std::vector<Link>> links_into(store::Transaction& tx, base::TenantId tenant,
                                              base::TraceId id, base::TenantId whose);
// Adds a link to the trace `id`; does nothing where this tenant keeps no such trace.
net::ResultTask<> put_link(store::Transaction& tx, base::TenantId tenant, base::TraceId id,
                           Link link);
// A message of this trace was taken out of a mailbox of this account. Does nothing where this
// tenant keeps no such trace.
net::ResultTask<> put_left(store::Transaction& tx, base::TenantId tenant, base::TraceId id,
                           base::AccountId account, base::Time when);

// A hop that has ended. `hop.number` 0: the next; further attempts at a hop that wasn't completed
// to the same recipients share its number. Errors: not_found (no such trace in this tenant).
net::ResultTask<HopRef> record(store::Transaction& tx, base::TenantId tenant, hop::Hop hop);

// The intent to give content to a next hop: outcome `intended`, given `content`. Durable when the
// caller's transact returns, which must be before the first octet of content leaves. `node` is who
// gives it, and will close it; `told` is the tenant that learns of its end where that isn't the
// hop's own (a mailbox's copy lies beside others of one trace id). Errors: as record.
net::ResultTask<HopRef> intend(store::Transaction& tx, base::TenantId tenant, hop::Hop hop,
                               std::string node, base::TenantId told = {});
// Closes it; one with sequence 0 is not to be closed. An intent that was found open, and is unknown
// by now, may still learn its outcome. Errors: not_found; invalid (closed already, or with
// `intended`).
net::ResultTask<> close(store::Transaction& tx, base::TenantId tenant, HopRef ref, Closing closing);
// What exists() and intend() read for this first recipient, and what exists() and close() read:
// asked for beforehand (Transaction::get_many), it is one read instead of several.
std::vector<std::string> rows_for_intend(base::TenantId tenant, base::TraceId id,
                                         unsigned recipient);
std::vector<std::string> rows_for_close(base::TenantId tenant, const HopRef& ref);

// What a node left open: before its agents start nobody else will close it. Read a page, then leave
// what it names unknown; begun again after a crash it finds what is left.
struct OpenPage {
  std::vector<HopRef> intents;
  std::string last;  // give it as `after` for the next page
  bool more = false;
};
// Limits: looks at `count_max` open intents, of all nodes.
net::ResultTask<OpenPage> open_intents(store::Transaction& tx, base::TenantId tenant,
                                       std::string node, std::string after, std::size_t count_max);
// Those that are still open; content that nobody knows the fate of counts as given. Whom
// the intent names is told.
net::ResultTask<> leave_unknown(store::Transaction& tx, base::TenantId tenant,
                                std::vector<HopRef> intents, base::Time now, TimeDetail detail);

// These recipients' ways end here. A second ending is ignored, but of one that `went_on`.
// Errors: not_found.
net::ResultTask<> end(store::Transaction& tx, base::TenantId tenant, base::TraceId trace,
                      std::vector<unsigned> recipients, Ending ending);

// Removes what has expired: a bounded piece of work; call again while `more`.
struct Expired {
  std::size_t traces = 0;
  bool more = false;
};
net::ResultTask<Expired> expire(store::Transaction& tx, base::TenantId tenant, base::Time now,
                                std::size_t traces_max = 100);

// One recipient's part of a loaded trace.
struct Way {
  Recipient recipient;
  std::vector<std::size_t>
      hops;  // indexes into LoadedTrace::hops, in order; attempts beside each other
  std::optional<Ending> ending;
  std::uint64_t fetches_not_kept = 0;  // only counted: none showed more than those that are kept

  bool came_back() const { return ending && ending->kind != Ending::Kind::went_on; }
};
struct LoadedTrace {
  Trace trace;
  std::vector<hop::Hop> hops;  // as they were recorded
  std::vector<Way> ways;       // one a recipient
  std::vector<Link> links;     // at most loaded_links_max
  bool has_all_links = true;
  // When an account's owner last took a message of this trace out of a mailbox.
  std::vector<std::pair<base::AccountId, base::Time>> left;
  std::uint64_t quiet_attempts_not_kept = 0;
  std::uint64_t fetches_not_kept = 0;  // of all ways
  // What other tenants of this site recorded before it has been told here. A fetch from a mailbox
  // of theirs that isn't among the hops may have happened since. Nothing: not known.
  std::optional<base::Time> told_as_of;
  bool complete = true;  // false: more hops than loaded_hops_max

  std::vector<hop::Hop> hops_of(const Way& way) const;
};
// Says anew which hops are of which way: those beside their attempts, in the order in which their
// numbers were given.
void lay_out_ways(LoadedTrace& loaded);
// The part of it that concerns these recipients. Hops name no others.
LoadedTrace narrowed(LoadedTrace loaded, const std::vector<unsigned>& recipients);
// Errors: not_found, corrupt.
net::ResultTask<LoadedTrace> load(store::Transaction& tx, base::TenantId tenant, base::TraceId id);
net::ResultTask<Trace> find(store::Transaction& tx, base::TenantId tenant, base::TraceId id);
net::ResultTask<bool> exists(store::Transaction& tx, base::TenantId tenant, base::TraceId id);

struct Summary {
  base::TraceId id;
  base::Time accepted;
  std::string subject;
  std::string mail_from;
  std::string first_recipient;
  std::size_t recipients = 0;
  bool operator==(const Summary&) const = default;
};
struct Found {
  std::vector<Summary> traces;  // the newest first
  bool more = false;            // there may be older ones: ask again with `until` of the last
};
// Addresses in any case; whole addresses only. Those of mail_from and header_from both count.
struct Query {
  std::optional<std::string> message_id;  // with or without <>
  std::optional<std::string> from;
  std::optional<std::string> to;
  std::optional<base::Time> since;
  std::optional<base::Time> until;
  std::size_t count_max = 20;  // at most 100
};
// Limits: looks at 1000 index entries at most.
net::ResultTask<Found> find(store::Transaction& tx, base::TenantId tenant, Query query);

}  // namespace letterlock::trace
