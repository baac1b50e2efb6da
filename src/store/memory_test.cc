// What only the store in memory can: faults to order, crashes, the same run for the same seed.
#include "store/memory.h"

#include <gtest/gtest.h>

#include "store/test_steps.h"

namespace letterlock::store {
namespace {

using Words = std::vector<std::string>;

class MemoryFaults : public testing::Test {
 protected:
  base::Result<> change(const Steps& steps) { return do_steps(loop, store, steps); }
  Words look(const Steps& steps) { return store::look(loop, store, steps); }
  base::BlobId blob(const std::string& octets) {
    return wait(loop, write_blob(store, octets)).value();
  }
  net::Loop loop;
  MemoryStore store;
};

TEST_F(MemoryFaults, CommitsFailAsOrderedWithEitherOutcome) {
  store.fail_next_commit(base::ErrorKind::io);
  store.fail_next_commit(base::ErrorKind::io, Outcome::applied);
  store.fail_next_commit(base::ErrorKind::conflict);
  EXPECT_EQ(change({put("a", "1")}).error().kind, base::ErrorKind::io);
  EXPECT_EQ(look({get("a")}), Words{"-"});
  EXPECT_EQ(change({put("a", "2")}).error().kind, base::ErrorKind::io);
  EXPECT_EQ(look({get("a")}), Words{"2"});
  EXPECT_TRUE(change({put("a", "3")}));  // a conflict is tried again
  EXPECT_EQ(look({get("a")}), Words{"3"});
}

TEST_F(MemoryFaults, TwentyConflictsAreOneError) {
  for (int i = 0; i < transaction_tries_max; ++i) store.fail_next_commit(base::ErrorKind::conflict);
  Seen seen;
  const Steps steps{put("a", "1")};
  const auto failed = wait(loop, transact(store, steps, seen));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, base::ErrorKind::conflict);
  EXPECT_EQ(seen.runs, transaction_tries_max);
  EXPECT_TRUE(change({put("a", "1")}));
}

TEST_F(MemoryFaults, ReadsFailAsOrdered) {
  store.fail_next_read(base::ErrorKind::corrupt);
  EXPECT_EQ(change({get("a"), put("b", "1")}).error().kind, base::ErrorKind::corrupt);
  EXPECT_EQ(look({get("b")}), Words{"-"});
}

// The next read of the store fails: what was read before, or changed here, needs none.
net::ResultTask<> read_again(Transaction& transaction, MemoryStore& store, Words& values) {
  CO_CHECK(co_await transaction.get_many({"s/a", "s/gone", "s/large"}));
  transaction.put("s/own", "3");
  store.fail_next_read(base::ErrorKind::corrupt);
  CO_TRY(const auto again, co_await transaction.get_many({"s/gone", "s/own", "s/a"}));
  for (const auto& value : again) values.push_back(value.value_or("-"));
  transaction.erase("s/a");
  CO_TRY(const auto erased, co_await transaction.get("s/a"));
  values.push_back(erased.value_or("-"));
  // Too large to be kept beside: it is read again.
  CO_TRY(const auto large, co_await transaction.get("s/large"));
  co_return base::Result<>();
}

TEST_F(MemoryFaults, AKeyIsReadOnce) {
  ASSERT_TRUE(change({put("a", "1"), put("large", std::string(known_octets_max, 'x'))}));
  Words values;
  const auto read = wait(loop, store.transact(Scope::site(), [&](Transaction& transaction) {
    return read_again(transaction, store, values);
  }));
  EXPECT_EQ(read.error().kind, base::ErrorKind::corrupt);
  EXPECT_EQ(values, (Words{"-", "3", "1", "-"}));
}

TEST_F(MemoryFaults, FullDiskStopsContentFirstRemovalsLast) {
  ASSERT_TRUE(change({put("a", "1")}));
  const std::uint64_t reserve = MemoryStore::Options().reserve_octets;
  store.set_disk_free_octets(reserve * 3 / 4);
  EXPECT_EQ(store.free_octets().value(), 0U);
  EXPECT_EQ(wait(loop, write_blob(store, "x")).error().kind, base::ErrorKind::full);
  EXPECT_TRUE(change({put("b", "1")}));
  store.set_disk_free_octets(reserve / 4);
  EXPECT_EQ(change({put("c", "1")}).error().kind, base::ErrorKind::full);
  EXPECT_TRUE(change({erase("a")}));
  store.set_disk_free_octets(0);
  EXPECT_EQ(change({erase("b")}).error().kind, base::ErrorKind::full);
  store.set_disk_free_octets(reserve * 2);
  EXPECT_TRUE(change({put("c", "1")}));
  EXPECT_EQ(store.free_octets().value(), reserve);
}

TEST_F(MemoryFaults, CrashKeepsWhatWasCommittedAndEndsWhatRan) {
  ASSERT_TRUE(change({put("a", "1")}));
  net::Signal reached, go;
  Seen seen;
  const Steps steps{get("a"), meet(reached, go), put("a", "2")};
  std::optional<base::Result<>> result;
  loop.spawn(keep(transact(store, steps, seen), result));
  ASSERT_TRUE(run_until(loop, [&] { return reached.is_set(); }));
  const auto writer = store.write_blob();
  store.crash(1, Unsynced::dropped);
  go.set();
  ASSERT_TRUE(run_until(loop, [&] { return result.has_value(); }));
  EXPECT_EQ(result->error().kind, base::ErrorKind::closed);
  EXPECT_EQ(wait(loop, writer->write("x")).error().kind, base::ErrorKind::closed);
  EXPECT_EQ(look({get("a")}), Words{"1"});
}

// A crash at each of the two moments of a commit: before it nothing, after it all, told to nobody.
TEST_F(MemoryFaults, CrashInsideACommit) {
  for (const auto moment : {CommitStage::before, CommitStage::durable}) {
    store.on_commit([&](CommitStage stage) {
      if (stage == moment) store.crash(1, Unsynced::kept);
    });
    const auto failed = change({put(moment == CommitStage::before ? "lost" : "there", "1")});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, base::ErrorKind::closed);
  }
  store.on_commit({});
  EXPECT_EQ(look({get("lost"), get("there")}), (Words{"-", "1"}));
}

TEST_F(MemoryFaults, CrashTreatsUnheldBlobsAsTheDiskMay) {
  const auto held = blob("held");
  ASSERT_TRUE(change({hold(held, "q/1")}));
  for (int i = 0; i < 30; ++i) blob(std::string(1000, 'x'));
  EXPECT_EQ(store.unheld_blob_count(), 30U);
  store.crash(7, Unsynced::torn);
  EXPECT_GT(store.unheld_blob_count(), 0U);
  EXPECT_LT(store.unheld_blob_count(), 30U);
  store.sweep();
  EXPECT_EQ(store.blob_count(), 1U);
  EXPECT_EQ(store.holders(held), std::set<std::string>{"s/q/1"});
  EXPECT_EQ(wait(loop, store.read_blob(held, 0, 100)).value(), "held");
}

TEST_F(MemoryFaults, SweepLeavesWhatIsBeingWritten) {
  const auto writer = store.write_blob();
  ASSERT_TRUE(wait(loop, writer->write("half")));
  store.sweep();
  ASSERT_TRUE(wait(loop, writer->finish()));
  EXPECT_TRUE(change({hold(writer->id(), "q/1")}));
}

TEST(MemoryStore, SameSeedSameBlobsOtherSeedOthers) {
  MemoryStore a({.seed = 1}), b({.seed = 1}), c({.seed = 2});
  const auto first = a.write_blob()->id();
  EXPECT_EQ(first, b.write_blob()->id());
  EXPECT_NE(first, c.write_blob()->id());
  EXPECT_NE(first, a.write_blob()->id());
}

// Old versions go when nobody can see them: a counter changed a million times stays one key.
TEST_F(MemoryFaults, OldVersionsDoNotPileUp) {
  for (int i = 0; i < 500; ++i)
    ASSERT_TRUE(change({put("n", std::to_string(i)), put("e" + std::to_string(i), "x")}));
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(change({erase("e" + std::to_string(i))}));
  EXPECT_EQ(store.contents(), (std::map<std::string, std::string>{{"s/n", "499"}}));
  EXPECT_EQ(store.version_count(), 1U);
  EXPECT_EQ(store.commits(), 1000U);
}

// A shadow model hears each change once it is in the store, and each read; never what came to
// nothing.
TEST_F(MemoryFaults, TellsWhatWasReadAndChanged) {
  Words heard;
  store.observe([&](const Reads& reads, const Changes& changes) {
    std::string text;
    for (const auto& name : reads.keys) text += "r:" + name + " ";
    for (const auto& [name, value] : changes.keys) text += name + "=" + value.value_or("-") + " ";
    heard.push_back(text);
  });
  ASSERT_TRUE(change({get("b"), put("a", "1")}));
  EXPECT_EQ(look({get("a")}), Words{"1"});
  store.fail_next_commit(base::ErrorKind::io);
  EXPECT_FALSE(change({put("a", "2")}));
  EXPECT_EQ(heard, (Words{"r:s/b s/a=1 ", "r:s/a "}));
  store.fail_next_commit(base::ErrorKind::io, Outcome::applied);
  EXPECT_FALSE(change({erase("a")}));
  EXPECT_EQ(heard.back(), "s/a=- ");
}

net::ResultTask<> move_one(Transaction& transaction, std::string from, std::string into) {
  CO_TRY(const auto source, co_await transaction.get(key(from)));
  CO_TRY(const auto target, co_await transaction.get(key(into)));
  const int amount = std::stoi(source.value_or("0"));
  if (amount == 0) co_return base::Result<>();
  transaction.put(key(from), std::to_string(amount - 1));
  transaction.put(key(into), std::to_string(std::stoi(target.value_or("0")) + 1));
  co_return base::Result<>();
}

net::Task<> move_many(Store& store, int number, int& ended) {
  for (int i = 0; i < 40; ++i) {
    const auto from = std::to_string((number + i) % 5);
    const auto into = std::to_string((number * 3 + i * 2 + 1) % 5);
    if (from == into) continue;
    const auto moved = co_await store.transact(
        Scope::site(), [&](Transaction& transaction) { return move_one(transaction, from, into); });
    EXPECT_TRUE(moved || moved.error().kind == base::ErrorKind::conflict);
  }
  ++ended;
}

// Ten tasks move things about between five places, in 20 orders of events: the sum stays.
TEST(MemoryStore, TransfersKeepTheirSumInEveryOrder) {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    net::Loop loop;
    MemoryStore store({.yields_max = 4, .seed = seed});
    ASSERT_TRUE(
        do_steps(loop, store,
                 {put("0", "20"), put("1", "20"), put("2", "20"), put("3", "20"), put("4", "20")}));
    int ended = 0;
    for (int i = 0; i < 10; ++i) loop.spawn(move_many(store, i, ended));
    ASSERT_TRUE(run_until(loop, [&] { return ended == 10; }));
    int sum = 0;
    std::string outcome;
    for (const auto& [name, value] : store.contents()) {
      sum += std::stoi(value);
      outcome += value + " ";
    }
    EXPECT_EQ(sum, 100) << outcome;
    outcomes.insert(outcome);
  }
  EXPECT_GT(outcomes.size(), 1U);
}

}  // namespace
}  // namespace letterlock::store
