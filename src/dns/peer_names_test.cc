// Names of peers in a simulated DNS: whoever holds an address may call it anything.
#include "dns/peer_names.h"

#include <gtest/gtest.h>

#include "sim/names.h"

namespace letterlock::dns {
namespace {

using namespace std::chrono_literals;
using Failure = sim::Names::Failure;
using Type = sim::Names::Type;

const auto address = net::IpAddress::parse("198.51.100.7").value();
constexpr std::string_view reverse = "7.100.51.198.in-addr.arpa";

struct PeerNamesTest : ::testing::Test {
  static net::Task<> ask(Resolver& resolver, net::IpAddress of,
                         std::optional<std::optional<std::string>>& answer) {
    answer = co_await verified_name(resolver, of);
  }
  std::optional<std::string> name_of(const net::IpAddress& of = address) {
    std::optional<std::optional<std::string>> answer;
    world.loop().spawn(ask(names, of, answer));
    EXPECT_TRUE(world.run_until([&] { return answer.has_value(); }, 5min));
    return answer.value_or(std::nullopt);
  }

  sim::World world{3};
  sim::Names names{world};
};

TEST(ReverseName, OfBothKinds) {
  EXPECT_EQ(reverse_name(address), reverse);
  EXPECT_EQ(reverse_name(net::IpAddress::parse("2001:db8::567:89ab").value()),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST_F(PeerNamesTest, BothDirectionsAgree) {
  names.reverse("198.51.100.7", "mx.modern.example");
  names.address("mx.modern.example", "198.51.100.9");
  names.address("mx.modern.example", "198.51.100.7");
  EXPECT_EQ(name_of(), "mx.modern.example");
}

// Attack: the zone of an attacker's address calls it a bank.
TEST_F(PeerNamesTest, ANameThatLeadsElsewhereIsNone) {
  names.reverse("198.51.100.7", "mx.bank.example");
  names.address("mx.bank.example", "203.0.113.1");
  EXPECT_EQ(name_of(), std::nullopt);
}

TEST_F(PeerNamesTest, WithoutAReverseNameThereIsNone) {
  names.address("mx.modern.example", "198.51.100.7");
  EXPECT_EQ(name_of(), std::nullopt);
}

TEST_F(PeerNamesTest, AServerThatDoesNotAnswerProvesNothing) {
  for (const auto failure : {Failure::timeout, Failure::servfail, Failure::bogus}) {
    names.erase("mx.modern.example");
    names.address("mx.modern.example", "198.51.100.7");
    names.erase(reverse);
    names.reverse("198.51.100.7", "mx.modern.example");
    names.fail(reverse, Type::ptr, failure);
    EXPECT_EQ(name_of(), std::nullopt);
    names.fail(reverse, Type::ptr, {});
    names.fail("mx.modern.example", Type::addresses, failure);
    EXPECT_EQ(name_of(), std::nullopt);
    names.fail("mx.modern.example", Type::addresses, {});
    EXPECT_EQ(name_of(), "mx.modern.example");
  }
}

// An address with a thousand names costs a few questions, and those that lead elsewhere don't hide
// the one that leads back.
TEST_F(PeerNamesTest, OfManyNamesAFewAreTried) {
  names.reverse("198.51.100.7", "a.bank.example");
  names.reverse("198.51.100.7", "b.modern.example");
  names.address("b.modern.example", "198.51.100.7");
  EXPECT_EQ(name_of(), "b.modern.example");
  for (int i = 0; i < 1000; ++i)
    names.reverse("198.51.100.7", "a" + std::to_string(i) + ".bank.example");
  const auto before = names.questions();
  EXPECT_EQ(name_of(), std::nullopt);
  EXPECT_LE(names.questions() - before, 1 + names_tried_max);
}

TEST_F(PeerNamesTest, NobodyWaitsAndWhatIsKnownIsRemembered) {
  names.reverse("198.51.100.7", "mx.modern.example");
  names.address("mx.modern.example", "198.51.100.7");
  PeerNames peers(names, world.loop(), world.clock());
  peers.begin(address);
  EXPECT_EQ(peers.known(address), std::nullopt);
  world.advance(1s);
  EXPECT_EQ(peers.known(address), "mx.modern.example");
  const auto asked = names.questions();
  peers.begin(address);
  world.advance(1s);
  EXPECT_EQ(names.questions(), asked);
  world.advance(PeerNames::remembered_for);
  EXPECT_EQ(peers.known(address), std::nullopt);
  peers.begin(address);
  world.advance(1s);
  EXPECT_EQ(peers.known(address), "mx.modern.example");

  // However many come at once, so many are looked up and not more.
  names.fail_sometimes(0);
  const auto before = names.questions();
  for (std::uint8_t i = 0; i < 200; ++i) peers.begin(net::IpAddress::v4({203, 0, 113, i}));
  world.advance(10s);
  EXPECT_EQ(names.questions() - before, PeerNames::under_way_max);
  world.loop().spawn(peers.close(world.timers()));
  world.advance(1s);
}

}  // namespace
}  // namespace letterlock::dns
