// A reply: what a server says to one command. Written by our servers, read by our clients.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dsn/status.h"

namespace letterlock::smtp {

struct Reply {
  std::uint16_t code = 250;
  // Absent where none belongs: the greeting, EHLO's answer, 3yz. RFC: 2034 section 4.
  std::optional<dsn::Status> status;
  // One at least; without code and status.
  std::vector<std::string> lines{""};

  bool is_positive() const { return code >= 200 && code < 300; }
  bool is_intermediate() const { return code >= 300 && code < 400; }
  bool is_temporary() const { return code >= 400 && code < 500; }
  bool is_permanent() const { return code >= 500; }
  // The status, or what the code alone says.
  dsn::Status status_or_default() const;
  // All of it on one line, for logs and reports: "550 5.1.1 no such user". Raw: the sink quotes.
  std::string text() const;
  bool operator==(const Reply&) const = default;
};

Reply reply(unsigned code, dsn::Status status, std::string_view text);
// Without a status.
Reply reply(unsigned code, std::string_view text);

// The reply as it goes over the wire, every line ended by CRLF, appended to `out`. Whatever can't
// stand in a line (controls) becomes "?": no text of ours or a stranger's makes a second reply.
// Limits: lines are cut to 512 octets, a challenge (334) to 12288. RFC: 5321 sections 4.2.1
// and 4.5.3.1.5.
void append(const Reply& reply, std::string& out);

// Reads one reply at a time from octets as they come in.
class ReplyParser {
 public:
  // Takes octets up to the end of one reply and returns how many it took. Call is_done() then.
  // Errors: protocol (no code, codes that differ, a bare CR or LF, NUL, too long). Then the
  // connection is of no further use. Limits: 2048 octets a line (334: 12288), 128 lines, 32 KiB in
  // all.
  base::Result<std::size_t> feed(std::string_view octets);
  bool is_done() const { return done_; }
  // Some octets of a reply were read and more are missing.
  bool is_within() const { return !done_ && (!line_.empty() || code_ != 0); }
  // The reply; the parser begins anew. Only when is_done().
  Reply take();

 private:
  base::Result<void> take_line();

  std::string line_;
  std::uint16_t code_ = 0;
  std::vector<std::string> lines_;
  std::size_t octets_ = 0;
  bool done_ = false;
};

}  // namespace letterlock::smtp
