#include "sim/events.h"

#include <gtest/gtest.h>

#include "sim/world.h"

namespace letterlock::sim {
namespace {

using namespace std::chrono_literals;

TEST(SimEvents, KeepsWhatHappenedAndWhen) {
  World world(1);
  Events events(world.clock());
  events.emit({base::Severity::info, "queue.accepted", {{"size", "12"}}});
  world.advance(1s);
  events.emit({base::Severity::warning, "queue.accepted", {{"size", "1\n3"}, {"by", "alice"}}});
  EXPECT_EQ(events.count("queue.accepted"), 2U);
  EXPECT_EQ(events.count("queue"), 0U);
  EXPECT_EQ(events.last("none"), nullptr);
  ASSERT_NE(events.last("queue.accepted"), nullptr);
  EXPECT_EQ((*events.last("queue.accepted"))["by"], "alice");
  EXPECT_EQ((*events.last("queue.accepted"))["to"], "");
  EXPECT_EQ(events.text(),
            "2026-01-01T00:00:00.000Z info queue.accepted size=12\n"
            "2026-01-01T00:00:01.000Z warning queue.accepted size=1\\x0a3 by=alice\n");
}

TEST(SimEvents, IsBoundedAndItsDigestCoversAll) {
  World world(1);
  Events one(world.clock());
  Events other(world.clock());
  other.emit({base::Severity::info, "only.here", {}});
  for (int i = 0; i < 100'000; ++i) {
    one.emit({base::Severity::info, "same", {}});
    other.emit({base::Severity::info, "same", {}});
  }
  EXPECT_EQ(one.all().size(), other.all().size());
  EXPECT_EQ(other.count("only.here"), 0U);
  EXPECT_NE(one.trace_digest(), other.trace_digest());
}

}  // namespace
}  // namespace letterlock::sim
