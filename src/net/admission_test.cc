#include "net/admission.h"

#include <vector>

#include <gtest/gtest.h>

namespace letterlock::net {
namespace {

const os::Steady start{std::chrono::hours(100)};

IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}

TEST(Admission, CountsInAllAndByAddress) {
  Admission admission({.sessions_max = 3, .per_address_max = 2});
  Admission::Refused why{};
  std::vector<Admission::Ticket> tickets;
  for (int i = 0; i < 2; ++i)
    tickets.push_back(std::move(*admission.admit(ip("192.0.2.1"), start, why)));
  EXPECT_FALSE(admission.admit(ip("192.0.2.1"), start, why));
  EXPECT_EQ(why, Admission::Refused::address_full);
  tickets.push_back(std::move(*admission.admit(ip("192.0.2.2"), start, why)));
  EXPECT_FALSE(admission.admit(ip("192.0.2.3"), start, why));
  EXPECT_EQ(why, Admission::Refused::full);
  tickets.clear();
  EXPECT_EQ(admission.sessions(), 0U);
  EXPECT_TRUE(admission.admit(ip("192.0.2.1"), start, why));
}

// One customer has a whole /64: its addresses are one peer.
TEST(Admission, AnIpv6NetworkIsOnePeer) {
  Admission admission({.sessions_max = 10, .per_address_max = 1});
  Admission::Refused why{};
  const auto ticket = admission.admit(ip("2001:db8::1"), start, why);
  EXPECT_TRUE(ticket);
  EXPECT_FALSE(admission.admit(ip("2001:db8::ffff:2"), start, why));
  EXPECT_TRUE(admission.admit(ip("2001:db8:0:1::1"), start, why));
}

// Whoever has a whole /48 has 65,536 times a /64.
TEST(Attack53, ANetworkHasItsShare) {
  Admission admission({.sessions_max = 100, .per_address_max = 2, .per_network_max = 4});
  Admission::Refused why{};
  std::vector<Admission::Ticket> tickets;
  for (int i = 0; i < 4; ++i) {
    tickets.push_back(
        std::move(*admission.admit(ip("2001:db8:1:" + std::to_string(i) + "::1"), start, why)));
  }
  EXPECT_FALSE(admission.admit(ip("2001:db8:1:99::1"), start, why));
  EXPECT_EQ(why, Admission::Refused::network_full);
  EXPECT_TRUE(admission.admit(ip("2001:db8:2::1"), start, why));
  for (int i = 0; i < 4; ++i)
    tickets.push_back(std::move(*admission.admit(ip("192.0.2." + std::to_string(i)), start, why)));
  EXPECT_FALSE(admission.admit(ip("192.0.2.200"), start, why));
  EXPECT_TRUE(admission.admit(ip("192.0.3.200"), start, why));
  tickets.clear();
  EXPECT_TRUE(admission.admit(ip("2001:db8:1:99::1"), start, why));
}

// Memory follows sessions, not who has ever knocked.
TEST(Attack53, RefusedAndGoneLeaveNothingBehind) {
  Admission admission({.sessions_max = 10, .per_address_max = 2, .per_network_max = 10});
  Admission::Refused why{};
  for (unsigned i = 0; i < 100'000; ++i) {
    const auto address =
        IpAddress::v4({10, static_cast<std::uint8_t>(i >> 16U), static_cast<std::uint8_t>(i >> 8U),
                       static_cast<std::uint8_t>(i)});
    ASSERT_TRUE(admission.admit(address, start, why)) << i;
  }
  EXPECT_EQ(admission.sessions(), 0U);
  EXPECT_EQ(admission.addresses(), 0U);
}

// Coming and going costs a handshake each time.
TEST(Attack53, WhoComesTooOftenWaitsForTheNextMinute) {
  Admission admission({.sessions_max = 10, .per_minute_max = 100});
  Admission::Refused why{};
  const auto admitted = [&](std::string_view address, os::Steady now) {
    unsigned count = 0;
    for (int i = 0; i < 150; ++i) count += admission.admit(ip(address), now, why) ? 1 : 0;
    return count;
  };
  EXPECT_EQ(admitted("192.0.2.1", start), 100U);
  EXPECT_EQ(why, Admission::Refused::too_fast);
  EXPECT_EQ(admitted("2001:db8::1", start), 100U);
  EXPECT_EQ(admitted("2001:db8::2", start), 0U);  // the same /64
  EXPECT_EQ(admitted("192.0.2.2", start), 100U);
  EXPECT_EQ(admitted("127.0.0.1", start), 150U);
  // Others, however many, don't make it forgotten.
  for (unsigned i = 0; i < 60'000; ++i) {
    (void)admission.admit(
        IpAddress::v4({10, static_cast<std::uint8_t>(i >> 16U), static_cast<std::uint8_t>(i >> 8U),
                       static_cast<std::uint8_t>(i)}),
        start, why);
  }
  EXPECT_EQ(admitted("192.0.2.1", start + std::chrono::seconds(59)), 0U);
  EXPECT_EQ(admitted("192.0.2.1", start + std::chrono::minutes(1)), 100U);
}

}  // namespace
}  // namespace letterlock::net
