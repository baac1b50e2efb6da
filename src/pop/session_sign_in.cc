// USER, PASS, AUTH, STLS, CAPA, and how a sign-in ends.
#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "pop/response.h"
#include "pop/session.h"

namespace letterlock::pop {
namespace {
// RFC 3206 §4: the way to sign in is at fault, not the machine.
constexpr auto need_tls = "signing in needs TLS here";
}  // namespace

Action ServerSession::on(const command::User& command) {
  user_.clear();
  if (!user_offered()) return Say{err(Code::auth, need_tls)};
  if (options_.tls) {
    user_ = command.name;
    return Say{ok("password?")};
  }
  // Before the password crosses the wire, and by the name's tenant alone.
  user_ = command.name;
  return AllowClear{command.name};
}

Action ServerSession::clear_allowed(bool allowed) {
  if (allowed) return Say{ok("password?")};
  user_.clear();
  return Say{err(Code::auth, need_tls)};
}

Action ServerSession::on(const command::Pass& command) {
  // RFC 1939 §7: PASS only directly after a successful USER. Some clients send it all the same.
  if (user_.empty()) return error("USER first");
  return CheckPassword{std::exchange(user_, {}), command.password};
}

Action ServerSession::on(const command::Auth& command) {
  user_.clear();
  const auto mechanism = sasl::mechanism_from(command.mechanism);
  // RFC 5034 §4 with RFC 8314 §3.3: nothing of a sign-in crosses without TLS.
  if (!options_.tls) return Say{err(Code::auth, need_tls)};
  if (!mechanism ||
      std::ranges::find(options_.mechanisms, *mechanism) == options_.mechanisms.end()) {
    return error("no such mechanism");
  }
  return Exchange{*mechanism, command.initial};
}

Action ServerSession::on(const command::Stls&) {
  // RFC 2595 §4: not where TLS is active already.
  if (options_.tls || !options_.stls_offered) return error("no STLS here");
  return StartTls{ok("begin TLS")};
}

Action ServerSession::on(const command::Capa&) {
  auto text = ok("capabilities") +
              "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n";
  if (user_offered()) text += "USER\r\n";
  // RFC 2595 §4: only while it can be used.
  if (!options_.tls && options_.stls_offered && state_ == State::authorization) text += "STLS\r\n";
  if (options_.tls && !options_.mechanisms.empty()) {
    text += "SASL";
    for (const auto mechanism : options_.mechanisms) text += fmt::format(" {}", name(mechanism));
    text += "\r\n";
  }
  return Say{text + ".\r\n"};
}

Action ServerSession::signed_in(Maildrop maildrop) {
  ASSERT(state_ == State::authorization);
  state_ = State::transaction;
  errors_ = 0;
  maildrop_ = std::move(maildrop);
  return Say{ok(fmt::format("{} messages, {} octets", maildrop_.count(), maildrop_.octets()))};
}

Action ServerSession::refused(Refusal why) {
  ASSERT(state_ == State::authorization);
  user_.clear();
  switch (why) {
    case Refusal::credentials:
      if (++refusals_ >= options_.refusals_max)
        return close(err(Code::auth, "sign-in failed, too often"));
      return Say{err(Code::auth, "sign-in failed")};
    case Refusal::malformed:
      return error("not a sign-in");
    case Refusal::cancelled:
      return error("sign-in cancelled");
    case Refusal::temporary:
      if (++refusals_ >= options_.refusals_max)
        return close(err(Code::sys_temp, "not now, try later"));
      return Say{err(Code::sys_temp, "not now, try later")};
  }
  return Close{};
}

}  // namespace letterlock::pop
