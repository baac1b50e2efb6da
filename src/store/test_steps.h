// For this room's tests: transactions written as lists of steps, waiting for a task from outside
// of the loop, stores of both kinds.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "net/loop.h"
#include "store/memory.h"
#include "store/rocksdb.h"

namespace letterlock::store {

inline std::string key(std::string_view name) {
  return site_prefix() + std::string(name);
}

// Runs the loop until the condition holds; false after 20 seconds.
template <class Condition>
bool run_until(net::Loop& loop, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    if (loop.poll() == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  return true;
}

template <class T>
net::Task<> keep(net::ResultTask<T> task, std::optional<base::Result<T>>& result) {
  result = co_await std::move(task);
}

template <class T>
base::Result<T> wait(net::Loop& loop, net::ResultTask<T> task) {
  std::optional<base::Result<T>> result;
  loop.spawn(keep(std::move(task), result));
  if (!run_until(loop, [&] { return result.has_value(); })) std::abort();
  return std::move(*result);
}

struct Step {
  enum class Kind { get, get_many, scan, scan_back, put, erase, hold, release, meet, fail };
  Kind kind;
  std::string key;  // of site's scope, without its prefix
  std::string value;
  std::size_t count_max = 1000;
  base::BlobId blob = {};
  net::Signal* reached = nullptr;
  net::Signal* go = nullptr;
  std::vector<std::string> keys = {};  // of get_many
};
using Steps = std::vector<Step>;

inline Step get(std::string key) {
  return {Step::Kind::get, std::move(key), ""};
}
inline Step get_many(std::vector<std::string> keys) {
  Step step{Step::Kind::get_many, "", ""};
  step.keys = std::move(keys);
  return step;
}
inline Step scan(std::string first, std::string end, std::size_t count_max = 1000) {
  return {Step::Kind::scan, std::move(first), std::move(end), count_max};
}
inline Step scan_back(std::string first, std::string end, std::size_t count_max = 1000) {
  return {Step::Kind::scan_back, std::move(first), std::move(end), count_max};
}
inline Step put(std::string key, std::string value) {
  return {Step::Kind::put, std::move(key), std::move(value)};
}
inline Step erase(std::string key) {
  return {Step::Kind::erase, std::move(key), ""};
}
inline Step hold(base::BlobId blob, std::string holder) {
  return {Step::Kind::hold, std::move(holder), "", 0, blob};
}
inline Step release(base::BlobId blob, std::string holder) {
  return {Step::Kind::release, std::move(holder), "", 0, blob};
}
// Says that it came here, and goes on when told.
inline Step meet(net::Signal& reached, net::Signal& go) {
  return {Step::Kind::meet, "", "", 0, {}, &reached, &go};
}
inline Step fail() {
  return {Step::Kind::fail, "", ""};
}

// What the last run of the function saw: "value" or "-" for each key of a get, "k=v k=v" for a
// scan.
struct Seen {
  std::vector<std::string> last;
  int runs = 0;
};

inline net::ResultTask<> run_steps(Transaction& transaction, const Steps& steps, Seen& seen) {
  seen.last.clear();
  ++seen.runs;
  for (const auto& step : steps) {
    switch (step.kind) {
      case Step::Kind::get: {
        CO_TRY(const auto value, co_await transaction.get(key(step.key)));
        seen.last.push_back(value.value_or("-"));
        break;
      }
      case Step::Kind::get_many: {
        std::vector<std::string> keys;
        for (const auto& name : step.keys) keys.push_back(key(name));
        CO_TRY(const auto values, co_await transaction.get_many(std::move(keys)));
        for (const auto& value : values) seen.last.push_back(value.value_or("-"));
        break;
      }
      case Step::Kind::scan:
      case Step::Kind::scan_back: {
        const bool reverse = step.kind == Step::Kind::scan_back;
        CO_TRY(const auto pairs, co_await transaction.scan({key(step.key), key(step.value)},
                                                           {step.count_max, reverse}));
        std::string text;
        for (const auto& [name, value] : pairs) {
          text += (text.empty() ? "" : " ") + name.substr(site_prefix().size()) + "=" + value;
        }
        seen.last.push_back(text);
        break;
      }
      case Step::Kind::put:
        transaction.put(key(step.key), step.value);
        break;
      case Step::Kind::erase:
        transaction.erase(key(step.key));
        break;
      case Step::Kind::hold:
        transaction.hold(step.blob, step.key);
        break;
      case Step::Kind::release:
        transaction.release(step.blob, step.key);
        break;
      case Step::Kind::meet:
        step.reached->set();
        CO_CHECK(co_await step.go->wait());
        break;
      case Step::Kind::fail:
        co_return base::fail(base::ErrorKind::denied, "as the test wants");
    }
  }
  co_return base::Result<>();
}

inline net::ResultTask<> transact(Store& store, const Steps& steps, Seen& seen) {
  return store.transact(
      Scope::site(), [&](Transaction& transaction) { return run_steps(transaction, steps, seen); });
}
inline net::ResultTask<> read(Store& store, const Steps& steps, Seen& seen) {
  return store.read(Scope::site(),
                    [&](Transaction& transaction) { return run_steps(transaction, steps, seen); });
}

inline base::Result<> do_steps(net::Loop& loop, Store& store, const Steps& steps) {
  Seen seen;
  return wait(loop, transact(store, steps, seen));
}
// What the steps see in a transaction that commits nothing.
inline std::vector<std::string> look(net::Loop& loop, Store& store, const Steps& steps) {
  Seen seen;
  const auto done = wait(loop, read(store, steps, seen));
  EXPECT_TRUE(done) << (done ? "" : done.error().what);
  return seen.last;
}

inline net::ResultTask<base::BlobId> write_blob(Store& store, std::string octets) {
  const auto writer = store.write_blob();
  // In two unequal parts, so that chunks and writes don't meet.
  CO_CHECK(co_await writer->write(std::string_view(octets).substr(0, octets.size() / 3)));
  CO_CHECK(co_await writer->write(std::string_view(octets).substr(octets.size() / 3)));
  CO_CHECK(co_await writer->finish());
  EXPECT_EQ(writer->octets(), octets.size());
  co_return writer->id();
}

// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = testing::TempDir() + "letterlock-store-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }
  RocksOptions options() const {
    RocksOptions options;
    options.path = path_ + "/store";
    options.durability = Durability::volatile_allowed;
    options.reserve_octets = 1024 * 1024;
    return options;
  }

 private:
  std::string path_;
};

}  // namespace letterlock::store
