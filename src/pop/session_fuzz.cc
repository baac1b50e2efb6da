// A stranger's octets into the line reader and the session, in pieces; then the formats. Holds:
// memory stays bounded, each response is whole lines, nothing but a given sign-in opens the
// mailbox, content can't end itself.
#include "pop/session.h"

#include <cstdint>

#include "base/assert.h"
#include "fuzz/mutators.h"
#include "pop/content.h"
#include "pop/response.h"

namespace {
using namespace letterlock;
using namespace letterlock::pop;

void whole_lines(std::string_view text) {
  ASSERT(text.empty() || text.ends_with("\r\n"));
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') ASSERT(i > 0 && text[i - 1] == '\r');
  }
}

Maildrop some_messages() {
  Maildrop maildrop("1");
  for (std::uint32_t i = 1; i < 5; ++i) maildrop.add(i * 3, std::uint64_t{100} * i);
  return maildrop;
}

// What a caller would do; true while the session goes on.
struct Caller {
  ServerSession& session;
  bool tls;
  bool operator()(const Say& a) const {
    whole_lines(a.text);
    return true;
  }
  bool operator()(const Close& a) const {
    whole_lines(a.text);
    return false;
  }
  bool operator()(const StartTls&) const {
    ASSERT(!tls);
    return false;
  }
  bool operator()(const AllowClear& a) const {
    ASSERT(!tls);
    return std::visit(*this, session.clear_allowed(a.user.size() % 2 == 0));
  }
  bool operator()(const CheckPassword& a) const {
    ASSERT(!a.user.empty() && (tls || a.user.size() % 2 == 0));
    if (a.password == "tree") return std::visit(*this, session.signed_in(some_messages()));
    return std::visit(*this, session.refused(Refusal::credentials));
  }
  bool operator()(const PasswordShown& a) const {
    ASSERT(!a.shown.user.empty() && !a.shown.password.empty());
    return std::visit(*this, a.then);
  }
  bool operator()(const Exchange&) const {
    ASSERT(tls);
    return std::visit(*this, session.refused(Refusal::malformed));
  }
  bool operator()(const SendListing& a) const {
    ASSERT(session.is_signed_in());
    whole_lines(a.head);
    std::string all;
    for (auto more = session.next_listing(10); !more.empty(); more = session.next_listing(10))
      all += more;
    ASSERT(all.ends_with(".\r\n"));
    return true;
  }
  bool operator()(const SendContent& a) const {
    ASSERT(session.is_signed_in() && a.uid % 3 == 0 && a.uid > 0);
    return true;
  }
  bool operator()(const Commit& a) const {
    ASSERT(!a.uids.empty() && a.uids.size() < 5);
    return std::visit(*this, session.committed(true));
  }
};

void run_session(std::string_view input, bool tls, std::size_t step) {
  ServerSession session({.tls = tls,
                         .stls_offered = true,
                         .clear_sign_in = true,
                         .mechanisms = {sasl::Mechanism::plain}});
  LineReader reader(ServerSession::line_octets_max);
  const Caller caller{session, tls};
  for (std::size_t i = 0; i < input.size(); i += step) {
    reader.add(input.substr(i, step));
    while (const auto line = reader.next()) {
      if (!std::visit(caller, session.line(*line))) return;
    }
    ASSERT(reader.octets() <= ServerSession::line_octets_max);
  }
}

void run_content(std::string_view input, std::size_t step) {
  DotStuffer stuffer;
  std::string wire;
  for (std::size_t i = 0; i < input.size(); i += step) stuffer.add(input.substr(i, step), wire);
  stuffer.finish(wire);
  ASSERT(wire.size() <= 2 * input.size() + 5);
  whole_lines(wire);
  DotUnstuffer unstuffer;
  std::string content;
  ASSERT(unstuffer.add(wire, content) == wire.size() && unstuffer.done());
  if (!stuffer.converted()) ASSERT(content == input || content == std::string(input) + "\r\n");
  TopCutter cutter(static_cast<std::uint32_t>(step));
  TopCutter in_pieces(static_cast<std::uint32_t>(step));
  std::size_t taken = 0;
  for (std::size_t i = 0; i < input.size(); i += step)
    taken += in_pieces.add(input.substr(i, step));
  ASSERT(cutter.add(input) == taken);
}

void round_trip(std::string_view input) {
  if (const auto command = parse_command(input)) {
    const auto line = to_line(*command);
    const auto again = parse_command(std::string_view(line).substr(0, line.size() - 2));
    ASSERT(again && again->index() == command->index() && to_line(*again) == line);
  }
  if (const auto status = parse_status(input)) ASSERT(status->text.size() <= input.size());
  if (const auto id = parse_unique_id(input)) ASSERT(!id->id.empty() && id->id.size() <= 70);
  (void)parse_pair(input);
}

// What is worth saying here, in any order.
constexpr std::string_view words[] = {"USER bo\r\n",
                                      "USER bob\r\n",
                                      "PASS tree\r\n",
                                      "PASS no\r\n",
                                      "AUTH PLAIN\r\n",
                                      "AUTH PLAIN =\r\n",
                                      "AUTH X\r\n",
                                      "AUTH LOGIN\r\n",
                                      "AUTH=PLAIN AGIAYg==\r\n",
                                      "Ym9i\r\n",
                                      "*\r\n",
                                      "STLS\r\n",
                                      "CAPA\r\n",
                                      "STAT\r\n",
                                      "LIST\r\n",
                                      "LIST 2\r\n",
                                      "UIDL\r\n",
                                      "UIDL 4294967296\r\n",
                                      "RETR 1\r\n",
                                      "TOP 2 0\r\n",
                                      "TOP 1 99999999999\r\n",
                                      "DELE 3\r\n",
                                      "DELE 0\r\n",
                                      "RSET\r\n",
                                      "NOOP\r\n",
                                      "QUIT\r\n",
                                      "\n",
                                      "\r",
                                      "GET / HTTP/1.1\r\n"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t step = 1 + data[1] % 64;
  switch (data[0] % 4) {
    case 0:
      run_session(input, true, step);
      break;
    case 1:
      run_session(input, false, step);
      break;
    case 2:
      run_content(input, step);
      break;
    default:
      round_trip(input);
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned int seed) {
  return letterlock::fuzz::change_lines({data, size_max}, size, seed, 2, words);
}
