// The store on disk: opening, sweeping, many writers, limits. Power cuts: durability_test.cc.
#include "store/rocksdb.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/pack.h"
#include "os/clock.h"
#include "os/random.h"
#include "store/parts.h"
#include "store/test_steps.h"

namespace letterlock::store {
namespace {

using Words = std::vector<std::string>;
using namespace std::chrono_literals;

// Steady time that the test moves.
class TestClock final : public os::Clock {
 public:
  base::Time now() const override { return real_.now(); }
  os::Steady steady() const override { return real_.steady() + base::Milliseconds(ahead_.load()); }
  void move(base::Milliseconds by) { ahead_ += by.count(); }

 private:
  os::SystemClock real_;
  std::atomic<std::int64_t> ahead_{0};
};

class Rocks : public testing::Test {
 protected:
  base::Result<std::unique_ptr<RocksStore>> open() { return open(directory.options()); }
  base::Result<std::unique_ptr<RocksStore>> open(const RocksOptions& options) {
    return RocksStore::open(options, clock, random, events);
  }
  std::size_t keys_left(const char* first, const char* end, bool chunks) {
    const auto engine = Engine::open(directory.options(), events).value();
    const rocksdb::Slice upper(end);
    rocksdb::ReadOptions within;
    within.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> at(
        engine->db().NewIterator(within, chunks ? engine->chunks() : engine->own()));
    std::size_t count = 0;
    for (at->Seek(first); at->Valid(); at->Next()) ++count;
    return count;
  }
  // Whatever format stands there.
  void write_format(std::uint64_t format) const {
    rocksdb::DB* opened = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    const std::vector<rocksdb::ColumnFamilyDescriptor> families{
        {"default", {}}, {"store", {}}, {"blobs", {}}};
    const auto path = directory.options().path;
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions(), path, families, &handles, &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    EXPECT_TRUE(
        db->Put(rocksdb::WriteOptions(), handles[1], "meta/format", base::Packer(format).take())
            .ok());
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  }
  // Of large content, wherever they stand.
  std::size_t files_left() {
    const std::filesystem::recursive_directory_iterator all(directory.path() + "/store/content");
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [](const auto& entry) { return entry.is_regular_file(); }));
  }
  std::size_t chunks_left() {
    return keys_left("", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
                     true);
  }

  TemporaryDirectory directory;
  TestClock clock;
  os::SystemRandom random;
  base::NoEvents events;
  net::Loop loop;
};

TEST_F(Rocks, KeepsEverythingOverARestart) {
  const std::string text(300'000, 't');
  base::BlobId blob;
  {
    const auto store = open().value();
    blob = wait(loop, write_blob(*store, text)).value();
    ASSERT_TRUE(do_steps(loop, *store, {put("a", "1"), put("b", "2"), hold(blob, "q/1")}));
    ASSERT_TRUE(do_steps(loop, *store, {erase("b")}));
  }
  const auto store = open().value();
  EXPECT_EQ(look(loop, *store, {scan("a", "z")}), Words{"a=1"});
  EXPECT_TRUE(wait(loop, store->read_blob(blob, 0, 1 << 20)).value() == text);
}

TEST_F(Rocks, OnlyOnceAtATime) {
  const auto first = open().value();
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, base::ErrorKind::unavailable);
}

// Older or newer: the program that wrote it is the one to read it.
TEST_F(Rocks, DataOfAnotherFormatIsRefused) {
  ASSERT_TRUE(do_steps(loop, *open().value(), {put("a", "1")}));
  for (const auto format : {format_version - 1, format_version + 1}) {
    write_format(format);
    const auto refused = open();
    ASSERT_FALSE(refused) << format;
    EXPECT_EQ(refused.error().kind, base::ErrorKind::invalid);
    const auto says =
        fmt::format("has format {}; this program reads format {} alone", format, format_version);
    EXPECT_NE(refused.error().what.find(says), std::string::npos) << refused.error().what;
    write_format(format_version);
    EXPECT_EQ(look(loop, *open().value(), {scan("a", "z")}), Words{"a=1"});
  }
}

TEST_F(Rocks, OthersDatabasesAreRefused) {
  auto other = directory.options();
  other.path += "-other";
  ASSERT_TRUE(open(other));
  {
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    const std::vector<rocksdb::ColumnFamilyDescriptor> families{
        {"default", {}}, {"store", {}}, {"blobs", {}}};
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions(), other.path, families, &handles, &db).ok());
    rocksdb::ColumnFamilyHandle* added = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily({}, "tomorrow", &added).ok());
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
    db->DestroyColumnFamilyHandle(added);
    delete db;
  }
  const auto families = open(other);
  ASSERT_FALSE(families);
  EXPECT_NE(families.error().what.find("\"tomorrow\""), std::string::npos) << families.error().what;
}

// The first holder stands in the blob's record, a second has a row; whoever goes first, the content
// goes with the last.
TEST_F(Rocks, HoldersComeAndGoInAnyOrder) {
  for (const std::vector<std::string>& leaving : {std::vector<std::string>{"q/1", "q/2", "q/3"},
                                                  {"q/3", "q/1", "q/2"},
                                                  {"q/2", "q/3", "q/1"}}) {
    base::BlobId blob;
    {
      const auto store = open().value();
      blob = wait(loop, write_blob(*store, "content")).value();
      ASSERT_TRUE(do_steps(loop, *store, {hold(blob, "q/1")}));
      ASSERT_TRUE(do_steps(loop, *store, {hold(blob, "q/2"), hold(blob, "q/1")}));
      ASSERT_TRUE(do_steps(loop, *store, {hold(blob, "q/3")}));
    }
    EXPECT_EQ(keys_left("h/", "h0", false), 2U);
    const auto store = open().value();
    ASSERT_TRUE(do_steps(loop, *store, {release(blob, leaving[0])}));
    ASSERT_TRUE(do_steps(loop, *store, {release(blob, leaving[0]), release(blob, "q/4")}));
    EXPECT_TRUE(wait(loop, store->read_blob(blob, 0, 100)));
    ASSERT_TRUE(do_steps(loop, *store, {release(blob, leaving[1])}));
    EXPECT_EQ(wait(loop, store->read_blob(blob, 0, 100)).value(), "content");
    ASSERT_TRUE(do_steps(loop, *store, {release(blob, leaving[2])}));
    EXPECT_EQ(wait(loop, store->read_blob(blob, 0, 100)).error().kind, base::ErrorKind::not_found);
  }
  EXPECT_EQ(keys_left("b/", "i", false), 0U);
  EXPECT_EQ(chunks_left(), 0U);
}

TEST_F(Rocks, OrphansAreSweptAtStart) {
  {
    const auto store = open().value();
    const auto held = wait(loop, write_blob(*store, std::string(70'000, 'h'))).value();
    ASSERT_TRUE(do_steps(loop, *store, {hold(held, "q/1")}));
    ASSERT_TRUE(wait(loop, write_blob(*store, std::string(200'000, 'x'))));
    const auto unfinished = store->write_blob();
    ASSERT_TRUE(wait(loop, unfinished->write(std::string(200'000, 'y'))));
  }
  open().value().reset();
  EXPECT_EQ(files_left(), 1U);
  EXPECT_EQ(chunks_left(), 0U);
  EXPECT_EQ(keys_left("b/", "b0", false), 1U);
}

// Swept when its grace is over, not before, and never while it is written.
TEST_F(Rocks, OrphansAreSweptWhileRunning) {
  auto options = directory.options();
  options.blob_grace = 1min;
  {
    const auto store = open(options).value();
    const auto orphan = wait(loop, write_blob(*store, std::string(100'000, 'x'))).value();
    const auto writer = store->write_blob();
    ASSERT_TRUE(wait(loop, writer->write(std::string(100'000, 'y'))));
    clock.move(30s);
    ASSERT_TRUE(do_steps(loop, *store, {put("a", "1")}));
    const auto late = wait(loop, write_blob(*store, std::string(100'000, 'z'))).value();
    clock.move(31s);
    ASSERT_TRUE(do_steps(loop, *store, {put("a", "2")}));  // housekeeping follows the commit
    ASSERT_TRUE(do_steps(loop, *store, {put("a", "3")}));
    EXPECT_FALSE(do_steps(loop, *store, {hold(orphan, "q/1")}));
    EXPECT_TRUE(do_steps(loop, *store, {hold(late, "q/2")}));
    ASSERT_TRUE(wait(loop, writer->finish()));
    EXPECT_TRUE(do_steps(loop, *store, {hold(writer->id(), "q/3")}));
  }
  EXPECT_EQ(files_left(), 2U);
}

TEST_F(Rocks, SmallOrphansAreSweptToo) {
  auto options = directory.options();
  options.blob_grace = 1min;
  const auto store = open(options).value();
  const auto orphan = wait(loop, write_blob(*store, "small")).value();
  clock.move(61s);
  ASSERT_TRUE(do_steps(loop, *store, {put("a", "2")}));
  ASSERT_TRUE(do_steps(loop, *store, {put("a", "3")}));
  EXPECT_FALSE(do_steps(loop, *store, {hold(orphan, "q/1")}));
}

// What is refused after its last octet goes at once, small or large; what is held stays.
TEST_F(Rocks, ADroppedBlobGoesBeforeItsGrace) {
  auto options = directory.options();
  options.blob_grace = 10min;
  {
    const auto store = open(options).value();
    std::vector<base::BlobId> dropped;
    for (const std::size_t octets : {5U, 100'000U}) {
      const auto held = wait(loop, write_blob(*store, std::string(octets, 'h'))).value();
      ASSERT_TRUE(do_steps(loop, *store, {hold(held, "q/" + std::to_string(octets))}));
      store->drop_blob(held);
      dropped.push_back(wait(loop, write_blob(*store, std::string(octets, 'd'))).value());
      store->drop_blob(dropped.back());
      clock.move(2s);
      ASSERT_TRUE(do_steps(loop, *store, {put("a", "1")}));  // housekeeping follows the commit
      ASSERT_TRUE(do_steps(loop, *store, {put("a", "2")}));
      EXPECT_TRUE(wait(loop, store->read_blob(held, 0, 10)));
    }
    for (const auto& blob : dropped) EXPECT_FALSE(do_steps(loop, *store, {hold(blob, "q/1")}));
  }
  EXPECT_EQ(files_left(), 1U);
}

// More small blobs than memory takes: the rest goes to the disk and is as good.
TEST_F(Rocks, MoreSmallBlobsThanMemoryTakes) {
  const auto store = open().value();
  std::vector<base::BlobId> blobs;
  for (int i = 0; i < 700; ++i) {
    blobs.push_back(
        wait(loop, write_blob(*store, std::string(60'000, static_cast<char>(i)))).value());
  }
  for (int i = 0; i < 700; i += 50) {
    const auto& blob = blobs[static_cast<std::size_t>(i)];
    ASSERT_TRUE(do_steps(loop, *store, {hold(blob, "q/" + std::to_string(i))}));
    EXPECT_TRUE(wait(loop, store->read_blob(blob, 0, 1 << 20)).value() ==
                std::string(60'000, static_cast<char>(i)));
  }
}

TEST(FreshBlobs, CountWhatTheyHold) {
  FreshBlobs fresh(10'000);
  const base::BlobId a(base::IdOctets{1}), b(base::IdOctets{2});
  std::string small(4'000, 'a'), large(8'000, 'b');
  ASSERT_TRUE(fresh.keep(a, std::move(small)));
  EXPECT_FALSE(fresh.keep(b, std::move(large)));
  // What isn't kept isn't taken either.
  EXPECT_EQ(large.size(), 8'000U);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(fresh.find(a)->octets, 4'000U);
  fresh.drop(b);
  fresh.drop(a);
  fresh.drop(a);
  EXPECT_FALSE(fresh.find(a));
  fresh.note_file(a, 1'000'000);
  EXPECT_EQ(fresh.find(a)->octets, 1'000'000U);
  EXPECT_EQ(fresh.find(a)->content, nullptr);
  EXPECT_TRUE(fresh.keep(b, std::move(large)));
}

TEST_F(Rocks, ReleasedBlobsLeaveNothingBehind) {
  {
    const auto store = open().value();
    const auto blob = wait(loop, write_blob(*store, std::string(200'000, 'x'))).value();
    ASSERT_TRUE(do_steps(loop, *store, {hold(blob, "q/1"), hold(blob, "q/2")}));
    ASSERT_TRUE(do_steps(loop, *store, {release(blob, "q/1"), release(blob, "q/2")}));
  }
  EXPECT_EQ(files_left(), 0U);
  EXPECT_EQ(chunks_left(), 0U);
  // The format, what files take (nothing), and what is there so that it can be resumed.
  EXPECT_EQ(keys_left("a", "z", false), 3U);
}

net::Task<> write_some(Store& store, std::string name, int count, std::atomic<int>& done) {
  for (int i = 0; i < count; ++i) {
    Seen seen;
    const Steps steps{get("shared/" + name), put("shared/" + name, std::to_string(i)),
                      put(name + std::to_string(i), "v")};
    EXPECT_TRUE(co_await transact(store, steps, seen));
    EXPECT_EQ(seen.last, Words{i == 0 ? "-" : std::to_string(i - 1)});
  }
  ++done;
}

TEST_F(Rocks, ManyTasksOnTwoLoops) {
  const auto store = open().value();
  net::Loop second;
  std::atomic<int> done = 0;
  std::thread other([&] { second.run(); });
  for (int i = 0; i < 16; ++i) {
    loop.spawn(write_some(*store, "one" + std::to_string(i) + "-", 20, done));
    second.spawn(write_some(*store, "two" + std::to_string(i) + "-", 20, done));
  }
  EXPECT_TRUE(run_until(loop, [&] { return done == 32; }));
  second.stop();
  other.join();
  std::size_t keys = 0;
  for (const auto* prefix : {"one", "two"}) {
    const auto text = look(loop, *store, {scan(prefix, std::string(prefix) + "~")}).front();
    keys += static_cast<std::size_t>(std::ranges::count(text, '='));
  }
  EXPECT_EQ(keys, 640U);
}

TEST_F(Rocks, BelowTheReserveNothingIsTaken) {
  {
    ASSERT_TRUE(do_steps(loop, *open().value(), {put("a", "1")}));
  }
  auto options = directory.options();
  options.reserve_octets = std::uint64_t{1} << 60;
  const auto store = open(options).value();
  EXPECT_EQ(store->free_octets().value(), 0U);
  const auto failed = do_steps(loop, *store, {put("b", "1")});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, base::ErrorKind::full);
  EXPECT_EQ(wait(loop, write_blob(*store, "x")).error().kind, base::ErrorKind::full);
  EXPECT_EQ(look(loop, *store, {get("a"), get("b")}), (Words{"1", "-"}));
}

TEST_F(Rocks, FreeOctetsAreTheDisksAboveTheReserve) {
  auto options = directory.options();
  options.reserve_octets = 0;
  const auto all = open(options).value()->free_octets().value();
  // Root may take what is kept for it too; others work on the same disk meanwhile.
  const auto disk = std::filesystem::space(directory.path());
  const auto others = std::uint64_t{8} << 30;
  EXPECT_GT(all + others, std::min(disk.available, disk.free));
  EXPECT_LT(all, std::max(disk.available, disk.free) + others);
}

net::ResultTask<> read_slowly(Transaction& transaction, TestClock& clock) {
  clock.move(6s);
  CO_TRY(const auto value, co_await transaction.get(key("a")));
  co_return base::Result<>();
}
net::ResultTask<> write_slowly(Transaction& transaction, TestClock& clock) {
  transaction.put(key("slow"), "v");
  clock.move(6s);
  co_return base::Result<>();
}

TEST_F(Rocks, TransactionsEndAfterFiveSeconds) {
  const auto store = open().value();
  const auto reading =
      wait(loop, store->read(Scope::site(), [&](Transaction& t) { return read_slowly(t, clock); }));
  ASSERT_FALSE(reading);
  EXPECT_EQ(reading.error().kind, base::ErrorKind::timeout);
  const auto writing = wait(
      loop, store->transact(Scope::site(), [&](Transaction& t) { return write_slowly(t, clock); }));
  ASSERT_FALSE(writing);
  EXPECT_EQ(writing.error().kind, base::ErrorKind::timeout);
  EXPECT_EQ(look(loop, *store, {get("slow")}), Words{"-"});
}

}  // namespace
}  // namespace letterlock::store
