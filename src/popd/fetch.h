// The hop from a mailbox to its owner's client: the intent before the content, the outcome after
// it, and what the sender in another tenant learns of it.
#pragma once

#include <optional>

#include "base/event.h"
#include "directory/types.h"
#include "drive/pop_handler.h"
#include "mailbox/record.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "os/clock.h"
#include "protection/inbound.h"
#include "store/store.h"
#include "trace/event.h"
#include "trace/trace.h"

namespace letterlock::popd {

// What is the same for all messages of a session.
struct FetchFacts {
  directory::Account account;
  directory::Tenant tenant;
  drive::PopSignIn::How how = drive::PopSignIn::How::password;
  const tls::Session* tls = nullptr;  // none: in clear
  bool implicit_tls = false;          // else STLS
  protection::Accepts accepts = protection::Accepts::weaker_too;
  net::Endpoint peer;
  hop::Network network = hop::Network::public_;
};

// Why the message doesn't leave by this session; nothing: it may.
std::optional<std::string> refuse_fetch(const FetchFacts& facts, const mailbox::Message& message);
// The record as it stands when the content is about to leave.
hop::Hop fetch_hop(const FetchFacts& facts, const mailbox::Message& message, base::Time now);

// A fetch under way. Empty where the message has no trace (any more), or its hop was only counted.
struct Fetch {
  base::TenantId tenant;       // the mailbox's, where it is recorded
  base::TenantId trace_owner;  // the sender's, which is told
  trace::HopRef ref;
  hop::Hop hop;
};

// Durable when it returns; `node` is who gives the message. Another tenant that owns the trace is
// told of what has begun. Errors: the store's.
net::ResultTask<std::optional<Fetch>> intend_fetch(store::Store& store, hop::Hop hop,
                                                   base::TenantId tenant,
                                                   base::TenantId trace_owner, std::string node,
                                                   trace::TimeDetail told_times);

// How it went, in the trace's words.
trace::Closing closing_of(drive::PopGiving giving, const drive::PopGiven& given,
                          std::uint64_t message_octets, base::Time now);

// Records the outcome, and puts the event for the sender's tenant. What can't be recorded is told
// as an event, and stays open until this node starts again.
struct Outcomes {
  store::Store& store;
  net::Timers& timers;
  base::EventSink& events;
  trace::TimeDetail told_times = trace::TimeDetail::day;
  std::string tenant;  // its name, for the log
  std::function<void(base::TenantId)> told = {};
};
net::Task<> close_fetch(Outcomes outcomes, Fetch fetch, trace::Closing closing);

}  // namespace letterlock::popd
