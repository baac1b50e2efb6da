// Signing in to bob's mailbox, in clear and over TLS, and what is kept of it.
#include "popd/fixture.h"

namespace letterlock::popd {
namespace {

using test::content;
using test::PopdTest;
using namespace std::chrono_literals;
using base::ErrorKind;
using drive::PopClient;
using hop::Outcome;
using sasl::Mechanism;

TEST_F(PopdTest, LevelIsWhatTheSignInProves) {
  const auto carol = add_account("carol@birch.example", directory::Accepts::plus_only);
  const auto key = sim::client_certificate("bob@birch.example").key_digest;
  ASSERT_TRUE(wait(operations.set_account(bob.address, {.add_certificates = {key}}, "test")));
  const std::tuple<directory::Account, Mechanism, hop::Level, hop::Proof> table[] = {
      {bob, Mechanism::scram_sha_256, hop::Level::encrypted, hop::Proof::none},
      {bob, Mechanism::scram_sha_256_plus, hop::Level::encrypted, hop::Proof::none},
      {carol, Mechanism::scram_sha_256_plus, hop::Level::authenticated, hop::Proof::scram_plus},
      {bob, Mechanism::external, hop::Level::mutual, hop::Proof::client_certificate},
  };
  for (const auto& [account, mechanism, level, proof] : table) {
    const auto id = deliver(account);
    const auto client = connect(110, account.address.text());  // it shows its certificate
    ASSERT_TRUE(wait(client->stls()));
    ASSERT_TRUE(wait(client->auth(mechanism, account.address.text(), "tree house")))
        << name(mechanism);
    const auto count = wait(client->stat())->first;
    EXPECT_TRUE(wait(client->retr(count, 10'000)));
    const auto recorded = hops(id);
    ASSERT_EQ(recorded.size(), 1U);
    EXPECT_EQ(recorded[0].protection.level, level);
    EXPECT_EQ(recorded[0].protection.proved_by, proof);
    EXPECT_EQ(recorded[0].to.protocol, "POP3");
  }
  // The account that takes nothing weaker, asked for something weaker; a certificate it doesn't
  // know.
  for (const auto mechanism : {Mechanism::plain, Mechanism::scram_sha_256, Mechanism::external}) {
    const auto client = connect(995, "carol@birch.example");
    EXPECT_EQ(wait(client->auth(mechanism, "carol@birch.example", "tree house")).error().kind,
              mechanism == Mechanism::external ? ErrorKind::invalid : ErrorKind::denied);
  }
}

TEST_F(PopdTest, ClearOnlyWhereTheTenantAllowsIt) {
  stop(0ms);
  options.session.clear_sign_in = true;
  start();
  const auto id = deliver(bob);
  const auto refused = connect(110);
  for (const auto* name :
       {"bob@birch.example", "nobody@birch.example", "x@elsewhere.example", "no address"}) {
    EXPECT_EQ(wait(refused->user_pass(name, "tree house")).error().what,
              "POP3: signing in needs TLS here")
        << name;
  }
  allow_clear();
  const auto allowed = connect(110);
  ASSERT_TRUE(wait(allowed->user_pass("bob@birch.example", "tree house")));
  EXPECT_TRUE(wait(allowed->retr(1, 10'000)));
  const auto recorded = hops(id);
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded[0].protection.level, hop::Level::clear);
  EXPECT_TRUE(recorded[0].password_in_clear);
  EXPECT_NE(recorded[0].reason.find("admin@birch.example"), std::string::npos)
      << recorded[0].reason;
}

// What the sender's tenant requires of the fetch, whatever the mailbox's allows; the rest is given.
TEST_F(PopdTest, AMessageThatRequiresAProtectedFetchDoesNotLeaveInClear) {
  stop(0ms);
  options.session.clear_sign_in = true;
  start();
  const auto guarded = deliver(bob, content, Traced::yes, "acorn.example");
  const auto other = deliver(bob);
  allow_clear();
  const auto in_clear = connect(110);
  ASSERT_TRUE(wait(in_clear->user_pass("bob@birch.example", "tree house")));
  const auto refused = wait(in_clear->retr(1, 10'000));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("over TLS alone"), std::string::npos) << refused.error().what;
  EXPECT_FALSE(wait(in_clear->top(1, 0, 10'000)));
  EXPECT_TRUE(hops(guarded).empty()) << "nothing was given";
  EXPECT_TRUE(wait(in_clear->retr(2, 10'000)));
  EXPECT_EQ(hops(other).size(), 1U);
  EXPECT_TRUE(wait(in_clear->quit()));
  const auto said = *events.last("fetch.refused");
  EXPECT_NE(said["reason"].find("acorn.example"), std::string::npos) << said["reason"];
  const auto over_tls = connect(995);
  ASSERT_TRUE(wait(over_tls->user_pass("bob@birch.example", "tree house")));
  EXPECT_TRUE(wait(over_tls->retr(1, 10'000)));
  EXPECT_EQ(hops(guarded).at(0).required.at(0).by, "set by acorn.example");
}

// The tenant's word at PASS counts, not the one that USER heard.
TEST_F(PopdTest, ClearIsAskedAgainAtPass) {
  stop(0ms);
  options.session.clear_sign_in = true;
  start();
  const auto id = deliver(bob);
  allow_clear();
  for (const bool still_allowed : {true, false}) {
    auto connection = wait(peer.connect({host.addresses().front(), 110}, {})).value();
    EXPECT_EQ(talk(*connection, "USER bob@birch.example\r\n").substr(0, 3), "+OK");
    if (!still_allowed) {
      directory::TenantChange refuse;
      refuse.clear_fetch = directory::ClearFetch::refused;
      ASSERT_TRUE(wait(operations.set_tenant("birch.example", refuse, "admin@birch.example")));
    }
    EXPECT_EQ(talk(*connection, "PASS tree house\r\n").substr(0, 3), still_allowed ? "+OK" : "-ER");
    talk(*connection, "RETR 1\r\n");
    EXPECT_EQ(hops(id).size(), 1U) << "that of the first round";
  }
}

// The example of a false "no": STAT alone, in clear, opens what else lies in the mailbox. Also
// where the sign-in was refused after the password had come.
TEST_F(PopdTest, ASignInIsRecordedWhateverIsFetched) {
  using How = directory::Opening::How;
  const auto openings = [&] {
    world.settle();
    EXPECT_TRUE(wait(directory.write_openings()));
    std::vector<How> out;
    for (const auto& opening : wait(operations.list_openings(birch, bob.address)).value())
      out.push_back(opening.how);
    return out;
  };
  stop(0ms);
  options.session.clear_sign_in = true;
  start();
  auto connection = wait(peer.connect({host.addresses().front(), 110}, {})).value();
  EXPECT_EQ(talk(*connection, "USER bob@birch.example\r\n").substr(0, 4), "-ERR");
  EXPECT_EQ(openings(), std::vector<How>());
  EXPECT_EQ(talk(*connection, "PASS tree house\r\n").substr(0, 4), "-ERR");
  EXPECT_EQ(openings(), std::vector<How>{How::in_clear}) << "it was refused, and had come";
  ASSERT_TRUE(wait(operations.set_account(bob.address, {.password = "bush house"}, "operator")));
  allow_clear();
  const auto client = connect(110);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "bush house")));
  EXPECT_TRUE(wait(client->stat()));
  EXPECT_EQ(openings(), (std::vector<How>{How::in_clear, How::in_clear}));
  ASSERT_TRUE(
      wait(connect(995)->auth(Mechanism::scram_sha_256_plus, "bob@birch.example", "bush house")));
  EXPECT_EQ(openings(), (std::vector<How>{How::in_clear, How::in_clear, How::unbound}));
}

// A password that signs nobody in was heard as well as one that does, whatever way it came. In each
// talk a password stands for "%", plain or as PLAIN's message or LOGIN's answer.
TEST_F(PopdTest, APasswordInVainIsRecorded) {
  const auto name = base::to_base64("bob@birch.example");
  struct Way {
    std::vector<std::string> says;
    enum class By { itself, plain, login } by = By::itself;
  };
  const Way ways[] = {
      {{"USER bob@birch.example\r\n", "PASS bush\r\n", "PASS %\r\n"}},
      {{"USER bob@birch.example\nPASS %\n"}},
      {{"USER bob@birch.example\r\nSTLS\r\nPASS %\r\n"}},
      {{"AUTH PLAIN %\r\n"}, Way::By::plain},
      {{"AUTH=PLAIN %\r\n"}, Way::By::plain},
      {{"AUTH PLAIN\r\n", "%\r\n"}, Way::By::plain},
      {{"AUTH LOGIN\r\n", name + "\r\n", "%\r\n"}, Way::By::login},
      {{"AUTH LOGIN " + name + "\r\n%\r\n"}, Way::By::login},
  };
  int number = 0;
  std::string password = "tree house";
  const auto openings = [&] {
    world.settle();
    EXPECT_TRUE(wait(directory.write_openings()));
    return wait(operations.list_openings(birch, bob.address)).value().size();
  };
  for (const auto& [says, by] : ways) {
    for (const bool is_right : {false, true}) {
      auto connection = wait(peer.connect({host.addresses().front(), 110}, {})).value();
      const auto before = openings();
      auto shown = is_right ? password : password + "s";
      if (by == Way::By::login) shown = base::to_base64(shown);
      if (by == Way::By::plain)
        shown = base::to_base64(std::string("\0bob@birch.example\0", 19) + shown);
      for (auto octets : says) {
        if (const auto at = octets.find('%'); at != std::string::npos) octets.replace(at, 1, shown);
        EXPECT_FALSE(talk(*connection, octets).starts_with("+OK 0 messages"));
      }
      EXPECT_EQ(openings(), before + (is_right ? 1 : 0)) << says[0] << shown;
    }
    password = "tree house " + std::to_string(++number);
    ASSERT_TRUE(wait(operations.set_account(bob.address, {.password = password}, "operator")));
  }
}

// Another's password within a session that is signed in.
TEST_F(PopdTest, APasswordOfAnotherAccountIsRecorded) {
  const auto carol = add_account("carol@birch.example", directory::Accepts::any);
  auto connection = wait(peer.connect({host.addresses().front(), 995}, {})).value();
  auto session = wait(client_tls.connect(std::move(connection), {}, 1min)).value();
  talk(*session, "USER carol@birch.example\r\n");
  EXPECT_EQ(talk(*session, "PASS tree house\r\n").substr(0, 3), "+OK");
  for (const bool is_right : {false, true}) {
    const auto message = std::string("\0bob@birch.example\0", 19) + (is_right ? "tree" : "bush");
    const auto auth = "AUTH PLAIN " + base::to_base64(message + " house") + "\r\n";
    EXPECT_EQ(wait(say(*session, auth)).value_or(""), "-ERR signed in already\r\n");
    world.settle();
    EXPECT_TRUE(wait(directory.write_openings()));
    const auto openings = wait(operations.list_openings(birch, bob.address)).value();
    EXPECT_EQ(openings.empty(), !is_right);
  }
  EXPECT_EQ(talk(*session, "STAT\r\n").substr(0, 3), "+OK");
}

// Whoever heard it could play both ends of a proof.
TEST_F(PopdTest, APasswordThatWasShownProvesNothing) {
  const auto carol = add_account("carol@birch.example", directory::Accepts::plus_only);
  for (const auto level : {hop::Level::authenticated, hop::Level::encrypted}) {
    const auto id = deliver(carol);
    const auto client = connect(995);
    ASSERT_TRUE(
        wait(client->auth(Mechanism::scram_sha_256_plus, "carol@birch.example", "tree house")));
    EXPECT_TRUE(wait(client->retr(wait(client->stat())->first, 10'000)));
    const auto recorded = hops(id);
    ASSERT_EQ(recorded.size(), 1U);
    EXPECT_EQ(recorded[0].protection.level, level);
    EXPECT_FALSE(wait(connect(995)->user_pass("carol@birch.example", "tree house")));
  }
}

// What came to nothing before the proof was no guess, and what can't be looked at now is told as
// such: no client asks its user for another password.
TEST_F(PopdTest, WhatWasNoGuessIsNotCounted) {
  for (int i = 0; i < 20; ++i) {
    auto connection = wait(peer.connect({host.addresses().front(), 995}, {})).value();
    auto session = wait(client_tls.connect(std::move(connection), {}, 1min)).value();
    EXPECT_EQ(talk(*session, "").substr(0, 3), "+OK");
    const auto first = base::to_base64("n,,n=bob@birch.example,r=abcdefgh");
    EXPECT_EQ(talk(*session, "AUTH SCRAM-SHA-256 " + first + "\r\n").substr(0, 2), "+ ");
    if (i % 2 == 0)
      EXPECT_EQ(talk(*session, "*\r\n").substr(0, 4), "-ERR");
    else
      session->close();
  }
  EXPECT_TRUE(
      wait(connect(995)->auth(Mechanism::scram_sha_256, "bob@birch.example", "tree house")));
  for (int i = 0; i < 10; ++i)
    (void)wait(connect(995)->auth(Mechanism::scram_sha_256, "eve@birch.example", "bush house"));
  EXPECT_GT(events.count("sign_in.throttled"), 0U);
  for (const auto mechanism : {Mechanism::plain, Mechanism::scram_sha_256}) {
    const auto busy = wait(connect(995)->auth(mechanism, "eve@birch.example", "tree house"));
    EXPECT_EQ(busy.error().kind, ErrorKind::unavailable) << busy.error().what;
  }
}

// Another session of the same mailbox has nothing to say of what this one has open.
TEST_F(PopdTest, SignInLeavesOtherSessionsAlone) {
  const auto id = deliver(bob, std::string(40, 'x') + "\r\n" + std::string(300'000, 'y') + "\r\n");
  network.add({.what = sim::Rule::What::slow,
               .port = std::uint16_t{995},
               .direction = sim::Rule::Direction::in,
               .octets = 20'000,
               .connections = 1});
  const auto slow = connect(995);
  ASSERT_TRUE(wait(slow->user_pass("bob@birch.example", "tree house")));
  std::optional<base::Result<base::Bytes>> fetched;
  world.loop().spawn(keep(slow->retr(1, 1'000'000), fetched));
  world.advance(1s);
  ASSERT_EQ(hops(id).at(0).outcome, Outcome::intended);
  const auto other = connect(995);
  ASSERT_TRUE(wait(other->user_pass("bob@birch.example", "tree house")));
  EXPECT_EQ(hops(id).at(0).outcome, Outcome::intended);
  ASSERT_TRUE(world.run_until([&] { return fetched.has_value(); }, 10min));
  EXPECT_TRUE(*fetched);
  world.advance(1s);
  EXPECT_EQ(hops(id).at(0).outcome, Outcome::completed);
}

TEST_F(PopdTest, Attack26GuessesAreSlowedAndAlike) {
  for (const auto mechanism :
       {Mechanism::plain, Mechanism::scram_sha_256, Mechanism::scram_sha_256_plus}) {
    const auto client = connect(995);
    const auto wrong = wait(client->auth(mechanism, "bob@birch.example", "bush house"));
    const auto unknown = wait(client->auth(mechanism, "eve@birch.example", "tree house"));
    EXPECT_EQ(wrong.error(), unknown.error());
    EXPECT_EQ(wrong.error().kind, ErrorKind::denied);
  }
  // After so many nobody looks at this source's guesses for a while, right or wrong.
  for (int i = 0; i < 3; ++i) {
    const auto client = connect(995);
    (void)wait(client->auth(Mechanism::scram_sha_256, "bob@birch.example", "bush house"));
  }
  const auto client = connect(995);
  EXPECT_EQ(
      wait(client->auth(Mechanism::scram_sha_256, "bob@birch.example", "tree house")).error().kind,
      ErrorKind::unavailable);
}

TEST_F(PopdTest, Attack53OneAddressHasSoManyPlaces) {
  std::vector<std::unique_ptr<PopClient>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(connect(995));
  EXPECT_NE(clients[2], nullptr);
  EXPECT_EQ(connect(995), nullptr);
  EXPECT_EQ(events.count("fetch.no_place"), 1U);
  clients.clear();
  world.advance(1s);
  EXPECT_NE(connect(995), nullptr);
}

TEST_F(PopdTest, IdleSessionEndsAfterTenMinutes) {
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  world.advance(9min + 59s);
  EXPECT_EQ(events.count("fetch.session_ended"), 0U);
  world.advance(2s);
  ASSERT_EQ(events.count("fetch.session_ended"), 1U);
  EXPECT_EQ((*events.last("fetch.session_ended"))["why"], "timeout");
}

}  // namespace
}  // namespace letterlock::popd
