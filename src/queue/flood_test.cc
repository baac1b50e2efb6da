// Invariant 7 over the dispatcher and a store: whatever one tenant puts into the queue, and however
// silent those are whom it is for, another tenant's mail, and the other lanes', go on.
#include <random>
#include <set>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue/dispatcher.h"
#include "queue/keys.h"
#include "sim/events.h"
#include "sim/world.h"
#include "store/memory.h"

namespace letterlock::queue {
namespace {

using namespace std::chrono_literals;

const auto acorn = base::TenantId::make(base::from_milliseconds(1), {1});
const auto birch = base::TenantId::make(base::from_milliseconds(1), {2});

net::ResultTask<std::vector<base::TenantId>> tenants() {
  co_return std::vector{acorn, birch};
}

// Agents that take all they get. A job to a destination whose name begins with "silent" keeps its
// place for five minutes and comes to nothing; any other is done at once.
class FloodTest : public ::testing::Test {
 protected:
  explicit FloodTest(WindowLimits limits = {})
      : world(17),
        events(world.clock()),
        leases(store, world.clock(), events, {"dublin-1", 24h * 30}),
        dispatcher({store, world.loop(), world.timers(), world.clock(), events, leases, tenants},
                   limits),
        gate(world.loop()) {
    auto has_leases = std::make_shared<bool>();
    run(take_leases(leases, has_leases));
    EXPECT_TRUE(world.run_until([&] { return *has_leases; }, 1min));
    run(dispatcher.run());
    run(take_all({Lane::remote, Lane::report}));
    run(take_all({Lane::local}));
  }
  ~FloodTest() override {
    for (const auto& task : running_) task->cancel();
    world.loop().spawn(gate.close(world.timers(), 0ms));
    world.advance(1min);
  }

  void run(net::Task<> task) { running_.push_back(world.loop().spawn(std::move(task))); }
  static net::Task<> take_leases(Leases& leases, std::shared_ptr<bool> done) {
    *done = (co_await leases.take_and_renew()).has_value();
  }
  net::Task<> take_all(std::vector<Lane> lanes) {
    while (auto job = co_await dispatcher.take(lanes)) {
      for (const auto& item : job->items) taken.emplace(item.tenant, item.lane, item.destination);
      gate.start(work(std::move(*job)));
    }
  }
  net::Task<> work(Job job) {
    const bool is_silent = job.destination.starts_with("silent");
    if (is_silent && !co_await world.timers().sleep(5min)) co_return;
    std::vector<Outcome> outcomes;
    for (const auto& item : job.items)
      outcomes.push_back({.index = item.recipient, .step = is_silent ? Step::defer : Step::relay});
    Settled settled;
    const auto write = [&] {
      return store.transact(store::Scope::tenant(job.tenant), [&](store::Transaction& transaction) {
        return settle_in(transaction, job, outcomes, world.clock().now(), settled);
      });
    };
    // Jobs of one message end at one moment here, and are in each other's way.
    while (!co_await write()) {
      if (!co_await world.timers().sleep(base::Milliseconds(job.items.front().recipient % 97 + 1)))
        co_return;
    }
    dispatcher.note(job, is_silent ? Showed::crowded : Showed::takes);
    dispatcher.finish(job, settled.next_try());
  }
  static net::ResultTask<> settle_in(store::Transaction& transaction, const Job& job,
                                     std::vector<Outcome> outcomes, base::Time now,
                                     Settled& settled) {
    CO_TRY(settled, co_await settle(transaction, Schedule(), job.tenant, job.message,
                                    std::move(outcomes), {now, 0, {}}));
    co_return base::Result<>();
  }

  enum class Offered { yes, no };
  void put(base::TenantId tenant, Lane lane, std::vector<std::string> destinations,
           Offered offered) {
    auto done = std::make_shared<bool>();
    run(put_task(tenant, lane, std::move(destinations), offered, done));
    ASSERT_TRUE(world.run_until([&] { return *done; }, 1min));
  }
  net::Task<> put_task(base::TenantId tenant, Lane lane, std::vector<std::string> destinations,
                       Offered offered, std::shared_ptr<bool> done) {
    Message message;
    ++puts_;
    message.id = base::MessageId::make(world.clock().now(), {static_cast<std::uint8_t>(puts_ >> 8),
                                                             static_cast<std::uint8_t>(puts_)});
    message.tenant = tenant;
    message.accepted = world.clock().now();
    message.expires = message.accepted + 24h * 5;
    message.is_report = lane == Lane::report;
    const auto writer = store.write_blob();
    EXPECT_TRUE(co_await writer->write("content"));
    EXPECT_TRUE(co_await writer->finish());
    message.blob = writer->id();
    std::vector<Recipient> recipients;
    for (auto& destination : destinations) {
      Recipient one;
      one.address = "somebody@" + destination;
      one.lane = lane;
      one.destination = std::move(destination);
      recipients.push_back(std::move(one));
    }
    std::vector<Due> due;
    const auto stored =
        co_await store.transact(store::Scope::tenant(tenant), [&](store::Transaction& transaction) {
          return enqueue_in(transaction, message, recipients, due);
        });
    EXPECT_TRUE(stored) << stored.error().what;
    if (offered == Offered::yes) dispatcher.offer(due);
    *done = true;
  }
  static net::ResultTask<> enqueue_in(store::Transaction& transaction, Message message,
                                      std::vector<Recipient> recipients, std::vector<Due>& due) {
    auto items = enqueue(transaction, message, recipients);
    if (!items) co_return base::fail(items.error());
    due = std::move(*items);
    co_return base::Result<>();
  }

  net::Task<> break_row(std::shared_ptr<bool> done) {
    EXPECT_TRUE(co_await store.transact(
        store::Scope::tenant(acorn),
        [](store::Transaction& transaction) { return break_row_in(transaction); }));
    *done = true;
  }
  static net::ResultTask<> break_row_in(store::Transaction& transaction) {
    transaction.put(keys::due_area(acorn, Lane::remote) + "broken", "");
    co_return base::Result<>();
  }

  bool is_taken(const base::TenantId& tenant, Lane lane, const std::string& destination) const {
    return taken.contains({tenant, lane, destination});
  }
  static std::vector<std::string> many(const std::string& name, std::size_t first,
                                       std::size_t count) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(name + std::to_string(first + i));
    return out;
  }
  // Of another tenant: offered as it comes, or found in the store, in each lane.
  void others_go_on(base::Milliseconds within) {
    for (const auto lane : all_lanes) put(birch, lane, {"offered.example"}, Offered::yes);
    for (const auto lane : all_lanes) put(birch, lane, {"found.example"}, Offered::no);
    dispatcher.look_again(birch);
    const auto all = [&] {
      return std::ranges::all_of(all_lanes, [&](Lane lane) {
        return is_taken(birch, lane, "offered.example") && is_taken(birch, lane, "found.example");
      });
    };
    EXPECT_TRUE(world.run_until(all, within));
  }

  sim::World world;
  store::MemoryStore store;
  sim::Events events;
  Leases leases;
  Dispatcher dispatcher;
  net::Gate gate;
  std::set<std::tuple<base::TenantId, Lane, std::string>> taken;

 private:
  std::vector<std::shared_ptr<net::Running>> running_;
  unsigned puts_ = 0;
};

// A stranger's 20,000 success notes, each to a domain of its own that accepts and stays silent.
TEST_F(FloodTest, ReportsToSilentDomainsStopNobody) {
  for (std::size_t i = 0; i < 20; ++i)
    put(acorn, Lane::report, many("silent", i * 1000, 1000), Offered::yes);
  world.advance(3min);
  others_go_on(1s);
  // Nor that tenant's own mail, nor its reports to those who answer.
  put(acorn, Lane::local, {"acorn.example"}, Offered::yes);
  put(acorn, Lane::remote, {"partner.example"}, Offered::yes);
  EXPECT_TRUE(world.run_until(
      [&] {
        return is_taken(acorn, Lane::local, "acorn.example") &&
               is_taken(acorn, Lane::remote, "partner.example");
      },
      1s));
}

// … nor that tenant's mail to a host that has taken some lately.
TEST_F(FloodTest, MailToSilentDomainsStopsNeitherOthersNorLocalDelivery) {
  put(acorn, Lane::remote, {"partner.example"}, Offered::yes);
  world.advance(10min);
  ASSERT_TRUE(is_taken(acorn, Lane::remote, "partner.example"));
  for (std::size_t i = 0; i < 20; ++i)
    put(acorn, Lane::remote, many("silent", i * 1000, 1000), Offered::yes);
  world.advance(1min);
  others_go_on(1s);
  taken.clear();
  put(acorn, Lane::local, {"acorn.example"}, Offered::yes);
  put(acorn, Lane::remote, {"partner.example"}, Offered::yes);
  EXPECT_TRUE(world.run_until(
      [&] {
        return is_taken(acorn, Lane::local, "acorn.example") &&
               is_taken(acorn, Lane::remote, "partner.example");
      },
      1s));
}

// Of one tenant and lane: a destination with very many rows keeps no other from being looked at,
// though all of its rows are older.
TEST_F(FloodTest, OneDestinationsRowsHideNoOthers) {
  for (std::size_t i = 0; i < 20; ++i)
    put(acorn, Lane::remote, std::vector<std::string>(1000, "silent.example"), Offered::no);
  dispatcher.look_again(acorn);
  world.advance(30s);
  put(acorn, Lane::remote, {"good.example"}, Offered::no);
  EXPECT_TRUE(world.run_until([&] { return is_taken(acorn, Lane::remote, "good.example"); }, 15s));
}

// … and isn't read again and again while it can't take any of them.
TEST_F(FloodTest, RowsThatCantGoCostLittle) {
  for (std::size_t i = 0; i < 20; ++i)
    put(acorn, Lane::remote, std::vector<std::string>(1000, "silent.example"), Offered::no);
  dispatcher.look_again(acorn);
  world.advance(10s);
  const auto before = dispatcher.scans();
  world.advance(4min);
  // A pass each ten seconds, of a step or two; the whole of it would be a hundred pages.
  EXPECT_LE(dispatcher.scans() - before, 150U);
}

// All of a long queue goes out, though little of it is in memory at a time.
TEST_F(FloodTest, AllOfALongQueueGoesOutSoon) {
  for (std::size_t i = 0; i < 20; ++i)
    put(acorn, Lane::remote, std::vector<std::string>(1000, "good.example"), Offered::no);
  for (std::size_t i = 0; i < 20; ++i)
    put(acorn, Lane::remote, many("other", i * 50, 50), Offered::no);
  dispatcher.look_again(acorn);
  EXPECT_TRUE(
      world.run_until([&] { return taken.size() == 1001 && store.blob_count() == 0; }, 1min));
  // The rows are a hundred pages; no more than a few times that are read.
  EXPECT_LE(dispatcher.scans(), 1000U);
}

// A tenant whose rows can't be read keeps no other's from being read.
TEST_F(FloodTest, ATenantsBrokenRowStopsNoOther) {
  auto broken = std::make_shared<bool>();
  run(break_row(broken));
  ASSERT_TRUE(world.run_until([&] { return *broken; }, 1min));
  dispatcher.look_again(acorn);
  world.advance(100ms);
  EXPECT_GE(events.count("queue.load_failed"), 1U);
  others_go_on(1s);
  world.advance(1min);
  EXPECT_LE(events.count("queue.load_failed"), 14U);  // each five seconds
}

// Any shape of flood.
TEST_F(FloodTest, NoFloodStopsOthers) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    std::minstd_rand random(seed);
    const auto below = [&](std::size_t end) { return std::size_t{random()} % end; };
    for (std::size_t messages = 1 + below(12); messages > 0; --messages) {
      const auto lane = all_lanes[below(3)];
      const bool is_quick = below(4) == 0;
      const auto count = 1 + below(is_quick ? 100 : 1000);
      const auto name = is_quick ? "quick" : "silent" + std::to_string(seed) + "-";
      put(acorn, lane,
          below(2) == 0 ? many(name, below(3000), count)
                        : std::vector<std::string>(count, name + std::to_string(below(50))),
          below(2) == 0 ? Offered::yes : Offered::no);
      if (below(3) == 0) dispatcher.look_again(acorn);
      if (below(3) == 0) world.advance(base::Milliseconds(below(120'000)));
    }
    taken.clear();
    others_go_on(2s);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
    ASSERT_LE(dispatcher.in_memory(), 20'000U);
  }
}

}  // namespace
}  // namespace letterlock::queue
