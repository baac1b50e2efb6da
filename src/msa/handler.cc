#include "msa/handler.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"

namespace letterlock::msa {
namespace {

// An author list is short; each costs a look into the directory.
constexpr std::size_t authors_max = 10;

protection::SignIn sign_in_of(sasl::Mechanism mechanism) {
  switch (mechanism) {
    case sasl::Mechanism::plain:
      return protection::SignIn::password;
    case sasl::Mechanism::scram_sha_256:
      return protection::SignIn::scram;
    case sasl::Mechanism::scram_sha_256_plus:
      return protection::SignIn::scram_plus;
    case sasl::Mechanism::external:
      return protection::SignIn::client_certificate;
  }
  return protection::SignIn::none;
}

}  // namespace

smtp::Reply Handler::failed(const base::Error& error, std::string_view what) {
  ports_.events.emit({base::Severity::error,
                      "directory.failed",
                      {{"agent", "msa"}, {"doing", std::string(what)}, {"reason", error.what}}});
  return smtp::reply(451, dsn::Status{4, 3, 0}, "cannot look that up now, try later");
}

net::ResultTask<drive::SmtpAccount> Handler::on_auth_keys(std::string user,
                                                          sasl::Mechanism mechanism) {
  account_.reset();
  CO_TRY(auto credentials, co_await ports_.directory.credentials(user));
  if (ports_.directory.is_closed(user, credentials.told, asker()))
    co_return base::fail(base::ErrorKind::unavailable, "too many failed sign-ins");
  login_ = std::move(user);
  told_ = std::move(credentials.told);
  mechanism_ = mechanism;
  drive::SmtpAccount account{std::move(credentials.keys), sasl::Standing::refused};
  if (credentials.account)
    account.standing = directory::Directory::standing(*credentials.account, mechanism);
  account_ = std::move(credentials.account);
  co_return account;
}

net::ResultTask<std::optional<std::string>> Handler::on_certificate(const tls::Session& session) {
  CO_TRY(const auto owner, co_await ports_.directory.certificate_owner(session.peer_key_digest(),
                                                                       session.peer_addresses()));
  if (!owner) co_return std::nullopt;
  co_return owner->address.text();
}

// Asked again: an operator may have taken the certificate away since the handshake.
net::ResultTask<sasl::Standing> Handler::on_auth_certificate(sasl::NeedCertificate need) {
  account_.reset();
  CO_TRY(auto owner, co_await ports_.directory.certificate_owner(tls_->peer_key_digest(),
                                                                 tls_->peer_addresses()));
  if (!owner || owner->address.text() != need.user) co_return sasl::Standing::refused;
  account_ = std::move(owner);
  co_return directory::Directory::standing(*account_, sasl::Mechanism::external);
}

net::ResultTask<sasl::Standing> Handler::on_auth_check(sasl::NeedCheck check) {
  account_.reset();
  CO_TRY(auto sign_in, co_await ports_.directory.check_password(
                           std::move(check.user), std::move(check.password), asker()));
  if (auto* account = std::get_if<directory::Account>(&sign_in)) {
    account_ = std::move(*account);
    co_return sasl::Standing::welcome;
  }
  // RFC 4954 §6: 454 for what passes. The password wasn't looked at, so nothing is said of it.
  if (std::get<directory::SignInRefused>(sign_in).why == directory::SignInRefused::Why::throttled)
    co_return base::fail(base::ErrorKind::unavailable, "too many failed sign-ins");
  co_return sasl::Standing::refused;
}

net::ResultTask<> Handler::on_auth_proof(bool fits) {
  return ports_.directory.count_proof({login_, told_, fits, mechanism_, account_}, asker());
}

net::Task<smtp::Reply> Handler::on_authenticated(sasl::Success, sasl::Mechanism mechanism) {
  if (!account_) co_return smtp::reply(535, dsn::status::bad_credentials, "signing in failed");
  const auto bound = co_await ports_.directory.password_is_bound(*account_);
  if (!bound) {
    account_.reset();
    co_return failed(bound.error(), "reading the account's sign-ins");
  }
  has_signed_in();
  sign_in_ = sign_in_of(mechanism);
  accepted_ = *bound ? protection::Accepts::only_bound : protection::Accepts::weaker_too;
  ports_.events.emit({base::Severity::info,
                      "sign_in.succeeded",
                      {{"agent", "msa"},
                       {"peer", peer_.address.text()},
                       {"tenant", co_await ports_.directory.tenant_name(account_->tenant)},
                       {"account", account_->address.text()},
                       {"mechanism", std::string(sasl::name(mechanism))}}});
  co_return smtp::reply(235, dsn::Status{2, 7, 0}, "signed in");
}

net::Task<> Handler::on_auth_failed(sasl::Failure failure, sasl::Mechanism mechanism) {
  const bool refused = failure.reason == sasl::Failure::Reason::credentials;
  const auto told = std::exchange(told_, {});
  login_.clear();
  account_.reset();
  // Of a refused password the directory has told.
  if (!refused || mechanism != sasl::Mechanism::plain)
    ports_.events.emit(directory::exchange_failed(asker(), told, mechanism, failure));
  co_return;
}

// One event for what the client is refused; `what` is the address, or the content, that it is
// about.
net::Task<smtp::Reply> Handler::refuse(std::string_view event, smtp::Reply reply, std::string what,
                                       std::string reason) {
  auto tenant = co_await ports_.directory.tenant_name(account_->tenant);
  refused(event, base::Severity::info, reply,
          {{"tenant", std::move(tenant)},
           {"account", account_->address.text()},
           {"what", std::move(what)},
           {"reason", std::move(reason)}});
  co_return reply;
}

net::Task<smtp::Reply> Handler::on_mail(smtp::Mail mail) {
  // Read again: an operator may have stopped the account while this session lasts.
  auto account = co_await ports_.directory.account(account_->tenant, account_->id);
  if (!account) co_return failed(account.error(), "reading the account");
  if (!*account || (*account)->state == directory::Account::State::suspended) {
    co_return co_await refuse(
        "msa.sender_refused",
        smtp::reply(550, dsn::status::not_authorized, "this account is closed"), mail.from.text(),
        "the account is closed");
  }
  account_ = std::move(**account);
  if (account_->sending.state == directory::Sending::State::stopped) {
    co_return co_await refuse(
        "msa.sender_refused",
        smtp::reply(550, dsn::status::not_authorized,
                    "sending is stopped for this account: " + account_->sending.reason),
        mail.from.text(), "its sending is stopped");
  }
  // RFC 6409 §6.1: the envelope's sender must be one that the account may use. The null one is for
  // notes that clients send (MDN).
  if (!mail.from.is_null()) {
    const auto may = co_await ports_.directory.may_send_as(*account_, mail.from.address());
    if (!may) co_return failed(may.error(), "checking the sender");
    if (!*may) {
      co_return co_await refuse("msa.sender_refused",
                                smtp::reply(550, dsn::status::not_authorized,
                                            mail.from.path() + " does not belong to this account"),
                                mail.from.text(), "the envelope's sender isn't the account's own");
    }
  }
  transaction_ = std::make_unique<Transaction>();
  transaction_->mail = std::move(mail);
  co_return smtp::reply(250, dsn::status::ok, "sender taken");
}

net::Task<smtp::Reply> Handler::on_rcpt(smtp::Rcpt rcpt) {
  const auto taker = co_await ports_.directory.taker(rcpt.to);
  if (!taker) co_return failed(taker.error(), "resolving a recipient");
  using Kind = directory::Taker::Kind;
  if (taker->kind == Kind::unknown_user || taker->kind == Kind::suspended) {
    const auto reply =
        taker->kind == Kind::suspended
            ? smtp::reply(550, dsn::status::mailbox_disabled, "this mailbox takes no mail")
            : smtp::reply(550, dsn::status::bad_mailbox, "no such recipient here");
    co_return co_await refuse("msa.recipient_refused", reply, rcpt.to.text(), reply.text());
  }
  std::optional<base::TenantId> tenant;
  if (taker->kind == Kind::here) tenant = taker->tenant;
  // Said again it is the same recipient: one message, however often somebody asks for it.
  auto& recipients = transaction_->recipients;
  if (std::ranges::find(recipients, rcpt.to, &custody::Recipient::address) == recipients.end())
    recipients.push_back({std::move(rcpt.to), std::move(rcpt.dsn), tenant});
  co_return smtp::reply(250, dsn::status::address_valid, "recipient taken");
}

net::Task<smtp::Reply> Handler::on_content_begin() {
  transaction_->trace = os::make_id<base::TraceId>(ports_.clock, ports_.random);
  queue::IntakeOptions intake;
  intake.octets_max = options_.server.session.size_octets_max;
  transaction_->intake.emplace(ports_.store, intake,
                               [this](message::Header& header) { return edit(header); });
  co_return smtp::reply(354, "go on");
}

// RFC 6409 §8: what a submission server may mend, and what it must look at.
std::expected<std::vector<hop::Change>, queue::Refused> Handler::edit(message::Header& header) {
  if (header.received_count() > base::limits::received_fields_max) {
    return std::unexpected(queue::Refused{dsn::status::routing_loop,
                                          "the message has been relayed too often: a loop"});
  }
  transaction_->header_from = message::header_from(header);
  const auto& from = transaction_->header_from;
  if (from.state != message::HeaderFrom::State::ok) {
    return std::unexpected(queue::Refused{
        {5, 6, 0}, fmt::format("the From field cannot be told: {}", message::name(from.state))});
  }
  if (from.authors.size() > authors_max)
    return std::unexpected(queue::Refused{{5, 6, 0}, "too many authors in the From field"});
  std::vector<hop::Change> changes{hop::Change::trace_fields_added};
  if (header.remove_bcc() > 0) changes.push_back(hop::Change::bcc_removed);
  // RFC 5321 §4.4: who originates a message sends none.
  if (header.remove("Return-Path") > 0) changes.push_back(hop::Change::return_path_removed);
  if (header.find("Date") == nullptr) {  // RFC 6409 §8.2
    header.prepend(message::date_field(ports_.clock.now()));
    changes.push_back(hop::Change::date_added);
  }
  if (header.find("Message-ID") == nullptr) {  // RFC 6409 §8.3
    auto field = message::Field::make(
        "Message-ID", message::make_message_id(transaction_->trace.text(),
                                               from.authors.front().address.domain()));
    if (!field) return std::unexpected(queue::Refused{{5, 6, 0}, "no Message-ID can be made"});
    header.prepend(std::move(*field));
    changes.push_back(hop::Change::message_id_added);
  }
  header.prepend(message::received_field(reception_field()));
  return changes;
}

message::Reception Handler::reception_field() const {
  message::Reception field;
  field.by = options_.server.session.host_name.text();
  field.with = {.extended = hello_.extended,
                .tls = tls_ != nullptr,
                .auth = true,
                .smtputf8 = transaction_->mail.smtputf8};
  if (tls_ != nullptr) {
    const auto facts = tls_->facts();
    field.tls_cipher = facts.cipher;
    field.tls_group = facts.group;
  }
  field.id = transaction_->trace.text();
  if (transaction_->recipients.size() == 1)
    field.recipient = transaction_->recipients.front().address;
  field.time = ports_.clock.now();
  return field;
}

net::ResultTask<> Handler::on_content(std::string_view octets) {
  return add(*transaction_->intake, octets, account_->address.text());
}

// RFC 6409 §6.1: every author (or the Sender where there is one) must be the account's own.
net::ResultTask<std::optional<queue::Refused>> Handler::check_authors() {
  const auto& from = transaction_->header_from;
  std::vector<address::Address> claimed;
  if (!from.sender.is_empty()) claimed.push_back(from.sender);
  for (const auto& author : from.authors) claimed.push_back(author.address);
  for (const auto& address : claimed) {
    CO_TRY(const bool may, co_await ports_.directory.may_send_as(*account_, address));
    if (may) continue;
    co_return std::optional(
        queue::Refused{dsn::status::not_authorized,
                       address.path() + " in the message does not belong to this account"});
  }
  co_return std::optional<queue::Refused>();
}

net::ResultTask<custody::Reception> Handler::reception() {
  auto& transaction = *transaction_;
  CO_TRY(const auto tenant, co_await ports_.directory.tenant(account_->tenant));
  if (!tenant) co_return base::fail(base::ErrorKind::not_found, "the account's tenant is gone");
  const auto tls = tls_ != nullptr ? custody::facts_for(*tls_, transaction.trace) : hop::TlsFacts();
  custody::Reception reception;
  reception.trace = transaction.trace;
  reception.kind = hop::Kind::submission;
  reception.from = {hop::End::Role::client, account_->address.text(), peer_.address.text(),
                    std::string(message::with_keyword({.extended = hello_.extended,
                                                       .tls = tls_ != nullptr,
                                                       .auth = true,
                                                       .smtputf8 = transaction.mail.smtputf8}))};
  reception.protection = protection::submission_level(sign_in_, accepted_, tls, network());
  reception.sign_in = sign_in_;
  reception.password_in_clear = protection::password_in_clear(sign_in_, reception.protection);
  reception.mail_from = transaction.mail.from.text();
  reception.header_from = transaction.header_from.authors.front().address.text();
  reception.params = transaction.mail.dsn;
  reception.smtputf8 = transaction.mail.smtputf8;
  reception.recipients = transaction.recipients;
  reception.owner = account_->tenant;
  reception.account = account_->id;
  reception.requirement = tenant->requirement;
  co_return reception;
}

net::Task<smtp::Reply> Handler::take(queue::Content content, os::Steady ended) {
  const auto refused = co_await check_authors();
  if (!refused) co_return failed(refused.error(), "checking the authors");
  if (*refused) {
    ports_.store.drop_blob(content.blob);
    co_return co_await refuse("msa.sender_refused", custody::reply_for(**refused),
                              transaction_->mail.from.text(), (*refused)->text);
  }
  auto came = co_await reception();
  if (!came) co_return failed(came.error(), "reading the tenant");
  came->content_ended = ended;
  const auto outcome = co_await ports_.custody.accept(std::move(*came), std::move(content));
  if (!outcome) {
    not_accepted(outcome.error(), account_->address.text());
  } else if (const auto* not_allowed = std::get_if<custody::NotAllowed>(&*outcome)) {
    ports_.events.emit({base::Severity::warning,
                        "msa.sending_limit",
                        {{"tenant", co_await ports_.directory.tenant_name(account_->tenant)},
                         {"account", account_->address.text()},
                         {"reason", not_allowed->outcome.reason}}});
    if (not_allowed->outcome.stopped_now)
      ports_.directory.report_stopped(*account_, not_allowed->outcome.reason);
  }
  co_return custody::reply_for(outcome, transaction_->trace);
}

net::Task<smtp::Reply> Handler::on_content_end(smtp::ContentFacts) {
  const auto ended = ports_.clock.steady();
  auto content = co_await transaction_->intake->finish();
  smtp::Reply said;
  if (!content) {
    said = custody::reply_for(content.error());
    not_accepted(content.error(), account_->address.text());
  } else if (!*content) {
    said = co_await refuse("msa.content_refused", custody::reply_for(content->error()),
                           transaction_->mail.from.text(), content->error().text);
  } else {
    said = co_await take(std::move(**content), ended);
  }
  transaction_.reset();
  co_return said;
}

net::Task<> Handler::on_reset() {
  transaction_.reset();
  co_return;
}

Msa::Msa(Ports ports, Options options) : ports_(ports), options_(std::move(options)) {}

net::Task<> Msa::session(std::unique_ptr<net::Connection> connection, drive::Sessions* sessions,
                         protection::Loopback loopback) {
  Handler handler(
      ports_, options_,
      {connection->peer(), protection::network_of(*connection, options_.networks, loopback)});
  drive::SmtpServer server(std::move(connection), handler,
                           {ports_.clock, ports_.random, &ports_.tls, sessions}, options_.server);
  co_await server.run();
}

}  // namespace letterlock::msa
