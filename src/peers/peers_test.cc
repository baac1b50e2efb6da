// The peers against each other and against drive's servers: over pipes, with real TLS.
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "drive/pop_server.h"
#include "net/pipe.h"
#include "os/temporary.h"
#include "peers/mail_client.h"
#include "peers/outside_mta.h"
#include "tls/authority.h"
#include "tls/openssl.h"

namespace letterlock::peers {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;

const std::string password = "correct horse";
const std::string salt = "0123456789abcdef";

// A server's side of submission: alice may submit from her address.
class Door final : public drive::SmtpHandler {
 public:
  net::ResultTask<drive::SmtpAccount> on_auth_keys(std::string user, sasl::Mechanism) override {
    co_return drive::SmtpAccount{
        sasl::derive(password, salt, sasl::rounds_min),
        user == "alice" ? sasl::Standing::welcome : sasl::Standing::refused};
  }
  net::Task<smtp::Reply> on_authenticated(sasl::Success success, sasl::Mechanism) override {
    signed_in = success.user;
    bound = success.channel_bound;
    co_return smtp::reply(235, dsn::Status{2, 7, 0}, "welcome");
  }
  net::ResultTask<sasl::Standing> on_auth_check(sasl::NeedCheck check) override {
    co_return check.password == password ? sasl::Standing::welcome : sasl::Standing::refused;
  }
  net::Task<smtp::Reply> on_mail(smtp::Mail) override {
    co_return smtp::reply(250, dsn::status::ok, "go on");
  }
  net::Task<smtp::Reply> on_rcpt(smtp::Rcpt rcpt) override {
    if (rcpt.to.local_part() == "nobody")
      co_return smtp::reply(550, dsn::status::bad_mailbox, "nobody");
    co_return smtp::reply(250, dsn::status::address_valid, "go on");
  }
  net::Task<smtp::Reply> on_content_begin() override { co_return smtp::reply(354, "go on"); }
  net::ResultTask<> on_content(std::string_view octets) override {
    content += octets;
    co_return base::Result<>();
  }
  net::Task<smtp::Reply> on_content_end(smtp::ContentFacts) override {
    co_return smtp::reply(250, dsn::status::ok, "taken, trace 01JD8X4K7QZ3M9");
  }
  net::Task<> on_reset() override { co_return; }

  std::string signed_in;
  bool bound = false;
  std::string content;
};

class Octets final : public drive::PopContent {
 public:
  explicit Octets(std::string octets) : octets_(std::move(octets)) {}
  net::ResultTask<base::Bytes> next() override { co_return std::exchange(octets_, {}); }

 private:
  std::string octets_;
};

// bob's mailbox of two messages.
class Mailbox final : public drive::PopHandler {
 public:
  net::ResultTask<bool> clear_allowed(std::string) override { co_return clear; }
  net::ResultTask<Keys> keys(std::string, sasl::Mechanism, const tls::Session*) override {
    co_return Keys{sasl::derive(password, salt, sasl::rounds_min), sasl::Standing::welcome};
  }
  net::ResultTask<sasl::Standing> check_password(std::string, std::string given,
                                                 const tls::Session*) override {
    passwords.push_back(given);
    co_return given == password ? sasl::Standing::welcome : sasl::Standing::refused;
  }
  net::Task<> password_shown(std::string, std::string, const tls::Session*) override { co_return; }
  net::ResultTask<> proved(bool) override { co_return base::Result<>(); }
  void exchange_failed(sasl::Mechanism, const sasl::Failure&) override {}
  net::ResultTask<pop::Maildrop> signed_in(drive::PopSignIn sign_in) override {
    how = sign_in.how;
    pop::Maildrop maildrop("1");
    for (const auto uid : {1U, 2U}) maildrop.add(uid, text(uid).size());
    co_return maildrop;
  }
  net::ResultTask<std::unique_ptr<drive::PopContent>> open(std::uint32_t uid) override {
    co_return std::make_unique<Octets>(text(uid));
  }
  net::ResultTask<> content_begins(std::uint32_t, drive::PopGiving) override {
    co_return base::Result<>();
  }
  net::Task<> content_ended(std::uint32_t, drive::PopGiving, drive::PopGiven) override {
    co_return;
  }
  net::ResultTask<> commit(std::vector<std::uint32_t> uids) override {
    removed = std::move(uids);
    co_return base::Result<>();
  }
  static std::string text(std::uint32_t uid) {
    return "Subject: " + std::to_string(uid) + "\r\n\r\n.hello\r\n";
  }

  bool clear = false;
  std::optional<drive::PopSignIn::How> how;
  std::vector<std::string> passwords;
  std::vector<std::uint32_t> removed;
};

net::Task<> serve_smtp(std::unique_ptr<net::Connection> connection, drive::SmtpHandler& handler,
                       drive::SmtpServerWorld world, drive::SmtpServerOptions options) {
  drive::SmtpServer server(std::move(connection), handler, world, options);
  co_await server.run();
}
net::Task<> serve_pop(std::unique_ptr<net::Connection> connection, drive::PopHandler& handler,
                      drive::PopServer::World world, drive::PopOptions options) {
  drive::PopServer server(world, std::move(options));
  (void)co_await server.serve(std::move(connection), handler);
}
template <class T>
net::Task<> keep(net::ResultTask<T> task, std::optional<base::Result<T>>& into) {
  into = co_await std::move(task);
}

class Peers : public testing::Test {
 protected:
  Peers() {
    const auto authority = tls::make_authority("tests", clock.now()).value();
    const auto made =
        tls::make_certificate(authority, {"mail.example"}, clock.now() - 1h, clock.now() + 1h)
            .value();
    write("ca.pem", authority.certificate_pem);
    const tls::CertificateFiles files{
        {}, write("chain.pem", made.chain_pem), write("key.pem", made.key_pem)};
    tls = tls::OpensslTls::create(tls::ServerCertificates::load({files}, clock, events).value(),
                                  clock, events)
              .value();
  }
  ~Peers() override { loop.poll(); }

  std::string write(const std::string& name, const std::string& text) {
    const auto path = folder.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  bool run(const std::function<bool()>& done) {
    for (int i = 0; i < 10'000 && !done(); ++i)
      if (loop.poll() == 0) std::this_thread::sleep_for(1ms);
    return done();
  }
  template <class T>
  base::Result<T> ask(net::ResultTask<T> task) {
    std::optional<base::Result<T>> answer;
    loop.spawn(keep(std::move(task), answer));
    EXPECT_TRUE(run([&] { return answer.has_value(); }));
    return answer.value_or(base::fail(ErrorKind::io, "the test gave up"));
  }
  ClientWorld client_world() { return {*tls, workers, clock, random}; }
  OutsideMta::World mta_world() { return {loop, timers, clock, random}; }
  SignIn sign_in(std::string user, sasl::Mechanism mechanism) {
    return {"mail.example", folder.path() + "/ca.pem", std::move(user), password, mechanism};
  }

  base::Result<smtp::Reply> submit_to(drive::SmtpHandler& handler, Submission submission) {
    drive::SmtpServerOptions options;
    options.session.host_name = *address::Domain::parse("mail.example");
    options.session.tls = smtp::Need::required;
    options.session.authentication = smtp::Need::required;
    options.session.mechanisms = {sasl::Mechanism::scram_sha_256_plus, sasl::Mechanism::plain};
    if (submission.door == Submission::Door::submissions)
      options.start = drive::SmtpServerOptions::Start::tls;
    auto [ours, theirs] = net::make_pipe();
    bool ended = false;
    loop.spawn(serve_smtp(std::move(theirs), handler, {clock, random, tls.get()}, options),
               [&] { ended = true; });
    auto reply = ask(submit(std::move(ours), client_world(), std::move(submission)));
    EXPECT_TRUE(run([&] { return ended; }));
    return reply;
  }
  base::Result<std::vector<base::Bytes>> fetch_from(Mailbox& mailbox, Fetch fetch_options) {
    drive::PopOptions options;
    options.entry = fetch_options.way == Fetch::Way::tls ? drive::PopOptions::Entry::tls
                                                         : drive::PopOptions::Entry::stls;
    options.clear_sign_in = true;
    options.refusal_delay = 0ms;
    auto [ours, theirs] = net::make_pipe();
    bool ended = false;
    loop.spawn(serve_pop(std::move(theirs), mailbox, {*tls, timers, clock, random}, options),
               [&] { ended = true; });
    auto messages = ask(fetch(std::move(ours), client_world(), std::move(fetch_options)));
    EXPECT_TRUE(run([&] { return ended; }));
    return messages;
  }

  os::SystemClock clock;
  os::SystemRandom random;
  base::NoEvents events;
  os::TemporaryFolder folder = os::TemporaryFolder::create("peers-test").value();
  net::Loop loop;
  net::LoopTimers timers;
  net::InlineWorkers workers;
  std::unique_ptr<tls::OpensslTls> tls;
};

TEST_F(Peers, SubmitsBothWaysIn) {
  using enum sasl::Mechanism;
  for (const auto door : {Submission::Door::submission, Submission::Door::submissions}) {
    for (const auto mechanism : {scram_sha_256_plus, plain}) {
      Door handler;
      const auto reply = submit_to(handler, {sign_in("alice", mechanism),
                                             door,
                                             "alice@acorn.example",
                                             {"bob@birch.example"},
                                             "Subject: x\r\n\r\nhello\r\n"});
      ASSERT_TRUE(reply) << reply.error().what;
      EXPECT_EQ(reply->code, 250) << reply->text();
      EXPECT_EQ(trace_in(*reply), "01JD8X4K7QZ3M9");
      EXPECT_EQ(handler.content, "Subject: x\r\n\r\nhello\r\n");
      EXPECT_EQ(handler.bound, mechanism == scram_sha_256_plus);
    }
  }
}

TEST_F(Peers, GivesBackTheReplyThatRefused) {
  Door handler;
  const auto reply = submit_to(handler, {.sign_in = sign_in("alice", sasl::Mechanism::plain),
                                         .mail_from = "alice@acorn.example",
                                         .recipients = {"nobody@birch.example"},
                                         .content = "x\r\n"});
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(reply->code, 550);
  EXPECT_EQ(trace_in(*reply), "");
  const auto stranger =
      submit_to(handler, {.sign_in = sign_in("mallory", sasl::Mechanism::scram_sha_256_plus),
                          .mail_from = "alice@acorn.example",
                          .recipients = {"bob@birch.example"},
                          .content = "x\r\n"});
  ASSERT_TRUE(stranger) << stranger.error().what;
  EXPECT_EQ(stranger->code, 535);
  EXPECT_EQ(handler.content, "");
}

TEST_F(Peers, SignsInOnlyWhereTheNameIsProved) {
  Door handler;
  auto who = sign_in("alice", sasl::Mechanism::plain);
  who.server_name = "other.example";
  const auto reply = submit_to(handler, {.sign_in = who,
                                         .mail_from = "alice@acorn.example",
                                         .recipients = {"bob@birch.example"},
                                         .content = "x\r\n"});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::denied);
  EXPECT_EQ(handler.signed_in, "");
  Mailbox mailbox;
  const auto messages = fetch_from(mailbox, {.sign_in = who});
  ASSERT_FALSE(messages);
  EXPECT_EQ(messages.error().kind, ErrorKind::denied);
  EXPECT_FALSE(mailbox.how);
}

TEST_F(Peers, FetchesByTlsAndInClear) {
  using How = drive::PopSignIn::How;
  Mailbox mailbox;
  const auto who = sign_in("bob", sasl::Mechanism::scram_sha_256_plus);
  const auto messages = fetch_from(mailbox, {.sign_in = who, .after = Fetch::After::remove});
  ASSERT_TRUE(messages) << messages.error().what;
  EXPECT_EQ(*messages, (std::vector<base::Bytes>{Mailbox::text(1), Mailbox::text(2)}));
  EXPECT_EQ(mailbox.how, How::scram_plus);
  EXPECT_EQ(mailbox.removed, (std::vector<std::uint32_t>{1, 2}));

  const auto refused = fetch_from(mailbox, {.sign_in = who, .way = Fetch::Way::clear});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::denied);
  EXPECT_TRUE(mailbox.passwords.empty());
  mailbox.clear = true;
  EXPECT_EQ(fetch_from(mailbox, {.sign_in = who, .way = Fetch::Way::clear})->size(), 2U);
  EXPECT_EQ(mailbox.how, How::password);
}

net::ResultTask<smtp::Reply> relay(std::unique_ptr<net::Connection> connection, os::Clock& clock,
                                   tls::Tls* tls, std::string content) {
  drive::SmtpClient client(std::move(connection), clock);
  CO_TRY(const auto greeting, co_await client.greeting());
  if (!greeting.is_positive()) co_return greeting;
  CO_TRY(auto hello, co_await client.ehlo("mail.example"));
  EXPECT_EQ(client.offered().starttls, tls != nullptr);
  if (tls != nullptr) {
    CO_CHECK(co_await client.start_tls(*tls, {}));
    CO_TRY(hello, co_await client.ehlo("mail.example"));
  }
  smtp::Mail mail;
  mail.from = *address::ReversePath::from_text("alice@acorn.example");
  CO_TRY(const auto envelope,
         co_await client.envelope(mail, {{*address::Address::parse("carol@modern.example"), {}}}));
  if (!envelope.is_open()) co_return envelope.recipients.front();
  struct Text final : drive::SmtpContent {
    explicit Text(std::string octets) : octets_(std::move(octets)) {}
    net::ResultTask<std::string_view> next() override {
      now_ = std::exchange(octets_, {});
      co_return now_;
    }
    std::string octets_, now_;
  } text(content);
  auto reply = co_await client.content(content.size(), text);
  co_await client.quit();
  co_return reply;
}

TEST_F(Peers, TheOutsideMtaKeepsWhatCame) {
  for (auto* with : {static_cast<tls::Tls*>(tls.get()), static_cast<tls::Tls*>(nullptr)}) {
    const auto mta =
        OutsideMta::create(
            mta_world(),
            {.host_name = "mx.modern.example", .tls = with, .kept_max = 1, .content_octets_max = 5})
            .value();
    for (int i = 0; i < 2; ++i) {
      auto [ours, theirs] = net::make_pipe();
      bool ended = false;
      loop.spawn(mta->session(std::move(theirs)), [&] { ended = true; });
      const auto reply = ask(relay(std::move(ours), clock, with, "Subject: x\r\n\r\n"));
      ASSERT_TRUE(reply) << reply.error().what;
      EXPECT_EQ(reply->code, 250);
      EXPECT_TRUE(run([&] { return ended; }));
    }
    EXPECT_EQ(mta->count(), 2U);
    ASSERT_EQ(mta->received().size(), 1U);
    const auto received = mta->received().front();
    EXPECT_EQ(received.mail_from, "alice@acorn.example");
    EXPECT_EQ(received.recipients, std::vector<std::string>{"carol@modern.example"});
    EXPECT_EQ(received.content, "Subje");
    EXPECT_EQ(received.octets, 14U);
    EXPECT_EQ(received.over == OutsideMta::Received::Over::tls, with != nullptr);
  }
}

TEST_F(Peers, TheOutsideMtaRefusesWhereItIsTold) {
  using enum OutsideMta::Stage;
  for (const auto stage : {connect, rcpt, content_end}) {
    const auto refusal = smtp::reply(stage == connect ? 421 : 451, dsn::Status{4, 3, 2}, "not now");
    const auto mta = OutsideMta::create(mta_world(), {.host_name = "mx.modern.example",
                                                      .pause = 1ms,
                                                      .refusals = {{stage, refusal}}})
                         .value();
    auto [ours, theirs] = net::make_pipe();
    bool ended = false;
    loop.spawn(mta->session(std::move(theirs)), [&] { ended = true; });
    const auto reply = ask(relay(std::move(ours), clock, nullptr, "Subject: x\r\n\r\n"));
    ASSERT_TRUE(reply) << reply.error().what;
    EXPECT_EQ(reply->code, refusal.code);
    EXPECT_TRUE(run([&] { return ended; }));
    EXPECT_EQ(mta->count(), 0U);
  }
  EXPECT_FALSE(OutsideMta::create(mta_world(), {.host_name = "not a name"}));
}

}  // namespace
}  // namespace letterlock::peers
