// A store of more tables than RocksDB opens at its start: what only one of them has, which nobody
// has opened yet, is read from the disk and not taken for nothing.
#include <gtest/gtest.h>

#include "os/clock.h"
#include "os/random.h"
#include "store/engine.h"
#include "store/test_steps.h"

namespace letterlock::store {
namespace {

constexpr int tables_count = 40;

std::string value_of(int number) {
  return "value " + std::to_string(number);
}
std::string name_of(int number) {
  return "table " + std::to_string(1000 + number);
}

// One table a key: each is moved to the last level before the next is made.
void make_tables(const RocksOptions& options) {
  base::NoEvents events;
  const auto engine = Engine::open(options, events).value();
  auto& db = engine->db();
  for (int i = 0; i < tables_count; ++i) {
    const auto whole = key(name_of(i));
    ASSERT_TRUE(db.Put(rocksdb::WriteOptions(), engine->keys(), whole, value_of(i)).ok());
    ASSERT_TRUE(db.Flush(rocksdb::FlushOptions(), engine->keys()).ok());
    const rocksdb::Slice only(whole);
    ASSERT_TRUE(db.CompactRange(rocksdb::CompactRangeOptions(), engine->keys(), &only, &only).ok());
  }
  std::vector<rocksdb::LiveFileMetaData> files;
  db.GetLiveFilesMetaData(&files);
  ASSERT_GE(files.size(), std::size_t{tables_count});
}

using Words = std::vector<std::string>;

class Tables : public testing::Test {
 protected:
  Tables() {
    make_tables(directory.options());
    // A start: most tables are closed.
    store = RocksStore::open(directory.options(), clock, random, events).value();
  }

  const TemporaryDirectory directory;
  os::SystemClock clock;
  os::SystemRandom random;
  base::NoEvents events;
  net::Loop loop;
  std::unique_ptr<RocksStore> store;
};

TEST_F(Tables, ThatNobodyOpenedYetAreRead) {
  for (int i = 0; i < tables_count; ++i)
    EXPECT_EQ(look(loop, *store, {get(name_of(i))}), Words{value_of(i)});
}

TEST_F(Tables, ThatNobodyOpenedYetAreReadTogether) {
  for (int i = 0; i < tables_count; i += 2) {
    EXPECT_EQ(look(loop, *store, {get_many({name_of(i), name_of(i + 1)})}),
              (Words{value_of(i), value_of(i + 1)}));
  }
}

TEST_F(Tables, ThatNobodyOpenedYetAreScanned) {
  for (int i = 0; i < tables_count; ++i) {
    EXPECT_EQ(look(loop, *store, {scan(name_of(i), name_of(i + 1))}),
              Words{name_of(i) + "=" + value_of(i)});
  }
}

TEST_F(Tables, AValueThatIsEmptyIsThere) {
  ASSERT_TRUE(do_steps(loop, *store, {put("empty", "")}));
  EXPECT_EQ(look(loop, *store, {get("empty")}), Words{""});
}

}  // namespace
}  // namespace letterlock::store
