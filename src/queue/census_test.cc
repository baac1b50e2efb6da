#include "queue/census.h"

#include <gtest/gtest.h>

#include "queue/queue.h"
#include "sim/world.h"
#include "store/memory.h"

namespace letterlock::queue {
namespace {

using namespace std::chrono_literals;
using Kind = Counted::Kind;

Recipient recipient(State state, unsigned attempts, unsigned index = 0) {
  Recipient one;
  one.index = index;
  one.address = "carol@modern.example";
  one.destination = "modern.example";
  one.state = state;
  one.attempts = attempts;
  return one;
}

TEST(Counted, TellsNewFromTriedFromHeld) {
  const base::Time now = base::from_milliseconds(1'800'000'000'000);
  Counted counted;
  counted.add(recipient(State::waiting, 0), now - 59s, now);
  counted.add(recipient(State::waiting, 0), now - 1min, now);
  counted.add(recipient(State::waiting, 3), now - 2h, now);
  counted.add(recipient(State::held, 1), now - 30h, now);
  for (const auto done :
       {State::delivered, State::relayed, State::expanded, State::failed, State::removed})
    counted.add(recipient(done, 1), now - 40h, now);
  EXPECT_EQ(counted.count(Kind::fresh), 2U);
  EXPECT_EQ(counted.count(Kind::fresh, 0), 1U);
  EXPECT_EQ(counted.count(Kind::fresh, 1), 1U);
  EXPECT_EQ(counted.count(Kind::deferred, 3), 1U);
  EXPECT_EQ(counted.count(Kind::held, 5), 1U);
  EXPECT_EQ(counted.oldest(Kind::fresh), now - 1min);
  EXPECT_EQ(counted.oldest(Kind::held), now - 30h);
  EXPECT_FALSE(Counted().oldest(Kind::deferred));
}

class CensusTest : public testing::Test {
 protected:
  void SetUp() override {
    for (auto& tenant : tenants)
      tenant = os::make_id<base::TenantId>(world.clock(), world.random());
  }
  static net::ResultTask<std::vector<base::TenantId>> all_of(std::vector<base::TenantId> tenants) {
    co_return tenants;
  }
  static net::ResultTask<> put(store::Transaction& tx, Message message,
                               std::vector<Recipient> recipients) {
    auto due = enqueue(tx, message, recipients);
    if (!due) co_return base::fail(due.error());
    co_return base::Result<>();
  }
  static net::ResultTask<> write(store::Store& store, Message message,
                                 std::vector<Recipient> recipients) {
    const auto writer = store.write_blob();
    CO_CHECK(co_await writer->write("Subject: x\r\n\r\n"));
    CO_CHECK(co_await writer->finish());
    message.blob = writer->id();
    co_return co_await store.transact(
        store::Scope::tenant(message.tenant),
        [&](store::Transaction& tx) { return put(tx, message, recipients); });
  }
  static net::Task<> keep(net::ResultTask<> task, bool& done) {
    const auto result = co_await std::move(task);
    EXPECT_TRUE(result);
    done = true;
  }
  void add(base::TenantId tenant, std::vector<Recipient> recipients) {
    Message message;
    message.id = os::make_id<base::MessageId>(world.clock(), world.random());
    message.tenant = tenant;
    message.accepted = world.clock().now();
    bool done = false;
    world.loop().spawn(keep(write(store, message, std::move(recipients)), done));
    ASSERT_TRUE(world.run_until([&] { return done; }, 1h));
  }

  sim::World world{3};
  store::MemoryStore store;
  os::Metrics metrics;
  std::vector<base::TenantId> tenants{2};
  Census census{
      {store, world.timers(), world.clock(), metrics, [this] { return all_of(tenants); }}};
};

TEST_F(CensusTest, WalksThroughAllTenantsAndAllPages) {
  std::vector<Recipient> many;
  for (unsigned i = 0; i < 700; ++i) many.push_back(recipient(State::waiting, 0, i));
  add(tenants[0], many);
  add(tenants[0], many);
  add(tenants[1], {recipient(State::held, 0)});
  bool ended = false;
  const auto running = world.loop().spawn(census.run(), [&] { ended = true; });
  ASSERT_TRUE(world.run_until([&] { return census.last().has_value(); }, 1h));
  EXPECT_EQ(census.last()->count(Kind::fresh), 1400U);
  EXPECT_EQ(census.last()->count(Kind::held), 1U);
  EXPECT_EQ(metrics.total("letterlock_queue_recipients"), 1401);
  EXPECT_EQ(metrics.total("letterlock_queue_recipients", {{"state", "held"}}), 1);

  // It comes round again, and what has grown old counts as older.
  ASSERT_TRUE(world.run_until(
      [&] { return metrics.total("letterlock_queue_recipients", {{"age", "1h"}}) == 1401; }, 2h));
  EXPECT_GE(metrics.total("letterlock_queue_oldest_seconds", {{"state", "new"}}), 900);
  running->cancel();
  ASSERT_TRUE(world.run_until([&] { return ended; }, 1h));
}

TEST_F(CensusTest, AStoreThatFailsLeavesNothingTold) {
  add(tenants[0], {recipient(State::waiting, 0)});
  bool ended = false;
  const auto running = world.loop().spawn(census.run(), [&] { ended = true; });
  ASSERT_TRUE(world.run_until([&] { return census.last().has_value(); }, 1h));
  store.fail_next_read(base::ErrorKind::io);
  ASSERT_TRUE(world.run_until([&] { return !census.last().has_value(); }, 1h));
  ASSERT_TRUE(world.run_until([&] { return census.last().has_value(); }, 1h));
  running->cancel();
  ASSERT_TRUE(world.run_until([&] { return ended; }, 1h));
}

}  // namespace
}  // namespace letterlock::queue
