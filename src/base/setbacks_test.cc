#include "base/setbacks.h"

#include <gtest/gtest.h>

namespace letterlock::base {
namespace {

using std::chrono::seconds;

Time at(int second) {
  return Time(seconds(second));
}
Setback back(int to, int from) {
  return {at(to), at(from)};
}

TEST(Order, OfACalendarThatWasNeverSetBack) {
  const Order order;
  EXPECT_TRUE(order.is_before(at(10), at(11)));
  EXPECT_FALSE(order.is_before(at(11), at(10)));
  EXPECT_FALSE(order.is_before(at(10), at(10)));
  // A step that nobody notices may be as large as this.
  EXPECT_TRUE(order.is_before(at(10), at(10) + Milliseconds(20)));
  EXPECT_FALSE(order.is_before(at(10), at(10) + Milliseconds(19)));
}

TEST(Order, IsUnknownWithinASpanThatCameTwice) {
  const Order order({back(100, 200)});
  EXPECT_FALSE(order.is_before(at(100), at(200)));
  EXPECT_FALSE(order.is_before(at(120), at(130)));
  EXPECT_TRUE(order.is_before(at(99), at(130)));
  EXPECT_TRUE(order.is_before(at(120), at(201)));
  EXPECT_TRUE(order.is_before(at(50), at(90)));
  EXPECT_TRUE(order.is_before(at(210), at(220)));
  EXPECT_FALSE(order.is_before(at(201), at(120)));
}

// 100 -> 80, on to 90, 90 -> 70: what was written at 95 came before what was written at 75.
TEST(Order, OfSeveralStepsThatMeetIsUnknownOverAllOfThem) {
  const Order order({back(80, 100), back(70, 90)});
  EXPECT_FALSE(order.is_before(at(75), at(95)));
  EXPECT_TRUE(order.is_before(at(69), at(95)));
}

TEST(Order, OfStepsThatLieApartIsKnownBetweenThem) {
  const Order order({back(300, 310), back(100, 110)});
  EXPECT_TRUE(order.is_before(at(105), at(305)));
  EXPECT_FALSE(order.is_before(at(301), at(309)));
}

TEST(Merged, SortsAndJoinsWhatMeets) {
  EXPECT_EQ(merged({back(30, 40), back(10, 20), back(20, 25), back(32, 35)}, 10),
            (std::vector{back(10, 25), back(30, 40)}));
  EXPECT_TRUE(merged({}, 10).empty());
}

TEST(Merged, BeyondItsLimitTheClosestTwoBecomeOne) {
  const std::vector all{back(10, 20), back(50, 60), back(63, 70), back(90, 95)};
  EXPECT_EQ(merged(all, 4), all);
  EXPECT_EQ(merged(all, 3), (std::vector{back(10, 20), back(50, 70), back(90, 95)}));
  EXPECT_EQ(merged(all, 2), (std::vector{back(10, 20), back(50, 95)}));
  EXPECT_EQ(merged(all, 1), std::vector{back(10, 95)});
}

}  // namespace
}  // namespace letterlock::base
