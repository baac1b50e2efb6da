#include "pop/session.h"

#include "base/assert.h"
#include "pop/response.h"

namespace letterlock::pop {
namespace {

// Which state a command belongs to. RFC: 1939 sections 4 and 5.
enum class Where { authorization, transaction, both };

struct Place {
  Where operator()(const command::User&) const { return Where::authorization; }
  Where operator()(const command::Pass&) const { return Where::authorization; }
  Where operator()(const command::Auth&) const { return Where::authorization; }
  Where operator()(const command::Stls&) const { return Where::authorization; }
  Where operator()(const command::Capa&) const { return Where::both; }
  Where operator()(const command::Quit&) const { return Where::both; }
  Where operator()(const auto&) const { return Where::transaction; }
};

bool signs_in(const Command& command) {
  return std::holds_alternative<command::User>(command) ||
         std::holds_alternative<command::Pass>(command) ||
         std::holds_alternative<command::Auth>(command);
}

}  // namespace

// No "<…>" of APOP's in it: a client that finds one may send a digest of MD5. RFC: 1939 section 7.
std::string ServerSession::greeting() const {
  return ok("Letterlock POP3 ready");
}

Action ServerSession::line(const Line& line) {
  ASSERT(state_ != State::update);
  if (state_ == State::ended) return Close{};
  const auto command = line.fault == Line::Fault::none
                           ? parse_command(line.text)
                           : base::fail(base::ErrorKind::invalid, "not a line");
  auto action = answer(line, command);
  if (command && !signs_in(*command)) return action;
  // Somebody checks that one.
  if (std::holds_alternative<CheckPassword>(action) || std::holds_alternative<Exchange>(action))
    return action;
  return telling(std::move(action), line);
}

std::optional<sasl::ShownPassword> ServerSession::unread(const Line& line) {
  return passwords_.find_in(line.text);
}

Action ServerSession::telling(Action refusal, const Line& line) {
  auto shown = passwords_.find_in(line.text);
  if (!shown) return refusal;
  if (auto* say = std::get_if<Say>(&refusal))
    return PasswordShown{std::move(*shown), std::move(*say)};
  if (auto* last = std::get_if<Close>(&refusal))
    return PasswordShown{std::move(*shown), std::move(*last)};
  return refusal;
}

Action ServerSession::answer(const Line& line, const base::Result<Command>& command) {
  switch (line.fault) {
    case Line::Fault::too_long:
      return error("line too long");
    case Line::Fault::bare_lf:
      return error("lines end with CRLF");
    case Line::Fault::none:
      break;
  }
  if (state_ == State::authorization && ++unknown_commands_ > options_.unknown_commands_max) {
    return close(err(Code::none, "too many commands"));
  }
  if (command) return run(*command);
  if (command.error().kind == base::ErrorKind::not_found) {
    if (is_another_protocol(line.text)) return close(err(Code::none, "this is POP3"));
    return error("no such command");
  }
  return error(command.error().what);
}

Action ServerSession::run(const Command& command) {
  const auto where = std::visit(Place(), command);
  if (where == Where::authorization && state_ != State::authorization)
    return error("signed in already");
  if (where == Where::transaction && state_ != State::transaction) return error("sign in first");
  return std::visit([this](const auto& kind) { return on(kind); }, command);
}

Action ServerSession::error(std::string_view text) {
  if (++errors_ > options_.errors_max) return close(err(Code::none, "too many errors"));
  return Say{err(Code::none, text)};
}

Action ServerSession::close(std::string text) {
  state_ = State::ended;
  return Close{std::move(text)};
}

}  // namespace letterlock::pop
