#include "store/conflict.h"

#include <gtest/gtest.h>

namespace letterlock::store {
namespace {

std::vector<std::string> changes(std::initializer_list<const char*> keys) {
  return {keys.begin(), keys.end()};
}
Reads one_key(const char* key) {
  Reads reads;
  reads.add(key);
  return reads;
}
Reads one_range(const char* first, const char* end) {
  Reads reads;
  reads.add(Range{first, end});
  return reads;
}

TEST(RecentCommits, OnlyWhatChangedSinceTheBeginConflicts) {
  RecentCommits recent;
  EXPECT_EQ(recent.add(changes({"b", "d"})), 1U);
  EXPECT_EQ(recent.add(changes({"d"})), 2U);
  EXPECT_TRUE(recent.conflicts(one_key("b"), 0));
  EXPECT_FALSE(recent.conflicts(one_key("b"), 1));
  EXPECT_TRUE(recent.conflicts(one_key("d"), 1));
  EXPECT_FALSE(recent.conflicts(one_key("d"), 2));
  EXPECT_FALSE(recent.conflicts(one_key("c"), 0));
  EXPECT_TRUE(recent.conflicts(one_range("a", "c"), 0));
  EXPECT_TRUE(recent.conflicts(one_range("d", "e"), 1));
  EXPECT_FALSE(recent.conflicts(one_range("b", "d"), 1));
  EXPECT_FALSE(recent.conflicts(one_range("c", "d"), 0));
  EXPECT_FALSE(recent.conflicts(Reads(), 0));
}

TEST(RecentCommits, WhoIsOlderThanTheMemoryConflicts) {
  RecentCommits recent(3);
  for (int i = 0; i < 3; ++i) recent.add(changes({"a"}));
  EXPECT_FALSE(recent.conflicts(one_key("z"), 0));
  recent.add(changes({"b"}));
  EXPECT_TRUE(recent.conflicts(one_key("z"), 0));
  EXPECT_FALSE(recent.conflicts(one_key("z"), 1));
  EXPECT_FALSE(recent.conflicts(Reads(), 0));  // nothing read, nothing to conflict
  EXPECT_TRUE(recent.conflicts(one_key("a"), 2));
  EXPECT_EQ(recent.keys(), 3U);
}

TEST(RecentCommits, ForgetsWhatNobodyAsksAbout) {
  RecentCommits recent;
  for (int i = 0; i < 1000; ++i) recent.add(changes({"a", "b"}));
  recent.add(changes({"c"}));
  recent.forget_until(1000);
  EXPECT_EQ(recent.keys(), 1U);
  EXPECT_TRUE(recent.conflicts(one_key("c"), 1000));
  EXPECT_FALSE(recent.conflicts(one_key("a"), 1000));
  EXPECT_TRUE(recent.conflicts(one_key("a"), 999));
}

// Ranges in any order, one within another, touching: a key is in one of them or in none.
TEST(RecentCommits, ManyRangesAreLookedAtTogether) {
  RecentCommits recent;
  recent.add(changes({"m"}));
  Reads reads;
  for (const auto& [first, end] : {std::pair("x", "z"), {"a", "f"}, {"b", "c"}, {"f", "k"}})
    reads.ranges.push_back(Range{first, end});
  EXPECT_FALSE(recent.conflicts(reads, 0));
  for (const auto* inside : {"a", "d", "f", "j", "y"}) {
    recent.add(changes({inside}));
    EXPECT_TRUE(recent.conflicts(reads, recent.last() - 1)) << inside;
  }
  for (const auto* outside : {"A", "k", "l", "z"}) {
    recent.add(changes({outside}));
    EXPECT_FALSE(recent.conflicts(reads, recent.last() - 1)) << outside;
  }
}

// The table of places is far smaller than the keys there may be: two in one place are still two.
TEST(RecentCommits, KeysThatShareAPlaceAreToldApart) {
  RecentCommits recent;
  for (int i = 0; i < 100'000; ++i) recent.add({"changed" + std::to_string(i)});
  EXPECT_FALSE(recent.conflicts(one_key("another"), 0));
  EXPECT_TRUE(recent.conflicts(one_key("changed0"), 0));
  EXPECT_FALSE(recent.conflicts(one_key("changed0"), 1));
}

// A scan in pages is one range, however many pages there are; apart they stay apart.
TEST(Reads, PagesBecomeOneRange) {
  Reads reads;
  for (char c = 'a'; c < 'y'; ++c)
    reads.add(Range{std::string(1, c), std::string(1, static_cast<char>(c + 1))});
  ASSERT_EQ(reads.ranges.size(), 1U);
  EXPECT_EQ(reads.ranges[0].first, "a");
  EXPECT_EQ(reads.ranges[0].end, "y");
  Reads back;
  back.add(Range{"m", "z"});
  back.add(Range{"f", "m"});
  back.add(Range{"a", "b"});
  ASSERT_EQ(back.ranges.size(), 2U);
  EXPECT_EQ(back.ranges[0].first, "f");
  EXPECT_EQ(back.ranges[1].end, "b");
}

}  // namespace
}  // namespace letterlock::store
