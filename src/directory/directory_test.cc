#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "directory/asking.h"
#include "directory/fixture.h"
#include "directory/record.h"

namespace letterlock::directory {
namespace {

using base::ErrorKind;
using test::at;
using test::domain;
using testing::ElementsAre;

struct DirectoryTest : testing::Test, test::Fixture {
  DirectoryTest() { settle(); }
  bool may(const Account& account, std::string_view address) {
    return wait(directory.may_send_as(account, at(address))).value();
  }
  Expansion expand(std::string_view address) { return wait(directory.expand(at(address))).value(); }
  std::vector<std::string> leaves(std::string_view address) {
    std::vector<std::string> all;
    for (const auto& leaf : expand(address).leaves) {
      all.push_back((leaf.account ? leaf.account->address.text() : "out " + leaf.address.text()));
    }
    return all;
  }
  SendingOutcome send(const Account& account, std::uint64_t recipients) {
    return wait(change<SendingOutcome>(store, store::Scope::tenant(account.tenant),
                                       [&](auto& tx) {
                                         return count_sending(tx, account.tenant, account.id,
                                                              recipients, clock.time);
                                       }))
        .value();
  }
  SendingOutcome fail_some(const Account& account, std::uint64_t failures) {
    return wait(change<SendingOutcome>(store, store::Scope::tenant(account.tenant),
                                       [&](auto& tx) {
                                         return count_failures(tx, account.tenant, account.id,
                                                               failures, clock.time);
                                       }))
        .value();
  }
};

TEST_F(DirectoryTest, KnowsItsDomains) {
  EXPECT_EQ(wait(directory.is_ours(domain("ACORN.example"))).value(), alice.tenant);
  EXPECT_EQ(wait(directory.is_ours(domain("old.example"))).value(), std::nullopt);
  EXPECT_EQ(wait(directory.is_ours(domain("[192.0.2.1]"))).value(), std::nullopt);
  EXPECT_TRUE(std::holds_alternative<NotOurs>(resolve("dave@old.example")));
}

TEST_F(DirectoryTest, LocalPartsKnowNoCaseAndTakeDetails) {
  EXPECT_EQ(mailbox("ALICE@acorn.example"), "alice@acorn.example");
  EXPECT_EQ(mailbox("\"alice\"@Acorn.Example"), "alice@acorn.example");
  const auto resolution = resolve("Alice+Lists+x@acorn.example");
  EXPECT_EQ(std::get<ToMailbox>(resolution).detail, "Lists+x");
  EXPECT_TRUE(std::holds_alternative<UnknownUser>(resolve("+alice@acorn.example")));
  EXPECT_TRUE(std::holds_alternative<UnknownUser>(resolve("alice@birch.example")));
  EXPECT_TRUE(std::holds_alternative<UnknownUser>(resolve("alic@acorn.example")));
}

// Attack08 and Attack27: what looks like a path, a pattern or a command is an unknown user.
TEST_F(DirectoryTest, Attack08OddLocalPartsAreOnlyUnknown) {
  for (const auto odd :
       {"\"../../alice\"", "\"alice/../alice\"", "\"${run{x}}\"", "\";id;\"", "-alice", "\"%\"",
        "\"*\"", "\"alice@acorn.example\"", "alice%acorn.example", "\"acorn.example/alice\""}) {
    const auto address = Address::parse(std::string(odd) + "@acorn.example");
    if (!address) continue;
    const auto resolution = wait(directory.resolve(*address)).value();
    EXPECT_TRUE(std::holds_alternative<UnknownUser>(resolution)) << odd;
  }
}

// What is remembered stands for no longer than the directory does.
TEST_F(DirectoryTest, TakersAreRememberedUntilTheDirectoryChanges) {
  using Kind = Taker::Kind;
  const auto asked = [&](std::string_view address) {
    return wait(directory.taker(at(address))).value();
  };
  EXPECT_EQ(asked("alice@acorn.example"), (Taker{Kind::here, alice.tenant, alice.id}));
  EXPECT_EQ(asked("ALICE+lists@acorn.example"), (Taker{Kind::here, alice.tenant, alice.id}));
  EXPECT_EQ(asked("nobody@acorn.example"), (Taker{Kind::unknown_user, alice.tenant, {}}));
  EXPECT_EQ(asked("x@elsewhere.example"), Taker());

  // Answered without the store: it would fail.
  store.fail_next_read(base::ErrorKind::io);
  EXPECT_EQ(asked("Alice@acorn.example"), (Taker{Kind::here, alice.tenant, alice.id}));
  EXPECT_FALSE(wait(directory.taker(at("nobody@acorn.example"))));

  ASSERT_TRUE(set("alice@acorn.example", {.state = Account::State::suspended}));
  EXPECT_EQ(asked("alice@acorn.example"), (Taker{Kind::suspended, alice.tenant, {}}));
  ASSERT_TRUE(set("alice@acorn.example", {.state = Account::State::active}));
  EXPECT_EQ(asked("alice@acorn.example"), (Taker{Kind::here, alice.tenant, alice.id}));
  EXPECT_EQ(asked("info@acorn.example").kind, Kind::unknown_user);
  add_alias("info@acorn.example", {at("bob@birch.example")});
  EXPECT_EQ(asked("info@acorn.example"), (Taker{Kind::here, alice.tenant, {}}));
}

// What a session asks with each message: answered without the store, and never after its end.
TEST_F(DirectoryTest, SendersAndTheirSettingsAreRememberedUntilTheDirectoryChanges) {
  const auto asked = [&] { return wait(directory.account(alice.tenant, alice.id)); };
  const auto tenant = [&] { return wait(directory.tenant(alice.tenant)); };
  ASSERT_TRUE(set("alice@acorn.example", {.add_addresses = {at("al@acorn.example")}}));
  ASSERT_TRUE(asked().value() && tenant().value() && may(alice, "al@acorn.example"));

  store.fail_next_read(base::ErrorKind::io);
  EXPECT_EQ(asked().value()->id, alice.id);
  EXPECT_EQ(tenant().value()->id, alice.tenant);
  EXPECT_TRUE(may(alice, "AL@acorn.example"));
  // Whose it isn't, nobody remembers: the read that fails is this one.
  EXPECT_FALSE(wait(directory.may_send_as(alice, at("carol@acorn.example"))));

  ASSERT_TRUE(set("alice@acorn.example", {.remove_addresses = {at("al@acorn.example")}}));
  EXPECT_FALSE(may(alice, "al@acorn.example"));
  ASSERT_TRUE(wait(directory.stop_sending(alice.tenant, alice.id, "too much")));
  EXPECT_EQ(asked().value()->sending.state, Sending::State::stopped);
  ASSERT_TRUE(set("alice@acorn.example", {.state = Account::State::suspended}));
  EXPECT_EQ(asked().value()->state, Account::State::suspended);
}

// The account as it stands decides, not as somebody has it who read it before.
TEST_F(DirectoryTest, AnOldAccountSaysNothingOfWhoMaySend) {
  const auto before = alice;
  ASSERT_TRUE(wait(operations.remove_account(at("alice@acorn.example"), by)));
  EXPECT_FALSE(may(before, "alice@acorn.example"));
  EXPECT_FALSE(may(before, "alice+x@acorn.example"));
}

// What an account has sent changes with each message, and says nothing of where mail goes.
TEST_F(DirectoryTest, CountsLeaveWhatIsRemembered) {
  ASSERT_TRUE(wait(directory.taker(at("alice@acorn.example"))));
  EXPECT_EQ(send(alice, 1).kind, SendingOutcome::Kind::ok);
  store.fail_next_read(base::ErrorKind::io);
  EXPECT_TRUE(wait(directory.taker(at("alice@acorn.example"))));
}

TEST_F(DirectoryTest, AWholeLocalPartComesBeforeItsDetail) {
  add_alias("alice+sales@acorn.example", {at("carol@acorn.example")});
  EXPECT_TRUE(std::holds_alternative<ToTargets>(resolve("alice+sales@acorn.example")));
  EXPECT_EQ(mailbox("alice+other@acorn.example"), "alice@acorn.example");
  EXPECT_FALSE(may(alice, "alice+sales@acorn.example"));
  EXPECT_TRUE(may(alice, "alice+other@acorn.example"));
}

TEST_F(DirectoryTest, PostmasterAndAbuseAlwaysLeadToSomebody) {
  EXPECT_EQ(mailbox("PostMaster@acorn.example"), "alice@acorn.example");  // the first account
  EXPECT_EQ(mailbox("abuse@acorn.example"), "alice@acorn.example");
  ASSERT_TRUE(
      wait(operations.set_tenant("acorn.example", {.postmaster = at("carol@acorn.example")}, by)));
  EXPECT_EQ(mailbox("postmaster@acorn.example"), "carol@acorn.example");
  ASSERT_TRUE(set("carol@acorn.example", {.state = Account::State::suspended}));
  EXPECT_EQ(mailbox("abuse@acorn.example"), "alice@acorn.example");
  add_alias("abuse@acorn.example", {at("bob@birch.example")});
  EXPECT_TRUE(std::holds_alternative<ToTargets>(resolve("abuse@acorn.example")));
}

TEST_F(DirectoryTest, ATenantWithoutAccountsHasTheSitesPostmaster) {
  ASSERT_TRUE(wait(operations.add_tenant("empty.example", by)));
  ASSERT_TRUE(wait(operations.add_domain("empty.example", domain("empty.example"), by)));
  EXPECT_TRUE(std::holds_alternative<UnknownUser>(resolve("postmaster@empty.example")));
  EXPECT_EQ(wait(directory.site_postmaster()).value(), std::nullopt);
  ASSERT_TRUE(wait(operations.set_site_postmaster(at("bob@birch.example"), by)));
  EXPECT_EQ(mailbox("postmaster@empty.example"), "bob@birch.example");
  EXPECT_EQ(wait(directory.site_postmaster()).value()->address.text(), "bob@birch.example");
  EXPECT_TRUE(std::holds_alternative<UnknownUser>(resolve("info@empty.example")));
}

TEST_F(DirectoryTest, SuspendedIsSaid) {
  ASSERT_TRUE(set("bob@birch.example", {.state = Account::State::suspended}));
  EXPECT_TRUE(std::holds_alternative<Suspended>(resolve("bob@birch.example")));
}

TEST_F(DirectoryTest, ExpandsAcrossTenants) {
  add_alias("info@acorn.example", {at("all@birch.example"), at("dave@old.example")});
  add_group("all@birch.example", {at("bob@birch.example"), at("BOB+x@birch.example"),
                                  at("alice@acorn.example"), at("nobody@birch.example")});
  EXPECT_THAT(leaves("info@acorn.example"),
              ElementsAre("out dave@old.example", "bob@birch.example", "alice@acorn.example"));
  const auto expansion = expand("info@acorn.example");
  EXPECT_EQ(expansion.leaves[0].through, Expansion::Through::alias);
  EXPECT_EQ(expansion.leaves[1].through, Expansion::Through::group);
  ASSERT_EQ(expansion.dropped.size(), 1U);
  EXPECT_EQ(expansion.dropped[0].why, Expansion::Dropped::Why::unknown_user);
  EXPECT_THAT(leaves("alice@acorn.example"), ElementsAre("alice@acorn.example"));
}

TEST_F(DirectoryTest, LoopsEnd) {
  put_alias("a@acorn.example", {at("b@birch.example")});
  put_alias("b@birch.example", {at("A+x@acorn.example")});
  const auto expansion = expand("a@acorn.example");
  EXPECT_TRUE(expansion.leaves.empty());
  ASSERT_EQ(expansion.dropped.size(), 1U);
  EXPECT_EQ(expansion.dropped[0].why, Expansion::Dropped::Why::loop);
}

TEST_F(DirectoryTest, ChainsAreCutAtTheirDepth) {
  add_alias("c0@acorn.example", {at("alice@acorn.example")});
  for (int i = 1; i <= 11; ++i) {
    put_alias("c" + std::to_string(i) + "@acorn.example",
              {at("c" + std::to_string(i - 1) + "@acorn.example")});
  }
  EXPECT_THAT(leaves("c9@acorn.example"), ElementsAre("alice@acorn.example"));
  const auto expansion = expand("c10@acorn.example");
  EXPECT_TRUE(expansion.leaves.empty());
  ASSERT_EQ(expansion.dropped.size(), 1U);
  EXPECT_EQ(expansion.dropped[0].why, Expansion::Dropped::Why::too_deep);
}

// Attack14: a small message can't be made into any number of them.
TEST_F(DirectoryTest, Attack14ExpansionIsBounded) {
  std::vector<Address> groups;
  for (int g = 0; g < 3; ++g) {
    std::vector<Address> members;
    for (int i = 0; i < 400; ++i)
      members.push_back(at("m" + std::to_string(g * 1000 + i) + "@old.example"));
    groups.push_back(at("g" + std::to_string(g) + "@acorn.example"));
    add_group(groups.back().text(), members);
  }
  add_group("everybody@acorn.example", groups);
  const auto expansion = expand("everybody@acorn.example");
  EXPECT_TRUE(expansion.too_many);
  EXPECT_EQ(expansion.leaves.size(), group_members_max);
}

TEST_F(DirectoryTest, MaySendAsOwnAddressesOnly) {
  ASSERT_TRUE(set("alice@acorn.example", {.add_addresses = {at("al@acorn.example")}}));
  alice = account("alice@acorn.example");
  add_alias("info@acorn.example", {at("AL@acorn.example")}, Alias::SendAs::allowed);
  add_alias("quiet@acorn.example", {at("alice@acorn.example")});
  add_alias("team@acorn.example", {at("alice@acorn.example"), at("carol@acorn.example")},
            Alias::SendAs::allowed);
  add_group("all@acorn.example", {at("alice@acorn.example")});
  for (const auto yes : {"alice@acorn.example", "ALICE+x@acorn.example", "al@acorn.example",
                         "al+1@acorn.example", "info@acorn.example"}) {
    EXPECT_TRUE(may(alice, yes)) << yes;
  }
  for (const auto no :
       {"carol@acorn.example", "quiet@acorn.example", "team@acorn.example", "all@acorn.example",
        "alice@birch.example", "alice@old.example", "carol+alice@acorn.example",
        "info+x@acorn.example", "nobody@acorn.example", "postmaster@acorn.example"}) {
    EXPECT_FALSE(may(alice, no)) << no;
  }
}

TEST_F(DirectoryTest, TheHourIsCounted) {
  EXPECT_EQ(send(alice, 300).kind, SendingOutcome::Kind::ok);
  EXPECT_EQ(send(alice, 1).kind, SendingOutcome::Kind::over_hour);
  EXPECT_EQ(send(carol, 300).kind, SendingOutcome::Kind::ok);
  clock.pass(std::chrono::hours(1));
  EXPECT_EQ(send(alice, 1).kind, SendingOutcome::Kind::ok);
  clock.pass(-std::chrono::hours(24 * 365));  // the clock was set back
  EXPECT_EQ(send(alice, 300).kind, SendingOutcome::Kind::over_hour);
  clock.pass(std::chrono::hours(1));
  EXPECT_EQ(send(alice, 299).kind, SendingOutcome::Kind::ok);
}

TEST_F(DirectoryTest, TheDayStopsTheAccountUntilItIsReleased) {
  for (int hour = 0; hour < 6; ++hour) {
    EXPECT_EQ(send(alice, 300).kind, SendingOutcome::Kind::ok);
    clock.pass(std::chrono::hours(1));
  }
  const auto over = send(alice, 201);
  EXPECT_EQ(over.kind, SendingOutcome::Kind::over_day);
  EXPECT_TRUE(over.stopped_now);
  EXPECT_EQ(account("alice@acorn.example").sending.reason, "more than 2000 recipients in a day");
  clock.pass(std::chrono::hours(48));
  const auto stopped = send(alice, 1);
  EXPECT_EQ(stopped.kind, SendingOutcome::Kind::stopped);
  EXPECT_FALSE(stopped.stopped_now);
  ASSERT_TRUE(set("alice@acorn.example", {.sending = Sending::State::enabled}));
  EXPECT_EQ(events.count("account.sending_released"), 1U);
  EXPECT_EQ(send(alice, 300).kind, SendingOutcome::Kind::ok);
}

TEST_F(DirectoryTest, ARequestLargerThanAnyNumberIsOver) {
  EXPECT_EQ(send(alice, 1).kind, SendingOutcome::Kind::ok);
  EXPECT_EQ(send(alice, std::numeric_limits<std::uint64_t>::max()).kind,
            SendingOutcome::Kind::over_day);
}

TEST_F(DirectoryTest, RefusedRecipientsStopAnAccount) {
  EXPECT_EQ(fail_some(alice, 200).kind, SendingOutcome::Kind::ok);
  const auto outcome = fail_some(alice, 1);
  EXPECT_TRUE(outcome.stopped_now);
  EXPECT_EQ(send(alice, 1).kind, SendingOutcome::Kind::stopped);
  EXPECT_FALSE(fail_some(alice, 1).stopped_now);
  ASSERT_TRUE(set("alice@acorn.example", {.sending = Sending::State::enabled}));
  EXPECT_EQ(fail_some(alice, 1).kind, SendingOutcome::Kind::ok);
  ASSERT_TRUE(wait(operations.remove_account(at("carol@acorn.example"), by)));
  EXPECT_EQ(fail_some(carol, 500).kind, SendingOutcome::Kind::ok);
}

TEST_F(DirectoryTest, StoppingIsSaidOnce) {
  ASSERT_TRUE(wait(directory.stop_sending(alice.tenant, alice.id, "asked to")));
  ASSERT_TRUE(wait(directory.stop_sending(alice.tenant, alice.id, "asked again")));
  EXPECT_EQ(events.count("account.sending_stopped"), 1U);
  EXPECT_EQ(account("alice@acorn.example").sending.reason, "asked to");
  EXPECT_EQ(wait(directory.stop_sending(alice.tenant, base::AccountId(), "who?")).error().kind,
            ErrorKind::not_found);
}

TEST_F(DirectoryTest, CountsOfOneTransactionRollBackWithIt) {
  store.fail_next_commit(ErrorKind::io);
  const auto lost =
      wait(change<SendingOutcome>(store, store::Scope::tenant(alice.tenant), [&](auto& tx) {
        return count_sending(tx, alice.tenant, alice.id, 300, clock.time);
      }));
  EXPECT_EQ(lost.error().kind, ErrorKind::io);
  EXPECT_EQ(send(alice, 300).kind, SendingOutcome::Kind::ok);
}

}  // namespace
}  // namespace letterlock::directory
