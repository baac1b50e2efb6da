// How a client signs in: USER and PASS, or a SASL exchange.
#include "drive/pop_conversation.h"
#include "sasl/keys.h"

namespace letterlock::drive {
namespace {

using base::ErrorKind;

// More answers than any mechanism has.
constexpr int exchange_turns_max = 8;
// As many as there may be wrong commands.
constexpr int unread_lines_max = 20;
// 18 octets make a nonce of 24 characters. RFC: 5802 section 5.1.
constexpr std::size_t nonce_random_octets = 18;

PopSignIn::How how_of(const sasl::Success& success) {
  if (success.by_certificate) return PopSignIn::How::certificate;
  if (success.password_seen) return PopSignIn::How::password;
  return success.channel_bound ? PopSignIn::How::scram_plus : PopSignIn::How::scram;
}

}  // namespace

net::ResultTask<pop::Action> PopConversation::ask_clear(pop::AllowClear asked) {
  const auto user = sasl::prepare(asked.user);
  if (!user) co_return session_->clear_allowed(false);
  const auto allowed = co_await handler_.clear_allowed(*user);
  if (!allowed) co_return co_await refuse(pop::Refusal::temporary);
  co_return session_->clear_allowed(*allowed);
}

net::ResultTask<pop::Action> PopConversation::check_password(pop::CheckPassword asked) {
  auto user = sasl::prepare(asked.user);
  if (!user) co_return co_await refuse(pop::Refusal::credentials);
  const auto standing = co_await handler_.check_password(*user, std::move(asked.password), tls_);
  if (!standing && standing.error().kind == ErrorKind::cancelled)
    co_return base::fail(standing.error());
  if (!standing) co_return co_await refuse(pop::Refusal::temporary);
  if (*standing == sasl::Standing::refused) co_return co_await refuse(pop::Refusal::credentials);
  co_return co_await sign_in({std::move(*user), PopSignIn::How::password, tls_});
}

net::Task<> PopConversation::tell(std::optional<sasl::ShownPassword> shown) {
  if (!shown) co_return;
  auto user = sasl::prepare(shown->user);
  if (user) co_await handler_.password_shown(std::move(*user), std::move(shown->password), tls_);
}

// The exchange won't ask the handler about a message that it can't read, and a listener could.
net::Task<> PopConversation::tell_malformed(sasl::Mechanism mechanism, std::string_view answer) {
  co_await tell(sasl::shown_beside(mechanism, answer));
}

// What came and nobody reads on; the last line may have no end.
net::Task<> PopConversation::tell_unread() {
  for (int i = 0; i < unread_lines_max; ++i) {
    const auto line = lines_.next();
    if (!line) break;
    co_await tell(session_->unread(*line));
  }
  if (!lines_.has_line()) co_await tell(session_->unread({lines_.take_rest()}));
}

net::ResultTask<pop::Action> PopConversation::exchange(pop::Exchange asked) {
  const auto nonce = sasl::nonce_from(world_.random.octets(nonce_random_octets));
  const auto mechanism = sasl::make_server({.mechanism = asked.mechanism,
                                            .nonce = nonce,
                                            .channel_binding = channel_binding_,
                                            .certificate_user = certificate_user_});
  std::optional<base::BytesView> initial;
  if (asked.initial) {
    initial = *asked.initial;
    co_await tell_malformed(asked.mechanism, *asked.initial);
  }
  sasl::Step step = mechanism->begin(initial);
  bool checked = false;  // by its password
  for (int turn = 0; turn < exchange_turns_max; ++turn) {
    checked = checked || std::holds_alternative<sasl::NeedCheck>(step);
    auto answered = co_await answer(*mechanism, std::move(step), asked.mechanism);
    if (!answered && answered.error().kind == ErrorKind::cancelled)
      co_return base::fail(std::move(answered.error()));
    if (!answered) co_return co_await refuse(pop::Refusal::temporary);
    step = std::move(*answered);
    if (auto* success = std::get_if<sasl::Success>(&step)) {
      const auto how = how_of(*success);
      co_return co_await sign_in({std::move(success->user), how, tls_});
    }
    if (const auto* failure = std::get_if<sasl::Failure>(&step)) {
      const bool told = checked && failure->reason == sasl::Failure::Reason::credentials;
      if (!told) handler_.exchange_failed(asked.mechanism, *failure);
      const bool malformed = failure->reason == sasl::Failure::Reason::malformed;
      co_return co_await refuse(malformed ? pop::Refusal::malformed : pop::Refusal::credentials);
    }
    auto* challenge = std::get_if<sasl::Challenge>(&step);
    if (challenge == nullptr) break;
    CO_TRY(const auto response, co_await ask_client(std::move(challenge->octets)));
    if (!response) {
      handler_.exchange_failed(
          asked.mechanism,
          {sasl::Failure::Reason::malformed, "the client gave up, or answered what isn't base64"});
      co_return co_await refuse(pop::Refusal::cancelled);
    }
    co_await tell_malformed(asked.mechanism, *response);
    step = mechanism->respond(*response);
  }
  co_return co_await refuse(pop::Refusal::malformed);
}

// What the mechanism needs to know, from the handler. Errors: the handler's.
net::ResultTask<sasl::Step> PopConversation::answer(sasl::ServerMechanism& mechanism,
                                                    sasl::Step step, sasl::Mechanism which) {
  if (auto* need = std::get_if<sasl::NeedKeys>(&step)) {
    CO_TRY(auto found, co_await handler_.keys(std::move(need->user), which, tls_));
    co_return mechanism.give(std::move(found.keys), found.standing);
  }
  if (auto* check = std::get_if<sasl::NeedCheck>(&step)) {
    CO_TRY(const auto standing, co_await handler_.check_password(std::move(check->user),
                                                                 std::move(check->password), tls_));
    co_return mechanism.checked(standing);
  }
  if (auto* shown = std::get_if<sasl::NeedCertificate>(&step)) {
    CO_TRY(const auto standing, co_await handler_.check_certificate(std::move(shown->user), *tls_));
    co_return mechanism.checked(standing);
  }
  if (const auto* proof = std::get_if<sasl::NeedTurn>(&step)) {
    CO_CHECK(co_await handler_.proved(proof->fits));
    co_return mechanism.turn();
  }
  co_return step;
}

// The decoded answer to a challenge; none if the client gives up, or answers what isn't base64.
net::ResultTask<std::optional<base::Bytes>> PopConversation::ask_client(base::Bytes challenge) {
  // RFC 5034 §4: "+", a space, and the challenge in base64, which may be empty.
  out_ += "+ " + base::to_base64(challenge) + "\r\n";
  CO_TRY(const auto line, co_await read_line(options_.exchange_wait));
  if (line.text == "*") co_return std::nullopt;
  auto octets = base::from_base64(line.text);
  if (octets && line.fault == pop::Line::Fault::none) co_return std::move(*octets);
  co_await tell(session_->unread(line));
  co_return std::nullopt;
}

net::ResultTask<pop::Action> PopConversation::sign_in(PopSignIn sign_in) {
  auto maildrop = co_await handler_.signed_in(std::move(sign_in));
  if (maildrop) co_return session_->signed_in(std::move(*maildrop));
  if (maildrop.error().kind == ErrorKind::cancelled)
    co_return base::fail(std::move(maildrop.error()));
  const bool denied = maildrop.error().kind == ErrorKind::denied;
  co_return co_await refuse(denied ? pop::Refusal::credentials : pop::Refusal::temporary);
}

net::ResultTask<pop::Action> PopConversation::refuse(pop::Refusal why) {
  // Guessing is slow, whatever was guessed.
  CO_CHECK(co_await world_.timers.sleep(options_.refusal_delay));
  co_return session_->refused(why);
}

}  // namespace letterlock::drive
