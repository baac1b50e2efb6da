// A restored store knows that it is one, and what nobody can say since.
#include "directory/restores.h"

#include <gtest/gtest.h>

#include "directory/asking.h"
#include "directory/calendar.h"
#include "directory/fixture.h"

namespace letterlock::directory {
namespace {

using protection::Lost;
using std::chrono::hours;
using std::chrono::minutes;

struct RestoresTest : testing::Test, test::Fixture {
  RestoresTest() { settle(); }
  static net::ResultTask<> put(store::Transaction& tx, std::pair<std::string, std::string> row) {
    tx.put(std::move(row.first), std::move(row.second));
    co_return base::Result<>();
  }
  void put(std::pair<std::string, std::string> row) {
    ASSERT_TRUE(wait(store.transact(store::Scope::site(), [&](auto& tx) { return put(tx, row); })));
  }
  // The store becomes what it was at `as_of`, and a node starts on it now.
  void restore(base::Time as_of) {
    put(restored_row(as_of));
    ASSERT_TRUE(wait(begin_restored(store, clock)));
  }
  std::vector<Lost> lost(base::Time accepted) {
    return wait(ask<std::vector<Lost>>(store, store::Scope::site(),
                                       [&](auto& tx) { return lost_since(tx, accepted); }))
        .value();
  }
  std::vector<Opening> of_bob() {
    return wait(operations.list_openings(bob.tenant, bob.address)).value();
  }
};

TEST_F(RestoresTest, WhatWasAcceptedBeforeItMayHaveGoneOnUnrecorded) {
  const auto as_of = clock.time;
  EXPECT_EQ(lost(as_of), std::vector<Lost>());
  clock.pass(hours(48));
  put(restored_row(as_of));
  EXPECT_EQ(lost(clock.time + hours(1)).size(), 1U) << "until a node says when it was";
  ASSERT_TRUE(wait(begin_restored(store, clock)));
  const Lost first{as_of, clock.time};
  clock.pass(minutes(1));
  ASSERT_TRUE(wait(begin_restored(store, clock))) << "the next start";
  EXPECT_EQ(lost(as_of - hours(24)), std::vector<Lost>{first});
  EXPECT_EQ(lost(first.to), std::vector<Lost>{first});
  EXPECT_EQ(lost(clock.time), std::vector<Lost>());
  const auto second = clock.time;
  clock.pass(hours(48));
  restore(second);
  EXPECT_EQ(lost(as_of), (std::vector<Lost>{first, {second, clock.time}}));
  EXPECT_EQ(lost(second), (std::vector<Lost>{{second, clock.time}}));
}

// On a machine whose calendar is years behind: whatever the backup holds came before.
TEST_F(RestoresTest, AWrongCalendarPutsNothingBehindIt) {
  const auto as_of = clock.time;
  const CalendarRecord calendar{as_of + minutes(5), {{as_of - hours(1), as_of + hours(1)}}};
  put({keys::calendar("dublin-1"), encode(calendar)});
  clock.time = base::from_milliseconds(0);
  restore(as_of);
  EXPECT_EQ(lost(as_of + minutes(3)).size(), 1U);
  EXPECT_EQ(lost(as_of + hours(1)).size(), 1U);
  EXPECT_EQ(lost(as_of + hours(2)).size(), 0U);
}

// Whoever saw a password before the restore has it afterwards, until it is another one.
TEST_F(RestoresTest, AMailboxMayBeOpenUntilItsPasswordIsAnotherOne) {
  const AccountChange plus_only{.password = "another horse", .accepts = Accepts::plus_only};
  ASSERT_TRUE(set("bob@birch.example", plus_only));
  EXPECT_TRUE(wait(directory.password_is_bound(account("bob@birch.example"))).value());
  const auto as_of = clock.time;
  clock.pass(hours(48));
  restore(as_of);
  const Opening open{Opening::How::unrecorded, hop::Network::public_, as_of, clock.time};
  EXPECT_EQ(of_bob(), std::vector<Opening>{open});
  EXPECT_FALSE(wait(directory.password_is_bound(account("bob@birch.example"))).value());
  EXPECT_NE(describe(open).find("the store was restored"), std::string::npos);
  // Also where the calendar is behind: not by the time it is told which password is younger.
  clock.time = as_of - hours(1);
  ASSERT_TRUE(set("bob@birch.example", {.password = "a third horse"}));
  auto closed = open;
  closed.closed = open.last;
  EXPECT_EQ(of_bob(), std::vector<Opening>{closed});
  clock.time = open.last;
  ASSERT_TRUE(set("bob@birch.example", {.password = "a fourth horse"}));
  EXPECT_TRUE(wait(directory.password_is_bound(account("bob@birch.example"))).value());
  EXPECT_EQ(decode_openings(encode(Openings{{closed}, {}})), (Openings{{closed}, {}}));
  // Set again, it is again whose it may have become.
  ASSERT_TRUE(set("bob@birch.example", {.accepts = Accepts::any}));
  ASSERT_TRUE(set("bob@birch.example", {.password = "another horse"}));
  EXPECT_EQ(of_bob(), (std::vector<Opening>{closed, open}));
  // A new account's password is younger.
  const auto dora = add("dora@birch.example");
  EXPECT_TRUE(wait(operations.list_openings(dora.tenant, dora.address)).value().empty());
}

TEST_F(RestoresTest, RecordsAreReadAsWritten) {
  for (const auto& restore :
       {RestoreRecord{clock.time, {}, 0}, RestoreRecord{clock.time, clock.time + hours(1), 7}})
    EXPECT_EQ(decode_restore(encode(restore)), restore);
  EXPECT_FALSE(decode_restore("x"));
}

}  // namespace
}  // namespace letterlock::directory
