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

}  // namespace
}  // namespace letterlock::net
