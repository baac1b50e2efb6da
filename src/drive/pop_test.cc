// POP3 sessions between server and client, over a pipe.
#include <algorithm>

#include "drive/pop_testing.h"

namespace letterlock::drive::test {
namespace {

using namespace std::chrono_literals;
using Notes = std::vector<std::string>;
using sasl::Mechanism;

TEST_F(PopTest, WholeSessionOverTls) {
  const auto client = connect();
  ASSERT_TRUE(wait(client->user_pass("bob", "tree")));
  EXPECT_EQ(wait(client->stat()), (pop::Pair{2, 54}));
  EXPECT_EQ(wait(client->list())->at(1), (pop::Pair{2, 24}));
  EXPECT_EQ(wait(client->uidl())->at(0), (pop::UniqueId{1, "17.5"}));
  EXPECT_EQ(wait(client->retr(1, 1000)), handler.messages[5]);
  EXPECT_EQ(wait(client->top(2, 0, 1000)), "Subject: two\r\n\r\n");
  EXPECT_TRUE(wait(client->dele(2)));
  EXPECT_EQ(wait(client->retr(2, 1000)).error().kind, base::ErrorKind::invalid);
  EXPECT_TRUE(wait(client->quit()));
  EXPECT_EQ(wait_end(), PopEnd::Why::quit);
  EXPECT_EQ(handler.notes, (Notes{"in bob password tls", "begins 5", "ended 5 complete 30",
                                  "begins 9 top", "ended 9 complete 16", "delete 9"}));
}

TEST_F(PopTest, StlsThenEachMechanism) {
  options.entry = PopOptions::Entry::stls;
  const std::pair<Mechanism, std::string> table[] = {
      {Mechanism::plain, "in bob password tls"},
      {Mechanism::scram_sha_256, "in bob scram tls"},
      {Mechanism::scram_sha_256_plus, "in bob plus tls"}};
  for (const auto& [mechanism, note] : table) {
    handler.notes.clear();
    const auto client = connect();
    EXPECT_FALSE(wait(client->auth(mechanism, "bob", "tree")));
    EXPECT_TRUE(handler.notes.empty());
    ASSERT_TRUE(wait(client->stls()));
    ASSERT_TRUE(wait(client->auth(mechanism, "bob", "tree"))) << name(mechanism);
    EXPECT_TRUE(wait(client->quit()));
    EXPECT_EQ(handler.notes, Notes{note});
  }
}

TEST_F(PopTest, WrongPasswordAndUnknownUserHearTheSame) {
  for (const auto mechanism :
       {Mechanism::plain, Mechanism::scram_sha_256, Mechanism::scram_sha_256_plus}) {
    const auto client = connect();
    const auto wrong = wait(client->auth(mechanism, "bob", "bush"));
    const auto unknown = wait(client->auth(mechanism, "eve", "tree"));
    ASSERT_FALSE(wrong);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(wrong.error(), unknown.error());
    EXPECT_EQ(wrong.error().kind, base::ErrorKind::denied);
    EXPECT_EQ(handler.failed, mechanism == Mechanism::plain ? Notes() : (Notes{"bob", "eve"}));
    handler.failed.clear();
    EXPECT_TRUE(wait(client->auth(mechanism, "bob", "tree")));
  }
}

// Each proof is asked about before it is told, no exchange without one is; busy isn't wrong.
TEST_F(PopTest, AProofIsCountedBeforeItIsTold) {
  const auto first = base::to_base64("n,,n=bob,r=abc");
  say(std::string(FakeTls::client_hello) + "AUTH SCRAM-SHA-256 " + first + "\r\n*\r\nQUIT\r\n");
  EXPECT_EQ(handler.proofs, Notes());
  EXPECT_EQ(handler.failed, Notes{"bob"});
  for (const std::string password : {"bush", "tree"}) {
    handler.failed.clear();
    handler.turn = base::fail(base::ErrorKind::unavailable, "too many");
    const auto busy = wait(connect()->auth(Mechanism::scram_sha_256, "bob", password));
    EXPECT_EQ(busy.error().kind, base::ErrorKind::unavailable);
    EXPECT_EQ(handler.failed, Notes()) << "nothing is said of it";
  }
  EXPECT_EQ(handler.proofs, (Notes{"wrong", "right"}));
}

// What comes in clear though it is refused was heard.
TEST_F(PopTest, APasswordOutOfPlaceIsTold) {
  options.entry = PopOptions::Entry::stls;
  options.clear_sign_in = true;
  say("USER bob\r\nPASS tree house\r\nAUTH PLAIN AGJvYgB0cmVl\r\nQUIT\r\n");
  EXPECT_EQ(handler.shown, (Notes{"bob tree house clear", "bob tree clear"}));
}

// Nor does what is thrown away: behind STLS, behind the end, or in an answer that can't be read.
TEST_F(PopTest, WhatIsNotReadIsSearchedForPasswords) {
  options.handshake_wait = std::chrono::milliseconds(20);
  options.entry = PopOptions::Entry::stls;
  options.clear_sign_in = true;
  const std::vector<std::pair<std::string, Notes>> talks = {
      {"USER bob\r\nSTLS\r\nPASS tree\r\n", {"bob tree clear"}},
      {"STLS\r\nAUTH LOGIN\r\nYm9i\r\ndHJlZQ==\r\n", {"bob tree clear"}},
      {"QUIT\r\nAUTH PLAIN AGJvYgB0cmVl\r\n", {"bob tree clear"}},
      {"EHLO c.example\r\nAUTH PLAIN AGJvYgB0cmVl\r\n", {"bob tree clear"}},
      {"USER bob\nPASS tree\nQUIT\r\n", {"bob tree clear"}},
      {"USER bob\r\nPASS bush\r\nPASS tree\r\nQUIT\r\n", {"bob bush clear", "bob tree clear"}},
      {"AUTH PLAIN\r\nAGJvYgB0cmVl\r\nQUIT\r\n", {"bob tree clear"}},
  };
  for (const auto& [octets, shown] : talks) {
    handler.shown.clear();
    say(octets);
    EXPECT_EQ(handler.shown, shown) << octets;
  }
  handler.shown.clear();
  {
    const auto connection = serve();
    ASSERT_TRUE(wait(connection->write("USER bob\r\nPASS tree", std::chrono::seconds(5))));
    connection->close();
    wait_end();
  }
  EXPECT_EQ(handler.shown, Notes{"bob tree clear"}) << "a line without its end";
  options.entry = PopOptions::Entry::tls;
  for (const std::string answer : {"AGJvYgB0cmVl\n", "AGJvYgB0cmVlcw\r\n", "Ym9iAHRyZWU=\r\n"}) {
    handler.shown.clear();
    say(std::string(FakeTls::client_hello) + "AUTH PLAIN\r\n" + answer + "QUIT\r\n");
    ASSERT_EQ(handler.shown.size(), 1U) << answer;
    EXPECT_TRUE(handler.shown[0].starts_with("bob tree")) << handler.shown[0];
    EXPECT_TRUE(handler.shown[0].ends_with(" tls")) << handler.shown[0];
  }
  for (const auto& note : handler.notes) EXPECT_EQ(note, "clear? bob") << "nobody signed in";
}

TEST_F(PopTest, ThirdRefusalEnds) {
  const auto heard = say(std::string(FakeTls::client_hello) +
                         "USER bob\r\nPASS a\r\nUSER eve\r\nPASS tree\r\nUSER bob\r\nPASS "
                         "b\r\nUSER bob\r\nPASS tree\r\n");
  EXPECT_TRUE(heard.ends_with("-ERR [AUTH] sign-in failed, too often\r\n")) << heard;
  EXPECT_EQ(wait_end(), PopEnd::Why::cut);
  EXPECT_TRUE(handler.notes.empty());
}

TEST_F(PopTest, ManInTheMiddleIsRefusedByPlus) {
  client_tls = FakeTls("another session");
  const auto client = connect();
  EXPECT_EQ(wait(client->auth(Mechanism::scram_sha_256_plus, "bob", "tree")).error().kind,
            base::ErrorKind::denied);
  EXPECT_TRUE(handler.notes.empty());
}

// Somebody cut PLUS from what the client saw: it says "y", and we know better. RFC 5802 §6.
TEST_F(PopTest, DowngradeIsSeen) {
  const auto first = base::to_base64("y,,n=bob,r=abc");
  const auto heard =
      say(std::string(FakeTls::client_hello) + "AUTH SCRAM-SHA-256 " + first + "\r\nQUIT\r\n");
  EXPECT_TRUE(heard.ends_with("-ERR [AUTH] sign-in failed\r\n+OK bye\r\n")) << heard;
  // Where PLUS isn't offered "y" is the truth.
  options.mechanisms = {Mechanism::scram_sha_256};
  const auto client = connect();
  ASSERT_TRUE(wait(client->capa()));
  EXPECT_TRUE(wait(client->auth(Mechanism::scram_sha_256, "bob", "tree")));
}

TEST_F(PopTest, WithoutExporterNoPlus) {
  tls = FakeTls("");
  client_tls = FakeTls("");
  const auto client = connect();
  const auto capabilities = wait(client->capa());
  ASSERT_TRUE(capabilities);
  EXPECT_NE(std::ranges::find(*capabilities, "SASL SCRAM-SHA-256 PLAIN"), capabilities->end());
  EXPECT_TRUE(wait(client->auth(Mechanism::scram_sha_256, "bob", "tree")));
}

TEST_F(PopTest, ClearOnlyWhereAllowed) {
  options.entry = PopOptions::Entry::stls;
  options.clear_sign_in = true;
  const auto refused = connect();
  EXPECT_EQ(wait(refused->user_pass("bob", "tree")).error().kind, base::ErrorKind::denied);
  EXPECT_EQ(handler.notes, Notes{"clear? bob"});
  handler.clear = true;
  handler.notes.clear();
  const auto allowed = connect();
  EXPECT_TRUE(wait(allowed->user_pass("bob", "tree")));
  EXPECT_EQ(handler.notes, (Notes{"clear? bob", "in bob password clear"}));
  options.clear_sign_in = false;
  handler.notes.clear();
  const auto never = connect();
  EXPECT_FALSE(wait(never->user_pass("bob", "tree")));
  EXPECT_TRUE(handler.notes.empty());
}

// What is pipelined behind STLS in clear is never answered, and nothing of before is kept.
TEST_F(PopTest, Attack01CommandsBehindStls) {
  options.entry = PopOptions::Entry::stls;
  options.clear_sign_in = true;
  handler.clear = true;
  const auto connection = serve();
  loop.spawn([](net::Connection& c) -> net::Task<> {
    (void)co_await c.write("USER bob\r\nSTLS\r\nPASS tree\r\nSTAT\r\n", 5s);
  }(*connection));
  poll_until([&] { return loop.poll() == 0; });
  const auto heard = wait(
      say_over(*connection, std::string(FakeTls::client_hello) + "PASS tree\r\nSTAT\r\nQUIT\r\n"));
  ASSERT_TRUE(heard);
  EXPECT_TRUE(heard->ends_with("+OK begin TLS\r\n" + std::string(FakeTls::server_hello) +
                               "-ERR USER first\r\n-ERR sign in first\r\n+OK bye\r\n"))
      << *heard;
}

TEST_F(PopTest, PipelinedCommandsAreAnsweredInOrder) {
  const auto heard =
      say(std::string(FakeTls::client_hello) +
          "USER bob\r\nPASS tree\r\nSTAT\r\nRETR 2\r\nUIDL\r\nTOP 1 1\r\nDELE 1\r\nQUIT\r\n");
  EXPECT_TRUE(heard.ends_with(
      "+OK 2 54\r\n+OK 24 octets\r\nSubject: two\r\n\r\nsecond\r\n.\r\n+OK 2 messages\r\n1 "
      "17.5\r\n2 17.9\r\n.\r\n"
      "+OK top of message\r\nSubject: one\r\n\r\n..first\r\n.\r\n+OK marked\r\n+OK bye\r\n"))
      << heard;
  EXPECT_EQ(handler.notes.back(), "delete 5");
}

TEST_F(PopTest, LeavingWithoutQuitDeletesNothing) {
  {
    const auto client = connect();
    ASSERT_TRUE(wait(client->user_pass("bob", "tree")));
    ASSERT_TRUE(wait(client->dele(1)));
  }
  EXPECT_EQ(wait_end(), PopEnd::Why::closed);
  EXPECT_EQ(handler.notes, Notes{"in bob password tls"});
}

TEST_F(PopTest, CancelledExchangeGoesOn) {
  const auto heard =
      say(std::string(FakeTls::client_hello) +
          "AUTH PLAIN\r\n*\r\nAUTH PLAIN =\r\nAUTH PLAIN\r\nAGJvYgB0cmVl\r\nQUIT\r\n");
  EXPECT_TRUE(
      heard.ends_with("+ \r\n-ERR sign-in cancelled\r\n-ERR not a sign-in\r\n+ \r\n+OK 2 messages, "
                      "54 octets\r\n+OK bye\r\n"))
      << heard;
}

TEST_F(PopTest, TemporaryTroubleIsSaidSo) {
  handler.sign_in_fails = true;
  const auto client = connect();
  EXPECT_EQ(wait(client->user_pass("bob", "tree")).error().kind, base::ErrorKind::unavailable);
}

// The client's side: an answer put behind STLS's.
TEST_F(PopTest, Attack02ResponseBehindStls) {
  auto [ours, theirs] = net::make_pipe();
  loop.spawn([](net::Connection& c) -> net::Task<> {
    (void)co_await c.write("+OK hello\r\n", 5s);
    std::array<char, 100> buffer;
    (void)co_await c.read_some(buffer, 5s);
    (void)co_await c.write("+OK go\r\n+OK signed in\r\n", 5s);
  }(*theirs));
  net::InlineWorkers workers;
  CountingRandom random;
  client_options.entry = PopClientOptions::Entry::clear;
  PopClient client({client_tls, workers, random}, client_options);
  ASSERT_TRUE(wait(client.open(std::move(ours))));
  EXPECT_EQ(wait(client.stls()).error().kind, base::ErrorKind::protocol);
}

}  // namespace
}  // namespace letterlock::drive::test
