// The store on disk beside a plain map: some thousand random transactions, with so little memory
// that most of it lies in tables that aren't open and blocks that aren't cached, and a start now
// and then.
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "os/clock.h"
#include "os/random.h"
#include "store/test_steps.h"

namespace letterlock::store {
namespace {

constexpr int transactions_count = 6000;
constexpr int between_starts = 150;
constexpr unsigned keys_count = 500;
constexpr std::size_t value_octets_max = 2000;

class Model : public testing::Test {
 protected:
  Model() { start(); }

  void start() {
    store.reset();
    auto options = directory.options();
    options.write_buffer_octets = 64 * 1024;
    options.cache_octets = 64 * 1024;
    options.open_files_max = 20;
    store = RocksStore::open(options, clock, random, events).value();
  }

  unsigned below(unsigned end) { return static_cast<unsigned>(dice() % end); }
  std::string name() { return "k/" + std::to_string(1000 + below(keys_count)); }
  std::string octets(std::size_t count) {
    std::string made(count, '\0');
    for (auto& octet : made) octet = static_cast<char>('a' + below(26));
    return made;
  }
  std::string listed(const std::string& first, const std::string& end) const {
    std::string text;
    for (auto at = known.lower_bound(first); at != known.end() && at->first < end; ++at)
      text += (text.empty() ? "" : " ") + at->first + "=" + at->second;
    return text;
  }
  std::string value(const std::string& of) const {
    const auto at = known.find(of);
    return at == known.end() ? "-" : at->second;
  }

  void change_some() {
    Steps steps;
    for (unsigned i = 1 + below(8); i > 0; --i) {
      const auto changed = name();
      if (below(3) == 0) {
        steps.push_back(erase(changed));
        known.erase(changed);
      } else {
        // Now and then nothing at all.
        const auto written = octets(below(8) == 0 ? 0 : below(value_octets_max));
        steps.push_back(put(changed, written));
        known[changed] = written;
      }
    }
    ASSERT_TRUE(do_steps(loop, *store, steps));
  }
  void read_some() {
    Steps steps;
    std::vector<std::string> expected;
    for (unsigned i = 1 + below(3); i > 0; --i) {
      const auto read = name();
      steps.push_back(get(read));
      expected.push_back(value(read));
    }
    const auto first = name();
    const auto end = name();
    if (first < end) {
      steps.push_back(scan(first, end));
      expected.push_back(listed(first, end));
    }
    EXPECT_EQ(look(loop, *store, steps), expected);
  }
  // Half of them never were: they lie between those that are.
  void read_together() {
    std::vector<std::string> names;
    std::vector<std::string> expected;
    for (int i = 0; i < 6; ++i) {
      names.push_back(name() + (below(2) == 0 ? "/none" : ""));
      expected.push_back(value(names.back()));
    }
    EXPECT_EQ(look(loop, *store, {get_many(names)}), expected);
  }
  void change_blobs() {
    constexpr std::size_t held_max = 40;
    if (held.size() < held_max) {
      const auto content = octets(below(12) == 0 ? 70'000 + below(70'000) : 1 + below(9'000));
      const auto blob = wait(loop, write_blob(*store, content)).value();
      ASSERT_TRUE(do_steps(loop, *store, {hold(blob, "holder")}));
      held.emplace(blob, content);
    } else {
      const auto gone = std::next(held.begin(), below(held_max));
      ASSERT_TRUE(do_steps(loop, *store, {release(gone->first, "holder")}));
      held.erase(gone);
    }
    const auto& [blob, content] =
        *std::next(held.begin(), below(static_cast<unsigned>(held.size())));
    const auto read = wait(loop, store->read_blob(blob, 0, content.size()));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(*read, content);
  }

  const TemporaryDirectory directory;
  os::SystemClock clock;
  os::SystemRandom random;
  base::NoEvents events;
  net::Loop loop;
  std::unique_ptr<RocksStore> store;
  std::mt19937 dice{4};
  std::map<std::string, std::string> known;
  std::map<base::BlobId, std::string> held;
};

TEST_F(Model, IsWhatAMapWouldBe) {
  for (int i = 0; i < transactions_count && !HasFailure(); ++i) {
    if (i % between_starts == 0) start();
    change_some();
    read_some();
    read_together();
    if (i % 8 == 0) change_blobs();
  }
  start();
  EXPECT_EQ(look(loop, *store, {scan("k/", "k0")}), std::vector<std::string>{listed("k/", "k0")});
}

}  // namespace
}  // namespace letterlock::store
