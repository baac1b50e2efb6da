#include "drive/smtp_client.h"

#include "drive/smtp_testing.h"

namespace letterlock::drive::test {
namespace {

using namespace std::string_literals;

smtp::Mail mail_from(std::string_view address) {
  smtp::Mail mail;
  mail.from = *address::ReversePath::from_text(address);
  return mail;
}

std::vector<smtp::Rcpt> to(std::initializer_list<std::string_view> addresses) {
  std::vector<smtp::Rcpt> recipients;
  for (const auto address : addresses)
    recipients.push_back({*address::Address::parse(address), {}});
  return recipients;
}

// Client and server of ours over one pipe.
struct Both : ServedPipe {
  explicit Both(SmtpClientOptions client_options = {},
                SmtpServerOptions server_options = test_options())
      : ServedPipe(std::move(server_options)), client(std::move(peer), clock, client_options) {}
  ~Both() { run(client.quit()); }
  SmtpClient client;
};

net::Task<> greet(SmtpClient& client) {
  const auto greeting = co_await client.greeting();
  EXPECT_EQ(greeting ? greeting->code : 0, 220) << (greeting ? "" : greeting.error().what);
  const auto ehlo = co_await client.ehlo("c.example");
  EXPECT_EQ(ehlo ? ehlo->code : 0, 250) << (ehlo ? "" : ehlo.error().what);
}

net::Task<> send_two(SmtpClient& client, std::string content, std::size_t part) {
  co_await greet(client);
  for (int i = 0; i < 2; ++i) {
    const auto envelope =
        co_await client.envelope(mail_from("a@a.example"), to({"b@b.example", "no@b.example"}));
    EXPECT_TRUE(envelope && envelope->is_open());
    EXPECT_EQ(envelope->recipients[0].code, 250);
    EXPECT_EQ(envelope->recipients[1].status, dsn::status::bad_mailbox);
    EXPECT_FALSE(client.has_content_begun());
    TextContent text(content, part);
    const auto reply = co_await client.content(content.size(), text);
    EXPECT_EQ(reply ? reply->text() : reply.error().what, "250 2.0.0 taken");
    EXPECT_TRUE(client.has_content_begun());
  }
}

TEST(SmtpClient, SendsByDataAndByChunk) {
  using enum SmtpClientOptions::Transfer;
  const std::string content =
      "Subject: x\r\n\r\n.\r\n..\r\n" + std::string(70'000, 'x') + "\r\n.end\r\n";
  for (const auto transfer : {data, chunks_if_offered}) {
    for (const std::size_t part : {7, 1000, 64 * 1024}) {
      auto options = test_options();
      options.session.content_line_octets_max = 100'000;
      Both both({.transfer = transfer}, options);
      both.run(send_two(both.client, content, part));
      EXPECT_EQ(both.handler.messages, (std::vector<std::string>{content, content}));
    }
  }
}

net::Task<> ask_after_421(SmtpClient& client, std::vector<base::ErrorKind>& met) {
  co_await greet(client);
  (void)co_await client.envelope(mail_from("a@a.example"), to({"b@b.example"}));
  TextContent text("Subject: x\r\n\r\n");
  const auto reply = co_await client.content(14, text);
  EXPECT_EQ(reply ? reply->code : 0, 421);
  EXPECT_FALSE(client.is_usable());
  const auto envelope = co_await client.envelope(mail_from("a@a.example"), to({"b@b.example"}));
  if (!envelope) met.push_back(envelope.error().kind);
  const auto reset = co_await client.reset();
  if (!reset) met.push_back(reset.error().kind);
}

TEST(SmtpClient, NothingIsAskedBehind421) {
  Both both;
  both.handler.end_reply = smtp::reply(421, dsn::Status{4, 3, 2}, "shutting down");
  std::vector<base::ErrorKind> met;
  both.run(ask_after_421(both.client, met));
  EXPECT_EQ(met, (std::vector{base::ErrorKind::closed, base::ErrorKind::closed}));
}

net::Task<> meet_a_slow_server(SmtpClient& client, base::Result<>& met) {
  co_await greet(client);
  std::vector<smtp::Rcpt> recipients;
  for (int i = 0; i < 50; ++i)
    recipients.push_back({*address::Address::parse("b" + std::to_string(i) + "@b.example"), {}});
  const auto envelope = co_await client.envelope(mail_from("a@a.example"), recipients);
  if (!envelope) met = base::fail(envelope.error());
}

// A server that answers each recipient in time, and so all of them never.
TEST(Attack53, AServerThatTakesItsTimeForEachIsLeft) {
  Both both({.command_wait = 5s, .message_wait = 150ms});
  both.handler.rcpt_pause = 20ms;
  base::Result<> met;
  both.run(meet_a_slow_server(both.client, met));
  ASSERT_FALSE(met);
  EXPECT_EQ(met.error().kind, base::ErrorKind::timeout);
  EXPECT_FALSE(both.client.is_usable());
}

net::Task<> send_secured(Both& both, sasl::Mechanism mechanism, std::string password,
                         unsigned& code) {
  SmtpClient& client = both.client;
  co_await greet(client);
  EXPECT_TRUE(client.offered().starttls);
  EXPECT_EQ((co_await client.start_tls(both.tls, {}))->code, 220);
  EXPECT_FALSE(client.offered().starttls);
  EXPECT_EQ((co_await client.ehlo("c.example"))->code, 250);
  EXPECT_EQ(client.offered().mechanisms.size(), 3U);
  sasl::ClientOptions options{
      .mechanism = mechanism, .user = "alice", .password = std::move(password)};
  if (mechanism != sasl::Mechanism::plain) {
    options.nonce = sasl::nonce_from("0123456789abcdefgh");
    if (mechanism == sasl::Mechanism::scram_sha_256_plus) {
      options.channel_binding =
          *client.tls()->exporter(sasl::channel_binding_label, "", sasl::channel_binding_octets);
    }
  }
  const auto reply = co_await client.sign_in(std::move(options), both.workers);
  code = reply ? reply->code : 0;
}

TEST(SmtpClient, SignsInAfterTls) {
  using enum sasl::Mechanism;
  for (const auto mechanism : {plain, scram_sha_256, scram_sha_256_plus}) {
    for (const auto* password : {"secret", "wrong"}) {
      Both both;
      both.handler.keys = sasl::derive("secret", "0123456789abcdef", sasl::rounds_min);
      unsigned code = 1;
      both.run(send_secured(both, mechanism, password, code));
      const bool good = password == "secret"s;
      EXPECT_EQ(code, good ? 235U : 535U) << sasl::name(mechanism);
      const std::string last = both.handler.notes.back();
      if (good)
        EXPECT_EQ(last, "signed in alice by " + std::string(sasl::name(mechanism)) +
                            (mechanism == scram_sha_256_plus ? " bound" : ""));
      else
        EXPECT_TRUE(last.starts_with("auth failed")) << last;
    }
  }
}

net::Task<> sign_in_clear(Both& both, std::string& result) {
  co_await greet(both.client);
  const auto reply =
      co_await both.client.sign_in({.user = "alice", .password = "secret"}, both.workers);
  result = reply ? reply->text() : std::string(base::name(reply.error().kind));
}

TEST(SmtpClient, NeverSignsInInClear) {
  Both both;
  std::string result;
  both.run(sign_in_clear(both, result));
  EXPECT_EQ(result, "denied");
  EXPECT_EQ(both.handler.notes, std::vector<std::string>{"ehlo c.example"});
}

net::Task<> sign_in_broken(Both& both, unsigned& code) {
  co_await greet(both.client);
  (void)co_await both.client.start_tls(both.tls, {});
  (void)co_await both.client.ehlo("c.example");
  const auto reply = co_await both.client.sign_in({.mechanism = sasl::Mechanism::scram_sha_256,
                                                   .user = "broken",
                                                   .password = "x",
                                                   .nonce = sasl::nonce_from("0123456789abcdefgh")},
                                                  both.workers);
  code = reply ? reply->code : 0;
}

TEST(SmtpClient, ADirectoryThatIsAwayIsTemporary) {
  Both both;
  unsigned code = 0;
  both.run(sign_in_broken(both, code));
  EXPECT_EQ(code, 454U);
}

// A server of the test's: says each of its lines after one write of the client's.
struct Fake {
  explicit Fake(SmtpClientOptions options = {.greeting_wait = 50ms, .command_wait = 50ms}) {
    auto [first, second] = net::make_pipe();
    server = std::move(second);
    client = std::make_unique<SmtpClient>(std::move(first), clock, options);
  }
  void run(net::Task<> task) {
    bool done = false;
    loop.spawn(std::move(task), [&] { done = true; });
    run_until(loop, [&] { return done; });
  }
  net::Loop loop;
  os::SystemClock clock;
  FakeTls tls;
  std::unique_ptr<net::Connection> server;
  std::unique_ptr<SmtpClient> client;
  std::string heard;
};

net::Task<> play(net::Connection& server, std::vector<std::string> lines, std::string& heard) {
  for (const auto& line : lines) {
    (void)co_await server.write(line, 1s);
    char buffer[4096];
    const auto count = co_await server.read_some(buffer, 1s);
    if (!count || *count == 0) co_return;
    heard.append(buffer, *count);
  }
}

net::Task<> greet_and_start_tls(Fake& fake, std::string& result) {
  (void)co_await fake.client->greeting();
  (void)co_await fake.client->ehlo("c.example");
  const auto reply = co_await fake.client->start_tls(fake.tls, {});
  result = reply ? reply->text() : std::string(base::name(reply.error().kind));
}

TEST(Attack02, AnswersInjectedBehindStartTlsEndTheSession) {
  for (const auto& injected :
       {"220 go\r\n250-SIZE\r\n"s, "220 go\r\n250 ok\r\n"s, "220 go\r\nx"s, "250 odd\r\n"s}) {
    Fake fake;
    fake.loop.spawn(
        play(*fake.server, {"220 x\r\n", "250-x\r\n250 STARTTLS\r\n", injected}, fake.heard));
    std::string result;
    fake.run(greet_and_start_tls(fake, result));
    EXPECT_EQ(result, "protocol") << injected;
    EXPECT_FALSE(fake.client->is_usable());
    EXPECT_EQ(fake.heard, "EHLO c.example\r\nSTARTTLS\r\n");
  }
}

net::Task<> send_to_fake(Fake& fake, SmtpEnvelope& envelope, std::string& result) {
  (void)co_await fake.client->greeting();
  (void)co_await fake.client->ehlo("c.example");
  auto given =
      co_await fake.client->envelope(mail_from("a@a.example"), to({"b@b.example", "c@b.example"}));
  if (!given) {
    result = base::name(given.error().kind);
    co_return;
  }
  envelope = std::move(*given);
  if (!envelope.is_open()) co_return;
  TextContent text("x\r\n");
  const auto reply = co_await fake.client->content(3, text);
  result = reply ? reply->text() : std::string(base::name(reply.error().kind));
}

TEST(SmtpClient, WithoutPipeliningOneAtATime) {
  Fake fake;
  SmtpEnvelope envelope;
  std::string result;
  fake.loop.spawn(play(*fake.server,
                       {"220 x\r\n", "502 no\r\n", "250 x\r\n", "250 a\r\n", "550 5.1.1 b\r\n",
                        "250 c\r\n", "354 go\r\n", "250 2.0.0 ok\r\n"},
                       fake.heard));
  fake.run(send_to_fake(fake, envelope, result));
  EXPECT_EQ(result, "250 2.0.0 ok");
  EXPECT_EQ(envelope.recipients[0].status, dsn::status::bad_mailbox);
  EXPECT_EQ(fake.heard,
            "EHLO c.example\r\nHELO c.example\r\nMAIL FROM:<a@a.example>\r\nRCPT "
            "TO:<b@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\nx\r\n.\r\n");
}

TEST(SmtpClient, WhatServersSayAndDont) {
  struct Case {
    std::vector<std::string> says;
    std::string result;
    bool content_begun;
  };
  const std::string ehlo = "250-x\r\n250 PIPELINING\r\n";
  const std::string good = "250 a\r\n250 b\r\n250 c\r\n";
  const std::string go = good + "354 go\r\n";  // to DATA, which goes with the envelope
  const Case cases[] = {
      {{"220 x\r\n", ehlo, go, "552 5.3.4 too big\r\n"}, "552 5.3.4 too big", true},
      {{"220 x\r\n", ehlo, good + "451 4.3.0 no\r\n"}, "451 4.3.0 no", false},
      {{"220 x\r\n", ehlo, good + "250 taken\r\n"}, "protocol", false},  // custody of nothing
      {{"220 x\r\n", ehlo, go + "250 early\r\n"}, "protocol", false},    // unasked
      {{"220 x\r\n", ehlo, "250 a\r\n250 b"}, "timeout", false},
      {{"220 x\r\n", ehlo, "hello\r\n"}, "protocol", false},
      {{"220 x\r\n", ehlo, go}, "closed", true},
  };
  for (const auto& [says, expected, begun] : cases) {
    Fake fake;
    SmtpEnvelope envelope;
    std::string result;
    bool played = false;
    fake.loop.spawn(play(*fake.server, says, fake.heard), [&] {
      played = true;
      fake.server->close();
    });
    fake.run(send_to_fake(fake, envelope, result));
    EXPECT_EQ(result, expected) << says.back();
    EXPECT_EQ(fake.client->has_content_begun(), begun) << says.back();
    fake.client.reset();
    run_until(fake.loop, [&] { return played; });
  }
}

TEST(SmtpClient, A421AnswersAllThatIsLeft) {
  Fake fake;
  SmtpEnvelope envelope;
  std::string result;
  fake.loop.spawn(play(
      *fake.server, {"220 x\r\n", "250-x\r\n250 PIPELINING\r\n", "250 a\r\n421 4.3.2 stopping\r\n"},
      fake.heard));
  fake.run(send_to_fake(fake, envelope, result));
  EXPECT_EQ(envelope.recipients.size(), 2U);
  EXPECT_EQ(envelope.recipients[1].code, 421);
  EXPECT_FALSE(fake.client->is_usable());
}

net::Task<> give_nothing(Fake& fake, std::string& result) {
  (void)co_await fake.client->greeting();
  (void)co_await fake.client->ehlo("c.example");
  (void)co_await fake.client->envelope(mail_from("a@a.example"),
                                       to({"b@b.example", "c@b.example"}));
  const auto reply = co_await fake.client->reset();
  result = reply ? reply->text() : std::string(base::name(reply.error().kind));
  co_await fake.client->quit();
}

// A server that waits for content though it refused everybody gets its end; one that would give it
// to somebody gets nothing any more.
TEST(SmtpClient, WhatIsNotToBeGivenNobodyGets) {
  const std::string ehlo = "250-x\r\n250 PIPELINING\r\n";
  const std::string envelope =
      "MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\n";
  for (const bool takes : {false, true}) {
    Fake fake;
    std::string result;
    bool played = false;
    std::vector<std::string> says{
        "220 x\r\n", ehlo,
        std::string("250 a\r\n550 b\r\n") + (takes ? "250 c\r\n" : "550 c\r\n") + "354 go\r\n"};
    if (!takes) says.insert(says.end(), {"554 5.5.1 nobody\r\n", "250 d\r\n", "221 e\r\n"});
    fake.loop.spawn(play(*fake.server, says, fake.heard), [&] {
      played = true;
      fake.server->close();
    });
    fake.run(give_nothing(fake, result));
    run_until(fake.loop, [&] { return played; });
    EXPECT_EQ(result, takes ? "closed" : "250 d");
    EXPECT_EQ(fake.heard, "EHLO c.example\r\n" + envelope + (takes ? "" : ".\r\nRSET\r\nQUIT\r\n"));
  }
}

net::Task<> send_unfit(Both& both, std::optional<smtp::Unfit>& unfit) {
  co_await greet(both.client);
  auto mail = mail_from("a@a.example");
  mail.require_tls = true;
  unfit = (co_await both.client.envelope(mail, to({"b@b.example"})))->unfit;
}

TEST(SmtpClient, WhatIsNeededAndNotOfferedIsSaid) {
  Both both;
  std::optional<smtp::Unfit> unfit;
  both.run(send_unfit(both, unfit));
  EXPECT_EQ(unfit->status, dsn::status::requiretls_not_offered);
  EXPECT_EQ(both.handler.notes, std::vector<std::string>{"ehlo c.example"});
}

net::Task<> send_bad(SmtpClient& client, std::string content, std::uint64_t octets,
                     std::string& result) {
  co_await greet(client);
  (void)co_await client.envelope(mail_from("a@a.example"), to({"b@b.example"}));
  TextContent text(std::move(content));
  const auto reply = co_await client.content(octets, text);
  result = reply ? reply->text() : std::string(base::name(reply.error().kind));
}

TEST(Attack05, NothingBareOrHalfIsEverTaken) {
  using enum SmtpClientOptions::Transfer;
  for (const auto transfer : {data, chunks_if_offered}) {
    for (const auto& content : {"a\n.\nb\r\n"s, "a\r.\rb\r\n"s, "a\0b\r\n"s, "a\r\n.\r"s}) {
      Both both({.transfer = transfer});
      std::string result;
      both.run(send_bad(both.client, content, content.size(), result));
      EXPECT_EQ(result, "invalid");
      run_until(both.loop, [&] { return both.handler.ended; });
      EXPECT_TRUE(both.handler.messages.empty());
    }
    for (const std::uint64_t octets : {2, 4}) {
      Both both({.transfer = transfer});
      std::string result;
      both.run(send_bad(both.client, "x\r\n", octets, result));
      EXPECT_EQ(result, "invalid");
      run_until(both.loop, [&] { return both.handler.ended; });
      EXPECT_TRUE(both.handler.messages.empty());
    }
  }
}

}  // namespace
}  // namespace letterlock::drive::test
