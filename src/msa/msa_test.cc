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
    session.mechanisms = {sasl::Mechanism::scram_sha_256_plus, sasl::Mechanism::scram_sha_256,
                          sasl::Mechanism::plain};
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
  // Up to where a message may begin.
  Talk signed_in(const std::string& user = "alice@acorn.example") {
    Talk talk(*this, connect(465));
    talk.begin_tls();
    EXPECT_THAT(talk.read(), StartsWith("220"));
    EXPECT_THAT(talk.ask("EHLO [198.51.100.7]"), StartsWith("250"));
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

  static net::ResultTask<smtp::Reply> sign_in_on(std::unique_ptr<net::Connection> connection,
                                                 tls::Tls& tls, os::Clock& clock,
                                                 os::Random& random, net::Workers& workers,
                                                 sasl::Mechanism mechanism, std::string user,
                                                 std::string password) {
    drive::SmtpClient client(std::move(connection), clock);
    tls::ClientOptions options;
    options.server_name = "mail.acorn.example";
    CO_CHECK(co_await client.begin_tls(tls, options));
    CO_TRY(const auto greeting, co_await client.greeting());
    CO_TRY(const auto hello, co_await client.ehlo("[198.51.100.7]"));
    sasl::ClientOptions how{.mechanism = mechanism, .user = user, .password = password};
    how.rounds_min = 1;
    how.nonce = sasl::nonce_from(random.octets(18));
    if (mechanism == sasl::Mechanism::scram_sha_256_plus) {
      CO_TRY(how.channel_binding,
             client.tls()->exporter(sasl::channel_binding_label, "", sasl::channel_binding_octets));
    }
    auto said = co_await client.sign_in(std::move(how), workers);
    if (said) co_await client.quit();
    co_return said;
  }
  unsigned sign_in_by(sasl::Mechanism mechanism, const std::string& user,
                      const std::string& password = "tree house") {
    const auto said = wait(sign_in_on(connect(465), peer_tls, world.clock(), world.random(),
                                      workers, mechanism, user, password));
    EXPECT_TRUE(said) << said.error().what;
    return said ? said->code : 0;
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
  Talk talk(*this, connect(465));
  talk.begin_tls();
  EXPECT_THAT(talk.read(), StartsWith("220"));
  talk.ask("EHLO laptop.acorn.example");
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
    Talk talk(*this, connect(465));
    talk.begin_tls();
    talk.read();
    talk.ask("EHLO laptop.acorn.example");
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
    Talk talk(*this, connect(465));
    talk.begin_tls();
    talk.read();
    talk.ask("EHLO laptop.acorn.example");
    const auto first = base::to_base64("n,,n=alice@acorn.example,r=abcdefgh");
    EXPECT_THAT(talk.ask("AUTH SCRAM-SHA-256 " + first), StartsWith("334"));
    if (i % 2 == 0) EXPECT_THAT(talk.ask("*"), StartsWith("501"));
  }
  EXPECT_EQ(sign_in_by(sasl::Mechanism::scram_sha_256, "alice@acorn.example"), 235U);
  EXPECT_EQ(events.count("sign_in.throttled"), 0U);
}

// A password in clear is refused and was heard; PLAIN over TLS is whose who interfered; what is
// bound to the channel is nobody's.
TEST_F(MsaTest, ASignInIsRecordedWhateverIsSent) {
  using How = directory::Opening::How;
  const auto openings = [&] {
    EXPECT_TRUE(wait(directory.write_openings()));
    std::vector<How> out;
    for (const auto& opening : wait(operations.list_openings(acorn, alice.address)).value())
      out.push_back(opening.how);
    return out;
  };
  EXPECT_EQ(sign_in_by(sasl::Mechanism::scram_sha_256_plus, "alice@acorn.example"), 235U);
  Talk talk(*this, connect(587));
  talk.read();
  talk.ask("EHLO [198.51.100.7]");
  EXPECT_THAT(talk.ask(plain("alice@acorn.example", "wrong house")), StartsWith("538"));
  EXPECT_EQ(openings(), std::vector<How>());
  EXPECT_THAT(talk.ask(plain("alice@acorn.example", "tree house")), StartsWith("538"));
  EXPECT_EQ(openings(), std::vector<How>{How::in_clear});
  EXPECT_EQ(sign_in_by(sasl::Mechanism::scram_sha_256, "alice@acorn.example"), 235U);
  EXPECT_EQ(openings(), (std::vector<How>{How::in_clear, How::unbound}));
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
