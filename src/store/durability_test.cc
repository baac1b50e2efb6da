// Power cuts, kill -9, full and damaged disks under the store on disk.
#include <algorithm>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/random.h"
#include "store/test_disk.h"
#include "store/test_steps.h"

namespace letterlock::store {
namespace {

constexpr const char* child_variable = "LETTERLOCK_STORE_TEST_CHILD";

class Events final : public base::EventSink {
 public:
  void emit(const base::Event& event) override {
    const std::scoped_lock lock(mutex_);
    names_.emplace_back(event.name);
  }
  bool has(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    return std::ranges::find(names_, name) != names_.end();
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> names_;
};

struct World {
  os::SystemClock clock;
  os::SystemRandom random;
  Events events;
};

std::unique_ptr<RocksStore> reopen(const RocksOptions& options, World& world) {
  auto store = RocksStore::open(options, world.clock, world.random, world.events);
  EXPECT_TRUE(store) << (store ? "" : store.error().what);
  return store ? std::move(*store) : nullptr;
}

net::ResultTask<> put_numbered(Transaction& transaction, const std::string& name,
                               const base::BlobId& blob) {
  transaction.put(key(name), name + std::string(300, 'x'));
  transaction.hold(blob, name);
  transaction.put(key("blob/" + name), std::string(blob.octets()));
  co_return base::Result<>();
}

// Writes a blob and the key that names it, again and again; tells each success. The blobs' sizes
// go from nothing over one chunk to several.
net::Task<> write_for_ever(Store& store, std::string name,
                           std::function<bool(const std::string&)> tell) {
  for (int i = 0;; ++i) {
    const auto numbered = name + std::to_string(i);
    const auto blob =
        co_await write_blob(store, std::string(static_cast<std::size_t>(i % 7) * 20'000, name[0]));
    if (!blob) co_return;
    const auto done = co_await store.transact(Scope::site(), [&](Transaction& transaction) {
      return put_numbered(transaction, numbered, *blob);
    });
    if (!done || !tell(numbered)) co_return;
  }
}

net::ResultTask<> check_one(Transaction& transaction, const std::string& name, base::BlobId& blob) {
  CO_TRY(const auto value, co_await transaction.get(key(name)));
  EXPECT_EQ(value.value_or("lost"), name + std::string(300, 'x')) << name;
  CO_TRY(const auto octets, co_await transaction.get(key("blob/" + name)));
  EXPECT_TRUE(octets) << name;
  if (octets) blob = *base::BlobId::from_octets(*octets);
  co_return base::Result<>();
}

// All that was told is there, with its blob.
void check_told(Store& store, const std::set<std::string>& told) {
  net::Loop loop;
  for (const auto& name : told) {
    base::BlobId blob;
    ASSERT_TRUE(wait(loop, store.read(Scope::site(), [&](Transaction& transaction) {
      return check_one(transaction, name, blob);
    })));
    const auto octets = wait(loop, store.read_blob(blob, 0, 1 << 20));
    ASSERT_TRUE(octets) << name << octets.error().what;
    const auto number = std::stoul(name.substr(1));
    EXPECT_TRUE(*octets == std::string(number % 7 * 20'000, name[0])) << name;
  }
}

// In a process of its own: writes until it is killed.
[[noreturn]] void run_child(const std::string& path) {
  World world;
  RocksOptions options;
  options.path = path;
  options.durability = Durability::volatile_allowed;
  options.write_buffer_octets = 256 * 1024;
  const auto store = reopen(options, world);
  net::Loop loop;
  for (const char name : {'a', 'b', 'c'}) {
    loop.spawn(write_for_ever(*store, std::string(1, name), [](const std::string& numbered) {
      const auto line = numbered + "\n";
      return ::write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    }));
  }
  loop.run();
  std::_Exit(1);
}

class Child final : public testing::Environment {
 public:
  void SetUp() override {
    if (const char* path = std::getenv(child_variable)) run_child(path);
  }
};
[[maybe_unused]] const auto* const child = testing::AddGlobalTestEnvironment(new Child);

// Starts this program anew as the child; threads and fork() don't go together.
pid_t start_child(const std::string& path, int& output) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe(ends), 0);
  const auto variable = std::string(child_variable) + "=" + path;
  const pid_t process = ::fork();
  if (process == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    char* const arguments[] = {const_cast<char*>("child"),
                               const_cast<char*>("--gtest_filter=Scope.*"), nullptr};
    char* const environment[] = {const_cast<char*>(variable.c_str()), nullptr};
    ::execve("/proc/self/exe", arguments, environment);
    std::_Exit(2);
  }
  ::close(ends[1]);
  output = ends[0];
  return process;
}

// Every line that came whole; lines of gtest's own have spaces.
std::set<std::string> read_told(int output, std::size_t enough) {
  std::string text;
  char buffer[4096];
  while (static_cast<std::size_t>(std::ranges::count(text, '\n')) < enough) {
    const auto count = ::read(output, buffer, sizeof buffer);
    if (count <= 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
  }
  std::set<std::string> told;
  for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
    const auto line = text.substr(0, end);
    if (!line.empty() && line.find(' ') == std::string::npos) told.insert(line);
  }
  return told;
}

TEST(Durability, WhatAKilledProcessToldIsThere) {
  TemporaryDirectory directory;
  std::set<std::string> told;
  for (const std::size_t enough : {5, 60, 200}) {
    const auto path = directory.path() + "/store" + std::to_string(enough);
    int output = -1;
    const pid_t process = start_child(path, output);
    ASSERT_GT(process, 0);
    told = read_told(output, enough + 10);  // some lines are gtest's
    ASSERT_EQ(::kill(process, SIGKILL), 0);
    auto rest = read_told(output, 1'000'000);
    told.merge(rest);
    ::close(output);
    int status = 0;
    ASSERT_EQ(::waitpid(process, &status, 0), process);
    ASSERT_TRUE(WIFSIGNALED(status));
    ASSERT_GE(told.size(), enough);
    World world;
    auto options = directory.options();
    options.path = path;
    const auto store = reopen(options, world);
    ASSERT_TRUE(store);
    check_told(*store, told);
    EXPECT_FALSE(world.events.has("store.log_cut"));
  }
}

// The disk forgets what was not synced, arbitrarily; what was told is there, and nothing half.
TEST(Durability, WhatWasToldSurvivesPowerCuts) {
  TemporaryDirectory directory;
  const auto disk = std::make_shared<TestDisk>();
  const auto env = rocksdb::NewCompositeEnv(disk);
  World world;
  auto options = directory.options();
  options.write_buffer_octets = 256 * 1024;  // so that files are flushed meanwhile
  auto store = OpenOver::open(options, world.clock, world.random, world.events, env.get()).value();
  net::Loop loop;
  std::set<std::string> told;
  bool enough = false;
  int ended = 0;
  for (const char name : {'a', 'b', 'c'}) {
    loop.spawn(
        write_for_ever(*store, std::string(1, name),
                       [&](const std::string& numbered) { return told.insert(numbered), !enough; }),
        [&] { ++ended; });
  }
  for (std::uint64_t cut = 0; cut < 10; ++cut) {
    ASSERT_TRUE(run_until(loop, [&] { return told.size() >= 15 * (cut + 1); }));
    auto copy = options;
    copy.path = directory.path() + "/cut" + std::to_string(cut);
    disk->cut_power_into(options.path, copy.path, cut);
    const auto again = reopen(copy, world);
    ASSERT_TRUE(again);
    check_told(*again, told);
  }
  enough = true;
  ASSERT_TRUE(run_until(loop, [&] { return ended == 3; }));
}

TEST(Durability, FullDiskIsAnErrorAndIsLeftWithoutARestart) {
  TemporaryDirectory directory;
  const auto disk = std::make_shared<TestDisk>();
  const auto env = rocksdb::NewCompositeEnv(disk);
  World world;
  auto store =
      OpenOver::open(directory.options(), world.clock, world.random, world.events, env.get())
          .value();
  net::Loop loop;
  ASSERT_TRUE(do_steps(loop, *store, {put("a", "1")}));
  disk->set_full(true);
  for (int i = 0; i < 3; ++i) {
    const auto failed = do_steps(loop, *store, {get("b"), put("b", "2")});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, base::ErrorKind::full) << failed.error().what;
  }
  EXPECT_FALSE(wait(loop, write_blob(*store, std::string(100'000, 'x'))));
  EXPECT_TRUE(world.events.has("store.stopped"));
  EXPECT_EQ(look(loop, *store, {get("a")}), std::vector<std::string>{"1"});
  disk->set_full(false);
  ASSERT_TRUE(run_until(loop, [&] { return world.events.has("store.resumed"); }));
  // What failed on the full disk is nobody's conflict any more.
  EXPECT_TRUE(do_steps(loop, *store, {get("b"), put("b", "3")}));
  store.reset();
  store = reopen(directory.options(), world);
  EXPECT_EQ(look(loop, *store, {get("a"), get("b")}), (std::vector<std::string>{"1", "3"}));
}

// RocksDB has nothing in memory then, which its resuming doesn't expect.
TEST(Durability, AFullDiskRightAfterAStartIsLeftToo) {
  TemporaryDirectory directory;
  const auto disk = std::make_shared<TestDisk>();
  const auto env = rocksdb::NewCompositeEnv(disk);
  World world;
  const auto start = [&] {
    return OpenOver::open(directory.options(), world.clock, world.random, world.events, env.get())
        .value();
  };
  net::Loop loop;
  auto store = start();
  ASSERT_TRUE(do_steps(loop, *store, {put("a", "1")}));
  store.reset();
  store = start();
  disk->set_full(true);
  EXPECT_FALSE(do_steps(loop, *store, {put("b", "2")}));
  EXPECT_TRUE(world.events.has("store.stopped"));
  disk->set_full(false);
  ASSERT_TRUE(run_until(loop, [&] { return do_steps(loop, *store, {put("b", "3")}).has_value(); }));
  EXPECT_TRUE(world.events.has("store.resumed"));
  EXPECT_EQ(look(loop, *store, {get("a"), get("b")}), (std::vector<std::string>{"1", "3"}));
}

void change_octet(const std::string& name, double where) {
  std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(0, std::ios::end);
  const auto at =
      static_cast<std::streamoff>(static_cast<double>(file.tellg() - std::streamoff(1)) * where);
  file.seekg(at);
  const char old = static_cast<char>(file.get());
  file.seekp(at);
  file.put(static_cast<char>(old ^ 0x55));
}

// Every file of a small store, damaged in several places, one after the other: an error or the
// truth, never another value and never a crash.
TEST(Attack50, DamagedFilesAreErrorsNotCrashes) {
  TemporaryDirectory directory;
  World world;
  net::Loop loop;
  const auto options = directory.options();
  base::BlobId blob;
  {
    const auto store = reopen(options, world);
    for (int i = 0; i < 50; ++i)
      ASSERT_TRUE(do_steps(loop, *store, {put("k" + std::to_string(i), std::string(100, 'v'))}));
    blob = wait(loop, write_blob(*store, std::string(150'000, 'm'))).value();
    ASSERT_TRUE(do_steps(loop, *store, {hold(blob, "q/1")}));
  }
  reopen(options, world).reset();  // from the log into sorted files
  {
    ASSERT_TRUE(do_steps(loop, *reopen(options, world), {put("last", "1")}));
  }
  int damaged = 0, refused = 0, failed = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(options.path)) {
    if (!entry.is_regular_file()) continue;
    const auto name = std::filesystem::relative(entry.path(), options.path).string();
    if (entry.file_size() == 0 || name.starts_with("LOG")) continue;
    for (const double where : {0.0, 0.3, 0.5, 0.7, 0.9, 1.0}) {
      auto copy = options;
      copy.path = directory.path() + "/copy";
      std::filesystem::remove_all(copy.path);
      std::filesystem::copy(options.path, copy.path, std::filesystem::copy_options::recursive);
      std::filesystem::permissions(copy.path, std::filesystem::perms::owner_all);
      change_octet(copy.path + "/" + name, where);
      ++damaged;
      const auto store = RocksStore::open(copy, world.clock, world.random, world.events);
      if (!store) {
        ++refused;
        EXPECT_FALSE(store.error().what.empty());
        continue;
      }
      Seen seen;
      if (wait(loop, read(**store, {get("k7"), scan("k", "l", 3)}, seen))) {
        EXPECT_TRUE(seen.last[0] == std::string(100, 'v') || seen.last[0] == "-") << name << where;
      } else {
        ++failed;
      }
      const auto octets = wait(loop, (*store)->read_blob(blob, 0, 1 << 20));
      if (octets) {
        EXPECT_TRUE(*octets == std::string(150'000, 'm')) << name << where;
      } else {
        ++failed;
      }
    }
  }
  EXPECT_GT(damaged, 20);
  EXPECT_GT(refused, 0);
  EXPECT_GT(failed, 0);
}

// Damage before the log's end can have been acknowledged mail: what stands before it is served, and
// said loudly.
TEST(Durability, DamagedLogIsSaid) {
  TemporaryDirectory directory;
  World world;
  net::Loop loop;
  const auto options = directory.options();
  {
    const auto store = reopen(options, world);
    for (int i = 0; i < 50; ++i)
      ASSERT_TRUE(do_steps(loop, *store, {put("k" + std::to_string(i), std::string(100, 'v'))}));
  }
  for (const auto& entry : std::filesystem::directory_iterator(options.path)) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0)
      change_octet(entry.path().string(), 0.5);
  }
  const auto store = reopen(options, world);
  ASSERT_TRUE(store);
  EXPECT_TRUE(world.events.has("store.log_cut"));
  EXPECT_EQ(look(loop, *store, {get("k0"), get("k49")}),
            (std::vector<std::string>{std::string(100, 'v'), "-"}));
}

}  // namespace
}  // namespace letterlock::store
