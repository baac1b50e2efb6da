// Sign-ins that opened a mailbox: which are recorded, until when they count, what is kept of them.
#include "directory/openings.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "directory/asking.h"
#include "directory/fixture.h"

namespace letterlock::directory {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using How = Opening::How;
using hop::Network;
using testing::ElementsAre;
using testing::IsEmpty;

const base::Time t0 = base::from_milliseconds(1'793'577'600'000);

sasl::ScramKeys keys_of(int number) {
  return sasl::derive("password " + std::to_string(number), "sixteen octets!!", 1);
}

TEST(OpenedBy, TheRoadDecides) {
  const auto by = [](bool tls, bool post_quantum, Network network, Shown shown) {
    return opened_by({tls, post_quantum, network}, shown);
  };
  for (const auto network : {Network::private_, Network::public_}) {
    EXPECT_THAT(by(false, false, network, Shown::password), ElementsAre(How::in_clear));
    EXPECT_THAT(by(false, false, network, Shown::session), ElementsAre(How::in_clear));
    EXPECT_THAT(by(true, false, network, Shown::password),
                ElementsAre(How::unbound, How::recordable));
    EXPECT_THAT(by(true, true, network, Shown::password), ElementsAre(How::unbound));
    EXPECT_THAT(by(true, false, network, Shown::session), ElementsAre(How::unbound));
  }
  for (const auto shown : {Shown::password, Shown::session})
    EXPECT_THAT(by(false, false, Network::local, shown), ElementsAre(How::by_program));
}

TEST(Note, TheFirstAndTheLastAndTheWidestRoad) {
  std::vector<Opening> all;
  EXPECT_EQ(note(all, How::in_clear, Network::private_, t0), Noted::first);
  EXPECT_EQ(note(all, How::in_clear, Network::private_, t0 + minutes(59)), Noted::nothing);
  EXPECT_EQ(note(all, How::in_clear, Network::private_, t0 + hours(1)), Noted::later);
  EXPECT_EQ(note(all, How::in_clear, Network::public_, t0 + hours(1)), Noted::first);
  EXPECT_EQ(note(all, How::in_clear, Network::private_, t0 + hours(3)), Noted::later);
  EXPECT_EQ(note(all, How::unbound, Network::private_, t0 + hours(3)), Noted::first);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0], (Opening{How::in_clear, Network::public_, t0, t0 + hours(3)}));
  EXPECT_EQ(note(all, How::in_clear, Network::private_, t0 - hours(1)), Noted::later)
      << "the clock was set back";
  EXPECT_EQ(all[0].first, t0 - hours(1));
}

TEST(CloseAll, WhatComesAfterIsAnotherOpening) {
  Openings row;
  auto& all = row.all;
  close_all(row, keys_of(1), t0);
  note(all, How::in_clear, Network::public_, t0);
  close_all(row, keys_of(1), t0 + hours(1));
  close_all(row, keys_of(2), t0 + hours(2));
  EXPECT_EQ(row.former, (std::vector<FormerPassword>{
                            {keys_of(1), {{How::in_clear, Network::public_}}}, {keys_of(2), {}}}));
  EXPECT_EQ(note(all, How::in_clear, Network::private_, t0 + hours(3)), Noted::first);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].closed, t0 + hours(1));
  EXPECT_EQ(all[1].closed, std::nullopt);
}

// Who can have one of them is what counts: those that nobody is known to have go first.
TEST(CloseAll, FormerPasswordsAreBounded) {
  Openings row;
  for (int i = 0; i < 3; ++i) {
    note(row.all, How::unbound, Network::public_, t0);
    close_all(row, keys_of(i), t0);
  }
  for (int i = 3; i < 100; ++i) close_all(row, keys_of(i), t0);
  close_all(row, keys_of(1), t0);
  ASSERT_EQ(row.former.size(), former_passwords_max);
  EXPECT_EQ(row.former[0].keys, keys_of(0));
  EXPECT_EQ(row.former[1].keys, keys_of(2));
  EXPECT_EQ(row.former.back().keys, keys_of(1));
  EXPECT_EQ(row.former.back().open.size(), 1U) << "set again, and replaced again";
}

// Whatever is forgotten of them, no moment that was open is told as closed.
TEST(CloseAll, HistoryIsBoundedAndLosesNoOpenMoment) {
  Openings row;
  auto& all = row.all;
  std::vector<Opening> true_ones;
  for (int i = 0; i < 100; ++i) {
    const auto began = t0 + hours(10 * i);
    for (const auto how : {How::in_clear, How::unbound}) {
      if (i % 3 == 0 && how == How::unbound) continue;
      note(all, how, i == 0 ? Network::public_ : Network::private_, began);
      true_ones.push_back(
          {how, i == 0 ? Network::public_ : Network::private_, began, began, began + hours(2)});
    }
    close_all(row, keys_of(i), began + hours(2));
    ASSERT_LE(all.size(), 2 * openings_closed_max);
    for (const auto& one : true_ones) {
      EXPECT_TRUE(std::ranges::any_of(all, [&](const Opening& kept) {
        return kept.how == one.how && kept.network >= one.network && kept.first <= one.first &&
               kept.last >= one.last && kept.closed >= one.closed;
      })) << i;
    }
  }
  EXPECT_EQ(all.size(), 2 * openings_closed_max);
  ASSERT_EQ(row.former.size(), former_passwords_max);
  EXPECT_EQ(row.former.back().keys, keys_of(99));
  const auto octets = encode(row);
  EXPECT_EQ(decode_openings(octets), row);
  EXPECT_EQ(decode_openings(octets.substr(0, octets.size() - 1)).error().kind,
            base::ErrorKind::corrupt);
}

struct OpeningsTest : testing::Test, test::Fixture {
  OpeningsTest() { settle(); }
  Asker over(Road road) const { return {"popd", source, road}; }
  static Road clear() { return {false, false, Network::public_}; }
  SignIn sign_in_over(Road road, const std::string& password = "correct horse") {
    return wait(directory.check_password("bob@birch.example", password, over(road))).value();
  }
  void prove(sasl::Mechanism mechanism, Road road, bool fits = true) {
    const auto found = wait(directory.credentials("bob@birch.example")).value();
    EXPECT_TRUE(wait(directory.count_proof(
        {"bob@birch.example", found.told, fits, mechanism, found.account}, over(road))));
  }
  std::vector<Opening> of_bob() {
    return wait(operations.list_openings(bob.tenant, bob.address)).value();
  }
  std::vector<How> hows() {
    std::vector<How> out;
    for (const auto& opening : of_bob()) out.push_back(opening.how);
    return out;
  }
};

TEST_F(OpeningsTest, EachWayToSignInOpensWhatItOpens) {
  sign_in_over(clear(), "wrong horse");
  prove(sasl::Mechanism::scram_sha_256, {true, false, Network::public_}, false);
  EXPECT_THAT(hows(), IsEmpty());
  prove(sasl::Mechanism::scram_sha_256_plus, {true, false, Network::public_}, false);
  EXPECT_THAT(hows(), IsEmpty());
  // The password is good for PLAIN too: somebody between could have it, and be bound to both ends.
  prove(sasl::Mechanism::scram_sha_256_plus, {true, false, Network::public_});
  EXPECT_THAT(hows(), ElementsAre(How::unbound));
  prove(sasl::Mechanism::scram_sha_256, {true, false, Network::public_});
  EXPECT_THAT(hows(), ElementsAre(How::unbound));
  sign_in_over({true, false, Network::public_});
  EXPECT_THAT(hows(), ElementsAre(How::unbound, How::recordable));
  sign_in_over(clear());
  EXPECT_THAT(hows(), ElementsAre(How::unbound, How::recordable, How::in_clear));
  ASSERT_EQ(events.count("account.opened"), 3U);
  EXPECT_EQ(events.events.back().severity, base::Severity::warning);
  // A webmail: who was on its users' way to it isn't seen, whatever it then asks for.
  sign_in_over({false, false, Network::local});
  EXPECT_EQ(hows().back(), How::by_program);
  ASSERT_EQ(events.count("account.opened"), 4U);
  EXPECT_EQ(events.events.back().severity, base::Severity::info);
}

// The row is durable before the session goes on: what can't be recorded is told to come later.
TEST_F(OpeningsTest, NobodySignsInUnrecorded) {
  const auto found = wait(directory.credentials("bob@birch.example")).value();
  store.fail_next_commit(base::ErrorKind::io);
  EXPECT_FALSE(wait(directory.check_password("bob@birch.example", "correct horse", over(clear()))));
  store.fail_next_commit(base::ErrorKind::io);
  EXPECT_FALSE(wait(directory.count_proof(
      {"bob@birch.example", found.told, true, sasl::Mechanism::scram_sha_256, found.account},
      over({}))));
  EXPECT_THAT(hows(), IsEmpty());
  ASSERT_TRUE(wait(directory.write_openings()));
  EXPECT_THAT(hows(), ElementsAre(How::in_clear)) << "the password was heard all the same";
}

// Signing in all day writes once an hour, and asks nothing between.
TEST_F(OpeningsTest, OnlyTheFirstOneCosts) {
  sign_in_over(clear());
  store.fail_next_commit(base::ErrorKind::io);
  for (int i = 0; i < 59; ++i) {
    clock.pass(minutes(1));
    EXPECT_TRUE(std::holds_alternative<Account>(sign_in_over(clear())));
  }
  clock.pass(minutes(1));
  EXPECT_FALSE(wait(directory.check_password("bob@birch.example", "correct horse", over(clear()))))
      << "the commit that was to fail";
  EXPECT_TRUE(std::holds_alternative<Account>(sign_in_over(clear())));
  EXPECT_EQ(of_bob().front().last, clock.time);
  EXPECT_EQ(of_bob().front().first, clock.time - hours(1));
}

TEST_F(OpeningsTest, TheSamePasswordAgainIsNoChange) {
  sign_in_over(clear());
  clock.pass(hours(1));
  const auto before = account("bob@birch.example");
  ASSERT_TRUE(set("bob@birch.example", {.password = "correct horse"}));
  EXPECT_EQ(account("bob@birch.example"), before);
  EXPECT_EQ(of_bob().front().closed, std::nullopt);
  ASSERT_TRUE(set("bob@birch.example", {.password = "another horse"}));
  EXPECT_EQ(account("bob@birch.example").password_changed, clock.time);
  EXPECT_EQ(of_bob().front().closed, clock.time);
  clock.pass(minutes(1));
  EXPECT_EQ(of_bob().size(), 1U);
  sign_in_over(clear(), "another horse");
  ASSERT_EQ(of_bob().size(), 2U) << "what was recorded of the former password is no excuse";
  EXPECT_EQ(of_bob()[1].first, clock.time);
}

// Whoever has a former password has the account again when it is set again: by its owner, or as the
// password of another account at the address.
TEST_F(OpeningsTest, AFormerPasswordOpensAgain) {
  sign_in_over(clear());
  for (const std::string password : {"another horse", "a third horse"}) {
    clock.pass(hours(1));
    ASSERT_TRUE(set("bob@birch.example", {.password = password}));
    EXPECT_EQ(of_bob().size(), 1U);
  }
  clock.pass(hours(1));
  ASSERT_TRUE(set("bob@birch.example", {.password = "correct horse"}));
  ASSERT_EQ(of_bob().size(), 2U);
  EXPECT_EQ(of_bob()[1], (Opening{How::in_clear, Network::public_, clock.time, clock.time}));
  ASSERT_TRUE(wait(operations.remove_account(bob.address, "operator")));
  bob = add("bob@birch.example");
  ASSERT_EQ(of_bob().size(), 3U);
  EXPECT_EQ(of_bob()[2].closed, std::nullopt);
}

// The password was right, though nobody was let in by it.
TEST_F(OpeningsTest, ARefusedSignInHasShownThePassword) {
  ASSERT_TRUE(set("bob@birch.example", {.state = Account::State::suspended}));
  sign_in_over(clear());
  EXPECT_THAT(hows(), ElementsAre(How::in_clear));
  ASSERT_TRUE(set("bob@birch.example", {.password = "another horse",
                                        .accepts = Accepts::plus_only,
                                        .state = Account::State::active}));
  sign_in_over(clear(), "another horse");
  EXPECT_EQ(of_bob().size(), 2U);
  // A proof shows no password, and there is no session to have.
  ASSERT_TRUE(set("bob@birch.example", {.password = "a third horse"}));
  prove(sasl::Mechanism::scram_sha_256, {});
  EXPECT_EQ(of_bob().size(), 2U);
}

// So was the one that came while none is looked at; nobody learns by it that it is right.
TEST_F(OpeningsTest, APasswordThatComesTooOftenWasShownToo) {
  for (unsigned i = 0; i < account_failures_free; ++i)
    sign_in_over(clear(), "guess " + std::to_string(i));
  const auto commits = [&] { return store.contents().size(); };
  const auto before = commits();
  for (const std::string password : {"one more guess", "correct horse"}) {
    const auto runs = workers.runs;
    const auto answer = sign_in_over(clear(), password);
    EXPECT_EQ(std::get<SignInRefused>(answer).why, SignInRefused::Why::throttled);
    EXPECT_EQ(workers.runs, runs + 1) << "the same work, right or wrong";
    EXPECT_EQ(commits(), before) << "and nothing is written yet";
  }
  ASSERT_TRUE(wait(directory.write_openings()));
  EXPECT_THAT(hows(), ElementsAre(How::in_clear));
}
TEST_F(OpeningsTest, APasswordWhereNoneIsTakenWasShownToo) {
  for (const std::string password : {"wrong horse", "correct horse"})
    ASSERT_TRUE(wait(directory.note_shown("bob@birch.example", password, over(clear()))));
  ASSERT_TRUE(wait(directory.note_shown("nobody@birch.example", "correct horse", over(clear()))));
  ASSERT_TRUE(wait(directory.write_openings()));
  EXPECT_THAT(hows(), ElementsAre(How::in_clear));
}

// What nobody was let in by counts for the password all the same.
TEST_F(OpeningsTest, WhatIsBoundIsBoundWhileNobodyElseCanHaveIt) {
  const AccountChange plus_only{.password = "another horse", .accepts = Accepts::plus_only};
  ASSERT_TRUE(set("bob@birch.example", plus_only));
  const auto is_bound = [&] {
    return wait(directory.password_is_bound(account("bob@birch.example"))).value();
  };
  prove(sasl::Mechanism::scram_sha_256_plus, {});
  EXPECT_THAT(hows(), IsEmpty());
  EXPECT_TRUE(is_bound());
  const auto before = account("bob@birch.example");
  ASSERT_TRUE(wait(directory.note_shown("bob@birch.example", "wrong horse", over(clear()))));
  EXPECT_TRUE(is_bound());
  ASSERT_TRUE(wait(directory.note_shown("bob@birch.example", "another horse", over(clear()))));
  EXPECT_FALSE(is_bound()) << "not written yet, and known";
  ASSERT_TRUE(wait(directory.write_openings()));
  EXPECT_FALSE(is_bound());
  prove(sasl::Mechanism::scram_sha_256_plus, {});
  EXPECT_THAT(hows(), ElementsAre(How::in_clear, How::unbound));
  ASSERT_TRUE(set("bob@birch.example", {.password = "a third horse"}));
  EXPECT_TRUE(is_bound());
  EXPECT_FALSE(wait(directory.password_is_bound(before)).value()) << "a session of the former one";
  // Nobody gets it back by setting the shown one again.
  EXPECT_EQ(set("bob@birch.example", {.password = "another horse"}).error().kind,
            base::ErrorKind::invalid);
  ASSERT_TRUE(set("bob@birch.example", {.accepts = Accepts::any}));
  EXPECT_EQ(set("bob@birch.example", plus_only).error().kind, base::ErrorKind::invalid);
  ASSERT_TRUE(wait(operations.remove_account(bob.address, "operator")));
  const NewAccount again{bob.address, "", "another horse", Accepts::plus_only};
  EXPECT_EQ(wait(operations.add_account(again, "operator")).error().kind, base::ErrorKind::invalid);
}

// An old telephone shows a former password, which is then set again. All of an address have one
// salt, so that it is known for the work of one check.
TEST_F(OpeningsTest, AFormerPasswordThatIsShownLater) {
  ASSERT_TRUE(set("bob@birch.example", {.password = "another horse"}));
  for (const bool is_taken : {false, true}) {
    const auto runs = workers.runs;
    if (is_taken)
      sign_in_over({true, true, Network::public_}, "correct horse");
    else
      ASSERT_TRUE(wait(directory.note_shown("bob@birch.example", "correct horse", over(clear()))));
    EXPECT_EQ(workers.runs, runs + 1);
  }
  ASSERT_TRUE(wait(directory.write_openings()));
  EXPECT_THAT(hows(), IsEmpty()) << "it opens nothing now";
  ASSERT_TRUE(set("bob@birch.example", {.password = "correct horse"}));
  EXPECT_THAT(hows(), ElementsAre(How::in_clear, How::unbound));
}

// Shown before it is set, and written after: it is the password by then.
TEST_F(OpeningsTest, ShownWhileItIsBeingSet) {
  ASSERT_TRUE(set("bob@birch.example", {.password = "another horse"}));
  ASSERT_TRUE(wait(directory.note_shown("bob@birch.example", "correct horse", over(clear()))));
  ASSERT_TRUE(set("bob@birch.example", {.password = "correct horse"}));
  ASSERT_TRUE(wait(directory.write_openings()));
  EXPECT_THAT(hows(), ElementsAre(How::in_clear));
}

// Nobody signs in by a further address; who does it all the same shows the password.
TEST_F(OpeningsTest, UnderAFurtherAddress) {
  ASSERT_TRUE(set("bob@birch.example", {.add_addresses = {test::at("b@birch.example")}}));
  ASSERT_TRUE(wait(directory.note_shown("nobody+b@birch.example", "correct horse", over(clear()))));
  ASSERT_TRUE(wait(directory.write_openings()));
  EXPECT_THAT(hows(), IsEmpty());
  ASSERT_TRUE(wait(directory.note_shown("B+x@birch.example", "correct horse", over(clear()))));
  ASSERT_TRUE(wait(directory.write_openings()));
  EXPECT_THAT(hows(), ElementsAre(How::in_clear));
  const auto answer = wait(directory.check_password("b@birch.example", "correct horse",
                                                    over({true, true, Network::public_})));
  EXPECT_EQ(std::get<SignInRefused>(*answer).why, SignInRefused::Why::credentials);
  ASSERT_TRUE(wait(directory.write_openings()));
  EXPECT_THAT(hows(), ElementsAre(How::in_clear, How::unbound));
  EXPECT_NE(wait(directory.credentials("b@birch.example")).value().keys.salt,
            wait(directory.credentials("bob@birch.example")).value().keys.salt)
      << "a stranger would see that they are one";
}

// A sign-in that was checked just before the password was changed belongs to the former one.
TEST_F(OpeningsTest, ALateRowBelongsToTheFormerPassword) {
  const auto former = account("bob@birch.example");
  ASSERT_TRUE(set("bob@birch.example", {.password = "another horse"}));
  clock.pass(minutes(1));
  const SignInFact fact{bob.tenant,      bob.id,           bob.address, former.keys,
                        {How::in_clear}, Network::public_, clock.time};
  ASSERT_TRUE(wait(change<std::vector<How>>(store, store::Scope::tenant(bob.tenant),
                                            [&](auto& tx) { return record(tx, fact); })));
  ASSERT_EQ(of_bob().size(), 1U);
  EXPECT_EQ(of_bob()[0].closed, clock.time);
}

// An account that is gone, and another one at its address: what was open stays known.
TEST_F(OpeningsTest, TheAddressRemembers) {
  sign_in_over(clear());
  clock.pass(hours(2));
  ASSERT_TRUE(wait(operations.remove_account(bob.address, "operator")));
  ASSERT_EQ(of_bob().size(), 1U);
  EXPECT_EQ(of_bob()[0].closed, clock.time);
  bob = wait(operations.add_account({bob.address, "", "another horse"}, "operator")).value();
  EXPECT_EQ(of_bob().size(), 1U);
}

// What sessions remember of the directory isn't thrown away at each sign-in.
TEST_F(OpeningsTest, TheDirectorysMemoryStays) {
  ASSERT_TRUE(wait(directory.credentials("bob@birch.example")));  // makes the site's secret
  ASSERT_TRUE(wait(directory.account(bob.tenant, bob.id)));
  sign_in_over(clear());
  store.fail_next_read(base::ErrorKind::io);
  EXPECT_TRUE(wait(directory.account(bob.tenant, bob.id)));
}

}  // namespace
}  // namespace letterlock::directory
