// STAT, LIST, UIDL, DELE, RSET, NOOP.
#include <fmt/format.h>

#include "pop/response.h"
#include "pop/session.h"

namespace letterlock::pop {

Action ServerSession::no_such_message() {
  return error("no such message");
}

Action ServerSession::on(const command::Stat&) {
  return Say{ok(fmt::format("{} {}", maildrop_.count(), maildrop_.octets()))};
}

Action ServerSession::on(const command::List& command) {
  if (command.message) {
    if (!maildrop_.has(*command.message)) return no_such_message();
    return Say{ok(fmt::format("{} {}", *command.message, maildrop_.octets(*command.message)))};
  }
  listing_ = Listing::sizes;
  listed_ = 0;
  return SendListing{ok(fmt::format("{} messages", maildrop_.count()))};
}

Action ServerSession::on(const command::Uidl& command) {
  if (command.message) {
    if (!maildrop_.has(*command.message)) return no_such_message();
    return Say{ok(fmt::format("{} {}", *command.message, maildrop_.unique_id(*command.message)))};
  }
  listing_ = Listing::ids;
  listed_ = 0;
  return SendListing{ok(fmt::format("{} messages", maildrop_.count()))};
}

std::string ServerSession::next_listing(std::size_t octets_max) {
  std::string lines;
  if (listing_ == Listing::none) return lines;
  while (listed_ < maildrop_.size() && lines.size() < octets_max) {
    ++listed_;
    if (!maildrop_.has(listed_)) continue;
    if (listing_ == Listing::sizes) {
      lines += fmt::format("{} {}\r\n", listed_, maildrop_.octets(listed_));
    } else {
      lines += fmt::format("{} {}\r\n", listed_, maildrop_.unique_id(listed_));
    }
  }
  if (listed_ == maildrop_.size()) {
    listing_ = Listing::none;
    lines += ".\r\n";
  }
  return lines;
}

Action ServerSession::on(const command::Dele& command) {
  // RFC 1939 §5: a number of a message that is marked already is an error too.
  if (!maildrop_.has(command.message)) return no_such_message();
  maildrop_.mark(command.message);
  return Say{ok("marked")};
}

Action ServerSession::on(const command::Rset&) {
  maildrop_.unmark_all();
  return Say{ok(fmt::format("{} messages", maildrop_.count()))};
}

Action ServerSession::on(const command::Noop&) {
  return Say{ok("")};
}

}  // namespace letterlock::pop
