// What every store promises, asked of both.
#include <memory>

#include <gtest/gtest.h>

#include "os/clock.h"
#include "os/random.h"
#include "store/test_steps.h"

namespace letterlock::store {
namespace {

struct InMemory {
  MemoryStore store;
};

struct OnDisk {
  TemporaryDirectory directory;
  os::SystemClock clock;
  os::SystemRandom random;
  base::NoEvents events;
  std::unique_ptr<RocksStore> opened =
      RocksStore::open(directory.options(), clock, random, events).value();
  RocksStore& store = *opened;
};

template <class Kind>
class StoreConformance : public testing::Test {
 protected:
  base::Result<> change(const Steps& steps) { return do_steps(loop, kind.store, steps); }
  std::vector<std::string> look(const Steps& steps) { return store::look(loop, kind.store, steps); }
  base::BlobId blob(const std::string& octets) {
    return wait(loop, write_blob(kind.store, octets)).value();
  }
  base::Result<base::Bytes> octets(const base::BlobId& blob, std::uint64_t offset = 0,
                                   std::size_t most = 1 << 30) {
    return wait(loop, kind.store.read_blob(blob, offset, most));
  }
  base::ErrorKind kind_of(const base::Result<base::Bytes>& result) {
    return result ? base::ErrorKind::exists : result.error().kind;
  }

  // Runs `first` until it meets, then all of `second`, then lets `first` go on.
  struct Both {
    base::Result<> first, second;
    Seen seen;
  };
  Both interleave(Steps before, Steps second, Steps after, bool commits = true) {
    net::Signal reached, go;
    Steps steps = std::move(before);
    steps.push_back(meet(reached, go));
    steps.insert(steps.end(), after.begin(), after.end());
    Both both;
    std::optional<base::Result<>> first;
    loop.spawn(
        keep(commits ? transact(kind.store, steps, both.seen) : read(kind.store, steps, both.seen),
             first));
    EXPECT_TRUE(run_until(loop, [&] { return reached.is_set(); }));
    both.second = change(second);
    go.set();
    EXPECT_TRUE(run_until(loop, [&] { return first.has_value(); }));
    both.first = *first;
    return both;
  }

  net::Loop loop;
  Kind kind;
};

using Kinds = testing::Types<InMemory, OnDisk>;
TYPED_TEST_SUITE(StoreConformance, Kinds);

using Words = std::vector<std::string>;

TYPED_TEST(StoreConformance, CommitsAllOrNothing) {
  EXPECT_TRUE(this->change({put("a", "1"), put("b", "2")}));
  EXPECT_EQ(this->look({get("a"), get("b"), get("c")}), (Words{"1", "2", "-"}));
  const auto failed = this->change({put("a", "3"), erase("b"), put("c", "4"), fail()});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, base::ErrorKind::denied);
  EXPECT_EQ(this->look({get("a"), get("b"), get("c")}), (Words{"1", "2", "-"}));
  EXPECT_TRUE(this->change({erase("a"), put("b", "")}));
  EXPECT_EQ(this->look({get("a"), get("b")}), (Words{"-", ""}));
}

TYPED_TEST(StoreConformance, KeepsOctetsAsTheyAre) {
  std::string odd;
  for (int i = 0; i < 256; ++i) odd.push_back(static_cast<char>(i));
  EXPECT_TRUE(this->change({put("odd" + odd, odd)}));
  EXPECT_EQ(this->look({get("odd" + odd), scan("odd", "ode")}),
            (Words{odd, "odd" + odd + "=" + odd}));
}

TYPED_TEST(StoreConformance, SeesItsOwnChanges) {
  ASSERT_TRUE(this->change({put("a", "1"), put("c", "3"), put("e", "5")}));
  Seen seen;
  const Steps steps{put("b", "2"), erase("c"), put("e", "6"),  get("b"),   get("c"),
                    get("e"),      get("a"),   scan("a", "z"), erase("b"), get("b")};
  ASSERT_TRUE(wait(this->loop, transact(this->kind.store, steps, seen)));
  EXPECT_EQ(seen.last, (Words{"2", "-", "6", "1", "a=1 b=2 e=6", "-"}));
}

TYPED_TEST(StoreConformance, ScansInOrderBothWaysWithLimits) {
  ASSERT_TRUE(
      this->change({put("a", "1"), put("b", "2"), put("c", "3"), put("d", "4"), put("e", "5")}));
  EXPECT_EQ(this->look({scan("a", "d"), scan("b", "z", 2), scan_back("a", "d"),
                        scan_back("a", "z", 2), scan("x", "z"), scan("d", "a"), scan("a", "z", 0)}),
            (Words{"a=1 b=2 c=3", "b=2 c=3", "c=3 b=2 a=1", "e=5 d=4", "", "", ""}));
}

// Erased ones don't take places of the limit, own ones stand where they belong, both ways.
TYPED_TEST(StoreConformance, ScansMergeOwnChangesUnderLimits) {
  ASSERT_TRUE(
      this->change({put("a", "1"), put("b", "2"), put("c", "3"), put("d", "4"), put("e", "5")}));
  Seen seen;
  const Steps steps{erase("a"),         erase("b"),     put("bb", "x"),
                    put("d", "y"),      put("f", "z"),  scan("a", "z", 3),
                    scan("a", "z"),     scan("b", "d"), scan_back("a", "z", 2),
                    scan_back("a", "z")};
  ASSERT_TRUE(wait(this->loop, transact(this->kind.store, steps, seen)));
  EXPECT_EQ(seen.last, (Words{"bb=x c=3 d=y", "bb=x c=3 d=y e=5 f=z", "bb=x c=3", "f=z e=5",
                              "f=z e=5 d=y c=3 bb=x"}));
}

TYPED_TEST(StoreConformance, RunsAgainWhenWhatItReadHasChanged) {
  ASSERT_TRUE(this->change({put("n", "1")}));
  const auto both = this->interleave({get("n")}, {put("n", "2")}, {put("m", "x")});
  EXPECT_TRUE(both.first);
  EXPECT_EQ(both.seen.runs, 2);
  EXPECT_EQ(both.seen.last, Words{"2"});
}

TYPED_TEST(StoreConformance, KeyThatWasNotThereIsReadToo) {
  const auto both = this->interleave({get("new")}, {put("new", "2")}, {put("m", "x")});
  EXPECT_EQ(both.seen.runs, 2);
  EXPECT_EQ(both.seen.last, Words{"2"});
}

TYPED_TEST(StoreConformance, BlindWritesDoNotConflict) {
  const auto both = this->interleave({put("a", "1")}, {put("a", "2")}, {put("b", "1")});
  EXPECT_TRUE(both.first);
  EXPECT_EQ(both.seen.runs, 1);
  EXPECT_EQ(this->look({get("a"), get("b")}), (Words{"1", "1"}));
}

// Two read both and each changes the other: one of them must run again.
TYPED_TEST(StoreConformance, NoWriteSkew) {
  ASSERT_TRUE(this->change({put("x", "on"), put("y", "on")}));
  const auto both = this->interleave({get("x"), get("y")}, {get("x"), get("y"), put("x", "off")},
                                     {put("y", "off")});
  EXPECT_EQ(both.seen.runs, 2);
  EXPECT_EQ(both.seen.last, (Words{"off", "on"}));
}

TYPED_TEST(StoreConformance, NoPhantomInARange) {
  ASSERT_TRUE(this->change({put("q/1", "a"), put("q/3", "c")}));
  const auto both = this->interleave({scan("q/", "q0")}, {put("q/2", "b")}, {put("count", "2")});
  EXPECT_EQ(both.seen.runs, 2);
  EXPECT_EQ(both.seen.last, Words{"q/1=a q/2=b q/3=c"});
  const auto erased = this->interleave({scan("q/", "q0")}, {erase("q/2")}, {put("count", "2")});
  EXPECT_EQ(erased.seen.runs, 2);
}

// Where nothing was found there was nothing: what is put there since is a phantom, too.
TYPED_TEST(StoreConformance, ARangeThatWasEmptyIsReadToo) {
  const auto both = this->interleave({scan("q/", "q0")}, {put("q/1", "a")}, {put("m", "x")});
  EXPECT_EQ(both.seen.runs, 2);
  EXPECT_EQ(both.seen.last, Words{"q/1=a"});
  const auto back =
      this->interleave({scan_back("r/", "r0", 1)}, {put("r/1", "a")}, {put("m", "y")});
  EXPECT_EQ(back.seen.runs, 2);
  // Empty but for an own change, and by one.
  const auto own = this->interleave({put("s/1", "o"), scan("s/", "s0")}, {put("s/2", "b")}, {});
  EXPECT_EQ(own.seen.runs, 2);
  EXPECT_EQ(own.seen.last, Words{"s/1=o s/2=b"});
  ASSERT_TRUE(this->change({put("t/1", "a")}));
  const auto gone = this->interleave({erase("t/1"), scan("t/", "t0")}, {put("t/2", "b")}, {});
  EXPECT_EQ(gone.seen.runs, 2);
  EXPECT_EQ(gone.seen.last, Words{"t/2=b"});
  // Neither the end is in it nor what stands before its first.
  const auto beside =
      this->interleave({scan("u/1", "u/5")}, {put("u/0", "a"), put("u/5", "b")}, {put("m", "z")});
  EXPECT_EQ(beside.seen.runs, 1);
  const auto first = this->interleave({scan("u/1", "u/5")}, {put("u/1", "a")}, {put("m", "z")});
  EXPECT_EQ(first.seen.runs, 2);
}

// Taking the first of a queue doesn't conflict with putting behind it.
TYPED_TEST(StoreConformance, LimitedScanReadsOnlyAsFarAsItWent) {
  ASSERT_TRUE(this->change({put("q/1", "a"), put("q/3", "c"), put("q/5", "e")}));
  const auto behind = this->interleave({scan("q/", "q0", 2)}, {put("q/4", "d")}, {erase("q/1")});
  EXPECT_EQ(behind.seen.runs, 1);
  const auto between = this->interleave({scan("q/", "q0", 2)}, {put("q/35", "x")}, {put("m", "1")});
  EXPECT_EQ(between.seen.runs, 2);
  const auto back =
      this->interleave({scan_back("q/", "q0", 1)}, {put("q/4", "y")}, {put("m", "2")});
  EXPECT_EQ(back.seen.runs, 1);
  const auto newest =
      this->interleave({scan_back("q/", "q0", 1)}, {put("q/6", "f")}, {put("m", "3")});
  EXPECT_EQ(newest.seen.runs, 2);
}

TYPED_TEST(StoreConformance, ReadsSeeOneMoment) {
  ASSERT_TRUE(this->change({put("a", "1"), put("b", "1")}));
  const auto both = this->interleave({get("a")}, {put("a", "2"), put("b", "2"), put("c", "2")},
                                     {get("b"), get("c"), scan("a", "z")}, false);
  EXPECT_TRUE(both.first);
  EXPECT_EQ(both.seen.last, (Words{"1", "1", "-", "a=1 b=1"}));
  EXPECT_EQ(this->look({scan("a", "z")}), Words{"a=2 b=2 c=2"});
}

net::ResultTask<> get_three(Transaction& transaction,
                            std::vector<std::optional<std::string>>& values) {
  transaction.put(key("own"), "o");
  std::vector<std::string> keys{key("a"), key("none"), key("own")};
  CO_TRY(values, co_await transaction.get_many(std::move(keys)));
  co_return base::Result<>();
}

TYPED_TEST(StoreConformance, GetsManyAtOnce) {
  ASSERT_TRUE(this->change({put("a", "1")}));
  std::vector<std::optional<std::string>> values;
  ASSERT_TRUE(
      wait(this->loop, this->kind.store.transact(Scope::site(), [&](Transaction& transaction) {
        return get_three(transaction, values);
      })));
  EXPECT_EQ(values, (std::vector<std::optional<std::string>>{"1", std::nullopt, "o"}));
}

TYPED_TEST(StoreConformance, ATransactionIsAtMostOneMebibyte) {
  const std::string half(512 * 1024 - 100, 'x');
  EXPECT_TRUE(this->change({put("a", half), put("b", half)}));
  EXPECT_TRUE(this->change({put("a", half), put("a", half), put("a", half), put("b", half)}));
  const auto failed = this->change({put("a", half), put("b", half), put("c", half), get("z")});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, base::ErrorKind::full);
  const auto unread = this->change({put("d", half), put("e", half), put("f", half)});
  ASSERT_FALSE(unread);
  EXPECT_EQ(unread.error().kind, base::ErrorKind::full);
  const auto long_key = this->change({put(std::string(5000, 'k'), "v")});
  ASSERT_FALSE(long_key);
  EXPECT_EQ(long_key.error().kind, base::ErrorKind::full);
  EXPECT_EQ(this->look({get("c"), get("d")}), (Words{"-", "-"}));
}

TYPED_TEST(StoreConformance, BlobExistsWhenHeldAndGoesWithItsLastHolder) {
  const std::string text = std::string(200'000, 'm') + "end";
  const auto blob = this->blob(text);
  EXPECT_EQ(this->kind_of(this->octets(blob)), base::ErrorKind::not_found);
  ASSERT_TRUE(this->change({hold(blob, "q/1"), put("m", "1")}));
  EXPECT_EQ(this->octets(blob).value(), text);
  EXPECT_EQ(this->octets(blob, 199'998, 4).value(), "mmen");
  EXPECT_EQ(this->octets(blob, 65'530, 70'000).value(), std::string(70'000, 'm'));
  EXPECT_EQ(this->octets(blob, 200'003).value(), "");
  EXPECT_EQ(this->octets(blob, ~std::uint64_t{0}).value(), "");
  ASSERT_TRUE(this->change({hold(blob, "mailbox/1"), hold(blob, "mailbox/1")}));
  ASSERT_TRUE(
      this->change({release(blob, "q/1"), release(blob, "q/1"), release(blob, "q/unknown")}));
  EXPECT_EQ(this->octets(blob).value(), text);
  ASSERT_TRUE(this->change({release(blob, "mailbox/1")}));
  EXPECT_EQ(this->kind_of(this->octets(blob)), base::ErrorKind::not_found);
  const auto again = this->change({hold(blob, "mailbox/2")});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, base::ErrorKind::not_found);
}

TYPED_TEST(StoreConformance, BlobPassesFromHolderToHolderInOneStep) {
  const auto blob = this->blob("letter");
  ASSERT_TRUE(this->change({hold(blob, "q/1")}));
  ASSERT_TRUE(this->change({release(blob, "q/1"), hold(blob, "box/1")}));
  EXPECT_EQ(this->octets(blob).value(), "letter");
  ASSERT_TRUE(this->change({hold(blob, "q/2"), release(blob, "box/1")}));
  EXPECT_EQ(this->octets(blob).value(), "letter");
  EXPECT_FALSE(this->change({release(blob, "q/2"), fail()}));
  EXPECT_EQ(this->octets(blob).value(), "letter");
  ASSERT_TRUE(this->change({release(blob, "q/2")}));
  EXPECT_EQ(this->kind_of(this->octets(blob)), base::ErrorKind::not_found);
}

TYPED_TEST(StoreConformance, TransactionThatHoldsNoSuchBlobChangesNothing) {
  const auto blob = this->blob("letter");
  const auto failed = this->change(
      {put("a", "1"), hold(blob, "q/1"), hold(base::BlobId(base::IdOctets{9}), "q/2")});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, base::ErrorKind::not_found);
  EXPECT_EQ(this->look({get("a")}), Words{"-"});
  EXPECT_EQ(this->kind_of(this->octets(blob)), base::ErrorKind::not_found);
}

TYPED_TEST(StoreConformance, BlobsOfEverySize) {
  for (const std::size_t size : {0, 1, 65'535, 65'536, 65'537, 131'072, 1'000'000}) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 256);
    const auto blob = this->blob(text);
    ASSERT_TRUE(this->change({hold(blob, "q/1")}));
    const auto back = this->octets(blob);
    ASSERT_TRUE(back) << size << back.error().what;
    EXPECT_TRUE(*back == text) << size;
  }
}

// Delivery: the holder's key alone says whose it is, whichever scope releases it.
TYPED_TEST(StoreConformance, HoldersOfTwoTenants) {
  const base::TenantId acorn(base::IdOctets{1}), birch(base::IdOctets{2});
  const auto blob = this->blob("letter");
  const auto queue = tenant_prefix(acorn) + "q/1";
  const auto box = tenant_prefix(birch) + "m/1";
  Seen seen;
  auto& store = this->kind.store;
  const auto change = [&](Scope scope, const Steps& steps) {
    return wait(this->loop, store.transact(scope, [&](Transaction& transaction) {
      return run_steps(transaction, steps, seen);
    }));
  };
  ASSERT_TRUE(change(Scope::tenant(acorn), {hold(blob, "q/1")}));
  ASSERT_TRUE(change(Scope::delivery(acorn, birch), {release(blob, queue), hold(blob, box)}));
  EXPECT_EQ(this->octets(blob).value(), "letter");
  ASSERT_TRUE(change(Scope::tenant(birch), {release(blob, "m/1")}));
  EXPECT_EQ(this->kind_of(this->octets(blob)), base::ErrorKind::not_found);
}

TYPED_TEST(StoreConformance, CancelledBeforeTheCommitChangesNothing) {
  net::Signal reached, never;
  Seen seen;
  const Steps steps{put("a", "1"), meet(reached, never)};
  std::optional<base::Result<>> result;
  const auto running = this->loop.spawn(keep(transact(this->kind.store, steps, seen), result));
  ASSERT_TRUE(run_until(this->loop, [&] { return reached.is_set(); }));
  running->cancel();
  ASSERT_TRUE(run_until(this->loop, [&] { return result.has_value(); }));
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().kind, base::ErrorKind::cancelled);
  EXPECT_EQ(this->look({get("a")}), Words{"-"});
}

// Whenever the cancellation comes, the answer tells the truth.
TYPED_TEST(StoreConformance, CancelledAnyTimeTellsTheTruth) {
  int committed = 0;
  for (int polls = 0; polls < 60; ++polls) {
    const auto name = "c" + std::to_string(polls);
    Seen seen;
    net::Signal reached;
    net::Signal go;
    const Steps steps{get("other"), meet(reached, go), put(name, "1")};
    std::optional<base::Result<>> result;
    const auto running = this->loop.spawn(keep(transact(this->kind.store, steps, seen), result));
    for (int i = 0; i < polls; ++i) {
      if (i == 10) go.set();
      this->loop.poll();
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
    running->cancel();
    ASSERT_TRUE(run_until(this->loop, [&] { return result.has_value(); }));
    EXPECT_EQ(this->look({get(name)}), Words{*result ? "1" : "-"});
    if (!*result) EXPECT_EQ(result->error().kind, base::ErrorKind::cancelled);
    committed += *result ? 1 : 0;
  }
  EXPECT_GT(committed, 0);
  EXPECT_LT(committed, 60);
}

net::ResultTask<> add_one(Transaction& transaction) {
  CO_TRY(const auto value, co_await transaction.get(key("counter")));
  transaction.put(key("counter"), std::to_string(std::stoi(value.value_or("0")) + 1));
  co_return base::Result<>();
}

net::Task<> add_many(Store& store, int count, int& done) {
  for (int i = 0; i < count; ++i) {
    auto added = co_await store.transact(Scope::site(), add_one);
    while (!added && added.error().kind == base::ErrorKind::conflict)
      added = co_await store.transact(Scope::site(), add_one);
    EXPECT_TRUE(added) << added.error().what;
    ++done;
  }
}

TYPED_TEST(StoreConformance, CounterOfManyTasksLosesNothing) {
  int done = 0;
  for (int i = 0; i < 8; ++i) this->loop.spawn(add_many(this->kind.store, 25, done));
  ASSERT_TRUE(run_until(this->loop, [&] { return done == 200; }));
  EXPECT_EQ(this->look({get("counter")}), Words{"200"});
}

using StoreDeathTest = testing::Test;

net::ResultTask<> put_one(Transaction& transaction, std::string name) {
  transaction.put(std::move(name), "v");
  co_return base::Result<>();
}
net::ResultTask<> scan_all(Transaction& transaction, Range range) {
  CO_TRY(const auto pairs, co_await transaction.scan(std::move(range)));
  co_return base::Result<>();
}
net::ResultTask<> get_one(Transaction& transaction, std::string name) {
  CO_TRY(const auto value, co_await transaction.get(std::move(name)));
  co_return base::Result<>();
}

// The fourth invariant (ARCHITECTURE.md): no transaction of one tenant reads or writes a key of
// another.
TEST(StoreDeathTest, KeysOutsideTheScopeAreABug) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const base::TenantId acorn(base::IdOctets{1}), birch(base::IdOctets{2});
  const auto run = [&](Scope scope, Store::Function function) {
    net::Loop loop;
    MemoryStore store;
    return wait(loop, store.transact(std::move(scope), std::move(function)));
  };
  const auto own = tenant_prefix(acorn) + "k";
  const auto other = tenant_prefix(birch) + "k";
  EXPECT_TRUE(run(Scope::tenant(acorn), [&](Transaction& t) { return put_one(t, own); }));
  EXPECT_TRUE(run(Scope::tenant(acorn), [&](Transaction& t) { return get_one(t, "s/k"); }));
  EXPECT_TRUE(
      run(Scope::delivery(acorn, birch), [&](Transaction& t) { return put_one(t, other); }));
  EXPECT_DEATH((void)run(Scope::tenant(acorn), [&](Transaction& t) { return put_one(t, other); }),
               "covers");
  EXPECT_DEATH((void)run(Scope::tenant(acorn), [&](Transaction& t) { return put_one(t, "s/k"); }),
               "covers");
  EXPECT_DEATH((void)run(Scope::tenant(acorn), [&](Transaction& t) { return get_one(t, other); }),
               "covers_read");
  EXPECT_DEATH((void)run(Scope::site(), [&](Transaction& t) { return get_one(t, own); }),
               "covers_read");
  EXPECT_DEATH(
      (void)run(Scope::tenant(acorn), [&](Transaction& t) { return scan_all(t, {own, other}); }),
      "covers_read");
  EXPECT_DEATH(
      (void)run(Scope::tenant(acorn), [&](Transaction& t) { return scan_all(t, {"t/", "t0"}); }),
      "covers_read");
}

TEST(StoreDeathTest, ReadsThatWriteAreABug) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  net::Loop loop;
  MemoryStore store;
  EXPECT_DEATH(
      (void)wait(loop, store.read(Scope::site(), [](Transaction& t) { return put_one(t, "s/k"); })),
      "mode_");
}

TEST(Scope, PrefixesEndWhereTheNextBegins) {
  EXPECT_EQ(range_of("a").end, "b");
  EXPECT_EQ(range_of("a\xFF\xFF").end, "b");
  base::IdOctets all{};
  all.fill(0xFF);
  const auto prefix = tenant_prefix(base::TenantId(all));
  EXPECT_TRUE(Scope::tenant(base::TenantId(all)).covers_read(range_of(prefix)));
  EXPECT_FALSE(Scope::site().covers_read(Range{"s/a", "t"}));
}

}  // namespace
}  // namespace letterlock::store
