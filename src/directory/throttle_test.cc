#include "directory/throttle.h"

#include <gtest/gtest.h>

namespace letterlock::directory {
namespace {

using std::chrono::seconds;

net::IpAddress ip(std::string_view text) {
  return net::IpAddress::parse(text).value();
}
const os::Steady start{std::chrono::hours(100)};

void fail_times(Throttle& throttle, int times, std::string_view login, const net::IpAddress& source,
                os::Steady now) {
  for (int i = 0; i < times; ++i) throttle.failed(login, source, now);
}

TEST(Throttle, DoublesUpToItsMost) {
  Throttle throttle;
  const auto source = ip("192.0.2.1");
  fail_times(throttle, 4, "alice", source, start);
  EXPECT_EQ(throttle.wait("alice", source, start).count(), 0);
  throttle.failed("Alice", source, start);
  EXPECT_EQ(throttle.wait("alice", source, start), seconds(1));
  throttle.failed("alice", source, start);
  EXPECT_EQ(throttle.wait("alice", source, start), seconds(2));
  EXPECT_EQ(throttle.wait("alice", source, start + seconds(2)).count(), 0);
  fail_times(throttle, 1000, "alice", source, start);
  EXPECT_EQ(throttle.wait("alice", source, start), account_delay_max);
  EXPECT_EQ(throttle.wait("alice", source, start + failures_kept + seconds(1)).count(), 0);
}

TEST(Throttle, ForgetsWhenTheRightOneComes) {
  Throttle throttle;
  const auto source = ip("192.0.2.1");
  fail_times(throttle, 8, "alice", source, start);
  throttle.succeeded("alice", source, start + seconds(20));
  EXPECT_EQ(throttle.wait("alice", source, start + seconds(20)).count(), 0);
}

TEST(Throttle, SourcesAreTakenApart) {
  Throttle throttle;
  fail_times(throttle, 10, "alice", ip("2001:db8:1:2::1"), start);
  EXPECT_GT(throttle.wait("alice", ip("2001:db8:1:2:ffff::9"), start).count(), 0);  // the same /64
  EXPECT_EQ(throttle.wait("alice", ip("2001:db8:1:3::1"), start).count(), 0);
  EXPECT_EQ(throttle.wait("alice", ip("192.0.2.1"), start).count(), 0);
}

TEST(Throttle, ManyNamesFromOneSourceSlowItDown) {
  Throttle throttle;
  const auto owner = ip("192.0.2.200");
  throttle.succeeded("alice", owner, start);
  for (unsigned i = 0; i < source_failures_free + 20; ++i) {
    throttle.failed("user" + std::to_string(i), ip("192.0.2." + std::to_string(i)), start);
  }
  EXPECT_EQ(throttle.wait("fresh", ip("192.0.2.99"), start), source_delay_max);
  EXPECT_EQ(throttle.wait("fresh", ip("192.0.3.99"), start).count(), 0);
  // Who signed in from there lately is not held up by neighbours.
  EXPECT_EQ(throttle.wait("alice", owner, start).count(), 0);
}

// Attack53: memory stays bounded whoever tries whatever.
TEST(Attack53, TheThrottleForgetsTheOldest) {
  Recent<int> recent(3);
  for (int i = 0; i < 10; ++i) recent.get("k" + std::to_string(i)) = i;
  EXPECT_EQ(recent.size(), 3U);
  EXPECT_EQ(recent.find("k6"), nullptr);
  ASSERT_NE(recent.find("k7"), nullptr);  // touched, so k8 is the oldest now
  recent.get("k10") = 10;
  EXPECT_EQ(recent.find("k8"), nullptr);
  EXPECT_EQ(*recent.find("k7"), 7);
  recent.erase("k7");
  recent.erase("k7");
  EXPECT_EQ(recent.size(), 2U);
}

}  // namespace
}  // namespace letterlock::directory
