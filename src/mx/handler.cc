#include "mx/handler.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "message/address_list.h"
#include "message/trace_fields.h"
#include "protection/inbound.h"

namespace letterlock::mx {
namespace {

// Why he isn't taken; nothing: he is.
std::optional<Handler::Refusal> refusal_of(const directory::Taker& taker) {
  using Kind = directory::Taker::Kind;
  switch (taker.kind) {
    case Kind::here:
      return std::nullopt;
    case Kind::unknown_user:
      return Handler::Refusal{smtp::reply(550, dsn::status::bad_mailbox, "no such recipient here"),
                              "unknown user", taker.tenant};
    case Kind::suspended:
      return Handler::Refusal{
          smtp::reply(550, dsn::status::mailbox_disabled, "this mailbox takes no mail"),
          "suspended", taker.tenant};
    // RFC 5321 §3.6.2: who isn't signed in is never relayed for.
    case Kind::not_ours:
      break;
  }
  return Handler::Refusal{
      smtp::reply(550, dsn::status::not_authorized, "we do not relay: that domain is not here"),
      "relaying denied", std::nullopt};
}

// A stranger may ask with any SIZE, and pays nothing: in whole mebibytes, so that he doesn't learn
// to the octet what a mailbox has left, and when something comes. The content's end is exact.
std::uint64_t asked_at_rcpt(const smtp::Mail& mail) {
  constexpr std::uint64_t step = 1024 * 1024;
  return std::max<std::uint64_t>(mail.size_octets.value_or(0) / step * step, 1);
}

}  // namespace

net::Task<smtp::Reply> Handler::on_connect() {
  auto said = co_await InboundHandler::on_connect();
  if (names_ != nullptr && said.code == 220) names_->begin(peer_.address);
  co_return said;
}

// The last of the disk is for those who sign in, so that strangers' mail doesn't stop theirs.
std::optional<base::Error> Handler::no_disk_for(std::uint64_t octets) const {
  if (options_.spare_octets == 0) return std::nullopt;
  const auto free = ports_.store.free_octets();
  if (!free || *free >= options_.spare_octets + octets) return std::nullopt;
  return base::Error{base::ErrorKind::full,
                     fmt::format("{} octets are free above the reserve: mail from outside waits "
                                 "until there are {}",
                                 *free, options_.spare_octets)};
}

net::Task<smtp::Reply> Handler::on_mail(smtp::Mail mail) {
  if (auto error = no_disk_for(mail.size_octets.value_or(0))) {
    not_accepted(*error, {});
    co_return custody::reply_for(*error);
  }
  transaction_ = std::make_unique<Transaction>();
  transaction_->mail = std::move(mail);
  co_return smtp::reply(250, dsn::status::ok, "sender taken");
}

net::Task<smtp::Reply> Handler::refuse_rcpt(Refusal refusal, address::Address to) {
  refused("mx.recipient_refused", base::Severity::info, refusal.reply,
          {{"tenant", refusal.tenant ? co_await ports_.directory.tenant_name(*refusal.tenant)
                                     : std::string()},
           {"mail_from", transaction_->mail.from.text()},
           {"recipient", to.text()},
           {"reason", std::string(refusal.why)}});
  co_return refusal.reply;
}

// RFC 5321 §4.5.1: a bare <Postmaster> is taken, whoever else is here. It was read as postmaster at
// this host's name; where that is nobody's domain, the site's postmaster gets it. Who that is, no
// trace and no report says.
net::ResultTask<directory::Taker> Handler::taker_of(address::Address& to) const {
  using Kind = directory::Taker::Kind;
  CO_TRY(const auto taker, co_await ports_.directory.taker(to));
  const bool is_hosts_postmaster = to.domain() == options_.server.session.host_name &&
                                   base::equal_ignoring_case(to.local_part(), "postmaster");
  if (taker.kind != Kind::not_ours || !is_hosts_postmaster) co_return taker;
  CO_TRY(const auto postmaster, co_await ports_.directory.site_postmaster());
  if (!postmaster) co_return taker;
  to = postmaster->address;
  co_return directory::Taker{Kind::here, postmaster->tenant, {}};
}

net::Task<smtp::Reply> Handler::on_rcpt(smtp::Rcpt rcpt) {
  auto written_to = rcpt.to.text();
  const auto taker = co_await taker_of(rcpt.to);
  if (!taker) {
    ports_.events.emit({base::Severity::error,
                        "directory.failed",
                        {{"agent", "mx"}, {"reason", taker.error().what}}});
    co_return smtp::reply(451, dsn::Status{4, 3, 0}, "cannot look the recipient up now");
  }
  if (auto refusal = refusal_of(*taker))
    co_return co_await refuse_rcpt(std::move(*refusal), rcpt.to);
  const Mailbox mailbox{taker->tenant, taker->account, taker->quota_octets};
  if (auto reply = no_room(co_await room(mailbox, asked_at_rcpt(transaction_->mail))))
    co_return co_await refuse_rcpt({std::move(*reply), "mailbox full", taker->tenant}, rcpt.to);
  // Said again it is the same recipient: one message, however often somebody asks for it.
  auto& recipients = transaction_->recipients;
  if (std::ranges::find(recipients, rcpt.to, &custody::Recipient::address) == recipients.end()) {
    if (written_to == rcpt.to.text()) written_to.clear();
    recipients.push_back({std::move(rcpt.to), std::move(rcpt.dsn), taker->tenant, written_to});
    transaction_->mailboxes.push_back(mailbox);
  }
  co_return smtp::reply(250, dsn::status::address_valid, "recipient taken");
}

net::Task<Room> Handler::room(Mailbox mailbox, std::uint64_t octets) const {
  co_return co_await room_in(ports_.store, mailbox, octets);
}

// Once the size is known: a message that none of its recipients has room for isn't taken, so that
// no report is due. Where one has, the others' failure can be told in no other way.
net::Task<Room> Handler::room_for_all(std::uint64_t octets) const {
  auto least = Room::never;
  for (std::size_t at = 0; at < transaction_->mailboxes.size(); ++at) {
    const auto found =
        co_await room(transaction_->mailboxes[at],
                      octets + octets_before(transaction_->mail.from.text(),
                                             transaction_->recipients[at].address.text()));
    if (found == Room::enough) co_return Room::enough;
    least = std::min(least, found);
  }
  co_return least;
}

net::Task<smtp::Reply> Handler::on_content_begin() {
  transaction_->trace = os::make_id<base::TraceId>(ports_.clock, ports_.random);
  queue::IntakeOptions intake;
  intake.octets_max = options_.server.session.size_octets_max;
  intake.header.bad_line = message::HeaderParser::BadLine::begins_body;
  transaction_->intake.emplace(ports_.store, intake,
                               [this](message::Header& header) { return edit(header); });
  co_return smtp::reply(354, "go on");
}

std::expected<std::vector<hop::Change>, queue::Refused> Handler::edit(message::Header& header) {
  // RFC 5321 §6.3: a message that went round too often is a loop.
  if (header.received_count() > base::limits::received_fields_max) {
    return std::unexpected(queue::Refused{dsn::status::routing_loop,
                                          "the message has been relayed too often: a loop"});
  }
  if (const auto from = message::header_from(header); !from.authors.empty())
    transaction_->header_from = from.authors.front().address.text();
  std::vector changes{hop::Change::trace_fields_added};
  // RFC 5321 §4.4: exactly one when it is delivered, and mda writes it.
  if (header.remove("Return-Path") > 0) changes.push_back(hop::Change::return_path_removed);
  header.prepend(message::received_field(reception_field()));
  return changes;
}

message::Reception Handler::reception_field() const {
  message::Reception field;
  field.client = message::Reception::Client{hello_.name, peer_.address.text(), verified_name()};
  field.by = options_.server.session.host_name.text();
  field.with = {.extended = hello_.extended,
                .tls = tls_ != nullptr,
                .auth = false,
                .smtputf8 = transaction_->mail.smtputf8};
  if (tls_ != nullptr) {
    const auto facts = tls_->facts();
    field.tls_cipher = facts.cipher;
    field.tls_group = facts.group;
  }
  field.id = transaction_->trace.text();
  // RFC 5321 §7.2: with several recipients the clause would tell one of another.
  if (transaction_->recipients.size() == 1)
    field.recipient = transaction_->recipients.front().address;
  field.time = ports_.clock.now();
  return field;
}

// Asked while it comes, too: many may have begun while there was room, and none need say a size.
net::ResultTask<> Handler::on_content(std::string_view octets) {
  if (auto error = no_disk_for(octets.size())) {
    not_accepted(*error, {});
    co_return base::fail(std::move(*error));
  }
  co_return co_await add(*transaction_->intake, octets, {});
}

std::string Handler::verified_name() const {
  if (names_ == nullptr) return {};
  return names_->known(peer_.address).value_or(std::string());
}

// Anybody may say any name at EHLO: it isn't what a trace calls the peer.
hop::End Handler::peer_end() const {
  hop::End end;
  end.role = hop::End::Role::mta;
  end.address = peer_.address.text();
  end.protocol = message::with_keyword({.extended = hello_.extended,
                                        .tls = tls_ != nullptr,
                                        .auth = false,
                                        .smtputf8 = transaction_->mail.smtputf8});
  end.who = verified_name();
  // RFC 5321 §4.1.3: an address literal.
  if (end.who.empty())
    end.who = fmt::format("[{}{}]", peer_.address.is_v6() ? "IPv6:" : "", end.address);
  if (!base::equal_ignoring_case(end.who, hello_.name)) end.calls_itself = hello_.name;
  return end;
}

custody::Reception Handler::reception() const {
  const auto& transaction = *transaction_;
  custody::Reception reception;
  reception.trace = transaction.trace;
  reception.kind = hop::Kind::relay;
  const auto tls = tls_ != nullptr ? custody::facts_for(*tls_, transaction.trace) : hop::TlsFacts();
  reception.from = peer_end();
  reception.protection = protection::reception_level(tls, network());
  reception.mail_from = transaction.mail.from.text();
  reception.header_from = transaction.header_from;
  reception.params = transaction.mail.dsn;
  reception.smtputf8 = transaction.mail.smtputf8;
  reception.recipients = transaction.recipients;
  return reception;
}

net::Task<smtp::Reply> Handler::on_content_end(smtp::ContentFacts) {
  const auto ended = ports_.clock.steady();
  auto content = co_await transaction_->intake->finish();
  smtp::Reply said;
  if (!content) {
    said = custody::reply_for(content.error());
    not_accepted(content.error(), {});
  } else if (!*content) {
    said = custody::reply_for(content->error());
    refused("mx.content_refused", base::Severity::info, said,
            {{"tenant", co_await tenants()},
             {"mail_from", transaction_->mail.from.text()},
             {"reason", content->error().text}});
  } else if (auto full = no_room(co_await room_for_all((*content)->octets))) {
    said = std::move(*full);
    ports_.store.drop_blob((*content)->blob);
    refused("mx.content_refused", base::Severity::info, said,
            {{"tenant", co_await tenants()},
             {"mail_from", transaction_->mail.from.text()},
             {"reason", "mailbox full"}});
  } else {
    auto came = reception();
    came.content_ended = ended;
    const auto outcome = co_await ports_.custody.accept(std::move(came), std::move(**content));
    said = custody::reply_for(outcome, transaction_->trace);
    if (!outcome) not_accepted(outcome.error(), {});
  }
  transaction_.reset();
  co_return said;
}

// Of the recipients that were taken, each once, for the log.
net::Task<std::string> Handler::tenants() {
  std::vector<base::TenantId> known;
  std::string names;
  for (const auto& recipient : transaction_->recipients) {
    if (!recipient.tenant || std::ranges::find(known, *recipient.tenant) != known.end()) continue;
    known.push_back(*recipient.tenant);
    names += (names.empty() ? "" : ",") + co_await ports_.directory.tenant_name(*recipient.tenant);
  }
  co_return names;
}

net::Task<> Handler::on_reset() {
  transaction_.reset();
  co_return;
}

Mx::Mx(Ports ports, Options options, dns::PeerNames* names)
    : ports_(ports), options_(std::move(options)), names_(names) {}

net::Task<> Mx::session(std::unique_ptr<net::Connection> connection, drive::Sessions* sessions,
                        protection::Loopback loopback) {
  Handler handler(
      ports_, options_, names_,
      {connection->peer(), protection::network_of(*connection, options_.networks, loopback)});
  drive::SmtpServer server(std::move(connection), handler,
                           {ports_.clock, ports_.random, &ports_.tls, sessions}, options_.server);
  co_await server.run();
}

}  // namespace letterlock::mx
