// Large content in files of its own: where they stand, what a crash leaves of them, what is read of
// damaged ones. Power cuts: durability_test.cc.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/pack.h"
#include "os/clock.h"
#include "os/random.h"
#include "store/hash.h"
#include "store/parts.h"
#include "store/test_disk.h"
#include "store/test_steps.h"

namespace letterlock::store {
namespace {

namespace files = std::filesystem;
using base::ErrorKind;

std::string text_of(std::size_t octets) {
  std::string text(octets, 0);
  for (std::size_t i = 0; i < octets; ++i) text[i] = static_cast<char>(i * 31 >> 3);
  return text;
}

class Content : public testing::Test {
 protected:
  std::unique_ptr<RocksStore> open() {
    return RocksStore::open(directory.options(), clock, random, events).value();
  }
  files::path folder() const { return directory.options().path + "/content"; }
  static std::size_t count(const files::path& where) {
    const files::recursive_directory_iterator all(where);
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [](const auto& entry) { return entry.is_regular_file(); }));
  }
  files::path only_file() const {
    for (const auto& entry : files::recursive_directory_iterator(folder()))
      if (entry.is_regular_file()) return entry.path();
    return {};
  }

  TemporaryDirectory directory;
  os::SystemClock clock;
  os::SystemRandom random;
  base::NoEvents events;
  net::Loop loop;
};

TEST_F(Content, OfMoreThanOneChunkStandsInAFile) {
  const auto store = open();
  constexpr auto chunk = base::limits::chunk_octets;
  for (const std::size_t octets :
       {chunk - 1, chunk, chunk + 1, 2 * chunk - 1, 2 * chunk, 2 * chunk + 1, 20 * chunk + 7}) {
    const auto before = count(folder());
    const auto text = text_of(octets);
    const auto blob = wait(loop, write_blob(*store, text)).value();
    EXPECT_EQ(count(folder()) - before, octets > chunk ? 1U : 0U) << octets;
    // Nobody reads what nobody holds.
    EXPECT_EQ(wait(loop, store->read_blob(blob, 0, 10)).error().kind, ErrorKind::not_found);
    ASSERT_TRUE(do_steps(loop, *store, {hold(blob, "q/1")}));
    for (const std::size_t at : {std::size_t{0}, std::size_t{1}, chunk - 1, chunk, octets - 1}) {
      for (const std::size_t most : {std::size_t{1}, chunk, chunk + 1, 30 * chunk}) {
        const auto read = wait(loop, store->read_blob(blob, at, most));
        ASSERT_TRUE(read) << read.error().what;
        EXPECT_TRUE(*read == (at < octets ? text.substr(at, most) : "")) << octets << " " << at;
      }
    }
    EXPECT_EQ(wait(loop, store->read_blob(blob, octets, 10)).value(), "");
  }
}

TEST_F(Content, MovesToItsPlaceAndGoesWithItsLastHolder) {
  auto store = open();
  const auto blob = wait(loop, write_blob(*store, text_of(300'000))).value();
  EXPECT_EQ(count(folder() / "new"), 1U);
  ASSERT_TRUE(do_steps(loop, *store, {hold(blob, "q/1"), hold(blob, "m/1")}));
  ASSERT_TRUE(run_until(loop, [&] { return count(folder() / "new") == 0; }));
  const auto used = store->disk_octets();
  ASSERT_TRUE(do_steps(loop, *store, {release(blob, "q/1")}));
  EXPECT_EQ(wait(loop, store->read_blob(blob, 0, 1 << 20))->size(), 300'000U);
  ASSERT_TRUE(do_steps(loop, *store, {release(blob, "m/1")}));
  EXPECT_LT(store->disk_octets() + 290'000, used);
  ASSERT_TRUE(run_until(loop, [&] { return count(folder()) == 0; }));
  EXPECT_EQ(wait(loop, store->read_blob(blob, 0, 1)).error().kind, ErrorKind::not_found);
}

TEST_F(Content, OfAWriterThatGaveUpGoesAtOnce) {
  const auto store = open();
  {
    const auto writer = store->write_blob();
    ASSERT_TRUE(wait(loop, writer->write(text_of(300'000))));
    EXPECT_EQ(count(folder()), 1U);
  }
  EXPECT_TRUE(run_until(loop, [&] { return count(folder()) == 0; }));
}

// A crash between the transaction and what follows it: the files are where they were, the records
// are true.
TEST_F(Content, AStartDoesWhatACrashLeftUndone) {
  base::BlobId held, gone;
  {
    const auto store = open();
    held = wait(loop, write_blob(*store, text_of(100'000))).value();
    gone = wait(loop, write_blob(*store, text_of(200'000))).value();
    ASSERT_TRUE(do_steps(loop, *store, {hold(held, "q/1"), hold(gone, "q/2")}));
  }
  const auto name = [&](const base::BlobId& blob) {
    return folder() / blob.text().substr(24) / blob.text();
  };
  ASSERT_TRUE(files::exists(name(held)));
  files::rename(name(held), folder() / "new" / held.text());
  files::copy_file(name(gone), folder() / "new" / base::BlobId(base::IdOctets{9}).text());
  files::copy_file(name(gone), folder() / "gone" / base::BlobId(base::IdOctets{8}).text());
  {
    const auto engine = Engine::open(directory.options(), events).value();
    // As the batch leaves it that takes the last holder.
    ASSERT_TRUE(engine->db().Delete({}, engine->own(), blob_key(gone)).ok());
    ASSERT_TRUE(engine->db()
                    .Put({}, engine->own(), gone_key(gone),
                         BlobRecord{200'000, 0, BlobRecord::Place::file, {}}.pack())
                    .ok());
    files::copy_file(name(gone), folder() / "new" / gone.text());
  }
  const auto store = open();
  EXPECT_EQ(count(folder()), 1U);
  EXPECT_TRUE(files::exists(name(held)));
  EXPECT_TRUE(wait(loop, store->read_blob(held, 0, 1 << 20)).value() == text_of(100'000));
}

void change_octet(const files::path& name, std::streamoff at) {
  std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const auto old = static_cast<char>(file.get());
  file.seekp(at);
  file.put(static_cast<char>(old ^ 1));
}

TEST_F(Content, DamagedIsNeverHandedOut) {
  const auto store = open();
  const auto text = text_of(200'000);
  const auto blob = wait(loop, write_blob(*store, text)).value();
  ASSERT_TRUE(do_steps(loop, *store, {hold(blob, "q/1")}));
  ASSERT_TRUE(run_until(loop, [&] { return count(folder() / "new") == 0; }));
  const auto name = only_file();
  const auto size = static_cast<std::streamoff>(files::file_size(name));
  for (const std::streamoff at : {std::streamoff{16}, std::streamoff{70'000}, size - 9, size - 1}) {
    change_octet(name, at);
    const auto read = wait(loop, store->read_blob(blob, 0, 1 << 20));
    ASSERT_FALSE(read) << at;
    EXPECT_EQ(read.error().kind, ErrorKind::corrupt);
    change_octet(name, at);
  }
  EXPECT_TRUE(wait(loop, store->read_blob(blob, 0, 1 << 20)).value() == text);
  // Chunks that have changed places, each whole.
  {
    std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
    std::string first(65'544, 0), second(65'544, 0);
    file.seekg(16);
    file.read(first.data(), 65'544).read(second.data(), 65'544);
    file.seekp(16);
    file << second << first;
  }
  EXPECT_EQ(wait(loop, store->read_blob(blob, 0, 1 << 20)).error().kind, ErrorKind::corrupt);
  files::resize_file(name, 100'000);
  EXPECT_EQ(wait(loop, store->read_blob(blob, 65'536, 65'536)).error().kind, ErrorKind::corrupt);
  files::remove(name);
  EXPECT_EQ(wait(loop, store->read_blob(blob, 0, 10)).error().kind, ErrorKind::corrupt);
}

TEST_F(Content, AFullDiskIsSaidAndNothingStays) {
  const auto disk = std::make_shared<TestDisk>();
  const auto env = rocksdb::NewCompositeEnv(disk);
  const auto store = OpenOver::open(directory.options(), clock, random, events, env.get()).value();
  {
    const auto writer = store->write_blob();
    ASSERT_TRUE(wait(loop, writer->write(text_of(200'000))));
    disk->set_full(true);
    const auto written = wait(loop, writer->write(text_of(200'000)));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::full);
    EXPECT_FALSE(wait(loop, writer->finish()));
  }
  EXPECT_TRUE(run_until(loop, [&] { return count(folder()) == 0; }));
  disk->set_full(false);
}

// Content that goes while a backup runs is in the backup.
TEST_F(Content, ThatGoesMeanwhileStaysUntilTheBackupIsWritten) {
  const auto store = open();
  const auto blob = wait(loop, write_blob(*store, text_of(8'000'000))).value();
  ASSERT_TRUE(do_steps(loop, *store, {hold(blob, "q/1")}));
  BackupOptions options;
  options.directory = directory.path() + "/backup";
  options.octets_per_second = 16 << 20;  // half a second
  std::optional<base::Result<BackupFacts>> facts;
  loop.spawn(keep(store->backup(options), facts));
  ASSERT_TRUE(
      run_until(loop, [&] { return files::exists(options.directory + ".partial/content"); }));
  ASSERT_TRUE(do_steps(loop, *store, {release(blob, "q/1")}));
  ASSERT_TRUE(run_until(loop, [&] { return facts.has_value(); }));
  ASSERT_TRUE(*facts) << (*facts ? "" : facts->error().what);
  EXPECT_TRUE(run_until(loop, [&] { return count(folder()) == 0; }));
  const auto path = directory.path() + "/restored";
  ASSERT_TRUE(
      restore_backup(options.directory, path,
                     [](const BackupFacts&) -> base::Result<std::pair<std::string, std::string>> {
                       return std::pair(key("restored"), "");
                     }));
  auto again = directory.options();
  again.path = path;
  const auto restored = RocksStore::open(again, clock, random, events).value();
  EXPECT_TRUE(wait(loop, restored->read_blob(blob, 0, 8'000'000)).value() == text_of(8'000'000));
}

TEST_F(Content, ABackupWithoutAFileItNamesIsNotRestored) {
  const auto store = open();
  const auto blob = wait(loop, write_blob(*store, text_of(200'000))).value();
  ASSERT_TRUE(do_steps(loop, *store, {hold(blob, "q/1")}));
  BackupOptions options;
  options.directory = directory.path() + "/backup";
  ASSERT_TRUE(wait(loop, store->backup(options)));
  for (const auto& entry : files::recursive_directory_iterator(options.directory + "/content"))
    if (entry.is_regular_file()) change_octet(entry.path(), 100);
  const auto restored =
      restore_backup(options.directory, directory.path() + "/restored",
                     [](const BackupFacts&) -> base::Result<std::pair<std::string, std::string>> {
                       return std::pair(key("restored"), "");
                     });
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().kind, ErrorKind::corrupt);
  EXPECT_FALSE(files::exists(directory.path() + "/restored"));
}

// XXH3's own vectors are its own business; that it is the one that files are written with is ours.
TEST(FastHash, IsTheOneThatFilesWereWrittenWith) {
  EXPECT_EQ(fast_hash("", 0), 0x2d06800538d394c2U);
}

}  // namespace
}  // namespace letterlock::store
