#include "smtp/reply.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/limits.h"

namespace letterlock::smtp {
namespace {

constexpr std::size_t line_octets_max = 2048;
constexpr std::size_t challenge_octets_max = base::limits::auth_line_octets_max;
constexpr std::size_t lines_max = 128;
constexpr std::size_t octets_max = 32 * 1024;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

auto broken(const char* what) {
  return base::fail(base::ErrorKind::protocol, what);
}

// Takes "5.1.1 " off the text if it is a status of the code's class. RFC 2034 §4.
std::optional<dsn::Status> take_status(std::string& text, std::uint16_t code) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const auto status = dsn::Status::parse(std::string_view(text).substr(0, end));
  if (!status || status->klass != code / 100) return std::nullopt;
  text.erase(0, end == text.size() ? end : end + 1);
  return *status;
}

}  // namespace

dsn::Status Reply::status_or_default() const {
  return status ? *status : dsn::Status::from_reply_code(code);
}

std::string Reply::text() const {
  std::string text = fmt::format("{}", code);
  if (status) text += " " + status->text();
  for (const auto& line : lines) {
    if (!line.empty()) text += " " + line;
  }
  return text;
}

Reply reply(unsigned code, dsn::Status status, std::string_view text) {
  return {static_cast<std::uint16_t>(code), status, {std::string(text)}};
}

Reply reply(unsigned code, std::string_view text) {
  return {static_cast<std::uint16_t>(code), std::nullopt, {std::string(text)}};
}

void append(const Reply& reply, std::string& out) {
  ASSERT(reply.code >= 200 && reply.code < 600 && !reply.lines.empty());
  for (std::size_t i = 0; i < reply.lines.size(); ++i) {
    const std::size_t start = out.size();
    fmt::format_to(std::back_inserter(out), "{}{}", reply.code,
                   i + 1 < reply.lines.size() ? '-' : ' ');
    if (reply.status) {
      fmt::format_to(std::back_inserter(out), "{}.{}.{} ", reply.status->klass,
                     reply.status->subject, reply.status->detail);
    }
    // RFC 4954 §4 lets a challenge be longer than other lines, and half of one is none.
    const std::size_t line_max = reply.code == 334 ? base::limits::auth_line_octets_max
                                                   : base::limits::reply_line_octets_max;
    const std::size_t room = line_max - 2 - (out.size() - start);
    const std::size_t text = out.size();
    out.append(reply.lines[i], 0, room);
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(text), out.end(),
        [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, '?');
    out += "\r\n";
  }
}

base::Result<std::size_t> ReplyParser::feed(std::string_view octets) {
  std::size_t taken = 0;
  while (!done_ && taken < octets.size()) {
    const std::string_view rest = octets.substr(taken);
    const std::size_t line_feed = rest.find('\n');
    const std::size_t part = line_feed == std::string_view::npos ? rest.size() : line_feed + 1;
    const bool is_challenge =
        line_.starts_with("334") || (line_.empty() && rest.starts_with("334"));
    if (line_.size() + part > (is_challenge ? challenge_octets_max : line_octets_max))
      return broken("a reply line over 2048 octets");
    octets_ += part;
    if (octets_ > octets_max) return broken("a reply over 32 KiB");
    line_.append(rest.substr(0, part));
    taken += part;
    if (line_feed != std::string_view::npos) TRY(take_line());
  }
  return taken;
}

base::Result<void> ReplyParser::take_line() {
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') {
    return broken("a reply line not ended by CRLF");
  }
  line_.resize(line_.size() - 2);
  if (line_.find_first_of(std::string_view("\r\0", 2)) != std::string::npos) {
    return broken("a reply line with a bare CR or NUL");
  }
  // RFC 5321 §4.2: three digits, the first 2 to 5, then SP, "-" or the end of the line.
  if (line_.size() < 3 || line_[0] < '2' || line_[0] > '5' || !is_digit(line_[1]) ||
      !is_digit(line_[2]) || (line_.size() > 3 && line_[3] != ' ' && line_[3] != '-')) {
    return broken("a line that is no SMTP reply");
  }
  const auto code =
      static_cast<std::uint16_t>((line_[0] - '0') * 100 + (line_[1] - '0') * 10 + (line_[2] - '0'));
  // RFC 5321 §4.2.1: all lines of a reply MUST have the same code.
  if (code_ != 0 && code != code_) return broken("reply lines with different codes");
  code_ = code;
  if (lines_.size() == lines_max) return broken("a reply of over 128 lines");
  done_ = line_.size() == 3 || line_[3] == ' ';
  lines_.push_back(line_.size() > 4 ? line_.substr(4) : std::string());
  line_.clear();
  return {};
}

Reply ReplyParser::take() {
  ASSERT(done_);
  Reply reply;
  reply.code = code_;
  reply.lines = std::move(lines_);
  reply.status = take_status(reply.lines[0], code_);
  // RFC 2034 §4: the code stands on every line; only the same one is taken off.
  for (std::size_t i = 1; reply.status && i < reply.lines.size(); ++i) {
    std::string rest = reply.lines[i];
    if (take_status(rest, code_) == reply.status) reply.lines[i] = std::move(rest);
  }
  *this = ReplyParser();
  return reply;
}

}  // namespace letterlock::smtp
