#include "os/random.h"

#include <ctime>
#include <set>

#include <gtest/gtest.h>

namespace letterlock::os {
namespace {

TEST(Random, FillsAll) {
  SystemRandom random;
  std::set<base::Bytes> seen;
  for (int i = 0; i < 100; ++i) seen.insert(random.octets(16));
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_EQ(random.octets(0), "");
  // The last octet of a large request is filled as well.
  std::set<char> last;
  for (int i = 0; i < 40; ++i) last.insert(random.octets((1 << 20) + 7).back());
  EXPECT_GT(last.size(), 10U);
}

TEST(Random, BelowReachesAllAndNoMore) {
  SystemRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.below(5));
  EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(random.below(1), 0U);
}

// Gives the octets it was told to, in order.
class Told final : public Random {
 public:
  explicit Told(std::vector<std::uint8_t> octets) : octets_(std::move(octets)) {}
  void fill(std::span<std::uint8_t> octets) override {
    for (auto& octet : octets) octet = octets_.at(next_++);
  }

 private:
  std::vector<std::uint8_t> octets_;
  std::size_t next_ = 0;
};

TEST(Random, BelowDrawsAgainWhereItWouldBeUneven) {
  // 2^64 mod 3 = 1: a draw of 0 is thrown away, 7 is taken.
  Told random({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7});
  EXPECT_EQ(random.below(3), 1U);
}

TEST(Random, IdsSortByTime) {
  SystemClock clock;
  SystemRandom random;
  const auto id = make_id<base::TraceId>(clock, random);
  EXPECT_LE(clock.now() - id.time(), std::chrono::minutes(1));
  EXPECT_NE(id, make_id<base::TraceId>(clock, random));
}

// The kernel's steady clock: it never goes back, and who sets the wall clock doesn't move it.
TEST(Clock, SteadyIsTheKernels) {
  const auto kernel = [] {
    timespec now{};
    EXPECT_EQ(::clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return std::chrono::floor<base::Milliseconds>(std::chrono::seconds(now.tv_sec) +
                                                  std::chrono::nanoseconds(now.tv_nsec));
  };
  const SystemClock clock;
  for (int i = 0; i < 100; ++i) {
    const auto before = kernel();
    const auto now = clock.steady().time_since_epoch();
    EXPECT_LE(before, now);
    EXPECT_LE(now, kernel());
  }
}

TEST(Clock, NowIsTheWallClocks) {
  const SystemClock clock;
  const auto before = std::chrono::system_clock::now();
  const auto now = clock.now();
  EXPECT_LE(base::to_milliseconds(now), base::to_milliseconds(clock.now()));
  EXPECT_LE(std::chrono::abs(now - std::chrono::time_point_cast<base::Milliseconds>(before)),
            std::chrono::seconds(10));
}

}  // namespace
}  // namespace letterlock::os
