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
std::string key_of(int number) {
  return key("table " + std::to_string(1000 + number));
}

// One table a key: each is moved to the last level before the next is made.
void make_tables(const RocksOptions& options) {
  base::NoEvents events;
  const auto engine = Engine::open(options, events).value();
  auto& db = engine->db();
  for (int i = 0; i < tables_count; ++i) {
    ASSERT_TRUE(db.Put(rocksdb::WriteOptions(), engine->keys(), key_of(i), value_of(i)).ok());
    ASSERT_TRUE(db.Flush(rocksdb::FlushOptions(), engine->keys()).ok());
    const auto whole = key_of(i);
    const rocksdb::Slice only(whole);
    ASSERT_TRUE(db.CompactRange(rocksdb::CompactRangeOptions(), engine->keys(), &only, &only).ok());
  }
  std::vector<rocksdb::LiveFileMetaData> files;
  db.GetLiveFilesMetaData(&files);
  ASSERT_GE(files.size(), std::size_t{tables_count});
}

net::ResultTask<> read_one(Transaction& transaction, int number,
                           std::optional<std::string>& found) {
  CO_TRY(found, co_await transaction.get(key_of(number)));
  co_return base::Result<>();
}
net::ResultTask<> scan_one(Transaction& transaction, int number, std::vector<KeyValue>& found) {
  CO_TRY(found, co_await transaction.scan({key_of(number), key_of(number + 1)}, {}));
  co_return base::Result<>();
}
net::ResultTask<> read_two(Transaction& transaction, int number,
                           std::vector<std::optional<std::string>>& found) {
  CO_TRY(found, co_await transaction.get_many({key_of(number), key_of(number + 1)}));
  co_return base::Result<>();
}

class Tables : public testing::Test {
 protected:
  Tables() { make_tables(directory.options()); }
  // A start: most tables are closed.
  void start() { store = RocksStore::open(directory.options(), clock, random, events).value(); }
  template <class Found, class Read>
  Found read(Read how, int number) {
    Found found;
    EXPECT_TRUE(wait(loop, store->read(Scope::site(), [&](Transaction& transaction) {
      return how(transaction, number, found);
    })));
    return found;
  }

  const TemporaryDirectory directory;
  os::SystemClock clock;
  os::SystemRandom random;
  base::NoEvents events;
  net::Loop loop;
  std::unique_ptr<RocksStore> store;
};

TEST_F(Tables, ThatNobodyOpenedYetAreRead) {
  start();
  for (int i = 0; i < tables_count; ++i)
    EXPECT_EQ(read<std::optional<std::string>>(read_one, i), value_of(i));
}

TEST_F(Tables, ThatNobodyOpenedYetAreReadTogether) {
  start();
  using Values = std::vector<std::optional<std::string>>;
  for (int i = 0; i < tables_count; i += 2)
    EXPECT_EQ(read<Values>(read_two, i), (Values{value_of(i), value_of(i + 1)}));
}

TEST_F(Tables, ThatNobodyOpenedYetAreScanned) {
  start();
  for (int i = 0; i < tables_count; ++i) {
    const auto found = read<std::vector<KeyValue>>(scan_one, i);
    ASSERT_EQ(found.size(), 1U) << i;
    EXPECT_EQ(found.front().second, value_of(i));
  }
}

TEST_F(Tables, AValueThatIsEmptyIsThere) {
  start();
  const auto put_nothing = [](Transaction& transaction) -> net::ResultTask<> {
    transaction.put(key("empty"), "");
    co_return base::Result<>();
  };
  ASSERT_TRUE(wait(loop, store->transact(Scope::site(), put_nothing)));
  const auto read_empty = [](Transaction& transaction, int,
                             std::optional<std::string>& found) -> net::ResultTask<> {
    CO_TRY(found, co_await transaction.get(key("empty")));
    co_return base::Result<>();
  };
  EXPECT_EQ(read<std::optional<std::string>>(read_empty, 0), "");
}

}  // namespace
}  // namespace letterlock::store
