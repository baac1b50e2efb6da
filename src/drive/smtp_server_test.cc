#include "drive/smtp_server.h"

#include "drive/smtp_testing.h"

namespace letterlock::drive::test {
namespace {

using namespace std::string_literals;

const std::string envelope = "MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n";

// Writes, then reads until `octets` have come back, the end of the connection or a second.
net::Task<> say(net::Connection& peer, std::string octets, std::size_t replies,
                std::string& heard) {
  heard.clear();
  (void)co_await peer.write(octets, 5s);
  char buffer[4096];
  while (true) {
    std::size_t lines = 0;
    for (std::size_t at = 0; (at = heard.find("\r\n", at)) != std::string::npos; at += 2) {
      const std::size_t start = at < 1 ? 0 : heard.rfind('\n', at) + 1;
      if (heard.size() > start + 3 && heard[start + 3] == ' ') ++lines;
    }
    if (lines >= replies) co_return;
    const auto count = co_await peer.read_some(buffer, 5s);
    if (!count || *count == 0) {
      heard += count ? "END" : "ERROR";
      co_return;
    }
    heard.append(buffer, *count);
  }
}

struct Served : ServedPipe {
  using ServedPipe::ServedPipe;
  std::string heard;
  // Codes of the replies to these octets.
  std::string operator()(std::string octets, std::size_t replies) {
    run(say(*peer, std::move(octets), replies, heard));
    std::string codes;
    for (std::size_t at = 0; at < heard.size();) {
      if (heard.compare(at, 3, "END") == 0 || heard.compare(at, 5, "ERROR") == 0)
        return codes + heard.substr(at);
      if (heard[at + 3] == ' ') codes += heard.substr(at, 3) + " ";
      const auto end = heard.find("\r\n", at);
      if (end == std::string::npos) return codes + heard.substr(at);
      at = end + 2;
    }
    return codes;
  }
};

TEST(SmtpServer, TakesAMessage) {
  Served served;
  EXPECT_EQ(served("", 1), "220 ");
  EXPECT_EQ(served("EHLO c.example\r\n", 1), "250 ");
  EXPECT_EQ(served(envelope + "RCPT TO:<no@b.example>\r\nDATA\r\n", 4), "250 250 550 354 ");
  EXPECT_EQ(served("Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n", 2), "250 221 ");
  run_until(served.loop, [&] { return served.handler.ended; });
  EXPECT_EQ(served.handler.messages, std::vector<std::string>{"Subject: x\r\n\r\n.dot\r\n"});
  EXPECT_EQ(served.handler.end, SmtpEnd::quit);
  EXPECT_EQ(served.handler.notes,
            (std::vector<std::string>{"ehlo c.example", "mail a@a.example", "rcpt b@b.example",
                                      "rcpt no@b.example", "begin", "end"}));
}

TEST(SmtpServer, ContentCutAnywhereIsTheSame) {
  const std::string content = "Subject: x\r\n\r\n..dot\r\n.\r\n";
  for (std::size_t cut = 0; cut <= content.size(); ++cut) {
    Served served;
    served("EHLO c.example\r\n", 2);
    served(envelope + "DATA\r\n", 3);
    served(content.substr(0, cut), 0);
    served.loop.poll();
    EXPECT_EQ(served(content.substr(cut), 1), "250 ") << cut;
    EXPECT_EQ(served.handler.messages, std::vector<std::string>{"Subject: x\r\n\r\n.dot\r\n"});
  }
}

// What is refused, thrown away or can't be read in an exchange is searched for passwords.
TEST(SmtpServer, PasswordsThatSignNobodyInAreTold) {
  using Shown = std::vector<std::string>;
  const Shown bob{"bob tree"};
  Served clear;
  EXPECT_EQ(clear("EHLO c.example\r\n", 2), "220 250 ");
  EXPECT_EQ(clear("AUTH PLAIN\r\n", 1), "538 ");
  EXPECT_EQ(clear("AGJvYgB0cmVl\r\n", 1), "500 ");
  EXPECT_EQ(std::exchange(clear.handler.shown, {}), bob);
  EXPECT_EQ(clear("STARTTLS\r\nAUTH PLAIN AGJvYgB0cmVl\r\n", 2), "421 END");
  EXPECT_EQ(clear.handler.shown, bob);
  auto options = test_options();
  options.greeting_pause = 1s;
  Served early(options);
  EXPECT_EQ(early("EHLO c.example\r\nAUTH PLAIN AGJvYgB0cmVl\r\n", 2), "421 END");
  EXPECT_EQ(early.handler.shown, bob);
  options = test_options();
  options.start = SmtpServerOptions::Start::tls;
  Served exchange(options);
  exchange(std::string(FakeTls::client_hello), 1);
  exchange("EHLO c.example\r\n", 1);
  EXPECT_EQ(exchange("AUTH PLAIN\r\n", 1), "334 ");
  EXPECT_EQ(exchange("AGJvYgB0cmVl\n", 1), "501 ");
  EXPECT_EQ(std::exchange(exchange.handler.shown, {}), bob);
  EXPECT_EQ(exchange("AUTH PLAIN Ym9iAHRyZWU=\r\n", 1), "501 ") << "one NUL";
  EXPECT_EQ(std::exchange(exchange.handler.shown, {}), bob);
  EXPECT_EQ(exchange("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n", 1), "235 ");
  EXPECT_EQ(exchange("AUTH PLAIN AGJvYgB0cmVl\r\n", 1), "503 ");
  EXPECT_EQ(exchange.handler.shown, bob);
  Served gone;
  EXPECT_EQ(gone("EHLO c.example\r\n", 2), "220 250 ");
  gone("AUTH PLAIN AGJvYgB0cmVl", 0);
  gone.peer->close();
  run_until(gone.loop, [&] { return gone.handler.ended; });
  EXPECT_EQ(gone.handler.shown, bob) << "a line without its end";
}

TEST(SmtpServer, ChunksAndTheirEnd) {
  Served served;
  served("EHLO c.example\r\n", 2);
  EXPECT_EQ(served(envelope + "BDAT 3\r\na\r\nBDAT 0\r\nBDAT 1 LAST\r\nbNOOP\r\n", 6),
            "250 250 250 250 250 250 ");
  EXPECT_EQ(served.handler.messages, std::vector<std::string>{"a\r\nb\r\n"});
}

TEST(SmtpServer, FiftyMebibytesStream) {
  Served served([] {
    auto options = test_options();
    options.session.size_octets_max = 60 << 20;
    return options;
  }());
  served.handler.keeps_content = false;
  served("EHLO c.example\r\n", 2);
  served(envelope + "DATA\r\n", 3);
  std::string lines;
  while (lines.size() < (1 << 20)) lines += std::string(76, 'x') + "\r\n";
  for (int i = 0; i < 50; ++i) served(lines, 0);
  EXPECT_EQ(served(".\r\n", 1), "250 ");
  EXPECT_EQ(served.handler.content_octets, lines.size() * 50);
  EXPECT_LE(served.handler.largest_part, SmtpBuffer::large_octets);
}

TEST(SmtpServer, OversizeAndAFullDiskAreToldAtTheEnd) {
  auto options = test_options();
  options.session.size_octets_max = 100'000;
  Served served(options);
  served("EHLO c.example\r\n", 2);
  served(envelope + "DATA\r\n", 3);
  std::string lines;
  while (lines.size() < 150'000) lines += "1234567\r\n";
  EXPECT_EQ(served(lines + ".\r\n", 1), "552 ");
  EXPECT_EQ(served.handler.notes.back(), "reset");
  served.handler.content_result = base::fail(base::ErrorKind::full, "disk full");
  served(envelope + "DATA\r\n", 3);
  EXPECT_EQ(served("content\r\n.\r\n", 1), "452 ");
  EXPECT_TRUE(served.heard.starts_with("452 4.3.1 "));
  EXPECT_EQ(served.handler.notes.back(), "reset");
  // At the very last octets of a chunk, too.
  EXPECT_EQ(served(envelope + "BDAT 3 LAST\r\nx\r\n", 3), "250 250 452 ");
  served.handler.content_result = base::fail(base::ErrorKind::io, "gone");
  EXPECT_EQ(served(envelope + "BDAT 1 LAST\r\nxNOOP\r\n", 4), "250 250 451 250 ");
  EXPECT_TRUE(served.handler.messages.empty());
}

// What was kept of it takes no room while the peer takes its time over the rest.
TEST(SmtpServer, ContentThatFailsIsDroppedBeforeItsEnd) {
  Served served;
  served("EHLO c.example\r\n", 2);
  served.handler.content_result = base::fail(base::ErrorKind::full, "disk full");
  served(envelope + "DATA\r\n", 3);
  served("half\r\n", 0);
  run_until(served.loop, [&] { return served.handler.notes.back() == "reset"; });
  EXPECT_EQ(served("and half\r\n.\r\n", 1), "452 ");
  EXPECT_EQ(std::ranges::count(served.handler.notes, "reset"), 1) << "it is told once";
}

TEST(SmtpServer, APeerThatLeavesMidContentLeavesNothing) {
  Served served;
  served("EHLO c.example\r\n", 2);
  served(envelope + "DATA\r\n", 3);
  served("half\r\n", 0);
  served.peer->close();
  run_until(served.loop, [&] { return served.handler.ended; });
  EXPECT_EQ(served.handler.notes.back(), "reset");
  EXPECT_EQ(served.handler.end, SmtpEnd::peer_gone);
  EXPECT_TRUE(served.handler.messages.empty());
}

TEST(SmtpServer, SlowPeersAreTold) {
  auto options = test_options();
  options.command_wait = 20ms;
  options.content_wait = 20ms;
  {
    Served served(options);
    EXPECT_EQ(served("NO", 2), "220 421 ");
    run_until(served.loop, [&] { return served.handler.ended; });
    EXPECT_EQ(served.handler.end, SmtpEnd::timeout);
  }
  options.command_wait = 5s;
  Served served(options);
  served("EHLO c.example\r\n", 2);
  served(envelope + "DATA\r\n", 3);
  EXPECT_EQ(served("slow", 1), "421 ");
  EXPECT_TRUE(served.heard.starts_with("421 4.4.2 "));
  run_until(served.loop, [&] { return served.handler.ended; });
  EXPECT_EQ(served.handler.notes.back(), "reset");
}

TEST(SmtpServer, TheWholeSessionHasATime) {
  auto options = test_options();
  options.session_wait = 20ms;
  Served served(options);
  EXPECT_EQ(served("", 2), "220 421 ");
}

TEST(SmtpServer, StoppingResetsAndEnds) {
  Served served;
  served("EHLO c.example\r\n", 2);
  served(envelope, 2);
  served.running->cancel();
  run_until(served.loop, [&] { return served.handler.ended; });
  EXPECT_EQ(served.handler.end, SmtpEnd::stopped);
  EXPECT_EQ(served.handler.notes.back(), "reset");
}

TEST(SmtpServer, HandlersWordIsFinal) {
  Served served;
  served.handler.begin_reply = smtp::reply(451, dsn::Status{4, 7, 1}, "later");
  served("EHLO c.example\r\n", 2);
  EXPECT_EQ(served(envelope + "DATA\r\n", 3), "250 250 451 ");
  EXPECT_EQ(served(envelope + "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", 4), "250 250 451 250 ");
  served.handler.begin_reply.reset();
  served.handler.end_reply = smtp::reply(421, dsn::Status{4, 3, 2}, "stopping");
  served(envelope + "DATA\r\n", 3);
  EXPECT_EQ(served("x\r\n.\r\n", 2), "421 END");
}

TEST(SmtpServer, RefusesAtTheDoor) {
  auto options = test_options();
  options.greeting_pause = 30ms;
  {
    Served served(options);
    EXPECT_EQ(served("", 1), "220 ");
  }
  Served early(options);
  EXPECT_EQ(early("EHLO c.example\r\n", 2), "421 END");  // Attack 6
  EXPECT_EQ(early.handler.end, SmtpEnd::refused);
}

net::Task<> expect_octets(net::Connection& peer, std::string_view expected) {
  for (const char each : expected) {
    char octet = 0;
    (void)co_await peer.read_some({&octet, 1}, 5s);
    EXPECT_EQ(octet, each);
  }
}

TEST(SmtpServer, StartTlsForgetsAndBegins) {
  Served served;
  served("EHLO c.example\r\n", 2);
  EXPECT_EQ(served(envelope + "STARTTLS\r\n", 3), "250 250 220 ");
  EXPECT_EQ(served.handler.notes.back(), "reset");
  served(std::string(FakeTls::client_hello), 0);
  served.run(expect_octets(*served.peer, FakeTls::server_hello));
  EXPECT_EQ(served("RCPT TO:<b@b.example>\r\nEHLO c.example\r\n", 2), "503 250 ");
  EXPECT_EQ(served.handler.notes[4], "tls TLS 1.3");
}

TEST(Attack01, InjectedCommandsEndTheSession) {
  Served served;
  served("EHLO c.example\r\n", 2);
  EXPECT_EQ(served("STARTTLS\r\nRSET\r\n", 2), "421 END");
}

TEST(Attack04, SmuggledMailIsNeverTaken) {
  for (const auto& end :
       {"\n.\n"s, "\r.\r"s, "\r.\n"s, "\n.\r"s, "\n.\r\n"s, "\r\n.\n"s, "\r.\r\n"s, "\r\n.\r"s,
        "\r\n\0.\r\n"s, "\r\n.\0\r\n"s, "\r\n\0.\0\r\n"s}) {
    Served served;
    served("EHLO c.example\r\n", 2);
    served(envelope + "DATA\r\n", 3);
    EXPECT_EQ(served("first" + end + envelope + "DATA\r\nsecond\r\n.\r\n", 2), "554 END")
        << ::testing::PrintToString(end);
    EXPECT_TRUE(served.handler.messages.empty());
  }
}

void stand_by(net::Loop& loop) {
  const auto until = std::chrono::steady_clock::now() + 2 * quiet_after;
  run_until(loop, [&] { return std::chrono::steady_clock::now() > until; });
}

// Then it holds no room for what comes; that is heard all the same, and time goes on.
TEST(SmtpServer, WhoWasSilentIsHeardAgain) {
  auto options = test_options();
  options.command_wait = 4 * quiet_after;
  Served served(options);
  served("EHLO c.example\r\n", 2);
  stand_by(served.loop);
  EXPECT_EQ(served("NOOP\r\nNO", 1), "250 ");
  stand_by(served.loop);
  EXPECT_EQ(served("OP\r\n", 1), "250 ") << "half a command is kept";
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(served("", 1), "421 ");
  EXPECT_GE(std::chrono::steady_clock::now() - before, 3 * quiet_after);
  run_until(served.loop, [&] { return served.handler.ended; });
  EXPECT_EQ(served.handler.end, SmtpEnd::timeout);
}

TEST(SmtpServer, AStopEndsWhoWasSilent) {
  Served served;
  served("EHLO c.example\r\n", 2);
  stand_by(served.loop);
  served.sessions.stop();
  EXPECT_EQ(served("", 2), "421 END");
  run_until(served.loop, [&] { return served.handler.ended; });
  EXPECT_EQ(served.handler.end, SmtpEnd::stopped);
}

// RFC 5321 §3.8: who waits hears 421 at once; nobody waits for the grace of those that work.
TEST(SmtpServer, AStopEndsWhoIsIdle) {
  Served served;
  served("EHLO c.example\r\n", 2);
  served(envelope, 2);
  const auto before = std::chrono::steady_clock::now();
  served.sessions.stop();
  EXPECT_EQ(served("", 2), "421 END");
  run_until(served.loop, [&] { return served.handler.ended; });
  EXPECT_LT(std::chrono::steady_clock::now() - before, 3s);
  EXPECT_EQ(served.handler.end, SmtpEnd::stopped);
  EXPECT_EQ(served.handler.notes.back(), "reset");
}

TEST(SmtpServer, AStopLetsContentComeToItsEnd) {
  Served served;
  served("EHLO c.example\r\n", 2);
  served(envelope + "DATA\r\n", 3);
  served("first", 0);
  served.sessions.stop();
  EXPECT_EQ(served(" half\r\n.\r\n", 3), "250 421 END");
  EXPECT_EQ(served.handler.messages, std::vector<std::string>{"first half\r\n"});
}

// A flood costs no handshake, and no descriptor that waits for a goodbye.
TEST(Attack53, WhoHasNoPlaceIsSentAwayBeforeTls) {
  auto options = test_options();
  options.start = SmtpServerOptions::Start::tls;
  Served served(std::move(options));
  served.handler.connect_reply = smtp::reply(421, dsn::Status{4, 3, 2}, "full");
  served.run(say(*served.peer, "", 1, served.heard));
  EXPECT_EQ(served.heard, std::string(tls::no_place_alert) + "END") << "TLS's own word";
  EXPECT_EQ(served.handler.end, SmtpEnd::refused);
}

// Where too many are being told already.
TEST(Attack53, WhoHasNoPlaceMayHearNothing) {
  Served served(test_options());
  served.handler.connect_reply = {.code = 421, .status = {}, .lines = {}};
  EXPECT_EQ(served("", 1), "END");
  EXPECT_EQ(served.handler.end, SmtpEnd::refused);
}

TEST(Attack53, WhoNeverSignsInIsLetGo) {
  auto options = test_options();
  options.session.authentication = smtp::Need::required;
  options.sign_in_wait = 60ms;
  Served served(std::move(options));
  served("EHLO c.example\r\n", 2);
  std::string said;
  while (!said.contains("421")) {
    std::this_thread::sleep_for(10ms);
    said = served("NOOP\r\n", 1);
    ASSERT_TRUE(said.starts_with("250 ") || said.starts_with("421 ")) << said;
  }
  run_until(served.loop, [&] { return served.handler.ended; });
  EXPECT_EQ(served.handler.end, SmtpEnd::timeout);
}

TEST(Attack40, HttpGetsOneLine) {
  Served served;
  EXPECT_EQ(served("GET / HTTP/1.1\r\nHost: mx.example\r\n\r\n", 3), "220 421 END");
}

}  // namespace
}  // namespace letterlock::drive::test
