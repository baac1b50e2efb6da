// A copy of the store while it is in use, and a store made of it.
#include "store/backup.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "os/clock.h"
#include "os/random.h"
#include "os/temporary.h"
#include "store/engine.h"
#include "store/test_steps.h"

namespace letterlock::store {
namespace {

namespace files = std::filesystem;
using Words = std::vector<std::string>;
using base::ErrorKind;

base::Result<std::pair<std::string, std::string>> marked(const BackupFacts& facts) {
  return std::pair(key("restored"), "from " + facts.node);
}

class Backup : public testing::Test {
 protected:
  Backup() : store(RocksStore::open(directory.options(), clock, random, events).value()) {}
  BackupOptions options(const std::string& name) {
    BackupOptions out;
    out.directory = place.path() + "/" + name;
    out.site = "dublin";
    out.node = "dublin-1";
    out.version = "1";
    out.now = clock.now();
    return out;
  }
  std::unique_ptr<RocksStore> open(const std::string& path) {
    auto settings = directory.options();
    settings.path = path;
    return RocksStore::open(settings, clock, random, events).value();
  }

  TemporaryDirectory directory;
  os::TemporaryFolder place{os::TemporaryFolder::create("letterlock-backup-").value()};
  os::SystemClock clock;
  os::SystemRandom random;
  base::NoEvents events;
  net::Loop loop;
  std::unique_ptr<RocksStore> store;
};

TEST_F(Backup, HoldsWhatWasCommittedBeforeAndNothingOfLater) {
  const std::string text(300'000, 't');
  const auto blob = wait(loop, write_blob(*store, text)).value();
  ASSERT_TRUE(do_steps(loop, *store, {put("a", "1"), hold(blob, "q/1")}));
  const auto facts = wait(loop, store->backup(options("one")));
  ASSERT_TRUE(facts) << facts.error().what;
  EXPECT_GT(facts->octets, text.size());
  ASSERT_TRUE(do_steps(loop, *store, {put("a", "2"), put("b", "2")}));
  const auto path = place.path() + "/store";
  const auto restored = restore_backup(place.path() + "/one", path, marked);
  ASSERT_TRUE(restored) << restored.error().what;
  EXPECT_EQ(restored->node, "dublin-1");
  const auto other = open(path);
  EXPECT_EQ(look(loop, *other, {scan("a", "z")}), Words{"a=1 restored=from dublin-1"});
  EXPECT_TRUE(wait(loop, other->read_blob(blob, 0, 1 << 20)).value() == text);
  for (const auto& entry : files::recursive_directory_iterator(place.path() + "/one")) {
    EXPECT_EQ(files::status(entry).permissions() & files::perms(077), files::perms::none)
        << entry.path();
  }
}

TEST_F(Backup, TakesNoPlaceThatIsTaken) {
  ASSERT_TRUE(wait(loop, store->backup(options("one"))));
  EXPECT_EQ(wait(loop, store->backup(options("one"))).error().kind, ErrorKind::exists);
  files::create_directory(place.path() + "/two.partial");
  EXPECT_EQ(wait(loop, store->backup(options("two"))).error().kind, ErrorKind::exists);
  EXPECT_EQ(wait(loop, store->backup(options("no/such"))).error().kind, ErrorKind::not_found);
  const auto path = place.path() + "/store";
  ASSERT_TRUE(restore_backup(place.path() + "/one", path, marked));
  EXPECT_EQ(restore_backup(place.path() + "/one", path, marked).error().kind, ErrorKind::exists);
}

TEST_F(Backup, ThatIsStoppedOrTakesTooLongLeavesNothing) {
  auto hurried = options("late");
  hurried.time_max = base::Milliseconds(0);
  EXPECT_EQ(wait(loop, store->backup(hurried)).error().kind, ErrorKind::timeout);
  store->stop_backup();
  EXPECT_EQ(wait(loop, store->backup(options("stopped"))).error().kind, ErrorKind::cancelled);
  EXPECT_TRUE(files::is_empty(place.path()));
}

TEST_F(Backup, ThatIsNoneIsRefusedAndLeavesNothing) {
  ASSERT_TRUE(do_steps(loop, *store, {put("a", "1")}));
  ASSERT_TRUE(wait(loop, store->backup(options("one"))));
  const auto from = place.path() + "/one";
  const auto path = place.path() + "/store";
  const auto facts = from + "/" + backup_facts_file;
  EXPECT_EQ(restore_backup(place.path(), path, marked).error().kind, ErrorKind::invalid);
  for (const auto format : {format_version - 1, format_version + 1}) {
    std::ofstream(facts) << fmt::format(
        R"({{"letterlock-backup":1,"store-format":{},"version":"9"}})", format);
    const auto other = restore_backup(from, path, marked);
    EXPECT_EQ(other.error().kind, ErrorKind::invalid);
    EXPECT_NE(other.error().what.find(fmt::format("has format {}", format)), std::string::npos)
        << other.error().what;
  }
  std::ofstream(facts) << "[]";
  EXPECT_EQ(restore_backup(from, path, marked).error().kind, ErrorKind::invalid);
  EXPECT_FALSE(files::exists(path));
  EXPECT_FALSE(files::exists(path + ".partial"));
}

TEST_F(Backup, FiguresCountWhatTheStoreDoes) {
  os::Metrics metrics;
  store.reset();
  auto settings = directory.options();
  settings.metrics = &metrics;
  store = RocksStore::open(settings, clock, random, events).value();
  ASSERT_TRUE(do_steps(loop, *store, {put("a", "1")}));
  ASSERT_TRUE(wait(loop, write_blob(*store, std::string(1000, 'x'))));
  EXPECT_EQ(metrics.total("letterlock_store_syncs_total"), 1);
  EXPECT_EQ(metrics.total("letterlock_store_transactions_total", {{"outcome", "committed"}}), 1);
  EXPECT_EQ(metrics.total("letterlock_store_commit_seconds"), 1);
  EXPECT_EQ(metrics.total("letterlock_store_group_transactions"), 1);
  EXPECT_EQ(metrics.total("letterlock_store_blob_octets_total"), 1000);
  EXPECT_FALSE(store->stopped());
  EXPECT_GT(store->disk_octets(), 0U);
}

}  // namespace
}  // namespace letterlock::store
