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

}  // namespace

// No "<…>" of APOP's in it: a client that finds one may send a digest of MD5. RFC: 1939 section 7.
std::string ServerSession::greeting() const {
  return ok("Letterlock POP3 ready");
}

Action ServerSession::line(const Line& line) {
  ASSERT(state_ != State::update);
  if (state_ == State::ended) return Close{};
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
  const auto command = parse_command(line.text);
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
