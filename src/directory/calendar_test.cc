// The setbacks of the machine's calendar, over restarts, crashes and failing commits.
#include "directory/calendar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "directory/fixture.h"

namespace letterlock::directory {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// So many sleeps end at once; whoever sleeps then does so until he is cancelled.
class FewSleeps final : public net::Timers {
 public:
  int left = 0;
  net::ResultTask<> sleep(base::Milliseconds) override {
    if (left-- > 0) co_return base::Result<>();
    net::Signal never;
    co_return co_await never.wait();
  }
};

// Its node runs from open() to close() or to a crash.
struct CalendarTest : testing::Test, test::Fixture {
  FewSleeps sleeps;
  std::optional<Calendar> calendar;

  void open(const std::string& node = "dublin-1") {
    calendar.emplace(store, clock, sleeps, events, CalendarOptions{node});
    ASSERT_TRUE(wait(calendar->open()));
  }
  void close() {
    ASSERT_TRUE(wait(calendar->close()));
    calendar.reset();
  }
  void crash() { calendar.reset(); }
  // Until what was told is written, or was tried.
  void write() {
    const auto running = loop.spawn(calendar->run());
    while (loop.poll() > 0) {
    }
    running->cancel();
    while (loop.poll() > 0) {
    }
  }
  bool knows_order(base::Time a, base::Time b) {
    return wait(calendar->order()).value().is_before(a, b);
  }
  void set_back(base::Milliseconds by) {
    clock.time -= by;
    (void)calendar->clock().now();
  }
};

TEST_F(CalendarTest, AnOrderIsKnownAsLongAsNothingHappens) {
  open();
  const auto a = clock.time;
  clock.pass(minutes(1));
  EXPECT_TRUE(knows_order(a, clock.time));
  close();
  clock.pass(seconds(2));
  open();
  EXPECT_TRUE(knows_order(a, clock.time));
  EXPECT_TRUE(knows_order(clock.time - seconds(2), clock.time));
  EXPECT_EQ(events.count("clock.set_back"), 0U);
}

TEST_F(CalendarTest, WhatIsSetBackIsKnownAtOnceAndToldOnce) {
  open();
  clock.pass(hours(2));
  (void)calendar->clock().now();
  const auto late = clock.time;
  set_back(hours(1));
  clock.pass(minutes(10));
  EXPECT_FALSE(knows_order(clock.time, late));
  EXPECT_TRUE(knows_order(late - hours(2), clock.time));
  EXPECT_EQ(events.count("clock.set_back"), 1U);
}

TEST_F(CalendarTest, ItIsKnownToOthersAndAfterACrash) {
  open();
  clock.pass(hours(2));
  (void)calendar->clock().now();
  const auto late = clock.time;
  set_back(hours(1));
  write();
  crash();
  clock.pass(hours(5));
  open("dublin-2");
  EXPECT_FALSE(knows_order(late - minutes(50), late - minutes(1)));
  EXPECT_TRUE(knows_order(late + minutes(1), clock.time));
}

// Its last moments may have been recorded after what comes now; more isn't claimed.
TEST_F(CalendarTest, AfterACrashTheNextMinutesHaveNoOrder) {
  open();
  clock.pass(seconds(10));
  crash();
  clock.pass(seconds(1));
  open();
  const auto now = clock.time;
  EXPECT_FALSE(knows_order(now, now + minutes(4)));
  EXPECT_TRUE(knows_order(now, now + calendar_ahead));
  EXPECT_EQ(events.count("clock.set_back"), 0U);
}

TEST_F(CalendarTest, ItIsSetBackWhileTheNodeIsDown) {
  open();
  clock.pass(hours(2));
  close();
  const auto late = clock.time;
  clock.time -= hours(1);
  open();
  EXPECT_FALSE(knows_order(clock.time + minutes(10), late));
  EXPECT_TRUE(knows_order(clock.time, late + seconds(1)));
  EXPECT_EQ(events.count("clock.set_back"), 1U);
}

TEST_F(CalendarTest, WhatCannotBeWrittenIsStillKnownAndWrittenLater) {
  open();
  clock.pass(hours(2));
  (void)calendar->clock().now();
  const auto late = clock.time;
  set_back(hours(1));
  sleeps.left = 2;
  for (int i = 0; i < 3; ++i) store.fail_next_commit(base::ErrorKind::full);
  write();
  EXPECT_EQ(events.count("directory.failed"), 3U);
  EXPECT_FALSE(knows_order(late - minutes(50), late - minutes(1)));
  sleeps.left = 1;
  write();
  crash();
  open("dublin-2");
  EXPECT_FALSE(knows_order(late - minutes(50), late - minutes(1)));
}

TEST_F(CalendarTest, HoweverManyTheRowStaysSmallAndNoneIsForgotten) {
  open();
  std::vector<base::Time> late;
  for (int i = 0; i < 200; ++i) {
    clock.pass(hours(10));
    (void)calendar->clock().now();
    late.push_back(clock.time);
    set_back(hours(1));
    if (i % 50 == 0) write();
  }
  write();
  crash();
  open();
  for (const auto& one : late) EXPECT_FALSE(knows_order(one - minutes(50), one - minutes(1)));
}

TEST(CalendarRecord, RoundTripAndWhatIsCutShort) {
  const CalendarRecord record{base::Time(seconds(5)),
                              {{base::Time(seconds(1)), base::Time(seconds(3))}}};
  const auto octets = encode(record);
  EXPECT_EQ(decode_calendar(octets).value(), record);
  for (std::size_t length = 0; length < octets.size(); ++length)
    EXPECT_EQ(decode_calendar(std::string_view(octets).substr(0, length)).error().kind,
              base::ErrorKind::corrupt);
}

}  // namespace
}  // namespace letterlock::directory
