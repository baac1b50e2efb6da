#include "store/tidy.h"

#include <gtest/gtest.h>

#include "store/test_steps.h"

namespace letterlock::store {
namespace {

constexpr int contents_count = 1500;

std::string chunk_of(int number) {
  return "blob " + std::to_string(10'000 + number);
}
std::string content_of(int number) {
  return std::string(8000, static_cast<char>('a' + number % 26));
}

class Tidy : public testing::Test {
 protected:
  Tidy() {
    auto options = directory.options();
    options.write_buffer_octets = 256 * 1024;
    engine = Engine::open(options, events).value();
  }
  void put(int number) {
    ASSERT_TRUE(
        engine->db()
            .Put(rocksdb::WriteOptions(), engine->chunks(), chunk_of(number), content_of(number))
            .ok());
  }
  void remove(int number) {
    ASSERT_TRUE(
        engine->db().Delete(rocksdb::WriteOptions(), engine->chunks(), chunk_of(number)).ok());
  }
  std::uint64_t disk_octets() {
    std::uint64_t octets = 0;
    EXPECT_TRUE(engine->db().GetIntProperty(engine->chunks(),
                                            rocksdb::DB::Properties::kTotalBlobFileSize, &octets));
    return octets;
  }

  const TemporaryDirectory directory;
  base::NoEvents events;
  std::unique_ptr<Engine> engine;
  std::atomic<bool> stop = false;
};

TEST_F(Tidy, WhatNobodyHoldsLeavesTheDisk) {
  for (int i = 0; i < contents_count; ++i) put(i);
  for (int i = 0; i < contents_count; ++i)
    if (i % 10 != 0) remove(i);
  const auto before = disk_octets();
  ASSERT_GT(before, 8'000'000U);
  const TidyLimits limits{.garbage_octets = 100'000, .percent = 30};
  int rounds = 0;
  for (; rounds < 40; ++rounds) {
    const auto tidied = tidy(*engine, limits, stop);
    ASSERT_TRUE(tidied) << tidied.error().what;
    if (!tidied->done) break;
  }
  EXPECT_LT(rounds, 40);
  EXPECT_LT(disk_octets(), before / 4);
  for (int i = 0; i < contents_count; i += 10) {
    std::string value;
    ASSERT_TRUE(
        engine->db().Get(rocksdb::ReadOptions(), engine->chunks(), chunk_of(i), &value).ok());
    EXPECT_EQ(value, content_of(i));
  }
}

// One deletion in a hundred is no reason to copy anything.
TEST_F(Tidy, LittleGarbageIsLeft) {
  for (int i = 0; i < contents_count; ++i) {
    put(i);
    if (i % 100 == 99) remove(i - 50);
  }
  const auto tidied = tidy(*engine, {.garbage_octets = 100'000, .percent = 30}, stop);
  ASSERT_TRUE(tidied) << tidied.error().what;
  EXPECT_FALSE(tidied->done);
  EXPECT_LT(disk_octets(), 8'500ULL * contents_count) << "nothing was written twice";
}

}  // namespace
}  // namespace letterlock::store
