// Who signs in: passwords and proofs, guesses one by one and at once, and what the log says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "directory/fixture.h"

namespace letterlock::directory {
namespace {

using test::at;
using Why = SignInRefused::Why;

struct SignInTest : testing::Test, test::Fixture {
  SignInTest() { settle(); }
  Why refused(const SignIn& answer) { return std::get<SignInRefused>(answer).why; }
};

TEST_F(SignInTest, SignsIn) {
  EXPECT_EQ(std::get<Account>(sign_in("Alice@ACORN.example", "correct horse")).id, alice.id);
  EXPECT_EQ(refused(sign_in("alice@acorn.example", "wrong horse")), Why::credentials);
  EXPECT_EQ(refused(sign_in("nobody@acorn.example", "correct horse")), Why::credentials);
  EXPECT_EQ(refused(sign_in("not an address", "correct horse")), Why::credentials);
  EXPECT_EQ(refused(sign_in("", "")), Why::credentials);
  EXPECT_EQ(refused(sign_in(std::string(600, 'a'), "x")), Why::credentials);
  EXPECT_EQ(events.count("sign_in.failed"), 5U);
}

TEST_F(SignInTest, OnlyTheFirstAddressSignsIn) {
  ASSERT_TRUE(set("alice@acorn.example", {.add_addresses = {at("al@acorn.example")}}));
  add_alias("info@acorn.example", {at("alice@acorn.example")});
  for (const auto other : {"al@acorn.example", "info@acorn.example", "alice+x@acorn.example"}) {
    EXPECT_EQ(refused(sign_in(other, "correct horse")), Why::credentials) << other;
  }
}

TEST_F(SignInTest, ARightPasswordIsKeptForAWhile) {
  const auto before = workers.runs;
  sign_in("alice@acorn.example", "correct horse");
  EXPECT_EQ(workers.runs, before + 1);
  sign_in("alice@acorn.example", "correct horse");
  EXPECT_EQ(workers.runs, before + 1);
  sign_in("alice@acorn.example", "wrong horse");
  sign_in("alice@acorn.example", "wrong horse");
  EXPECT_EQ(workers.runs, before + 3);  // a wrong one never
  sign_in("nobody@acorn.example", "wrong horse");
  EXPECT_EQ(workers.runs, before + 4);  // and for nobody the same work
  clock.pass(password_kept);
  sign_in("alice@acorn.example", "correct horse");
  EXPECT_EQ(workers.runs, before + 5);
}

TEST_F(SignInTest, AChangedPasswordEndsTheOldAtOnce) {
  sign_in("alice@acorn.example", "correct horse");
  clock.pass(std::chrono::seconds(1));
  ASSERT_TRUE(set("alice@acorn.example", {.password = "another horse"}));
  EXPECT_EQ(refused(sign_in("alice@acorn.example", "correct horse")), Why::credentials);
  EXPECT_TRUE(std::holds_alternative<Account>(sign_in("alice@acorn.example", "another horse")));
  EXPECT_EQ(account("alice@acorn.example").password_changed, clock.time);
}

// Whose certificate it is takes both: an address in it that is an account's, and a key that this
// account knows.
TEST_F(SignInTest, ACertificateIsItsAccountsByAddressAndKey) {
  const std::string key(64, 'a');
  ASSERT_TRUE(set("alice@acorn.example", {.add_certificates = {key}}));
  const auto owner = [&](std::string shown, std::vector<std::string> addresses) {
    const auto found = wait(directory.certificate_owner(std::move(shown), std::move(addresses)));
    return found.value() ? (*found)->address.text() : std::string();
  };
  EXPECT_EQ(owner(key, {"alice@acorn.example"}), "alice@acorn.example");
  EXPECT_EQ(owner(key, {"no address", "carol@acorn.example", "Alice@acorn.example"}),
            "alice@acorn.example");
  EXPECT_EQ(owner(key, {"carol@acorn.example"}), "") << "she doesn't know the key";
  EXPECT_EQ(owner(key, {"x@elsewhere.example"}), "");
  EXPECT_EQ(owner(key, {}), "") << "the key says nobody's name";
  EXPECT_EQ(owner(std::string(64, 'b'), {"alice@acorn.example"}), "") << "the name is only claimed";
  EXPECT_EQ(owner("", {"alice@acorn.example"}), "");
  const auto alice_now = account("alice@acorn.example");
  EXPECT_EQ(Directory::standing(alice_now, sasl::Mechanism::external), sasl::Standing::welcome);
  ASSERT_TRUE(set("alice@acorn.example", {.state = Account::State::suspended}));
  EXPECT_EQ(Directory::standing(account("alice@acorn.example"), sasl::Mechanism::external),
            sasl::Standing::refused);
  ASSERT_TRUE(set("alice@acorn.example", {.remove_certificates = {key}}));
  EXPECT_EQ(owner(key, {"alice@acorn.example"}), "");
}

TEST_F(SignInTest, SuspendedAndPlusOnlyDontSignInByPassword) {
  ASSERT_TRUE(
      set("alice@acorn.example", {.password = "another horse", .accepts = Accepts::plus_only}));
  EXPECT_EQ(refused(sign_in("alice@acorn.example", "another horse")), Why::needs_plus);
  const auto plus = account("alice@acorn.example");
  EXPECT_EQ(Directory::standing(plus, sasl::Mechanism::scram_sha_256), sasl::Standing::refused);
  EXPECT_EQ(Directory::standing(plus, sasl::Mechanism::scram_sha_256_plus),
            sasl::Standing::welcome);
  ASSERT_TRUE(set("carol@acorn.example", {.state = Account::State::suspended}));
  EXPECT_EQ(refused(sign_in("carol@acorn.example", "correct horse")), Why::suspended);
  EXPECT_EQ(
      Directory::standing(account("carol@acorn.example"), sasl::Mechanism::scram_sha_256_plus),
      sasl::Standing::refused);
}

// Attack26: a name that isn't there looks like one that is, each time.
TEST_F(SignInTest, Attack26UnknownNamesHaveKeysToo) {
  const auto one = wait(directory.credentials("nobody@acorn.example")).value();
  EXPECT_FALSE(one.account);
  EXPECT_EQ(one.keys.rounds, alice.keys.rounds);
  EXPECT_EQ(one.keys.salt.size(), alice.keys.salt.size());
  EXPECT_EQ(wait(directory.credentials("Nobody@acorn.example")).value().keys, one.keys);
  Directory another(environment(), {.password_rounds = 1});  // after a restart
  EXPECT_EQ(wait(another.credentials("nobody@acorn.example")).value().keys, one.keys);
  EXPECT_NE(wait(directory.credentials("somebody@acorn.example")).value().keys, one.keys);
  EXPECT_EQ(wait(directory.credentials("alice@acorn.example")).value().keys, alice.keys);
}

// A name has many spellings; they are one guesser's tries, and one unknown name's salt.
TEST_F(SignInTest, Attack26SpellingsOfANameAreOneName) {
  const std::vector<std::string> spellings{
      "alice@acorn.example",       "ALICE@acorn.example", "\"alice\"@acorn.example",
      "\"a\\lice\"@acorn.example", "Alice@ACORN.example", "\"\\a\\l\\i\\c\\e\"@acorn.example"};
  unsigned looked_at = 0;
  for (const auto& login : spellings) {
    for (const std::string horse : {"first", "second", "third"})
      looked_at += refused(sign_in(login, horse + login)) == Why::credentials ? 1 : 0;
  }
  EXPECT_EQ(looked_at, account_failures_free);
  const auto salt = [&](std::string_view login) {
    return wait(directory.credentials(std::string(login))).value().keys.salt;
  };
  EXPECT_EQ(salt("alice@acorn.example"), salt("\"alice\"@acorn.example"));
  EXPECT_EQ(salt("nobody@acorn.example"), salt("\"nobody\"@acorn.example"));
}

// Works when it is told to.
class HeldWorkers final : public net::Workers {
 public:
  net::ResultTask<> run(std::function<void()> work) override {
    ++runs;
    CO_CHECK(co_await go.wait());
    work();
    co_return base::Result<>();
  }
  int runs = 0;
  net::Signal go;
};

class BusySignInTest : public SignInTest {
 protected:
  using Answer = std::optional<base::Result<SignIn>>;
  HeldWorkers held;
  Directory busy{{store, clock, random, held, events, timers}, {.password_rounds = 1}};

  void begin(Answer& answer, std::string login, std::string password, Asker asker) {
    loop.spawn(test::keep(
        busy.check_password(std::move(login), std::move(password), std::move(asker)), answer));
  }
  void settle_loop() {
    while (loop.poll() > 0) {
    }
  }
  static bool is_welcome(const Answer& answer) {
    return answer && *answer && std::holds_alternative<Account>(**answer);
  }
};

// Attack53: strangers' guesses fill no more than their part of the workers' queue.
TEST_F(BusySignInTest, Attack53StrangersLeaveRoomForWhoIsKnown) {
  const auto home = from("198.51.100.4");
  ASSERT_TRUE(wait(busy.count_proof({"alice@acorn.example", "", true}, home)));
  std::array<Answer, 200> answers;
  for (unsigned i = 0; i < answers.size(); ++i) {
    const auto place = net::IpAddress::v4({10, 0, static_cast<std::uint8_t>(i), 1});
    begin(answers[i], "carol" + std::to_string(i) + "@acorn.example", "wrong horse",
          {"popd", place});
  }
  settle_loop();
  EXPECT_EQ(held.runs, 64);
  for (const auto& answer : answers) EXPECT_FALSE(answer) << "the others wait in turn";
  Answer owner;
  begin(owner, "alice@acorn.example", "correct horse", home);
  settle_loop();
  EXPECT_EQ(held.runs, 65);
  held.go.set();
  while (!owner) loop.poll();
  EXPECT_TRUE(is_welcome(owner));
  for (const auto& answer : answers) {
    while (!answer) loop.poll();
    ASSERT_TRUE(answer->has_value());
    EXPECT_EQ(refused(**answer), Why::credentials);
  }
}

// The day's first minute: all of an office sign in at once, some of them with twenty connections.
TEST_F(BusySignInTest, ABurstOfRightPasswordsIsWelcome) {
  std::array<Answer, 20> of_one;
  for (auto& answer : of_one) begin(answer, "alice@acorn.example", "correct horse", from());
  for (int i = 0; i < 120; ++i) add("user" + std::to_string(i) + "@birch.example");
  std::array<Answer, 120> of_many;
  for (unsigned i = 0; i < of_many.size(); ++i)
    begin(of_many[i], "user" + std::to_string(i) + "@birch.example", "correct horse",
          from("203.0.113." + std::to_string(i)));
  settle_loop();
  held.go.set();
  settle_loop();
  for (const auto& answer : of_one) EXPECT_TRUE(is_welcome(answer));
  for (const auto& answer : of_many) EXPECT_TRUE(is_welcome(answer));
  EXPECT_EQ(events.count("sign_in.failed") + events.count("sign_in.throttled"), 0U);
}

// A thousand connections that guess at once have as many tries as one that guesses in a row; that
// the last of them is right helps nobody.
TEST_F(BusySignInTest, Attack26ABurstOfGuessesIsNoMoreThanARow) {
  std::array<Answer, 1000> answers;
  for (unsigned i = 0; i < answers.size(); ++i) {
    const bool last = i + 1 == answers.size();
    begin(answers[i], "alice@acorn.example", last ? "correct horse" : "horse" + std::to_string(i),
          from());
  }
  settle_loop();
  held.go.set();
  settle_loop();
  unsigned looked_at = 0;
  unsigned later = 0;
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer && answer->has_value());
    looked_at += refused(**answer) == Why::credentials ? 1 : 0;
    later += refused(**answer) == Why::throttled ? 1 : 0;
  }
  EXPECT_EQ(looked_at, account_failures_free);
  EXPECT_EQ(later, 1000 - account_failures_free);
}

TEST_F(SignInTest, GuessingIsSlowedDownWithoutLockingTheOwnerOut) {
  for (unsigned i = 0; i < account_failures_free; ++i)
    sign_in("alice@acorn.example", "wrong horse " + std::to_string(i));
  const auto runs = workers.runs;
  const auto answer = std::get<SignInRefused>(sign_in("alice@acorn.example", "correct horse"));
  EXPECT_EQ(answer.why, Why::throttled);
  EXPECT_EQ(answer.retry_after, std::chrono::seconds(1));
  EXPECT_EQ(workers.runs, runs + 1) << "for the record of what was shown, not for an answer";
  EXPECT_EQ(events.count("sign_in.throttled"), 1U);
  const auto owner =
      wait(directory.check_password("alice@acorn.example", "correct horse", from("198.51.100.4")))
          .value();
  EXPECT_TRUE(std::holds_alternative<Account>(owner));
  clock.pass(std::chrono::seconds(1));
  EXPECT_TRUE(std::holds_alternative<Account>(sign_in("alice@acorn.example", "correct horse")));
}

// Behind the owner's own address a guesser gets no more tries than anywhere, however often the
// owner signs in; the owner gets in all the same, two seconds later at most for each who waits.
TEST_F(SignInTest, Attack26WhoSharesTheOwnersAddressIsSlowedDown) {
  sign_in("alice@acorn.example", "correct horse");
  const auto began = clock.still;
  for (unsigned i = 0; i < account_failures_free; ++i)
    EXPECT_EQ(refused(sign_in("alice@acorn.example", "guess " + std::to_string(i))),
              Why::credentials);
  EXPECT_EQ(clock.still, began) << "as many are free";
  EXPECT_EQ(refused(sign_in("alice@acorn.example", "one more")), Why::credentials);
  EXPECT_EQ(clock.still, began + known_delay);
  EXPECT_TRUE(std::holds_alternative<Account>(sign_in("alice@acorn.example", "correct horse")));
  EXPECT_EQ(clock.still, began + 2 * known_delay);
  sign_in("alice@acorn.example", "one for the owner's success");
  EXPECT_EQ(clock.still, began + 2 * known_delay);
  sign_in("alice@acorn.example", "and one in turn");
  EXPECT_EQ(clock.still, began + 3 * known_delay);
}

// A telephone with the old password tries it all day. It learns nothing, and the laptop beside it
// doesn't wait.
TEST_F(SignInTest, TheSameWrongPasswordIsOneGuess) {
  for (unsigned i = 0; i < 50; ++i)
    EXPECT_EQ(refused(sign_in("alice@acorn.example", "last year's horse")), Why::credentials);
  EXPECT_TRUE(std::holds_alternative<Account>(sign_in("alice@acorn.example", "correct horse")));
  for (unsigned i = 0; i + 1 < account_failures_free; ++i)
    sign_in("carol@acorn.example", "wrong horse " + std::to_string(i));
  sign_in("carol@acorn.example", "wrong horse 0");
  EXPECT_EQ(refused(sign_in("carol@acorn.example", "wrong horse")), Why::credentials);
  EXPECT_EQ(refused(sign_in("carol@acorn.example", "wrong horse 0")), Why::throttled);
}

// SCRAM: a proof is a guess, right or wrong; nothing else is. What comes too often isn't told.
TEST_F(SignInTest, AProofIsAGuess) {
  const auto proof = [&](bool fits) {
    return wait(directory.count_proof({"alice@acorn.example", "alice", fits}, from()));
  };
  const auto is_closed = [&] { return directory.is_closed("Alice@acorn.example", "", from()); };
  for (unsigned i = 0; i < 50; ++i) EXPECT_FALSE(is_closed());
  for (unsigned i = 0; i + 1 < account_failures_free; ++i) EXPECT_TRUE(proof(false));
  EXPECT_FALSE(is_closed());
  EXPECT_TRUE(proof(false));
  EXPECT_TRUE(is_closed());
  EXPECT_EQ(proof(true).error().kind, base::ErrorKind::unavailable) << "the right one neither";
  clock.pass(std::chrono::seconds(1));
  EXPECT_TRUE(proof(true));
  EXPECT_FALSE(is_closed());
}

// People type their password where their name belongs: no log says it.
TEST_F(SignInTest, WhatIsNoAccountIsNotLoggedAsTyped) {
  const std::string secret = "Tr0ub4dor&3";
  for (const auto& login : {secret, secret + "@acorn.example", secret + "@elsewhere.example"}) {
    for (unsigned i = 0; i < account_failures_free + 1; ++i)
      sign_in(login, "guess " + std::to_string(i));
    const auto found = wait(directory.credentials(login)).value();
    events.emit(exchange_failed(from(), found.told, sasl::Mechanism::scram_sha_256, {}));
  }
  EXPECT_EQ(events.count("sign_in.throttled"), 3U);
  ASSERT_EQ(events.count("sign_in.failed"), 3 * account_failures_free);
  for (const auto& event : events.events) {
    for (const auto& [key, value] : event.fields)
      EXPECT_EQ(base::to_lower(value).find("tr0ub4dor"), std::string::npos) << event.name << key;
  }
  const auto told = [&](std::string login) {
    return wait(directory.credentials(std::move(login))).value().told;
  };
  EXPECT_EQ(told("ALICE@acorn.example"), "alice@acorn.example");
  EXPECT_EQ(told(secret).substr(0, 17), "(not an account) ");
  EXPECT_EQ(told(secret), told("TR0UB4DOR&3")) << "one name, one digest";
  EXPECT_NE(told(secret), told("another"));
  EXPECT_EQ(told("x@acorn.example").substr(0, 30), "(no account at acorn.example) ");
  EXPECT_EQ(told("x@elsewhere.example").substr(0, 17), "(not an account) ");
  Directory another(environment(), {.password_rounds = 1});
  EXPECT_NE(wait(another.credentials(secret)).value().told, told(secret))
      << "the key is the process's: nothing to try against later";
}

}  // namespace
}  // namespace letterlock::directory
