#include "queue/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/events.h"
#include "sim/world.h"
#include "store/memory.h"

namespace letterlock::queue {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

const auto acorn = base::TenantId::make(base::from_milliseconds(1), {1});
const std::string dead = "dead.example";

net::ResultTask<std::vector<base::TenantId>> tenants(unsigned& failures) {
  if (failures > 0) {
    --failures;
    co_return base::fail(base::ErrorKind::unavailable, "not now");
  }
  co_return std::vector{acorn};
}

// One tenant's queue in a simulated world, and somebody who takes whatever goes out and keeps it
// under way.
class DispatcherTest : public ::testing::Test {
 protected:
  explicit DispatcherTest(const WindowLimits& limits = {}, unsigned tenants_fail = 0)
      : world(17),
        tenants_fail(tenants_fail),
        events(world.clock()),
        leases(store, world.clock(), events, {"dublin-1", 24h}),
        dispatcher({store, world.loop(), world.timers(), world.clock(), events, leases,
                    [this] { return tenants(this->tenants_fail); }},
                   limits) {
    auto taken_leases = std::make_shared<bool>();
    run(take_leases(leases, taken_leases));
    EXPECT_TRUE(world.run_until([&] { return *taken_leases; }, 1min));
    running_dispatcher_ = run(dispatcher.run());
    taking_ = run(take_all());
  }
  ~DispatcherTest() override {
    for (const auto& task : running_) task->cancel();
    world.advance(1min);
  }

  std::shared_ptr<net::Running> run(net::Task<> task) {
    return running_.emplace_back(world.loop().spawn(std::move(task)));
  }
  static net::Task<> take_leases(Leases& leases, std::shared_ptr<bool> done) {
    *done = (co_await leases.take_and_renew()).has_value();
  }
  net::Task<> take_all() {
    while (auto job = co_await dispatcher.take(Lane::remote)) {
      taken.push_back(job->message);
      jobs.push_back(std::move(*job));
    }
  }
  void stop() {
    running_dispatcher_->cancel();
    world.settle();
  }
  // How a wait for a job ends.
  net::Task<> wait_for_job(std::optional<base::ErrorKind>& ended) {
    const auto job = co_await dispatcher.take(Lane::local);
    EXPECT_FALSE(job);
    if (!job) ended = job.error().kind;
  }
  void stop_taking() {
    taking_->cancel();
    world.settle();
  }

  // An operator's.
  void step(const base::MessageId& id, Step step) {
    auto done = std::make_shared<bool>();
    run(take_step(id, step, done));
    EXPECT_TRUE(world.run_until([&] { return *done; }, 1min));
  }
  net::Task<> take_step(base::MessageId id, Step step, std::shared_ptr<bool> done) {
    const auto now = world.clock().now();
    *done =
        (co_await store.transact(store::Scope::tenant(acorn), [&](store::Transaction& transaction) {
          return settle_in(transaction, id, step, now);
        })).has_value();
  }
  static net::ResultTask<> settle_in(store::Transaction& transaction, base::MessageId id, Step step,
                                     base::Time now) {
    CO_TRY(const auto settled, co_await settle(transaction, Schedule(), acorn, id,
                                               {{.index = 0, .step = step}}, {now, 0, {}}));
    (void)settled;
    co_return base::Result<>();
  }

  // For somebody at the dead destination.
  base::MessageId put() {
    auto id = std::make_shared<std::optional<base::MessageId>>();
    run(put_and_offer(id));
    EXPECT_TRUE(world.run_until([&] { return id->has_value(); }, 1min));
    return **id;
  }
  net::Task<> put_and_offer(std::shared_ptr<std::optional<base::MessageId>> id) {
    Message message;
    message.id = base::MessageId::make(world.clock().now(), {static_cast<std::uint8_t>(++puts_)});
    message.tenant = acorn;
    message.accepted = world.clock().now();
    message.expires = message.accepted + 24h * 5;
    const auto writer = store.write_blob();
    EXPECT_TRUE(co_await writer->write("content"));
    EXPECT_TRUE(co_await writer->finish());
    message.blob = writer->id();
    std::vector<Due> due;
    const auto stored = co_await store.transact(
        store::Scope::tenant(acorn),
        [&](store::Transaction& transaction) { return enqueue_in(transaction, message, due); });
    EXPECT_TRUE(stored) << stored.error().what;
    dispatcher.offer(due);
    *id = message.id;
  }
  static net::ResultTask<> enqueue_in(store::Transaction& transaction, Message message,
                                      std::vector<Due>& due) {
    Recipient recipient;
    recipient.address = "somebody@" + dead;
    recipient.lane = Lane::remote;
    recipient.destination = dead;
    std::vector<Recipient> recipients{recipient};
    auto items = enqueue(transaction, message, recipients);
    if (!items) co_return base::fail(items.error());
    due = std::move(*items);
    co_return base::Result<>();
  }

  sim::World world;
  unsigned tenants_fail;  // so often yet they can't be told
  store::MemoryStore store;
  sim::Events events;
  Leases leases;
  Dispatcher dispatcher;
  std::vector<base::MessageId> taken;
  std::vector<Job> jobs;

 private:
  std::vector<std::shared_ptr<net::Running>> running_;
  std::shared_ptr<net::Running> taking_;
  std::shared_ptr<net::Running> running_dispatcher_;
  unsigned puts_ = 0;
};

TEST_F(DispatcherTest, WhatComesWhileItsDestinationRestsGoesOutAtItsEnd) {
  dispatcher.rest(Lane::remote, dead, world.clock().now() + 1min);
  const auto first = put();
  world.advance(50s);
  EXPECT_TRUE(taken.empty());
  world.advance(20s);
  EXPECT_THAT(taken, ElementsAre(first));
}

// The rest was over, then the calendar went back to where it wasn't: what comes now waits for its
// end again, and isn't written down as due at once, over and over, until then.
TEST_F(DispatcherTest, TheClockGoesBackIntoARest) {
  const auto first = put();
  world.advance(1s);
  EXPECT_THAT(taken, ElementsAre(first));
  dispatcher.rest(Lane::remote, dead, world.clock().now() + 1min);
  world.advance(2min);
  dispatcher.look_again(acorn);
  world.settle();
  world.clock().jump(-90s);
  const auto before = store.commits();
  const auto second = put();
  world.advance(10s);
  EXPECT_THAT(taken, ElementsAre(first));
  EXPECT_LE(store.commits() - before, 3U);
  world.advance(30s);
  EXPECT_THAT(taken, ElementsAre(first, second));
}

// An operator holds it between its loading and its turn; others of the same message go on.
TEST_F(DispatcherTest, WhatIsHeldBetweenLoadingAndTakingIsntTaken) {
  stop_taking();
  const auto held = put();
  const auto other = put();
  world.advance(1s);
  EXPECT_EQ(dispatcher.in_memory(), 2U);
  step(held, Step::hold);
  dispatcher.forget(acorn, {held});
  dispatcher.look_again(acorn);
  run(take_all());
  world.advance(1h);
  EXPECT_THAT(taken, ElementsAre(other));
  step(held, Step::release);
  dispatcher.look_again(acorn);
  world.advance(1s);
  EXPECT_THAT(taken, ElementsAre(other, held));
}

// A rest that ends wakes those who wait, and nobody who was held meanwhile.
TEST_F(DispatcherTest, TheEndOfARestWakesNothingHeld) {
  dispatcher.rest(Lane::remote, dead, world.clock().now() + 1min);
  const auto held = put();
  const auto other = put();
  world.advance(10s);
  step(held, Step::hold);
  dispatcher.forget(acorn, {held});
  dispatcher.look_again(acorn);
  world.advance(2min);
  EXPECT_THAT(taken, ElementsAre(other));
}

// The place of what couldn't be written is free at once; it is tried again after its wait.
TEST_F(DispatcherTest, WhatIsAbandonedKeepsNoPlace) {
  const auto first = put();
  world.advance(1s);
  ASSERT_THAT(taken, ElementsAre(first));
  EXPECT_EQ(dispatcher.under_way(Lane::remote), 1U);
  dispatcher.abandon(jobs.back(), 30s);
  EXPECT_EQ(dispatcher.under_way(Lane::remote), 0U);
  world.advance(29s);
  EXPECT_THAT(taken, ElementsAre(first));
  world.advance(2s);
  EXPECT_THAT(taken, ElementsAre(first, first));
}

// Who waits for a job hears that there will be none.
TEST_F(DispatcherTest, ItsEndIsToldToThoseWhoWait) {
  std::optional<base::ErrorKind> waited;
  std::optional<base::ErrorKind> later;
  const auto id = put();
  world.advance(1s);
  ASSERT_THAT(taken, ElementsAre(id));
  run(wait_for_job(waited));
  world.settle();
  EXPECT_FALSE(waited);
  stop();
  EXPECT_EQ(waited, base::ErrorKind::cancelled);
  run(wait_for_job(later));
  world.settle();
  EXPECT_EQ(later, base::ErrorKind::cancelled);
  EXPECT_FALSE(dispatcher.follow(jobs.back()));
}

struct DispatcherInTrouble : DispatcherTest {
  DispatcherInTrouble() : DispatcherTest({}, 3) {}
};
// Nobody knows at first whose mail there is: it is asked again, and said.
TEST_F(DispatcherInTrouble, AsksAgainWhoseMailThereIs) {
  stop_taking();
  const auto id = put();
  dispatcher.forget(acorn, {id});
  run(take_all());
  world.advance(14s);
  EXPECT_EQ(events.count("queue.load_failed"), 3U);
  EXPECT_TRUE(taken.empty());
  world.advance(2s);
  EXPECT_EQ(events.count("queue.load_failed"), 3U);
  EXPECT_THAT(taken, ElementsAre(id));
}

struct DispatcherOfOne : DispatcherTest {
  DispatcherOfOne() : DispatcherTest(one_to_each_destination()) {}
  static WindowLimits one_to_each_destination() {
    WindowLimits limits;
    limits.destination_recipients_max = limits.destination_recipients_first = 1;
    return limits;
  }
};
// It stands in the store alone, and goes when what was in its place has gone.
TEST_F(DispatcherOfOne, WhatFoundNoRoomIsLookedForAgain) {
  stop_taking();
  const auto first = put();
  const auto second = put();
  world.advance(1s);
  EXPECT_EQ(dispatcher.in_memory(), 1U);
  dispatcher.look_again(acorn);
  world.advance(1s);
  run(take_all());
  world.advance(1s);
  ASSERT_THAT(taken, ElementsAre(first));
  step(first, Step::relay);
  dispatcher.finish(jobs.back(), {});
  world.advance(2s);
  EXPECT_THAT(taken, ElementsAre(first, second));
}

}  // namespace
}  // namespace letterlock::queue
