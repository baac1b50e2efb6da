#include "store/snapshots.h"

#include <optional>

#include <gtest/gtest.h>

#include "os/temporary.h"

namespace letterlock::store {
namespace {

struct SnapshotsTest : testing::Test {
  SnapshotsTest() {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* opened = nullptr;
    EXPECT_TRUE(rocksdb::DB::Open(options, place.path(), &opened).ok());
    db.reset(opened);
    snapshots.emplace(*db);
  }
  // As the commit thread does it.
  void commit(Sequence number) {
    EXPECT_TRUE(db->Put({}, "key", std::to_string(number)).ok());
    snapshots->committed(number);
  }
  std::string seen(const Snapshots::Shared& from) {
    rocksdb::ReadOptions options;
    options.snapshot = from->snapshot;
    std::string value;
    return db->Get(options, "key", &value).ok() ? value : "none";
  }
  std::uint64_t in_the_engine() {
    std::uint64_t count = 0;
    EXPECT_TRUE(db->GetIntProperty(rocksdb::DB::Properties::kNumSnapshots, &count));
    return count;
  }

  os::TemporaryFolder place = os::TemporaryFolder::create("letterlock-snapshots").value();
  std::unique_ptr<rocksdb::DB> db;
  std::optional<Snapshots> snapshots;
};

TEST_F(SnapshotsTest, OneServesAllThatBeginBetweenTwoCommits) {
  commit(1);
  const auto first = snapshots->begin();
  const auto second = snapshots->begin();
  EXPECT_EQ(first, second);
  EXPECT_EQ(first->begun, 1U);
  EXPECT_EQ(in_the_engine(), 1U);
  commit(2);
  const auto third = snapshots->begin();
  EXPECT_EQ(third->begun, 2U);
  EXPECT_EQ(seen(first), "1");
  EXPECT_EQ(seen(third), "2");
}

// Written, and not told yet: whoever begins may see it or not, and counts from before it.
TEST_F(SnapshotsTest, WhatIsNotToldYetIsNotCountedAsSeen) {
  commit(1);
  const auto before = snapshots->begin();
  EXPECT_TRUE(db->Put({}, "key", "2").ok());
  EXPECT_EQ(snapshots->begin(), before);
  EXPECT_EQ(seen(before), "1");
  snapshots->committed(2);
  EXPECT_EQ(seen(snapshots->begin()), "2");
}

TEST_F(SnapshotsTest, TheOldestIsHeldAgainstForgetting) {
  commit(1);
  auto old = snapshots->begin();
  commit(2);
  auto young = snapshots->begin();
  commit(3);
  EXPECT_EQ(snapshots->oldest(), 1U);
  old.reset();
  EXPECT_EQ(snapshots->oldest(), 2U);
  young.reset();
  EXPECT_EQ(snapshots->oldest(), 3U);
}

TEST_F(SnapshotsTest, WhatNobodyReadsFromIsGivenBack) {
  commit(1);
  auto reader = snapshots->begin();
  commit(2);
  snapshots->give_back();
  EXPECT_EQ(in_the_engine(), 1U);
  reader.reset();
  EXPECT_EQ(in_the_engine(), 1U);  // until the commit thread comes by
  snapshots->give_back();
  EXPECT_EQ(in_the_engine(), 0U);
  (void)snapshots->begin();
  snapshots.reset();
  EXPECT_EQ(in_the_engine(), 0U);
}

}  // namespace
}  // namespace letterlock::store
