// Which copies of the store may hold a message.
#include "directory/backups.h"

#include <gtest/gtest.h>

#include "directory/asking.h"
#include "directory/fixture.h"

namespace letterlock::directory {
namespace {

using protection::Backup;
using std::chrono::hours;
using std::chrono::minutes;

struct BackupsTest : testing::Test, test::Fixture {
  BackupRecord begin(std::optional<base::Milliseconds> keep = {}) {
    return wait(operations.begin_backup("/srv/backup", "dublin-1", keep)).value();
  }
  BackupRecord make(std::optional<base::Milliseconds> keep = {}) {
    const auto backup = begin(keep);
    clock.pass(minutes(10));
    EXPECT_TRUE(wait(operations.end_backup(backup.id, Operations::BackupEnd::whole)));
    return backup;
  }
  std::vector<Backup> between(base::Time from, base::Time to) {
    return wait(ask<std::vector<Backup>>(
                    store, store::Scope::tenant(base::TenantId()),
                    [&](auto& tx) { return backups_between(tx, from, to, clock.time, order); }))
        .value();
  }
  base::Order order;
  std::vector<Backup> at(base::Time time) { return between(time, time); }
};

TEST_F(BackupsTest, WhatLayThereWhenItWasMadeIsInIt) {
  const auto began = clock.time;
  const auto backup = make();
  const auto ended = clock.time;
  const std::vector<Backup> held{{backup.began, std::nullopt}};
  EXPECT_EQ(at(began - minutes(1)), std::vector<Backup>()) << "it had gone before";
  EXPECT_EQ(between(began - minutes(1), began), held);
  EXPECT_EQ(at(began + minutes(5)), held);
  EXPECT_EQ(between(ended, ended + hours(9)), held);
  EXPECT_EQ(at(ended + minutes(1)), std::vector<Backup>()) << "it came after";
  EXPECT_EQ(between(began - hours(9), ended + hours(9)), held);
}

TEST_F(BackupsTest, WhereTheCalendarWasSetBackItCountsThoughItSeemsToHaveBeenMadeBefore) {
  make();
  const auto came = clock.time + minutes(30);
  EXPECT_EQ(at(came).size(), 0U);
  order = base::Order({{clock.time - minutes(5), came}});
  EXPECT_EQ(at(came).size(), 1U);
}

TEST_F(BackupsTest, ItCountsUntilSomebodySaysThatItIsDestroyed) {
  const auto kept = make(hours(24));
  const auto always = make();
  EXPECT_EQ(between(kept.began, clock.time).size(), 2U);
  EXPECT_EQ(kept.kept_until, kept.began + hours(24));
  clock.pass(hours(24));
  // Its time is over; that it is destroyed nobody has said.
  EXPECT_EQ(between(kept.began, clock.time),
            (std::vector<Backup>{{kept.began, kept.kept_until, true}, {always.began, {}}}));
  ASSERT_TRUE(wait(operations.forget_backup(kept.id, by)));
  EXPECT_EQ(between(kept.began, clock.time), (std::vector<Backup>{{always.began, {}}}));
  EXPECT_EQ(wait(operations.forget_backup(always.id, "")).error().kind, base::ErrorKind::denied);
  const auto said = wait(operations.forget_backup(always.id, by)).value();
  EXPECT_EQ(said.forgotten, (SetBy{by, clock.time}));
  clock.pass(hours(1));
  EXPECT_EQ(wait(operations.forget_backup(always.id, "another"))->forgotten, said.forgotten);
  EXPECT_EQ(between(kept.began, clock.time), std::vector<Backup>());
  EXPECT_EQ(wait(operations.list_backups({}, 10))->size(), 2U) << "the list keeps them";
  EXPECT_EQ(wait(operations.list_backups(kept.id, 10))->size(), 1U);
  EXPECT_EQ(wait(operations.forget_backup(BackupId(), by)).error().kind,
            base::ErrorKind::not_found);
}

// One that was cut short, and the one that a restored store came from: its row says only that it
// was begun.
TEST_F(BackupsTest, OneWithoutAnEndCountsForAsLongAsItMayHaveTaken) {
  const auto backup = begin();
  EXPECT_EQ(at(backup.began + hours(6)).size(), 1U);
  EXPECT_EQ(at(backup.began + hours(6) + minutes(1)).size(), 0U);
  ASSERT_TRUE(wait(operations.end_backup(backup.id, Operations::BackupEnd::failed)));
  EXPECT_EQ(at(backup.began).size(), 1U) << "some of it may lie there";
  const auto none = begin();
  ASSERT_TRUE(wait(operations.end_backup(none.id, Operations::BackupEnd::nothing_written)));
  EXPECT_EQ(wait(operations.list_backups({}, 10))->size(), 1U);
}

TEST_F(BackupsTest, RecordsAreReadAsWritten) {
  BackupRecord backup{BackupId::make(clock.time, {1, 2}),
                      BackupRecord::State::failed,
                      "/srv/x",
                      "dublin-1",
                      clock.time,
                      clock.time + minutes(1),
                      clock.time + hours(1),
                      SetBy{"operator", clock.time}};
  EXPECT_EQ(decode_backup(encode(backup)), backup);
  backup.ended = backup.kept_until = std::nullopt;
  backup.forgotten.reset();
  EXPECT_EQ(decode_backup(encode(backup)), backup);
  EXPECT_FALSE(decode_backup(encode(backup).substr(1)));
}

}  // namespace
}  // namespace letterlock::directory
