// What is done about each step of the machine.
#include "base/assert.h"
#include "base/bytes.h"
#include "drive/smtp_server.h"
#include "sasl/plain.h"

namespace letterlock::drive {
namespace status = dsn::status;
namespace {

using base::ErrorKind;
using Next = smtp::ContentStep::Next;

constexpr dsn::Status authentication_failure{4, 7, 0};

// The peer gets a generic sentence; the handler has told its log the rest.
smtp::Reply content_refusal(const base::Error& error) {
  switch (error.kind) {
    case ErrorKind::full:
      return smtp::reply(452, status::system_full, "no room, try later");
    case ErrorKind::invalid:
      return smtp::reply(554, dsn::Status{5, 6, 0}, "the content can't be taken");
    default:
      return smtp::reply(451, dsn::Status{4, 3, 0}, "something failed here, try later");
  }
}

}  // namespace

net::Task<> SmtpServer::reset() {
  if (!std::exchange(transaction_open_, false)) co_return;
  co_await handler_.on_reset();
}

net::Task<> SmtpServer::tell(smtp::Shown shown) {
  for (auto& one : shown) {
    auto user = sasl::prepare(one.user);
    if (user) co_await handler_.on_password_shown(std::move(*user), std::move(one.password));
  }
}

// The exchange won't ask the handler about a message that it can't read, and a listener could.
net::Task<> SmtpServer::tell_malformed(std::string_view answer) {
  if (auto shown = sasl::shown_beside(mechanism_, answer)) co_await tell({std::move(*shown)});
}

// What came and nobody reads on.
net::Task<> SmtpServer::tell_unread() {
  co_await tell(session_.unread(buffer_.view()));
  buffer_.clear();
}

net::ResultTask<> SmtpServer::take(smtp::Say step) {
  co_await tell(std::move(step.shown));
  say(step.reply);
  co_return base::Result<>();
}

net::ResultTask<> SmtpServer::take(smtp::Close step) {
  co_await tell(std::move(step.shown));
  end_ = step.reply.code == 221 ? SmtpEnd::quit : SmtpEnd::refused;
  say(step.reply);
  co_return base::Result<>();
}

net::ResultTask<> SmtpServer::take(smtp::Reset step) {
  co_await reset();
  say(step.reply);
  co_return base::Result<>();
}

net::ResultTask<> SmtpServer::take(smtp::Continue) {
  co_return base::Result<>();
}

net::ResultTask<> SmtpServer::take(smtp::Begin) {
  content_failure_.reset();
  smtp::Reply reply = co_await handler_.on_content_begin();
  const bool go = reply.is_positive() || reply.is_intermediate();
  if (!go) co_await reset();
  if (const auto said = session_.content_begun(std::move(reply))) say(*said);
  if (session_.is_closed()) end_ = SmtpEnd::refused;
  co_return base::Result<>();
}

net::ResultTask<> SmtpServer::take(smtp::BeginTls step) {
  co_await reset();
  say(step.reply);
  CO_CHECK(co_await flush());
  ASSERT(buffer_.is_empty());
  co_return co_await begin_tls();
}

net::ResultTask<> SmtpServer::take(smtp::Hello hello) {
  co_await reset();
  smtp::Reply reply = co_await handler_.on_ehlo(hello);
  say(session_.hello_decided(hello, std::move(reply)));
  if (session_.is_closed()) end_ = SmtpEnd::refused;
  co_return base::Result<>();
}

net::ResultTask<> SmtpServer::take(smtp::Mail mail) {
  const smtp::Reply reply = co_await handler_.on_mail(mail);
  transaction_open_ = reply.is_positive();
  session_.mail_decided(mail, reply);
  say(reply);
  if (session_.is_closed()) end_ = SmtpEnd::refused;
  co_return base::Result<>();
}

net::ResultTask<> SmtpServer::take(smtp::Rcpt rcpt) {
  const smtp::Reply reply = co_await handler_.on_rcpt(std::move(rcpt));
  session_.rcpt_decided(reply);
  say(reply);
  if (session_.is_closed()) end_ = SmtpEnd::refused;
  co_return base::Result<>();
}

net::Task<> SmtpServer::give(std::string_view octets) {
  if (octets.empty() || content_failure_) co_return;
  const auto taken = co_await handler_.on_content(octets);
  if (taken) co_return;
  content_failure_ = content_refusal(taken.error());
  session_.content_failed(*content_failure_);
  // What was kept of it goes now, and not when the client has said the rest.
  co_await reset();
}

net::ResultTask<> SmtpServer::take_content(smtp::ContentStep step) {
  co_await give(step.content);
  buffer_.consume(step.consumed);
  switch (step.next) {
    case Next::more:
      break;
    case Next::chunk_end:
      say(step.reply);
      break;
    case Next::message:
      co_await message();
      break;
    case Next::close:
      end_ = SmtpEnd::refused;
      [[fallthrough]];
    case Next::abandoned:
      co_await reset();
      say(step.reply);
      break;
  }
  co_return base::Result<>();
}

net::Task<> SmtpServer::message() {
  smtp::Reply reply;
  if (content_failure_) {
    reply = *content_failure_;  // the handler failed at the very last octets
  } else {
    transaction_open_ = false;
    reply = co_await handler_.on_content_end(session_.content_facts());
  }
  session_.message_decided(reply);
  say(reply);
  if (session_.is_closed()) end_ = SmtpEnd::refused;
}

std::optional<base::Bytes> SmtpServer::channel_binding() const {
  if (tls_ == nullptr) return std::nullopt;
  auto octets = tls_->exporter(sasl::channel_binding_label, "", sasl::channel_binding_octets);
  if (!octets) return std::nullopt;
  return std::move(*octets);
}

net::ResultTask<> SmtpServer::take(smtp::Auth auth) {
  mechanism_ = auth.mechanism;
  sasl::ServerOptions exchange_options{
      .mechanism = auth.mechanism, .nonce = {}, .channel_binding = {}, .certificate_user = {}};
  if (auth.mechanism == sasl::Mechanism::external) {
    exchange_options.certificate_user = certificate_user_;
  } else if (auth.mechanism != sasl::Mechanism::plain) {
    exchange_options.nonce = sasl::nonce_from(world_.random.octets(18));
    exchange_options.channel_binding = channel_binding();
  }
  exchange_ = sasl::make_server(std::move(exchange_options));
  std::optional<base::BytesView> initial;
  if (auth.initial) {
    initial = *auth.initial;
    co_await tell_malformed(*auth.initial);
  }
  co_return co_await exchange(exchange_->begin(initial));
}

net::ResultTask<> SmtpServer::take(smtp::AuthAnswer step) {
  ASSERT(exchange_ != nullptr);
  using Kind = smtp::AuthAnswer::Kind;
  co_await tell(std::move(step.shown));
  co_await tell_malformed(step.octets);
  if (step.kind == Kind::octets) co_return co_await exchange(exchange_->respond(step.octets));
  // RFC 4954 §4: 501 for "*" and for what isn't base64.
  const bool cancelled = step.kind == Kind::cancelled;
  co_await refuse_exchange(
      {sasl::Failure::Reason::malformed, cancelled ? "the client gave up" : "not base64"});
  co_return base::Result<>();
}

// To the next challenge or to the end.
net::ResultTask<> SmtpServer::exchange(sasl::Step step) {
  std::optional<base::Error> error;
  while (!error) {
    if (auto* keys = std::get_if<sasl::NeedKeys>(&step)) {
      auto account = co_await handler_.on_auth_keys(std::move(keys->user), mechanism_);
      if (!account)
        error = std::move(account.error());
      else
        step = exchange_->give(std::move(account->keys), account->standing);
    } else if (auto* check = std::get_if<sasl::NeedCheck>(&step)) {
      auto standing = co_await handler_.on_auth_check(std::move(*check));
      if (!standing)
        error = std::move(standing.error());
      else
        step = exchange_->checked(*standing);
    } else if (auto* shown = std::get_if<sasl::NeedCertificate>(&step)) {
      auto standing = co_await handler_.on_auth_certificate(std::move(*shown));
      if (!standing)
        error = std::move(standing.error());
      else
        step = exchange_->checked(*standing);
    } else if (const auto* proof = std::get_if<sasl::NeedTurn>(&step)) {
      auto counted = co_await handler_.on_auth_proof(proof->fits);
      if (!counted)
        error = std::move(counted.error());
      else
        step = exchange_->turn();
    } else {
      break;
    }
  }
  if (const auto* challenge = std::get_if<sasl::Challenge>(&step); challenge && !error) {
    session_.auth_continues();
    say(smtp::reply(334, base::to_base64(challenge->octets)));
    co_return base::Result<>();
  }
  if (auto* failure = std::get_if<sasl::Failure>(&step); failure && !error) {
    co_await refuse_exchange(std::move(*failure));
    co_return base::Result<>();
  }
  smtp::Reply reply =
      smtp::reply(454, authentication_failure, "sign-in doesn't work now, try later");
  if (auto* success = std::get_if<sasl::Success>(&step); success && !error) {
    reply = co_await handler_.on_authenticated(std::move(*success), mechanism_);
  }
  exchange_.reset();
  session_.auth_decided(reply);
  say(reply);
  if (session_.is_closed()) end_ = SmtpEnd::refused;
  co_return base::Result<>();
}

net::Task<> SmtpServer::refuse_exchange(sasl::Failure failure) {
  exchange_.reset();
  const bool malformed = failure.reason == sasl::Failure::Reason::malformed;
  const smtp::Reply reply =
      malformed ? smtp::reply(501, status::syntax_error, "the exchange was broken off")
                : smtp::reply(535, status::bad_credentials, "name or password is wrong");
  co_await handler_.on_auth_failed(std::move(failure), mechanism_);
  session_.auth_decided(reply);
  say(reply);
  if (session_.is_closed()) end_ = SmtpEnd::refused;
}

}  // namespace letterlock::drive
