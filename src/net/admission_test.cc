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
    tickets.push_back(std::move(*admission.admit(Purpose::mail, ip("192.0.2.1"), start, why)));
  EXPECT_FALSE(admission.admit(Purpose::mail, ip("192.0.2.1"), start, why));
  EXPECT_EQ(why, Admission::Refused::address_full);
  tickets.push_back(std::move(*admission.admit(Purpose::mail, ip("192.0.2.2"), start, why)));
  EXPECT_FALSE(admission.admit(Purpose::mail, ip("192.0.2.3"), start, why));
  EXPECT_EQ(why, Admission::Refused::full);
  tickets.clear();
  EXPECT_EQ(admission.sessions(), 0U);
  EXPECT_TRUE(admission.admit(Purpose::mail, ip("192.0.2.1"), start, why));
}

// One customer has a whole /64: its addresses are one peer.
TEST(Admission, AnIpv6NetworkIsOnePeer) {
  Admission admission({.sessions_max = 10, .per_address_max = 1});
  Admission::Refused why{};
  const auto ticket = admission.admit(Purpose::mail, ip("2001:db8::1"), start, why);
  EXPECT_TRUE(ticket);
  EXPECT_FALSE(admission.admit(Purpose::mail, ip("2001:db8::ffff:2"), start, why));
  EXPECT_TRUE(admission.admit(Purpose::mail, ip("2001:db8:0:1::1"), start, why));
}

// Whoever has a whole /48 has 65,536 times a /64.
TEST(Attack53, ANetworkHasItsShare) {
  Admission admission({.sessions_max = 400, .per_address_max = 2, .per_network_max = 4});
  Admission::Refused why{};
  std::vector<Admission::Ticket> tickets;
  for (int i = 0; i < 4; ++i) {
    tickets.push_back(std::move(*admission.admit(
        Purpose::mail, ip("2001:db8:1:" + std::to_string(i) + "::1"), start, why)));
  }
  EXPECT_FALSE(admission.admit(Purpose::mail, ip("2001:db8:1:99::1"), start, why));
  EXPECT_EQ(why, Admission::Refused::network_full);
  EXPECT_TRUE(admission.admit(Purpose::mail, ip("2001:db8:2::1"), start, why));
  for (int i = 0; i < 4; ++i)
    tickets.push_back(
        std::move(*admission.admit(Purpose::mail, ip("192.0.2." + std::to_string(i)), start, why)));
  EXPECT_FALSE(admission.admit(Purpose::mail, ip("192.0.2.200"), start, why));
  EXPECT_TRUE(admission.admit(Purpose::mail, ip("192.0.3.200"), start, why));
  tickets.clear();
  EXPECT_TRUE(admission.admit(Purpose::mail, ip("2001:db8:1:99::1"), start, why));
}

// Memory follows sessions, not who has ever knocked.
TEST(Attack53, RefusedAndGoneLeaveNothingBehind) {
  Admission admission({.sessions_max = 10, .per_address_max = 2, .per_network_max = 10});
  Admission::Refused why{};
  for (unsigned i = 0; i < 100'000; ++i) {
    const auto address =
        IpAddress::v4({10, static_cast<std::uint8_t>(i >> 16U), static_cast<std::uint8_t>(i >> 8U),
                       static_cast<std::uint8_t>(i)});
    ASSERT_TRUE(admission.admit(Purpose::mail, address, start, why)) << i;
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
    for (int i = 0; i < 150; ++i)
      count += admission.admit(Purpose::mail, ip(address), now, why) ? 1 : 0;
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
        Purpose::mail,
        IpAddress::v4({10, static_cast<std::uint8_t>(i >> 16U), static_cast<std::uint8_t>(i >> 8U),
                       static_cast<std::uint8_t>(i)}),
        start, why);
  }
  EXPECT_EQ(admitted("192.0.2.1", start + std::chrono::seconds(59)), 0U);
  EXPECT_EQ(admitted("192.0.2.1", start + std::chrono::minutes(1)), 100U);
}

// So many come for this, each from a network of its own.
std::size_t fill(Admission& admission, Purpose purpose, std::vector<Admission::Ticket>& tickets,
                 unsigned first = 0) {
  Admission::Refused why{};
  for (unsigned i = first; i < first + 1000; ++i) {
    auto ticket = admission.admit(purpose,
                                  IpAddress::v4({10, static_cast<std::uint8_t>(i / 256),
                                                 static_cast<std::uint8_t>(i % 256), 1}),
                                  start, why);
    if (!ticket) return i - first;
    tickets.push_back(std::move(*ticket));
  }
  return 1000;
}

// However many come for one thing: the places of the others stay theirs.
TEST(Attack53, NoKindOfListenerTakesThePlacesOfTheOthers) {
  for (const auto flooded : {Purpose::mail, Purpose::submission, Purpose::fetch}) {
    Admission admission({.sessions_max = 40});
    std::vector<Admission::Ticket> tickets;
    // Its own ten (of which strangers that never sign in have eight) and the ten of whoever comes.
    EXPECT_EQ(fill(admission, flooded, tickets), flooded == Purpose::mail ? 20U : 18U);
    EXPECT_EQ(admission.taken(flooded), 1.0);
    for (const auto other : {Purpose::mail, Purpose::submission, Purpose::fetch}) {
      if (other == flooded) continue;
      EXPECT_EQ(fill(admission, other, tickets, 2000), other == Purpose::mail ? 10U : 8U)
          << name(flooded) << " shut out " << name(other);
    }
    tickets.clear();
    EXPECT_EQ(admission.sessions(), 0U);
    EXPECT_EQ(admission.taken(flooded), 0.0);
  }
}

// Strangers that never sign in take neither the places of those who have, nor those that are kept
// for where people sign in from.
TEST(Attack53, WhoSignsInHasMoreRoom) {
  Admission admission({.sessions_max = 40});
  Admission::Refused why{};
  std::vector<Admission::Ticket> signed_in;
  // Each that signs in makes room for the next stranger, up to all that there is.
  for (unsigned i = 0; i < 20; ++i) {
    auto ticket = admission.admit(
        Purpose::fetch, IpAddress::v4({198, 51, static_cast<std::uint8_t>(i), 7}), start, why);
    ASSERT_TRUE(ticket) << i;
    signed_in.push_back(std::move(*ticket));
    signed_in.back().signed_in(start);
  }
  EXPECT_FALSE(admission.admit(Purpose::fetch, ip("203.0.113.1"), start, why));
  signed_in.clear();
  std::vector<Admission::Ticket> strangers;
  EXPECT_EQ(fill(admission, Purpose::fetch, strangers), 18U);
  const auto come = [&](std::string_view from, os::Steady now) {
    return admission.admit(Purpose::fetch, ip(from), now, why);
  };
  EXPECT_FALSE(come("203.0.113.1", start));
  EXPECT_EQ(why, Admission::Refused::full);
  // Two places are kept for who comes from where somebody has signed in, for half a day at least
  // and a day at most.
  {
    const auto known = come("198.51.3.7", start);
    const auto second = come("198.51.4.7", start + std::chrono::hours(11));
    EXPECT_TRUE(known);
    EXPECT_TRUE(second);
    EXPECT_FALSE(come("198.51.5.7", start + std::chrono::hours(11)));
  }
  EXPECT_FALSE(come("198.51.3.7", start + std::chrono::hours(25)));
  strangers.clear();
  EXPECT_EQ(admission.sessions(), 0U);
  EXPECT_EQ(admission.taken(Purpose::fetch), 0.0);
}

TEST(Attack53, LastWordsAreBounded) {
  Admission admission({});
  std::vector<Admission::LastWords> said;
  for (std::size_t i = 0; i < Admission::last_words_max; ++i)
    said.push_back(std::move(*admission.last_words()));
  EXPECT_FALSE(admission.last_words());
  said.pop_back();
  EXPECT_TRUE(admission.last_words());
}

}  // namespace
}  // namespace letterlock::net
