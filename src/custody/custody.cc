#include "custody/custody.h"

#include <algorithm>

#include "base/digest.h"
#include "directory/lookup.h"
#include "protection/join.h"
#include "trace/trace.h"

namespace letterlock::custody {
namespace {

constexpr std::string_view exporter_label = "EXPORTER-Letterlock-Hop";

// A recipient by his place in the whole message: so the traces of several tenants, which have one
// id, never mean two people by one number.
struct Numbered {
  unsigned index = 0;
  Recipient recipient;
};

std::vector<queue::Recipient> queue_recipients(const std::vector<Numbered>& recipients) {
  std::vector<queue::Recipient> out;
  for (const auto& [index, recipient] : recipients) {
    queue::Recipient one;
    one.trace_index = index;
    one.address = recipient.address.text();
    one.written_to = recipient.written_to;
    one.is_alone = !recipient.written_to.empty();
    one.params = recipient.params;
    one.lane = recipient.tenant ? queue::Lane::local : queue::Lane::remote;
    one.destination = recipient.address.domain().text();
    out.push_back(std::move(one));
  }
  return out;
}

// Whether the header keeps this recipient from the others (Bcc).
bool is_hidden(const queue::Content& content, const std::string& recipient) {
  if (!content.named) return false;
  const auto address = address::Address::parse(recipient);
  return !address || !std::ranges::binary_search(*content.named, address->key());
}

trace::Trace trace_of(const Reception& reception, const queue::Content& content,
                      const queue::Message& message,
                      const std::vector<queue::Recipient>& recipients, base::Milliseconds keep) {
  trace::Trace trace;
  trace.id = reception.trace;
  trace.owner = message.tenant;
  trace.message_id = content.message_id;
  trace.subject = content.subject;
  trace.mail_from = reception.mail_from;
  trace.header_from = reception.header_from;
  trace.from_outside = reception.kind == hop::Kind::relay;
  for (const auto& recipient : recipients) {
    const auto& address = recipient.address_written_to();
    trace.recipients.push_back({recipient.trace_index, address, is_hidden(content, address)});
  }
  trace.accepted = message.accepted;
  trace.expires = message.accepted + keep;
  trace.octets = content.octets;
  trace.digest = content.digest_out;
  return trace;
}

hop::Hop first_hop(const Reception& reception, const queue::Content& content,
                   const queue::Message& message, const std::vector<queue::Recipient>& recipients,
                   const std::string& node) {
  hop::Hop hop;
  hop.trace = reception.trace;
  hop.kind = reception.kind;
  hop.from = reception.from;
  hop.to = {hop::End::Role::node, node, {}, {}};
  for (const auto& recipient : recipients) hop.recipients.push_back(recipient.trace_index);
  hop.protection = reception.protection;
  hop.digest_in = content.digest_in;
  hop.digest_out = content.digest_out;
  hop.changes = content.changes;
  hop.time = message.accepted;
  hop.finished = message.accepted;
  hop.sign_in = reception.sign_in;
  hop.password_in_clear = reception.password_in_clear;
  return hop;
}

// What is written for one tenant.
struct Writing {
  queue::Message message;
  std::vector<queue::Recipient> recipients;
  std::vector<queue::Due> due;
};

// What the tenant requires holds for its mail whoever brought it, and on each way that it will
// take: it is read in the transaction that takes the message, so that none slips by.
// A tenant that is being removed takes nothing but its own reports.
net::ResultTask<> join_requirement(store::Transaction& transaction, queue::Message& message,
                                   const Reception& reception) {
  CO_TRY(const auto tenant, co_await directory::find_tenant(transaction, message.tenant));
  const bool is_gone =
      !tenant || (tenant->state == directory::Tenant::State::closing && !reception.is_report);
  if (is_gone)
    co_return base::fail(base::ErrorKind::not_found, "whose mail it would be isn't here any more");
  message.requirement = protection::join(reception.requirement, tenant->requirement);
  co_return base::Result<>();
}

// It was made here, of what came by those hops. Where they aren't known, no first hop is claimed.
net::ResultTask<> begin_report(store::Transaction& transaction, const Reception& reception,
                               trace::Trace trace, hop::Hop made) {
  const auto tenant = trace.owner;
  CO_CHECK(co_await trace::begin_copy(transaction, tenant, std::move(trace), reception.came_over));
  if (reception.came_over.empty()) co_return base::Result<>();
  CO_TRY(const auto ref, co_await trace::record(transaction, tenant, std::move(made)));
  (void)ref;
  co_return base::Result<>();
}

net::ResultTask<> write(store::Transaction& transaction, const Reception& reception,
                        const queue::Content& content, const Options& options, Writing& writing) {
  auto& message = writing.message;
  CO_CHECK(co_await join_requirement(transaction, message, reception));
  auto due = queue::enqueue(transaction, message, writing.recipients);
  if (!due) co_return base::fail(due.error());
  writing.due = std::move(*due);
  auto trace = trace_of(reception, content, message, writing.recipients, options.keep_trace);
  auto hop = first_hop(reception, content, message, writing.recipients, options.node);
  if (reception.is_report)
    co_return co_await begin_report(transaction, reception, std::move(trace), std::move(hop));
  co_return trace::begin_with(transaction, message.tenant, std::move(trace), std::move(hop));
}

// The whole of "taken", for all tenants concerned.
net::ResultTask<> write_all(store::Transaction& transaction, const Reception& reception,
                            const queue::Content& content, const Options& options,
                            std::vector<Writing>& parts, directory::SendingOutcome& sending) {
  sending = {};
  if (!reception.account.is_nil()) {
    const auto& mine = parts.front();
    CO_TRY(sending,
           co_await directory::count_sending(transaction, mine.message.tenant, reception.account,
                                             mine.recipients.size(), mine.message.accepted));
    if (sending.kind != directory::SendingOutcome::Kind::ok) co_return base::Result<>();
  }
  for (auto& part : parts) CO_CHECK(co_await write(transaction, reception, content, options, part));
  if (reception.also) co_return co_await reception.also(transaction);
  co_return base::Result<>();
}

}  // namespace

queue::Message Custody::message_of(const Reception& reception, const queue::Content& content,
                                   const base::TenantId& tenant) const {
  queue::Message message;
  message.id = os::make_id<base::MessageId>(clock_, random_);
  message.trace = reception.trace;
  message.tenant = tenant;
  message.account = reception.account;
  message.mail_from = reception.mail_from;
  message.blob = content.blob;
  message.octets = content.octets;
  message.digest = content.digest_out;
  message.smtputf8 = reception.smtputf8;
  message.eight_bit = content.eight_bit;
  message.params = reception.params;
  message.accepted = clock_.now();
  message.expires = message.accepted +
                    (reception.mail_from.empty() ? options_.report_lifetime : options_.lifetime);
  message.is_report = reception.is_report;
  if (reception.recipients.size() > 1) message.origin = reception.trace;
  return message;
}

net::ResultTask<Outcome> Custody::accept(Reception reception, queue::Content content) {
  std::vector<base::TenantId> tenants;
  std::vector<std::vector<Numbered>> recipients;
  unsigned index = 0;
  for (const auto& recipient : reception.recipients) {
    const auto owner = reception.owner ? reception.owner : recipient.tenant;
    if (!owner)
      co_return base::fail(base::ErrorKind::invalid,
                           "a recipient of nobody here, and no owner: " + recipient.address.text());
    const auto at = std::ranges::find(tenants, *owner) - tenants.begin();
    if (static_cast<std::size_t>(at) == tenants.size()) {
      tenants.push_back(*owner);
      recipients.emplace_back();
    }
    recipients[static_cast<std::size_t>(at)].push_back({index++, recipient});
  }
  if (tenants.empty())
    co_return base::fail(base::ErrorKind::invalid, "a message without recipients");
  std::vector<Writing> parts;
  for (std::size_t i = 0; i < tenants.size(); ++i) {
    auto& part = parts.emplace_back();
    part.message = message_of(reception, content, tenants[i]);
    part.recipients = queue_recipients(recipients[i]);
  }
  std::optional<Turns::Turn> turn;
  if (!reception.account.is_nil()) {
    CO_TRY(auto mine, co_await turns_.wait_for(reception.account));
    turn.emplace(std::move(mine));
  }
  directory::SendingOutcome sending;
  CO_CHECK(co_await store_.transact(
      store::Scope::tenants(tenants), [&](store::Transaction& transaction) {
        return write_all(transaction, reception, content, options_, parts, sending);
      }));
  turn.reset();
  if (sending.kind != directory::SendingOutcome::Kind::ok) {
    store_.drop_blob(content.blob);
    co_return Outcome(NotAllowed{sending});
  }
  Accepted accepted;
  for (auto& part : parts) {
    co_await tell(reception, part.message, part.recipients.size());
    accepted.due.insert(accepted.due.end(), part.due.begin(), part.due.end());
  }
  dispatcher_.offer(accepted.due);
  co_return Outcome(std::move(accepted));
}

// From the content's last octet to the durable record; the reply follows at once.
net::Task<> Custody::tell(const Reception& reception, const queue::Message& message,
                          std::size_t recipients) const {
  base::Event event{base::Severity::info,
                    "queue.accepted",
                    {{"trace", reception.trace.text()},
                     {"kind", std::string(hop::name(reception.kind))},
                     {"mail_from", reception.mail_from},
                     {"recipients", std::to_string(recipients)},
                     {"octets", std::to_string(message.octets)},
                     {"level", std::string(hop::name(reception.protection.level))},
                     {"tls", std::string(hop::name(reception.protection.tls.version))},
                     {"peer", reception.from.address}}};
  if (reception.content_ended)
    event.fields.emplace_back("took_ms",
                              std::to_string((clock_.steady() - *reception.content_ended).count()));
  event.fields.emplace_back("tenant", options_.tenant_name
                                          ? co_await options_.tenant_name(message.tenant)
                                          : message.tenant.text());
  events_.emit(event);
}

hop::TlsFacts facts_for(const tls::Session& session, const base::TraceId& trace) {
  auto facts = session.facts();
  if (auto exporter = session.exporter(exporter_label, {}, 32)) {
    *exporter += trace.octets();
    facts.exporter_digest = base::to_hex(base::sha256(*exporter));
  }
  return facts;
}

smtp::Reply reply_for(const base::Error& error) {
  // RFC 5321 §4.2.3: 452 says that the disk is full, so that the peer keeps the mail and comes
  // back.
  if (error.kind == base::ErrorKind::full)
    return smtp::reply(452, dsn::status::system_full, "no room for the message now, try later");
  return smtp::reply(451, dsn::Status{4, 3, 0}, "the message could not be kept now, try later");
}

smtp::Reply reply_for(const queue::Refused& refused) {
  // RFC 1870 §6.3: 552 where it is the size.
  return smtp::reply(refused.status == dsn::status::too_big ? 552 : 554, refused.status,
                     refused.text);
}

smtp::Reply reply_for(const base::Result<Outcome>& outcome, const base::TraceId& trace) {
  if (!outcome) return reply_for(outcome.error());
  if (const auto* refused = std::get_if<NotAllowed>(&*outcome)) {
    using Kind = directory::SendingOutcome::Kind;
    if (refused->outcome.kind == Kind::over_hour)
      return smtp::reply(452, dsn::Status{4, 7, 28}, refused->outcome.reason);
    return smtp::reply(550, dsn::Status{5, 7, 28}, refused->outcome.reason);
  }
  return smtp::reply(250, dsn::status::ok, "taken, trace " + trace.text());
}

}  // namespace letterlock::custody
