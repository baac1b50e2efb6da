#include "popd/fetch.h"

#include <fmt/format.h>

#include "custody/custody.h"
#include "popd/asking.h"
#include "protection/inbound.h"
#include "protection/join.h"
#include "protection/judge.h"

namespace letterlock::popd {
namespace {

using base::ErrorKind;

// Two minutes in all: what isn't written down then waits, open, for the node's next start.
constexpr int outcome_tries = 8;
constexpr base::Milliseconds outcome_pause = std::chrono::seconds(1);  // doubled each time

protection::SignIn sign_in_of(drive::PopSignIn::How how) {
  switch (how) {
    case drive::PopSignIn::How::password:
      return protection::SignIn::password;
    case drive::PopSignIn::How::scram:
      return protection::SignIn::scram;
    case drive::PopSignIn::How::scram_plus:
      return protection::SignIn::scram_plus;
    case drive::PopSignIn::How::certificate:
      return protection::SignIn::client_certificate;
  }
  return protection::SignIn::none;
}

// The mailbox's tenant's, and what the message brought with it.
hop::Requirement required_of(const FetchFacts& facts, const mailbox::Message& message) {
  hop::Requirement ours;
  ours.fetch = directory::fetch_requirement(facts.tenant);
  if (message.protected_fetch_for.empty()) return ours;
  hop::Requirement its;
  its.fetch = {hop::Fetch::protected_,
               {hop::Source::Kind::sending_tenant, message.protected_fetch_for, ""}};
  return protection::join(its, ours);
}

hop::Protection protection_of(const FetchFacts& facts, const mailbox::Message& message) {
  const auto tls =
      facts.tls != nullptr ? custody::facts_for(*facts.tls, message.trace) : hop::TlsFacts();
  return protection::fetch_level(sign_in_of(facts.how), facts.accepts, tls, facts.network);
}

bool is_told(const Fetch& fetch) {
  return fetch.trace_owner != fetch.tenant && !fetch.trace_owner.is_nil();
}

net::ResultTask<std::optional<Fetch>> intend(store::Transaction& tx, Fetch fetch, std::string node,
                                             trace::TimeDetail told_times) {
  const auto told = is_told(fetch) ? fetch.trace_owner : base::TenantId();
  auto ref = co_await trace::intend(tx, fetch.tenant, fetch.hop, std::move(node), told);
  // The message outlives its trace: there is nothing left that the hop could be recorded in.
  if (!ref && ref.error().kind == ErrorKind::not_found) co_return std::nullopt;
  if (!ref) co_return base::fail(std::move(ref.error()));
  fetch.ref = *ref;
  fetch.hop.number = ref->number;
  fetch.hop.attempt = ref->attempt;
  // A client may take hours over it: by then the sender's tenant knows that it has begun.
  if (is_told(fetch)) {
    auto begun = fetch.hop;
    begun.outcome = hop::Outcome::intended;
    begun.given = hop::Given::content;
    trace::put_event(tx, fetch.tenant, fetch.trace_owner, fetch.ref, begun, told_times);
  }
  co_return std::move(fetch);
}

net::ResultTask<bool> record_outcome(store::Transaction& tx, Fetch fetch, trace::Closing closing,
                                     trace::TimeDetail told_times) {
  CO_CHECK(co_await trace::close(tx, fetch.tenant, fetch.ref, closing));
  if (is_told(fetch)) {
    fetch.hop.outcome = closing.outcome;
    fetch.hop.given = closing.given;
    fetch.hop.finished = closing.finished;
    trace::put_event(tx, fetch.tenant, fetch.trace_owner, fetch.ref, fetch.hop, told_times);
  }
  co_return true;
}

}  // namespace

std::optional<std::string> refuse_fetch(const FetchFacts& facts, const mailbox::Message& message) {
  if (message.protected_fetch_for.empty()) return std::nullopt;
  auto judgement =
      protection::judge_fetch(required_of(facts, message), protection_of(facts, message));
  if (judgement.answer == hop::Answer::take) return std::nullopt;
  return std::move(judgement.sentence);
}

hop::Hop fetch_hop(const FetchFacts& facts, const mailbox::Message& message, base::Time now) {
  const auto address = facts.account.address.text();
  hop::Hop hop;
  hop.trace = message.trace;
  hop.kind = hop::Kind::fetch;
  hop.from = {hop::End::Role::mailbox, address, {}, {}};
  hop.to = {hop::End::Role::client, address, facts.peer.address.text(),
            facts.implicit_tls ? "POP3S" : "POP3"};
  hop.recipients = message.recipients;
  hop.protection = protection_of(facts, message);
  hop.required = protection::in_words(required_of(facts, message));
  if (facts.tls == nullptr) hop.reason = directory::describe_clear_fetch(facts.tenant);
  hop.digest_in = message.content_digest;
  hop.digest_out = message.content_digest;
  hop.sign_in = sign_in_of(facts.how);
  hop.password_in_clear = protection::password_in_clear(sign_in_of(facts.how), hop.protection);
  hop.time = now;
  return hop;
}

net::ResultTask<std::optional<Fetch>> intend_fetch(store::Store& store, hop::Hop hop,
                                                   base::TenantId tenant,
                                                   base::TenantId trace_owner, std::string node,
                                                   trace::TimeDetail told_times) {
  if (hop.trace.is_nil()) co_return std::nullopt;
  const Fetch fetch{tenant, trace_owner, {}, std::move(hop)};
  CO_TRY(auto begun, co_await change<std::optional<Fetch>>(
                         store, tenant, [fetch, node, told_times](store::Transaction& tx) {
                           return intend(tx, fetch, node, told_times);
                         }));
  if (begun && begun->ref.sequence == 0) co_return std::nullopt;
  co_return std::move(begun);
}

trace::Closing closing_of(drive::PopGiving giving, const drive::PopGiven& given,
                          std::uint64_t message_octets, base::Time now) {
  trace::Closing closing;
  closing.finished = now;
  // TOP with enough lines is all of it, whatever the command was called.
  const bool whole = given.complete &&
                     (giving == drive::PopGiving::whole || given.content_octets >= message_octets);
  closing.outcome = whole            ? hop::Outcome::completed
                    : given.complete ? hop::Outcome::partial
                                     : hop::Outcome::failed;
  // Even the first octets were content, and whoever could read the hop could read them.
  closing.given = hop::Given::content;
  if (!given.complete) {
    closing.reason =
        fmt::format("the session ended after {} octets of content", given.content_octets);
  } else if (!whole) {
    closing.reason =
        fmt::format("the client asked for its first {} octets alone (TOP)", given.content_octets);
  } else if (given.converted) {
    closing.reason = "line ends were converted on the way out";
  }
  return closing;
}

net::Task<> close_fetch(Outcomes outcomes, Fetch fetch, trace::Closing closing) {
  base::Error error;
  auto pause = outcome_pause;
  for (int tries = 0; tries < outcome_tries; ++tries) {
    if (tries > 0) {
      if (!co_await outcomes.timers.sleep(pause)) break;
      pause *= 2;
    }
    auto done =
        co_await change<bool>(outcomes.store, fetch.tenant,
                              [fetch, closing, told = outcomes.told_times](store::Transaction& tx) {
                                return record_outcome(tx, fetch, closing, told);
                              });
    if (done) {
      if (outcomes.told && is_told(fetch)) outcomes.told(fetch.tenant);
      outcomes.events.emit({base::Severity::info,
                            "fetch.given",
                            {{"tenant", outcomes.tenant},
                             {"trace", fetch.ref.trace.text()},
                             {"mailbox", fetch.hop.from.who},
                             {"level", std::string(hop::name(fetch.hop.protection.level))},
                             {"tls", std::string(hop::name(fetch.hop.protection.tls.version))},
                             {"outcome", std::string(hop::name(closing.outcome))},
                             {"detail", closing.reason}}});
      co_return;
    }
    error = std::move(done.error());
    if (error.kind == ErrorKind::cancelled || error.kind == ErrorKind::not_found) break;
  }
  outcomes.events.emit({base::Severity::error,
                        "fetch.outcome_lost",
                        {{"trace", fetch.ref.trace.text()},
                         {"mailbox", fetch.hop.from.who},
                         {"error", error.what}}});
}

}  // namespace letterlock::popd
