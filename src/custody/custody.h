// Taking custody of a message: what came in becomes records of the queue and of the trace in one
// transaction, for all tenants concerned, and only then may anybody be told 250. Used by every
// agent that puts mail into the queue (msa, mx, reporter). Lives on any loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "address/address.h"
#include "custody/turns.h"
#include "directory/lookup.h"
#include "directory/sending.h"
#include "hop/hop.h"
#include "os/clock.h"
#include "os/random.h"
#include "queue/dispatcher.h"
#include "queue/intake.h"
#include "queue/queue.h"
#include "smtp/reply.h"
#include "tls/tls.h"

namespace letterlock::custody {

// A recipient as the envelope named it, and whose domain that is.
struct Recipient {
  address::Address address;
  dsn::RcptParams params;
  std::optional<base::TenantId> tenant;  // nothing: another operator's
  // Where the envelope named a role that `address` has (postmaster); empty: `address` itself.
  std::string written_to = {};
};

// All that is known of a message on its way in, beside its content.
struct Reception {
  base::TraceId trace;
  hop::Kind kind = hop::Kind::relay;
  hop::End from;
  hop::Protection protection;
  hop::SignIn sign_in = hop::SignIn::none;
  bool password_in_clear = false;
  std::string mail_from;  // as text without < >; empty: the null reverse path
  std::string header_from;
  dsn::MailParams params;
  bool smtputf8 = false;
  std::vector<Recipient> recipients;
  // Submission and reports: whose mail it is. Nothing: each recipient's tenant's.
  std::optional<base::TenantId> owner;
  base::AccountId account;       // that submitted it: its sending is counted
  hop::Requirement requirement;  // beside what the tenants require whose mail it becomes
  bool is_report = false;
  // Of a report: the hops by which the message came that it tells of, as its trace carries them:
  // its words, and what it returns, came by those. None: how it came isn't known.
  std::vector<hop::Hop> came_over = {};
  // When the last octet of the content had come, on the steady clock; nothing: it was made here.
  std::optional<os::Steady> content_ended;
  // What else changes in the same transaction (a report's notices are told). Called once or more.
  store::Store::Function also;
};

// Taken: durable before this is returned.
struct Accepted {
  std::vector<queue::Due> due;  // offered to the dispatcher already
};
// Not taken, though nothing failed: the account may not send so much.
struct NotAllowed {
  directory::SendingOutcome outcome;
};
using Outcome = std::variant<Accepted, NotAllowed>;

struct Options {
  std::string node;
  base::Milliseconds lifetime = std::chrono::days(5);
  base::Milliseconds report_lifetime = std::chrono::days(2);
  base::Milliseconds keep_trace = std::chrono::days(90);
  // For the log; without it a tenant stands there as its id.
  std::function<net::Task<std::string>(base::TenantId)> tenant_name = {};
};

class Custody {
 public:
  Custody(store::Store& store, const os::Clock& clock, os::Random& random,
          queue::Dispatcher& dispatcher, base::EventSink& events, Options options)
      : store_(store),
        clock_(clock),
        random_(random),
        dispatcher_(dispatcher),
        events_(events),
        options_(std::move(options)) {}

  // Mail for several tenants is split here: an entry, a hold of the blob and a trace in each, under
  // one trace id. All of them have it or none: where this fails and the peer sends again, nobody
  // gets it twice. Each tenant's requirement as it stands now is joined to what the message came
  // with. Errors: as Store::transact; answer 451 or 452.
  net::ResultTask<Outcome> accept(Reception reception, queue::Content content);

  const Options& options() const { return options_; }

 private:
  net::Task<> tell(const Reception& reception, const queue::Message& message,
                   std::size_t recipients) const;
  queue::Message message_of(const Reception& reception, const queue::Content& content,
                            const base::TenantId& tenant) const;

  store::Store& store_;
  const os::Clock& clock_;
  os::Random& random_;
  queue::Dispatcher& dispatcher_;
  base::EventSink& events_;
  Options options_;
  Turns turns_;
};

// The session's facts with the digest that binds them to this message: hex SHA-256 of the session's
// exporter (32 octets, under a label of our own, no context) and the trace id. Without an exporter
// it stays empty.
hop::TlsFacts facts_for(const tls::Session& session, const base::TraceId& trace);

// What the peer is told after the content's end; 250 names the trace.
smtp::Reply reply_for(const base::Result<Outcome>& outcome, const base::TraceId& trace);
smtp::Reply reply_for(const base::Error& error);
smtp::Reply reply_for(const queue::Refused& refused);

}  // namespace letterlock::custody
