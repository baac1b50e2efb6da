// Store::watch() of the store on disk, with threads: a count never runs ahead of what can be seen.
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "os/clock.h"
#include "os/random.h"
#include "store/test_steps.h"

namespace letterlock::store {
namespace {

constexpr unsigned changes_count = 3000;

net::ResultTask<> write_number(Transaction& transaction, unsigned number) {
  transaction.put(key("watched"), std::to_string(number));
  co_return base::Result<>();
}
net::ResultTask<> read_number(Transaction& transaction, unsigned& number) {
  CO_TRY(const auto value, co_await transaction.get(key("watched")));
  number = value ? static_cast<unsigned>(std::stoul(*value)) : 0;
  co_return base::Result<>();
}
net::ResultTask<> write_all(Store& store) {
  for (unsigned i = 1; i <= changes_count; ++i) {
    CO_CHECK(co_await store.transact(
        Scope::site(), [&](Transaction& transaction) { return write_number(transaction, i); }));
  }
  co_return base::Result<>();
}
// How often what was read was older than the count said.
net::ResultTask<unsigned> read_all(Store& store, const Store::Count& count) {
  unsigned older = 0;
  for (unsigned number = 0; number < changes_count;) {
    const auto raised = count->load();
    CO_CHECK(co_await store.read(
        Scope::site(), [&](Transaction& transaction) { return read_number(transaction, number); }));
    if (number < raised) ++older;
  }
  co_return older;
}

TEST(Watch, IsRaisedNoSoonerThanTheChangeIsSeen) {
  const TemporaryDirectory directory;
  os::SystemClock clock;
  os::SystemRandom random;
  base::NoEvents events;
  const auto store = RocksStore::open(directory.options(), clock, random, events).value();
  const auto count =
      store->watch([](std::string_view changed) { return changed == key("watched"); });
  const auto watched = [&] {
    net::Loop loop;
    EXPECT_EQ(wait(loop, read_all(*store, count)).value_or(changes_count), 0U);
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) readers.emplace_back(watched);
  net::Loop loop;
  EXPECT_TRUE(wait(loop, write_all(*store)));
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(count->load(), changes_count);
}

}  // namespace
}  // namespace letterlock::store
