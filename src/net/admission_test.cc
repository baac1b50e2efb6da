#include "net/admission.h"

#include <vector>

#include <gtest/gtest.h>

namespace letterlock::net {
namespace {

IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}

TEST(Admission, CountsInAllAndByAddress) {
  Admission admission({.sessions_max = 3, .per_address_max = 2});
  Admission::Refused why{};
  std::vector<Admission::Ticket> tickets;
  for (int i = 0; i < 2; ++i) tickets.push_back(std::move(*admission.admit(ip("192.0.2.1"), why)));
  EXPECT_FALSE(admission.admit(ip("192.0.2.1"), why));
  EXPECT_EQ(why, Admission::Refused::address_full);
  tickets.push_back(std::move(*admission.admit(ip("192.0.2.2"), why)));
  EXPECT_FALSE(admission.admit(ip("192.0.2.3"), why));
  EXPECT_EQ(why, Admission::Refused::full);
  tickets.clear();
  EXPECT_EQ(admission.sessions(), 0U);
  EXPECT_TRUE(admission.admit(ip("192.0.2.1"), why));
}

// One customer has a whole /64: its addresses are one peer.
TEST(Admission, AnIpv6NetworkIsOnePeer) {
  Admission admission({.sessions_max = 10, .per_address_max = 1});
  Admission::Refused why{};
  const auto ticket = admission.admit(ip("2001:db8::1"), why);
  EXPECT_TRUE(ticket);
  EXPECT_FALSE(admission.admit(ip("2001:db8::ffff:2"), why));
  EXPECT_TRUE(admission.admit(ip("2001:db8:0:1::1"), why));
}

// Whoever has a whole /48 has 65,536 times a /64.
TEST(Attack53, ANetworkHasItsShare) {
  Admission admission({.sessions_max = 100, .per_address_max = 2, .per_network_max = 4});
  Admission::Refused why{};
  std::vector<Admission::Ticket> tickets;
  for (int i = 0; i < 4; ++i) {
    tickets.push_back(
        std::move(*admission.admit(ip("2001:db8:1:" + std::to_string(i) + "::1"), why)));
  }
  EXPECT_FALSE(admission.admit(ip("2001:db8:1:99::1"), why));
  EXPECT_EQ(why, Admission::Refused::network_full);
  EXPECT_TRUE(admission.admit(ip("2001:db8:2::1"), why));
  for (int i = 0; i < 4; ++i)
    tickets.push_back(std::move(*admission.admit(ip("192.0.2." + std::to_string(i)), why)));
  EXPECT_FALSE(admission.admit(ip("192.0.2.200"), why));
  EXPECT_TRUE(admission.admit(ip("192.0.3.200"), why));
  tickets.clear();
  EXPECT_TRUE(admission.admit(ip("2001:db8:1:99::1"), why));
}

// Memory follows sessions, not who has ever knocked.
TEST(Attack53, RefusedAndGoneLeaveNothingBehind) {
  Admission admission({.sessions_max = 10, .per_address_max = 2, .per_network_max = 10});
  Admission::Refused why{};
  for (unsigned i = 0; i < 100'000; ++i) {
    const auto address =
        IpAddress::v4({10, static_cast<std::uint8_t>(i >> 16U), static_cast<std::uint8_t>(i >> 8U),
                       static_cast<std::uint8_t>(i)});
    ASSERT_TRUE(admission.admit(address, why)) << i;
  }
  EXPECT_EQ(admission.sessions(), 0U);
  EXPECT_EQ(admission.addresses(), 0U);
}

}  // namespace
}  // namespace letterlock::net
