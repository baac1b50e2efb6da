// A session under any octets: bounded, never stuck, and no content reaches the handler that a
// careless reader could take for two messages.
#include "smtp/session.h"

#include <cstdint>
#include <string>

#include "base/assert.h"
#include "fuzz/mutators.h"

namespace smtp = letterlock::smtp;

namespace {

struct Driver {
  smtp::ServerSession session;
  std::string pending;
  char last = '\n';

  void give(std::string_view content) {
    for (const char c : content) {
      ASSERT(c != '\0' && (last == '\r') == (c == '\n' && last == '\r'));
      last = c;
    }
  }
  void step_content() {
    const auto step = session.content(pending);
    give(step.content);
    ASSERT(step.consumed <= pending.size());
    pending.erase(0, step.consumed);
    if (step.next == smtp::ContentStep::Next::message) {
      ASSERT(last != '\r');
      session.message_decided(smtp::reply(250, ""));
    }
    if (step.next == smtp::ContentStep::Next::close) ASSERT(session.is_closed());
    if (!session.in_content() && session.phase() != smtp::Phase::chunks) last = '\n';
  }
  void take(const smtp::Say& step) { ASSERT(step.reply.code >= 200); }
  void take(const smtp::Close&) { ASSERT(session.is_closed()); }
  void take(const smtp::Reset&) { last = '\n'; }
  void take(const smtp::Continue&) { ASSERT(session.in_content()); }
  void take(const smtp::Begin&) {
    last = '\n';
    (void)session.content_begun(smtp::reply(354, ""));
  }
  void take(const smtp::BeginTls&) {
    ASSERT(pending.empty());
    session.tls_started(smtp::ChannelBinding::available);
  }
  void take(const smtp::AuthAnswer& step) {
    if (step.octets.size() % 2 == 0) {
      session.auth_decided(smtp::reply(step.octets.empty() ? 535 : 235, ""));
    } else {
      session.auth_continues();
    }
  }
  void take(const smtp::Hello& hello) {
    last = '\n';
    (void)session.hello_decided(hello, smtp::reply(250, ""));
  }
  void take(const smtp::Mail& mail) { session.mail_decided(mail, smtp::reply(250, "")); }
  void take(const smtp::Rcpt& rcpt) {
    session.rcpt_decided(smtp::reply(rcpt.to.local_part().size() == 2 ? 550 : 250, ""));
  }
  void take(const smtp::Auth&) { session.auth_continues(); }

  bool step_line() {
    std::size_t consumed = 0;
    const auto step = session.next(pending, consumed);
    ASSERT(consumed <= pending.size());
    pending.erase(0, consumed);
    if (step) std::visit([this](const auto& known) { take(known); }, *step);
    return step.has_value() || consumed > 0;
  }

  void run() {
    while (!session.is_closed()) {
      if (!session.in_content()) {
        if (!step_line()) break;
        continue;
      }
      const std::size_t before = pending.size();
      if (before == 0 && session.content_octets_expected() > 0) break;
      step_content();
      if (session.in_content() && pending.size() == before && before > 0) break;
    }
    ASSERT(pending.size() < 12288 || session.is_closed());
  }
};

// What is worth saying here, in any order.
constexpr std::string_view words[] = {"EHLO c.example\r\n",
                                      "HELO c.example\r\n",
                                      "MAIL FROM:<a@a.example>\r\n",
                                      "MAIL FROM:<> SIZE=400 BODY=8BITMIME SMTPUTF8\r\n",
                                      "RCPT TO:<b@b.example>\r\n",
                                      "RCPT TO:<no@b.example> NOTIFY=NEVER\r\n",
                                      "DATA\r\n",
                                      "BDAT 0\r\n",
                                      "BDAT 6\r\nab\r\n\r\n",
                                      "BDAT 3 LAST\r\nx\r\n",
                                      "BDAT 9999 LAST\r\n",
                                      "STARTTLS\r\n",
                                      "AUTH PLAIN\r\n",
                                      "AUTH PLAIN AGEAYg==\r\n",
                                      "AUTH LOGIN\r\n",
                                      "0LHQvtCx\r\n",
                                      "*\r\n",
                                      "RSET\r\n",
                                      "NOOP\r\n",
                                      "QUIT\r\n",
                                      ".\r\n",
                                      "..\r\n",
                                      "\r\n.\r\n",
                                      "\n.\n",
                                      "\r.\r",
                                      "\r\n.\n",
                                      "\n.\r\n",
                                      std::string_view("\r\n\0.\r\n", 6),
                                      "Subject: x\r\n\r\n",
                                      "GET / HTTP/1.1\r\n"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  smtp::ServerOptions options;
  options.host_name = *letterlock::address::Domain::parse("mx.example");
  options.authentication = smtp::Need::offered;
  options.mechanisms = {letterlock::sasl::Mechanism::plain};
  options.size_octets_max = 500;
  options.line_ends = (data[0] & 1) != 0 ? smtp::LineEnds::normalise : smtp::LineEnds::strict;
  Driver driver{.session = smtp::ServerSession(options)};
  const std::size_t part = 1 + data[0] / 2;
  while (!octets.empty() && !driver.session.is_closed()) {
    driver.pending += octets.substr(0, part);
    octets.remove_prefix(std::min(part, octets.size()));
    driver.run();
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned int seed) {
  return letterlock::fuzz::change_lines({data, size_max}, size, seed, 1, words);
}
