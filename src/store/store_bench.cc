// How fast the store on disk is: durable commits of 1 kB by so many writers, messages (a blob and
// the transaction that holds it), blobs alone, reads. LETTERLOCK_BENCH_DIRECTORY names a disk; its
// sync is the measure: fdatasync_per_second beside each figure's meaning is BM_Fdatasync.
#include <cstdlib>
#include <filesystem>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include "net/loop.h"
#include "os/clock.h"
#include "os/random.h"
#include "store/rocksdb.h"

namespace letterlock::store {
namespace {

struct Place {
  Place() {
    const char* directory = std::getenv("LETTERLOCK_BENCH_DIRECTORY");
    path = std::string(directory != nullptr ? directory : "/tmp") + "/letterlock-bench-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) std::abort();
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  std::string path;
};

struct World {
  World() {
    RocksOptions options;
    options.path = place.path + "/store";
    options.durability = Durability::volatile_allowed;
    store = RocksStore::open(options, clock, random, events).value();
  }
  // Runs `tasks` at once until all have ended.
  template <class Make>
  void run(int tasks, Make make) {
    int left = tasks;
    for (int i = 0; i < tasks; ++i) {
      loop.spawn(make(i), [this, &left] {
        if (--left == 0) loop.stop();
      });
    }
    while (left > 0) {
      loop.poll();
      if (left > 0) loop.run();
    }
  }
  Place place;
  os::SystemClock clock;
  os::SystemRandom random;
  base::NoEvents events;
  net::Loop loop;
  std::unique_ptr<RocksStore> store;
};

net::ResultTask<> put_pair(Transaction& transaction, std::string name, const std::string& value) {
  transaction.put(std::move(name), value);
  co_return base::Result<>();
}
net::Task<> commit_many(World& world, int number, int count, const std::string& value,
                        std::uint64_t& next) {
  for (int i = 0; i < count; ++i) {
    const auto name = "s/" + std::to_string(number) + "/" + std::to_string(next++);
    const auto done = co_await world.store->transact(Scope::site(), [&](Transaction& transaction) {
      return put_pair(transaction, name, value);
    });
    if (!done) std::abort();
  }
}

void BM_Commits1kB(benchmark::State& state) {
  World world;
  const std::string value(1000, 'v');
  const auto writers = static_cast<int>(state.range(0));
  std::uint64_t next = 0;
  for (auto _ : state)
    world.run(writers, [&](int i) { return commit_many(world, i, 100, value, next); });
  state.SetItemsProcessed(static_cast<std::int64_t>(next));
}
BENCHMARK(BM_Commits1kB)->Arg(1)->Arg(16)->Arg(64)->Arg(256)->UseRealTime();

net::ResultTask<> read_and_put(Transaction& transaction, std::string name,
                               const std::string& value) {
  CO_TRY(const auto old, co_await transaction.get(name));
  transaction.put(std::move(name), value);
  co_return base::Result<>();
}
net::Task<> change_many(World& world, int number, int count, const std::string& value,
                        std::uint64_t& done) {
  for (int i = 0; i < count; ++i, ++done) {
    const auto name = "s/" + std::to_string(number);
    const auto changed = co_await world.store->transact(
        Scope::site(),
        [&](Transaction& transaction) { return read_and_put(transaction, name, value); });
    if (!changed) std::abort();
  }
}
void BM_ReadThenCommit1kB(benchmark::State& state) {
  World world;
  const std::string value(1000, 'v');
  const auto writers = static_cast<int>(state.range(0));
  std::uint64_t done = 0;
  for (auto _ : state)
    world.run(writers, [&](int i) { return change_many(world, i, 100, value, done); });
  state.SetItemsProcessed(static_cast<std::int64_t>(done));
}
BENCHMARK(BM_ReadThenCommit1kB)->Arg(1)->Arg(16)->Arg(64)->UseRealTime();

net::ResultTask<> hold_blob(Transaction& transaction, base::BlobId blob) {
  transaction.put("s/q/" + blob.text(), std::string(300, 'q'));
  transaction.hold(blob, "q/" + blob.text());
  co_return base::Result<>();
}
net::ResultTask<> drop_blob(Transaction& transaction, base::BlobId blob) {
  transaction.erase("s/q/" + blob.text());
  transaction.release(blob, "q/" + blob.text());
  co_return base::Result<>();
}
net::Task<> pass_messages(World& world, int count, const std::string& text, std::uint64_t& done) {
  for (int i = 0; i < count; ++i, ++done) {
    const auto writer = world.store->write_blob();
    if (!co_await writer->write(text) || !co_await writer->finish()) std::abort();
    const auto blob = writer->id();
    const auto in = co_await world.store->transact(
        Scope::site(), [&](Transaction& t) { return hold_blob(t, blob); });
    const auto out = co_await world.store->transact(
        Scope::site(), [&](Transaction& t) { return drop_blob(t, blob); });
    if (!in || !out) std::abort();
  }
}
// A message of so many octets in, and out again.
void BM_Messages(benchmark::State& state) {
  World world;
  const std::string text(static_cast<std::size_t>(state.range(1)), 'm');
  const auto writers = static_cast<int>(state.range(0));
  std::uint64_t done = 0;
  for (auto _ : state)
    world.run(writers, [&](int) { return pass_messages(world, 20, text, done); });
  state.SetItemsProcessed(static_cast<std::int64_t>(done));
  state.SetBytesProcessed(static_cast<std::int64_t>(done * text.size()));
}
BENCHMARK(BM_Messages)
    ->Args({1, 10'000})
    ->Args({16, 10'000})
    ->Args({64, 10'000})
    ->Args({16, 1'000'000})
    ->UseRealTime();

net::Task<> write_blobs(World& world, const std::string& text, std::uint64_t& octets) {
  const auto writer = world.store->write_blob();
  for (int i = 0; i < 64; ++i, octets += text.size()) {
    if (!co_await writer->write(text)) std::abort();
  }
  if (!co_await writer->finish()) std::abort();
  const auto blob = writer->id();
  if (!co_await world.store->transact(Scope::site(),
                                      [&](Transaction& t) { return hold_blob(t, blob); }))
    std::abort();
  if (!co_await world.store->transact(Scope::site(),
                                      [&](Transaction& t) { return drop_blob(t, blob); }))
    std::abort();
}
// Blobs of 4 MiB, durable at their end.
void BM_BlobOctets(benchmark::State& state) {
  World world;
  const std::string text(65'536, 'm');
  const auto writers = static_cast<int>(state.range(0));
  std::uint64_t octets = 0;
  for (auto _ : state) world.run(writers, [&](int) { return write_blobs(world, text, octets); });
  state.SetBytesProcessed(static_cast<std::int64_t>(octets));
}
BENCHMARK(BM_BlobOctets)->Arg(1)->Arg(8)->UseRealTime();

net::ResultTask<> get_pair(Transaction& transaction, std::string name) {
  CO_TRY(const auto value, co_await transaction.get(std::move(name)));
  if (!value) std::abort();
  co_return base::Result<>();
}
net::Task<> read_many(World& world, int number, int count, std::uint64_t& done) {
  for (int i = 0; i < count; ++i, ++done) {
    const auto name = "s/" + std::to_string(number);
    if (!co_await world.store->read(Scope::site(),
                                    [&](Transaction& t) { return get_pair(t, name); }))
      std::abort();
  }
}
void BM_Reads(benchmark::State& state) {
  World world;
  const auto readers = static_cast<int>(state.range(0));
  std::uint64_t done = 0;
  world.run(readers, [&](int i) { return change_many(world, i, 1, "v", done); });
  done = 0;
  for (auto _ : state) world.run(readers, [&](int i) { return read_many(world, i, 100, done); });
  state.SetItemsProcessed(static_cast<std::int64_t>(done));
}
BENCHMARK(BM_Reads)->Arg(1)->Arg(64)->UseRealTime();

// The machine's limit: 1 kB appended and synced, one after the other.
void BM_Fdatasync(benchmark::State& state) {
  Place place;
  const int file =
      ::open((place.path + "/file").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const std::string value(1000, 'v');
  for (auto _ : state) {
    if (::write(file, value.data(), value.size()) != 1000 || ::fdatasync(file) != 0) std::abort();
  }
  ::close(file);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Fdatasync)->UseRealTime();

}  // namespace
}  // namespace letterlock::store
