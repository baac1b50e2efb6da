// RETR, TOP, QUIT.
#include <fmt/format.h>

#include "base/assert.h"
#include "pop/response.h"
#include "pop/session.h"

namespace letterlock::pop {

Action ServerSession::on(const command::Retr& command) {
  if (!maildrop_.has(command.message)) return no_such_message();
  return SendContent{ok(fmt::format("{} octets", maildrop_.octets(command.message))),
                     maildrop_.uid(command.message),
                     {}};
}

Action ServerSession::on(const command::Top& command) {
  if (!maildrop_.has(command.message)) return no_such_message();
  return SendContent{ok("top of message"), maildrop_.uid(command.message), command.lines};
}

Action ServerSession::content_missing(Missing why) {
  ASSERT(state_ == State::transaction);
  switch (why) {
    case Missing::gone:
      // Another session may have deleted it since this one began.
      return Say{err(Code::none, "message is gone")};
    case Missing::later:
      return Say{err(Code::sys_temp, "not now, try later")};
    case Missing::unprotected:
      return Say{
          err(Code::sys_perm, "its sender lets it be read over TLS alone: use port 995, or STLS")};
  }
  ASSERT(false && "content is missing for a reason without words");
}

Action ServerSession::on(const command::Quit&) {
  if (state_ == State::authorization) return close(ok("bye"));
  auto uids = maildrop_.marked();
  if (uids.empty()) return close(ok("bye"));
  // RFC 1939 §6: only QUIT in the transaction state removes anything.
  state_ = State::update;
  return Commit{std::move(uids)};
}

Action ServerSession::committed(bool done) {
  ASSERT(state_ == State::update);
  return close(done ? ok("bye") : err(Code::sys_temp, "not all was deleted"));
}

}  // namespace letterlock::pop
