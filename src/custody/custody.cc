#include "custody/custody.h"

#include <algorithm>

#include "base/digest.h"
#include "trace/trace.h"

namespace letterlock::custody {
namespace {

constexpr std::string_view exporter_label = "EXPORTER-Letterlock-Hop";

std::vector<queue::Recipient> queue_recipients(const std::vector<Recipient>& recipients) {
  std::vector<queue::Recipient> out;
  for (const auto& recipient : recipients) {
    queue::Recipient one;
    one.trace_index = static_cast<unsigned>(out.size());
    one.address = recipient.address.text();
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
    trace.recipients.push_back(
        {recipient.trace_index, recipient.address, is_hidden(content, recipient.address)});
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

// What one tenant's transaction writes; the whole of "taken".
struct Writing {
  queue::Message message;
  std::vector<queue::Recipient> recipients;
  std::vector<queue::Due> due;
  directory::SendingOutcome sending;
};

net::ResultTask<> write(store::Transaction& transaction, const Reception& reception,
                        const queue::Content& content, const Options& options, Writing& writing) {
  const auto& message = writing.message;
  writing.sending = {};
  if (!message.account.is_nil()) {
    CO_TRY(writing.sending,
           co_await directory::count_sending(transaction, message.tenant, message.account,
                                             writing.recipients.size(), message.accepted));
    if (writing.sending.kind != directory::SendingOutcome::Kind::ok) co_return base::Result<>();
  }
  auto due = queue::enqueue(transaction, message, writing.recipients);
  if (!due) co_return base::fail(due.error());
  writing.due = std::move(*due);
  CO_CHECK(trace::begin_with(
      transaction, message.tenant,
      trace_of(reception, content, message, writing.recipients, options.keep_trace),
      first_hop(reception, content, message, writing.recipients, options.node)));
  if (reception.also) co_return co_await reception.also(transaction);
  co_return base::Result<>();
}

}  // namespace

queue::Message Custody::message_of(const Reception& reception, const queue::Content& content,
                                   const Part& part) const {
  queue::Message message;
  message.id = os::make_id<base::MessageId>(clock_, random_);
  message.trace = reception.trace;
  message.tenant = part.tenant;
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
  message.requirement = reception.requirement;
  message.is_report = reception.is_report;
  return message;
}

net::ResultTask<Outcome> Custody::accept(Reception reception, queue::Content content) {
  std::vector<Part> parts;
  for (const auto& recipient : reception.recipients) {
    const auto owner = reception.owner ? reception.owner : recipient.tenant;
    if (!owner)
      co_return base::fail(base::ErrorKind::invalid,
                           "a recipient of nobody here, and no owner: " + recipient.address.text());
    auto part = std::ranges::find(parts, *owner, &Part::tenant);
    if (part == parts.end()) part = parts.insert(parts.end(), Part{*owner, {}});
    part->recipients.push_back(recipient);
  }
  Accepted accepted;
  for (auto& part : parts) {
    CO_TRY(auto outcome, co_await accept_part(reception, content, std::move(part)));
    if (!std::holds_alternative<Accepted>(outcome)) co_return outcome;
    auto& due = std::get<Accepted>(outcome).due;
    accepted.due.insert(accepted.due.end(), due.begin(), due.end());
  }
  dispatcher_.offer(accepted.due);
  co_return Outcome(std::move(accepted));
}

net::ResultTask<Outcome> Custody::accept_part(const Reception& reception,
                                              const queue::Content& content, Part part) {
  Writing writing;
  writing.message = message_of(reception, content, part);
  writing.recipients = queue_recipients(part.recipients);
  std::optional<Turns::Turn> turn;
  if (!reception.account.is_nil()) {
    CO_TRY(auto mine, co_await turns_.wait_for(reception.account));
    turn.emplace(std::move(mine));
  }
  CO_CHECK(co_await store_.transact(
      store::Scope::tenant(part.tenant), [&](store::Transaction& transaction) {
        return write(transaction, reception, content, options_, writing);
      }));
  turn.reset();
  if (writing.sending.kind != directory::SendingOutcome::Kind::ok)
    co_return Outcome(NotAllowed{writing.sending});
  co_await tell(reception, writing.message, writing.recipients.size());
  co_return Outcome(Accepted{std::move(writing.due)});
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
