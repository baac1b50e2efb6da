// A person's client talks to the msa agent over a simulated network.
#include "msa/msa.h"

#include "base/bytes.h"
#include "custody/talk.h"
#include "drive/smtp_client.h"

namespace letterlock::msa {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string whole =
    "Date: Mon, 23 Nov 2026 10:02:09 +0000\r\nMessage-ID: <q3@acorn.example>\r\n"
    "From: Alice <alice@acorn.example>\r\nSubject: Figures\r\n\r\nThe figures.\r\n";

class MsaTest : public custody::test::Receiving {
 protected:
  MsaTest() {
    options.node = "dublin-1";
    auto& session = options.server.session;
    session.host_name = address::Domain::parse("mail.acorn.example").value();
    session.tls = smtp::Need::required;
    session.authentication = smtp::Need::required;
    options.server.tls.asks_certificate = true;
    session.mechanisms = {sasl::Mechanism::external, sasl::Mechanism::scram_sha_256_plus,
                          sasl::Mechanism::scram_sha_256, sasl::Mechanism::plain};
    submission.emplace(ports(), options);
    options.server.start = drive::SmtpServerOptions::Start::tls;
    submissions.emplace(ports(), options);
    serve(587, [this](std::unique_ptr<net::Connection> connection) {
      return submission->session(std::move(connection));
    });
    serve(465, [this](std::unique_ptr<net::Connection> connection) {
      return submissions->session(std::move(connection));
    });
  }
  ~MsaTest() override { stop(); }
  Ports ports() {
    return {store, directory, custody, admission, world.clock(), world.random(), tls, events};
  }

  static std::string plain(const std::string& user, const std::string& password) {
    using namespace std::string_literals;
    return "AUTH PLAIN " + base::to_base64("\0"s + user + "\0"s + password);
  }
  // Up to where a client signs in.
  Talk greeted() {
    Talk talk(*this, connect(465));
    talk.begin_tls();
    EXPECT_THAT(talk.read(), StartsWith("220"));
    EXPECT_THAT(talk.ask("EHLO [198.51.100.7]"), StartsWith("250"));
    return talk;
  }
  // Up to where a message may begin.
  Talk signed_in(const std::string& user = "alice@acorn.example") {
    auto talk = greeted();
    EXPECT_THAT(talk.ask(plain(user, "tree house")), StartsWith("235"));
    return talk;
  }
  std::string send(Talk& talk, const std::string& content,
                   const std::string& mail_from = "alice@acorn.example",
                   const std::string& to = "bob@birch.example") {
    const auto mail = talk.ask("MAIL FROM:<" + mail_from + ">");
    if (!mail.starts_with("250")) return mail;
    const auto rcpt = talk.ask("RCPT TO:<" + to + ">");
    if (!rcpt.starts_with("250")) {
      talk.ask("RSET");
      return rcpt;
    }
    return talk.message(content);
  }
  std::string send(const std::string& content) {
    auto talk = signed_in();
    return send(talk, content);
  }
  std::string newest() {
    const auto entries = queued(acorn);
    return entries.empty() ? "" : octets_of(entries.back().message.blob);
  }

  // By EXTERNAL with the certificate of the user's name.
  static net::ResultTask<smtp::Reply> sign_in(drive::SmtpClient& client, tls::Tls& tls,
                                              os::Random& random, net::Workers& workers,
                                              sasl::ClientOptions how) {
    tls::ClientOptions options;
    options.server_name = "mail.acorn.example";
    if (how.mechanism == sasl::Mechanism::external) options.certificate_file = how.user;
    CO_CHECK(co_await client.begin_tls(tls, options));
    CO_TRY(const auto greeting, co_await client.greeting());
    CO_TRY(const auto hello, co_await client.ehlo("[198.51.100.7]"));
    how.rounds_min = 1;
    how.nonce = sasl::nonce_from(random.octets(18));
    if (how.mechanism == sasl::Mechanism::scram_sha_256_plus) {
      CO_TRY(how.channel_binding,
             client.tls()->exporter(sasl::channel_binding_label, "", sasl::channel_binding_octets));
    }
    co_return co_await client.sign_in(std::move(how), workers);
  }
  unsigned sign_in_by(sasl::Mechanism mechanism, const std::string& user,
                      const std::string& password = "tree house") {
    drive::SmtpClient client(connect(465), world.clock());
    const auto said = wait(sign_in(client, peer_tls, world.random(), workers,
                                   {.mechanism = mechanism, .user = user, .password = password}));
    EXPECT_TRUE(said) << said.error().what;
    return said ? said->code : 0;
  }

  void know(const std::string& account, const std::string& certificate) {
    set_account(account, {.add_certificates = {sim::client_certificate(certificate).key_digest}});
  }
  // Signs in, lets something happen, submits: the hop that was recorded.
  static net::ResultTask<smtp::Reply> submit_on(drive::SmtpClient& client, std::string from,
                                                std::string content) {
    smtp::Mail mail;
    CO_TRY(mail.from, address::ReversePath::from_text(from));
    std::vector<smtp::Rcpt> to{{custody::test::at("bob@birch.example"), {}}};
    CO_TRY(const auto envelope, co_await client.envelope(std::move(mail), std::move(to)));
    if (!envelope.is_open()) co_return envelope.mail;
    struct Text final : drive::SmtpContent {
      explicit Text(std::string_view all) : octets(all) {}
      net::ResultTask<std::string_view> next() override {
        co_return std::exchange(octets, std::string_view());
      }
      std::string_view octets;
    } text(content);
    co_return co_await client.content(content.size(), text);
  }
  hop::Hop submitted_by(
      sasl::Mechanism mechanism, const std::string& user,
      const std::function<void()>& meanwhile = [] {}) {
    drive::SmtpClient client(connect(465), world.clock());
    const auto signed_in =
        wait(sign_in(client, peer_tls, world.random(), workers,
                     {.mechanism = mechanism, .user = user, .password = "tree house"}));
    EXPECT_TRUE(signed_in && signed_in->code == 235U) << user << sasl::name(mechanism);
    meanwhile();
    const auto said =
        wait(submit_on(client, user, "From: " + user + "\r\nSubject: Figures\r\n\r\nx\r\n"));
    EXPECT_TRUE(said && said->is_positive());
    const auto entries = queued(acorn);
    const auto trace = trace_of(acorn, entries.back().message.trace);
    return trace.value().hops.at(0);
  }

  Options options;
  std::optional<Msa> submission;
  std::optional<Msa> submissions;
};

TEST_F(MsaTest, NobodySignsInBeforeTls) {
  Talk talk(*this, connect(587));
  EXPECT_THAT(talk.read(), StartsWith("220"));
  const auto hello = talk.ask("EHLO [198.51.100.7]");
  EXPECT_THAT(hello, HasSubstr("STARTTLS"));
  EXPECT_THAT(hello, Not(HasSubstr("AUTH")));
  EXPECT_THAT(talk.ask(plain("alice@acorn.example", "tree house")), StartsWith("5"));
  EXPECT_THAT(talk.ask("MAIL FROM:<alice@acorn.example>"), StartsWith("530"));
  EXPECT_THAT(talk.start_tls(), StartsWith("220"));
  EXPECT_THAT(talk.ask("EHLO [198.51.100.7]"), HasSubstr("AUTH SCRAM-SHA-256-PLUS"));
  EXPECT_THAT(talk.ask("MAIL FROM:<alice@acorn.example>"), StartsWith("530")) << "not signed in";
  EXPECT_THAT(talk.ask(plain("alice@acorn.example", "wrong house")), StartsWith("535"));
  EXPECT_THAT(talk.ask(plain("alice@acorn.example", "tree house")), StartsWith("235"));
  EXPECT_THAT(send(talk, whole), StartsWith("250"));
  EXPECT_EQ(events.count("sign_in.failed"), 1U);
}

// mutt 2.2 does this: it names PLUS, finds that it can't bind, and gives up. Its user asks why.
TEST_F(MsaTest, AnExchangeGivenUpIsToldInTheLog) {
  auto talk = greeted();
  EXPECT_THAT(talk.ask("AUTH SCRAM-SHA-256-PLUS"), StartsWith("334"));
  EXPECT_THAT(talk.ask("*"), StartsWith("501"));
  EXPECT_THAT(talk.ask(plain("alice@acorn.example", "wrong house")), StartsWith("535"));
  ASSERT_EQ(events.count("sign_in.exchange_failed"), 1U) << "the directory tells of the password";
  const auto& told = *events.last("sign_in.exchange_failed");
  EXPECT_EQ(told["mechanism"], "SCRAM-SHA-256-PLUS");
  EXPECT_EQ(told["reason"], "the client gave up");
  EXPECT_EQ(told["login"], "");
  EXPECT_EQ(told.severity, base::Severity::info);
}

// Too many guesses: the right password is told to come later, never that it is wrong.
TEST_F(MsaTest, BusyIsNotWrong) {
  for (int i = 0; i < 10; ++i) {
    auto talk = greeted();
    const auto said = talk.ask(plain("alice@acorn.example", "house " + std::to_string(i)));
    EXPECT_THAT(said, StartsWith(i < 5 ? "535 5.7.8" : "454 4.7.0")) << i;
  }
  EXPECT_EQ(sign_in_by(sasl::Mechanism::plain, "alice@acorn.example"), 454U);
  EXPECT_EQ(sign_in_by(sasl::Mechanism::scram_sha_256, "alice@acorn.example"), 454U);
  world.advance(1h);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(sign_in_by(sasl::Mechanism::scram_sha_256, "alice@acorn.example",
                         "house " + std::to_string(i)),
              i < 5 ? 535U : 454U);
}

// Neither the client that gives up nor the line that breaks has guessed.
TEST_F(MsaTest, AnExchangeThatEndsEarlyIsNoGuess) {
  for (int i = 0; i < 20; ++i) {
    auto talk = greeted();
    const auto first = base::to_base64("n,,n=alice@acorn.example,r=abcdefgh");
    EXPECT_THAT(talk.ask("AUTH SCRAM-SHA-256 " + first), StartsWith("334"));
    if (i % 2 == 0) EXPECT_THAT(talk.ask("*"), StartsWith("501"));
  }
  EXPECT_EQ(sign_in_by(sasl::Mechanism::scram_sha_256, "alice@acorn.example"), 235U);
  EXPECT_EQ(events.count("sign_in.throttled"), 0U);
}

// A password in clear was heard though it is refused; one that is good for PLAIN who interferes
// has.
TEST_F(MsaTest, ASignInIsRecordedWhateverIsSent) {
  const auto openings = [&] {
    EXPECT_TRUE(wait(directory.write_openings()));
    return wait(operations.list_openings(acorn, alice.address)).value();
  };
  Talk talk(*this, connect(587));
  talk.read();
  talk.ask("EHLO [198.51.100.7]");
  EXPECT_THAT(talk.ask(plain("alice@acorn.example", "tree house")), StartsWith("538"));
  EXPECT_EQ(openings().back().how, directory::Opening::How::in_clear);
  EXPECT_EQ(sign_in_by(sasl::Mechanism::scram_sha_256_plus, "alice@acorn.example"), 235U);
  EXPECT_EQ(openings().back().how, directory::Opening::How::unbound);
  add_account("eve@acorn.example", directory::Accepts::plus_only);
  for (const auto level : {hop::Level::authenticated, hop::Level::encrypted}) {
    const auto hop = submitted_by(sasl::Mechanism::scram_sha_256_plus, "eve@acorn.example");
    EXPECT_EQ(hop.protection.level, level) << "whoever heard it could play both ends";
    talk.ask(plain("eve@acorn.example", "tree house"));
  }
}

// A password typed as the name is in no event of this agent's.
TEST_F(MsaTest, ALoginThatIsNoAccountIsNotLogged) {
  for (const auto mechanism : {sasl::Mechanism::plain, sasl::Mechanism::scram_sha_256}) {
    for (int i = 0; i < 7; ++i) (void)sign_in_by(mechanism, "tree house", std::to_string(i));
  }
  EXPECT_GT(events.count("sign_in.throttled"), 0U);
  EXPECT_GT(events.count("sign_in.exchange_failed"), 0U);
  for (const auto& event : events.all()) {
    for (const auto& [key, value] : event.fields)
      EXPECT_EQ(value.find("tree house"), std::string::npos) << event.name << " " << key;
  }
}

TEST_F(MsaTest, WhatSignsInDecidesTheLevel) {
  add_account("eve@acorn.example", directory::Accepts::plus_only);
  for (const auto mechanism : {sasl::Mechanism::plain, sasl::Mechanism::scram_sha_256,
                               sasl::Mechanism::scram_sha_256_plus})
    EXPECT_EQ(sign_in_by(mechanism, "alice@acorn.example"), 235U);
  EXPECT_EQ(sign_in_by(sasl::Mechanism::plain, "eve@acorn.example"), 535U);
  EXPECT_EQ(sign_in_by(sasl::Mechanism::scram_sha_256, "eve@acorn.example"), 535U);
  EXPECT_EQ(sign_in_by(sasl::Mechanism::scram_sha_256_plus, "eve@acorn.example"), 235U);
  EXPECT_EQ(sign_in_by(sasl::Mechanism::scram_sha_256_plus, "eve@acorn.example", "wrong house"),
            535U);
  EXPECT_EQ(sign_in_by(sasl::Mechanism::scram_sha_256, "nobody@acorn.example"), 535U);
}

// The record says how the client signed in, and the level what that proves.
TEST_F(MsaTest, TheRecordSaysHowTheClientSignedIn) {
  struct Row {
    sasl::Mechanism mechanism;
    std::string user;
    hop::SignIn sign_in;
    hop::Level level;
    hop::Proof proof;
  };
  using enum sasl::Mechanism;
  add_account("eve@acorn.example", directory::Accepts::plus_only);
  know("alice@acorn.example", "alice@acorn.example");
  const Row rows[] = {
      {plain, "alice@acorn.example", hop::SignIn::password, hop::Level::encrypted, {}},
      {scram_sha_256, "alice@acorn.example", hop::SignIn::scram, hop::Level::encrypted, {}},
      {scram_sha_256_plus, "alice@acorn.example", hop::SignIn::scram_plus, hop::Level::encrypted,
       hop::Proof::none},
      {scram_sha_256_plus, "eve@acorn.example", hop::SignIn::scram_plus, hop::Level::authenticated,
       hop::Proof::scram_plus},
      {external, "alice@acorn.example", hop::SignIn::client_certificate, hop::Level::mutual,
       hop::Proof::client_certificate},
  };
  for (const auto& row : rows) {
    const auto hop = submitted_by(row.mechanism, row.user);
    EXPECT_EQ(hop.sign_in, row.sign_in) << sasl::name(row.mechanism);
    EXPECT_EQ(hop.protection.level, row.level) << sasl::name(row.mechanism);
    EXPECT_EQ(hop.protection.proved_by, row.proof) << sasl::name(row.mechanism);
  }
}

// What a password was good for when it signed in counts, not what an operator makes of the account
// while the session lasts.
TEST_F(MsaTest, AnAccountThatBecomesPlusOnlyProvesNothingForSessionsBefore) {
  const auto hop = submitted_by(sasl::Mechanism::scram_sha_256_plus, "alice@acorn.example", [&] {
    set_account("alice@acorn.example",
                {.password = "another house", .accepts = directory::Accepts::plus_only});
  });
  EXPECT_EQ(hop.protection.level, hop::Level::encrypted);
  EXPECT_EQ(hop.protection.proved_by, hop::Proof::none);
}

TEST_F(MsaTest, ExternalIsOfferedOnlyForACertificateThatWeKnow) {
  know("alice@acorn.example", "alice@acorn.example");
  const auto offered = [&](const std::string& certificate) {
    Talk talk(*this, connect(465));
    talk.begin_tls(certificate);
    talk.read();
    return talk.ask("EHLO laptop").find("AUTH EXTERNAL ") != std::string::npos;
  };
  EXPECT_TRUE(offered("alice@acorn.example"));
  EXPECT_FALSE(offered("")) << "none was shown";
  EXPECT_FALSE(offered("alice@acorn.example another")) << "her name, somebody else's key";
  EXPECT_FALSE(offered("bob@birch.example")) << "nobody knows it";
  // TLS 1.2 without extended master secret: nothing binds the certificate to this session.
  peer_tls.settings.version_max = hop::TlsVersion::tls1_2;
  EXPECT_TRUE(offered("alice@acorn.example"));
  peer_tls.settings.extended_master_secret = false;
  EXPECT_FALSE(offered("alice@acorn.example"));
}

TEST_F(MsaTest, NobodySignsInByAnothersCertificate) {
  know("alice@acorn.example", "alice@acorn.example");
  know("bob@birch.example", "bob@birch.example");
  // Birch knows a key of alice's as bob's: her certificate still names her, and her account
  // decides.
  know("bob@birch.example", "alice@acorn.example");
  const auto said = [&](const std::string& certificate, const std::string& authzid) {
    Talk talk(*this, connect(465));
    talk.begin_tls(certificate);
    talk.read();
    talk.ask("EHLO laptop");
    return talk.ask("AUTH EXTERNAL " + (authzid.empty() ? "=" : base::to_base64(authzid)));
  };
  EXPECT_THAT(said("alice@acorn.example", ""), StartsWith("235"));
  EXPECT_THAT(said("alice@acorn.example", "alice@acorn.example"), StartsWith("235"));
  EXPECT_THAT(said("bob@birch.example", ""), StartsWith("235"));
  EXPECT_THAT(said("alice@acorn.example", "bob@birch.example"), StartsWith("535"));
  EXPECT_THAT(said("bob@birch.example", "alice@acorn.example"), StartsWith("535"));
  EXPECT_THAT(said("alice@acorn.example another", ""), StartsWith("504"));
  EXPECT_THAT(said("alice@acorn.example another", "alice@acorn.example"), StartsWith("504"));
  EXPECT_EQ((*events.last("sign_in.succeeded"))["account"], "bob@birch.example");
  set_account("bob@birch.example", {.state = directory::Account::State::suspended});
  EXPECT_THAT(said("bob@birch.example", ""), StartsWith("535"));
  // Taken away between the handshake and the sign-in.
  Talk talk(*this, connect(465));
  talk.begin_tls("alice@acorn.example");
  talk.read();
  talk.ask("EHLO laptop");
  set_account("alice@acorn.example",
              {.remove_certificates = {sim::client_certificate("alice@acorn.example").key_digest}});
  EXPECT_THAT(talk.ask("AUTH EXTERNAL ="), StartsWith("535"));
}

TEST_F(MsaTest, ReceivedNamesNoClient) {
  EXPECT_THAT(send(whole), StartsWith("250 2.0.0 taken, trace "));
  const auto content = newest();
  EXPECT_THAT(content, StartsWith("Received: by mail.acorn.example"));
  EXPECT_THAT(content, HasSubstr("with ESMTPSA"));
  EXPECT_THAT(content, Not(HasSubstr("198.51.100.7")));
  EXPECT_TRUE(content.ends_with(whole));
  const auto trace = trace_of(acorn, queued(acorn)[0].message.trace).value();
  ASSERT_EQ(trace.hops.size(), 1U);
  EXPECT_EQ(trace.hops[0].kind, hop::Kind::submission);
  EXPECT_EQ(trace.hops[0].from.who, "alice@acorn.example");
  EXPECT_EQ(trace.hops[0].protection.level, hop::Level::encrypted);
  EXPECT_EQ(trace.hops[0].changes, std::vector{hop::Change::trace_fields_added});
}

TEST_F(MsaTest, DateAndMessageIdAreAddedAndBccIsRemoved) {
  EXPECT_THAT(
      send("From: alice@acorn.example\r\nBcc: carol@modern.example,\r\n eve@acorn.example\r\n"
           "bcc: dave@old.example\r\n\r\nThe figures.\r\n"),
      StartsWith("250"));
  const auto content = newest();
  EXPECT_THAT(content, Not(HasSubstr("carol")));
  EXPECT_THAT(content, Not(HasSubstr("eve")));
  EXPECT_THAT(content, Not(HasSubstr("dave")));
  EXPECT_THAT(content, HasSubstr("\r\nDate: Thu, "));
  const auto trace = trace_of(acorn, queued(acorn)[0].message.trace).value();
  EXPECT_THAT(content, HasSubstr("\r\nMessage-ID: " + trace.trace.message_id + "\r\n"));
  EXPECT_TRUE(trace.trace.message_id.ends_with("@acorn.example>"));
  EXPECT_THAT(
      trace.hops.at(0).changes,
      testing::UnorderedElementsAre(hop::Change::trace_fields_added, hop::Change::bcc_removed,
                                    hop::Change::date_added, hop::Change::message_id_added));
}

TEST_F(MsaTest, AReturnPathIsNotTheClientsToWrite) {
  EXPECT_THAT(
      send("From: alice@acorn.example\r\nReturn-Path: <eve@old.example>\r\n"
           "Date: Mon, 23 Nov 2026 03:12:44 +0000\r\nMessage-ID: <x@acorn.example>\r\n\r\nx\r\n"),
      StartsWith("250"));
  EXPECT_THAT(newest(), Not(HasSubstr("eve")));
  const auto trace = trace_of(acorn, queued(acorn)[0].message.trace).value();
  EXPECT_THAT(trace.hops.at(0).changes,
              testing::UnorderedElementsAre(hop::Change::trace_fields_added,
                                            hop::Change::return_path_removed));
}

TEST_F(MsaTest, WhatIsWrittenMustBeTheAccountsOwn) {
  add_account("eve@acorn.example");
  set_account("alice@acorn.example", {.add_addresses = {custody::test::at("sales@acorn.example")}});
  const auto from = [](const std::string& fields) {
    return fields + "Subject: Figures\r\n\r\nThe figures.\r\n";
  };
  auto talk = signed_in();
  for (const auto& mail_from : {"eve@acorn.example", "bob@birch.example", "carol@modern.example",
                                "alice@modern.example", "postmaster@acorn.example"})
    EXPECT_THAT(send(talk, whole, mail_from), StartsWith("550 5.7.1")) << mail_from;
  for (const auto& mail_from :
       {"", "ALICE@acorn.example", "alice+q3@acorn.example", "sales@acorn.example"})
    EXPECT_THAT(send(talk, whole, mail_from), StartsWith("250")) << mail_from;
  // In the header: From, each of several, and Sender.
  for (const auto& fields :
       {"From: eve@acorn.example\r\n", "From: \"alice@acorn.example\" <eve@acorn.example>\r\n",
        "From: alice@acorn.example, eve@acorn.example\r\nSender: alice@acorn.example\r\n",
        "From: alice@acorn.example\r\nSender: eve@acorn.example\r\n",
        "From: eve@acorn.example\r\nSender: alice@acorn.example\r\n"})
    EXPECT_THAT(send(talk, from(fields)), StartsWith("554 5.7.1")) << fields;
  EXPECT_THAT(send(talk, from("From: alice@acorn.example, sales@acorn.example\r\n"
                              "Sender: alice@acorn.example\r\n")),
              StartsWith("250"));
  // Attack 30: what two readers would take for two authors.
  for (const auto& fields :
       {"", "From: alice@acorn.example\r\nFrom: eve@acorn.example\r\n", "From: \r\n",
        "From: undisclosed:;\r\n", "From: alice@acorn.example, sales@acorn.example\r\n",
        "From: alice@acorn.example\r\nSender: alice@acorn.example\r\nSender: x@acorn.example\r\n"})
    EXPECT_THAT(send(talk, from(fields)), StartsWith("554 5.6.0")) << fields;
  EXPECT_EQ(queued(acorn).size(), 5U);
}

TEST_F(MsaTest, AnAuthorListIsBounded) {
  std::string many = "From: alice@acorn.example";
  for (int i = 0; i < 10; ++i) many += ",\r\n alice@acorn.example";
  EXPECT_THAT(send(many + "\r\nSender: alice@acorn.example\r\n\r\nx\r\n"), StartsWith("554 5.6.0"));
}

TEST_F(MsaTest, RecipientsAnywhereButNotWhereTheyAreUnknownHere) {
  auto talk = signed_in();
  EXPECT_THAT(send(talk, whole, "alice@acorn.example", "nobody@birch.example"),
              StartsWith("550 5.1.1"));
  set_account("bob@birch.example", {.state = directory::Account::State::suspended});
  EXPECT_THAT(send(talk, whole), StartsWith("550 5.2.1"));
  EXPECT_THAT(send(talk, whole, "alice@acorn.example", "dave@old.example"), StartsWith("250"));
  EXPECT_EQ(queued(acorn).at(0).recipients.at(0).lane, queue::Lane::remote);
}

TEST_F(MsaTest, AnHourAndADayOfSending) {
  directory::TenantChange change;
  change.limits = {.per_hour = 2, .per_day = 3, .failed_per_day = 10};
  ASSERT_TRUE(wait(operations.set_tenant("acorn.example", change, "test")));
  EXPECT_THAT(send(whole), StartsWith("250"));
  EXPECT_THAT(send(whole), StartsWith("250"));
  EXPECT_THAT(send(whole), StartsWith("452 4.7.28"));
  EXPECT_EQ(events.count("msa.sending_limit"), 1U);
  world.advance(61min);
  EXPECT_THAT(send(whole), StartsWith("250"));
  EXPECT_THAT(send(whole), StartsWith("550 5.7.28"));
  // Taken over, it seems: until an operator says otherwise.
  world.advance(25h);
  EXPECT_THAT(send(whole), StartsWith("550 5.7.1 sending is stopped"));
  set_account("alice@acorn.example", {.sending = directory::Sending::State::enabled});
  EXPECT_THAT(send(whole), StartsWith("250"));
  EXPECT_EQ(queued(acorn).size(), 4U);
}

TEST_F(MsaTest, AnAccountThatIsClosedMeanwhileSendsNothing) {
  auto talk = signed_in();
  set_account("alice@acorn.example", {.state = directory::Account::State::suspended});
  EXPECT_THAT(send(talk, whole), StartsWith("550 5.7.1"));
  Talk again(*this, connect(465));
  again.begin_tls();
  again.read();
  again.ask("EHLO [198.51.100.7]");
  EXPECT_THAT(again.ask(plain("alice@acorn.example", "tree house")), StartsWith("535"));
  ASSERT_TRUE(wait(operations.remove_account(custody::test::at("alice@acorn.example"), "test")));
  EXPECT_THAT(talk.ask("MAIL FROM:<alice@acorn.example>"), StartsWith("550"));
}

TEST_F(MsaTest, TheTenantsRequirementGoesWithTheMessage) {
  directory::TenantChange change;
  change.requirement = "level=authenticated";
  ASSERT_TRUE(wait(operations.set_tenant("acorn.example", change, "test")));
  EXPECT_THAT(send(whole), StartsWith("250"));
  const auto requirement = queued(acorn).at(0).message.requirement;
  EXPECT_EQ(requirement.level.value, hop::Level::authenticated);
  EXPECT_EQ(requirement.level.source.name, "acorn.example");
}

TEST_F(MsaTest, AFullDiskIsSaid) {
  auto talk = signed_in();
  store.set_disk_free_octets(0);
  EXPECT_THAT(send(talk, whole), StartsWith("452 4.3.1"));
  store.set_disk_free_octets(std::uint64_t{1} << 40);
  EXPECT_THAT(send(talk, whole), StartsWith("250"));
}

}  // namespace
}  // namespace letterlock::msa
