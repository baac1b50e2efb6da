// What the judgement lets out, and what it doesn't; and what connections are used again for.
#include <gmock/gmock.h>

#include "relay/fixture.h"

namespace letterlock::relay {
namespace {

using namespace std::chrono_literals;
using hop::Given;
using hop::Level;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JudgedTest : public test::Fixture {
 protected:
  // Hears every octet that anybody could have read on the wire.
  void listen() {
    network.observe([this](const sim::Crossing& crossing) {
      if (!crossing.is_protected) in_clear += crossing.octets;
    });
  }
  std::string in_clear;
};

// Invariant 2; the retries of five days and the bounce in simulated time.
TEST_F(JudgedTest, HeldAsLongAsItTakesThenBounced) {
  auto& mx = add_mta("bank.example", "mx1.bank.example", "198.51.100.1");
  start();
  const auto message = submit({.to = {"dave@bank.example"}, .require = "level=authenticated"});
  ASSERT_TRUE(happens("hop.held"));
  EXPECT_EQ(field("hop.held", "mx"), "mx1.bank.example");
  EXPECT_EQ(field("hop.held", "domain"), "bank.example");
  EXPECT_THAT(field("hop.held", "required"), HasSubstr("authenticated"));
  EXPECT_THAT(field("hop.held", "by"), HasSubstr("acorn.example"));
  EXPECT_FALSE(field("hop.held", "next_try").empty());
  auto one = recipients(message).at(0);
  EXPECT_EQ(one.state, queue::State::waiting);
  EXPECT_EQ(one.status, "4.7.5");
  EXPECT_EQ(one.attempts, 1U);
  ASSERT_TRUE(world.run_until(
      [&] { return recipients(message).at(0).state == queue::State::failed; }, 6 * 24h));
  EXPECT_GE(world.clock().now(), message.expires);
  EXPECT_LE(world.clock().now(), message.expires + 1h);
  one = recipients(message).at(0);
  EXPECT_EQ(one.status, "5.7.5");
  EXPECT_EQ(one.notice, queue::Notice::failed);
  EXPECT_GT(one.attempts, 30U);
  EXPECT_EQ(ways(message).at(0).ending->status, "5.7.5");
  const auto all = hops(message);
  EXPECT_EQ(all.size(), one.attempts);
  for (const auto& hop : all) {
    EXPECT_EQ(hop.given, Given::nothing);
    EXPECT_EQ(hop.answer, hop::Answer::hold);
    EXPECT_FALSE(hop.required.empty());
  }
  EXPECT_TRUE(mx.envelopes.empty());
  EXPECT_EQ(mx.content_octets, 0U);
}

TEST_F(JudgedTest, MutualIsRefusedAtOnce) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  start();
  const auto message = submit({.require = "level=mutual"});
  ASSERT_TRUE(happens("hop.refused"));
  EXPECT_EQ(recipients(message).at(0).state, queue::State::failed);
  EXPECT_EQ(recipients(message).at(0).status, "5.7.4");
  EXPECT_EQ(ways(message).at(0).ending->status, "5.7.4");
  EXPECT_EQ(mx.connections, 0U);
}

TEST_F(JudgedTest, Attack43StartTlsStripped) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.server.session.tls = smtp::Need::none;
  listen();
  start();
  const auto message = submit({.require = "level=encrypted"});
  ASSERT_TRUE(happens("hop.held"));
  const auto hop = hops(message).at(0);
  EXPECT_EQ(hop.given, Given::nothing);
  EXPECT_EQ(hop.protection.level, Level::clear);
  EXPECT_THAT(hop.reason, AllOf(HasSubstr("mx1.modern.example"), HasSubstr("acorn.example")));
  EXPECT_EQ(recipients(message).at(0).status, "4.7.4");
  EXPECT_TRUE(mx.envelopes.empty());
  EXPECT_EQ(in_clear.find("carol"), std::string::npos);
  EXPECT_EQ(in_clear.find("secret"), std::string::npos);
  // It goes when the offer is back.
  mx.server.session.tls = smtp::Need::offered;
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_EQ(in_clear.find("carol"), std::string::npos);
  EXPECT_EQ(in_clear.find("secret"), std::string::npos);
}

TEST_F(JudgedTest, FailedHandshakeThenClearOnANewConnection) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.tls.settings.refuses = true;
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_EQ(mx.connections, 2U);
  const auto hop = hops(message).at(0);
  EXPECT_EQ(hop.protection.level, Level::clear);
  EXPECT_THAT(hop.reason, HasSubstr("in clear"));
}

TEST_F(JudgedTest, Attack43FailedHandshakeIsNotFollowedByClear) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.tls.settings.refuses = true;
  listen();
  start();
  const auto message = submit({.require = "level=encrypted"});
  ASSERT_TRUE(happens("hop.held"));
  EXPECT_EQ(mx.connections, 1U);
  EXPECT_EQ(hops(message).at(0).given, Given::nothing);
  EXPECT_EQ(in_clear.find("carol"), std::string::npos);
}

TEST_F(JudgedTest, HostThatCantThenOneThatCan) {
  auto& first = add_mta("modern.example", "mx1.modern.example", "198.51.100.1", 10);
  auto& second = add_mta("modern.example", "mx2.modern.example", "198.51.100.2", 20);
  first.server.session.tls = smtp::Need::none;
  start();
  const auto message = submit({.require = "level=encrypted"});
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_TRUE(first.envelopes.empty());
  EXPECT_EQ(second.messages.size(), 1U);
  EXPECT_EQ(hops(message).at(0).answer, hop::Answer::try_next);
  EXPECT_EQ(hops(message).at(1).answer, hop::Answer::take);
}

TEST_F(JudgedTest, VersionOfTls) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.tls.settings.version_max = hop::TlsVersion::tls1_2;
  start();
  submit({.require = "tls=1.3"});
  ASSERT_TRUE(happens("hop.held"));
  EXPECT_TRUE(mx.envelopes.empty());
}

TEST_F(JudgedTest, PrivateNetwork) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  start();
  submit({.require = "network=private"});
  ASSERT_TRUE(happens("hop.held"));
  EXPECT_EQ(mx.connections, 0U);
}

TEST_F(JudgedTest, PrivateNetworkThatTheOperatorNamed) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  options.networks.private_ = {net::Prefix::parse("192.0.2.0/24").value(),
                               net::Prefix::parse("198.51.100.0/24").value()};
  start();
  const auto message = submit({.require = "network=private"});
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_EQ(mx.messages.size(), 1U);
  EXPECT_EQ(hops(message).at(0).protection.network, hop::Network::private_);
}

// ---- connections used again ----

TEST_F(JudgedTest, ReusedForTheSameTenantAndRequirementOnly) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  start();
  submit({});
  ASSERT_TRUE(happens("hop.relayed", 1));
  const auto second = submit({});
  ASSERT_TRUE(happens("hop.relayed", 2));
  EXPECT_EQ(mx.connections, 1U);
  // Another message, another exporter.
  EXPECT_EQ(hops(second).at(0).protection.tls.exporter_digest.size(), 64U);
  submit({.require = "level=encrypted"});
  ASSERT_TRUE(happens("hop.relayed", 3));
  EXPECT_EQ(mx.connections, 2U);
  submit({.is_birchs = true});
  ASSERT_TRUE(happens("hop.relayed", 4));
  EXPECT_EQ(mx.connections, 3U);
  EXPECT_EQ(relay->idle_connections(), 3U);
  world.advance(11s);
  EXPECT_EQ(relay->idle_connections(), 0U);
  submit({});
  ASSERT_TRUE(happens("hop.relayed", 5));
  EXPECT_EQ(mx.connections, 4U);
}

TEST_F(JudgedTest, WornSessionsEnd) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  options.pool.messages_max = 2;
  start();
  for (std::size_t i = 1; i <= 4; ++i) {
    submit({});
    ASSERT_TRUE(happens("hop.relayed", i));
  }
  EXPECT_EQ(mx.connections, 2U);
}

TEST_F(JudgedTest, IdleSessionsAreBounded) {
  options.pool.idle_max = 2;
  for (const auto* n : {"1", "2", "3"})
    add_mta(std::string("d") + n + ".example", std::string("mx.d") + n + ".example",
            std::string("198.51.100.") + n);
  start();
  for (const auto* n : {"1", "2", "3"}) submit({.to = {std::string("x@d") + n + ".example"}});
  ASSERT_TRUE(happens("hop.relayed", 3));
  EXPECT_EQ(relay->idle_connections(), 2U);
}

TEST_F(JudgedTest, DeadSessionCostsNoAttempt) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.server.command_wait = 3s;
  start();
  submit({});
  ASSERT_TRUE(happens("hop.relayed"));
  world.advance(5s);
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.relayed", 2));
  EXPECT_EQ(mx.connections, 2U);
  EXPECT_EQ(hops(message).size(), 1U);
  EXPECT_EQ(hops(message).at(0).attempt, 1U);
}

// ---- what is said before TLS ----

TEST_F(JudgedTest, WhereTlsIsRequiredNoAnswerBeforeItIsForGood) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.greeting = smtp::reply(554, dsn::Status{5, 3, 2}, "no mail here");
  start();
  submit({});
  ASSERT_TRUE(happens("hop.failed"));
  const auto message = submit({.require = "level=encrypted"});
  ASSERT_TRUE(happens("hop.deferred"));
  EXPECT_EQ(recipients(message).at(0).status, "4.3.2");
  EXPECT_EQ(events.count("hop.failed"), 1U);
}

// ---- rest ----

TEST_F(JudgedTest, AHostThatEndsTheSessionAtOneAddressKeepsNoOthersWaiting) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.rcpt_pause = 20min;
  start();
  submit({});
  ASSERT_TRUE(happens("hop.deferred"));
  EXPECT_EQ(events.count("relay.destination_rests"), 0U);
  const auto later = submit({});
  world.advance(1s);
  EXPECT_TRUE(recipients(later).empty());
}

// Two were under way: one finds nobody, the other somebody.
TEST_F(JudgedTest, ARestEndsWithTheFirstAnswer) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.rcpt_pause = 10s;
  start();
  submit({});
  world.advance(1s);
  const auto down = network.add({.to = mx.at().address});
  submit({});
  ASSERT_TRUE(happens("relay.destination_rests"));
  network.remove(down);
  const auto later = submit({});
  world.advance(15s);
  EXPECT_EQ(events.count("hop.relayed"), 2U);
  EXPECT_TRUE(recipients(later).empty());
}

TEST_F(JudgedTest, DestinationRestsWhereNobodyAnswers) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  const auto down = network.add({.to = mx.at().address});
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.deferred"));
  EXPECT_EQ(recipients(message).at(0).status, "4.4.1");
  EXPECT_EQ(events.count("relay.destination_rests"), 1U);
  // What comes meanwhile waits without an attempt.
  const auto later = submit({});
  world.advance(30s);
  EXPECT_EQ(recipients(later).at(0).attempts, 0U);
  network.remove(down);
  ASSERT_TRUE(happens("hop.relayed", 2));
  EXPECT_EQ(hops(later).size(), 1U);
}

// ---- smart host ----

class SmartHostTest : public JudgedTest {
 protected:
  test::Mta& add_smart_host() {
    auto& mta = add_mta("provider.example", "smart.provider.example", "198.51.100.9");
    mta.server.session.authentication = smtp::Need::offered;
    mta.server.session.mechanisms = {sasl::Mechanism::plain, sasl::Mechanism::scram_sha_256,
                                     sasl::Mechanism::scram_sha_256_plus};
    mta.keys = sasl::derive("tree house", "0123456789abcdef", 4096);
    routing.smart_host = route::Options::SmartHost{"smart.provider.example", 25};
    options.smart_host_sign_in = SignIn{"acorn", "tree house"};
    return mta;
  }
};

TEST_F(SmartHostTest, SignsInAtAVerifiedHost) {
  auto& mta = add_smart_host();
  start();
  const auto message = submit({.require = "level=authenticated"});
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_THAT(mta.signed_in, ElementsAre("acorn by SCRAM-SHA-256-PLUS"));
  const auto hop = hops(message).at(0);
  EXPECT_EQ(hop.protection.level, Level::authenticated);
  EXPECT_EQ(hop.to.protocol, "ESMTPSA");
  // Once a session.
  submit({.require = "level=authenticated"});
  ASSERT_TRUE(happens("hop.relayed", 2));
  EXPECT_EQ(mta.signed_in.size(), 1U);
}

TEST_F(SmartHostTest, PlainWhereThereIsNothingBetter) {
  auto& mta = add_smart_host();
  mta.server.session.mechanisms = {sasl::Mechanism::plain};
  listen();
  start();
  submit({});
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_THAT(mta.signed_in, ElementsAre("acorn by PLAIN"));
  EXPECT_EQ(in_clear.find("AUTH"), std::string::npos);
}

TEST_F(SmartHostTest, NoPasswordForAHostThatIsNotVerified) {
  auto& mta = add_smart_host();
  mta.tls.settings.identities = {sim::identity_for("evil.example", "the CA")};
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.held"));
  EXPECT_TRUE(mta.signed_in.empty());
  EXPECT_TRUE(mta.envelopes.empty());
  EXPECT_EQ(recipients(message).at(0).status, "4.7.5");
}

TEST_F(SmartHostTest, WrongPassword) {
  auto& mta = add_smart_host();
  options.smart_host_sign_in->password = "guess";
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.deferred"));
  EXPECT_EQ(recipients(message).at(0).status, "4.7.8");
  EXPECT_EQ(events.count("relay.sign_in_failed"), 1U);
  EXPECT_TRUE(mta.envelopes.empty());
}

}  // namespace
}  // namespace letterlock::relay
