// Mail from a client through the whole platform to a client, and to outside MTAs, in simulated
// time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/platform_world.h"

namespace letterlock::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> shape(const std::vector<hop::Hop>& hops) {
  std::vector<std::string> out;
  for (const auto& hop : hops)
    out.push_back(std::string(hop::name(hop.kind)) + " " +
                  std::string(hop::name(hop.protection.level)) + " " +
                  std::string(hop::name(hop.outcome)));
  return out;
}

TEST(Platform, FromAliceToBob) {
  PlatformWorld w(1);
  const Letter letter;
  const auto said = w.submit(letter);
  ASSERT_TRUE(said) << said.error().what;
  ASSERT_EQ(said->code, 250) << said->text();
  const auto id = w.trace_of(said);
  ASSERT_FALSE(id.is_nil()) << said->text();
  ASSERT_TRUE(w.drain(10s));

  const auto fetched = w.fetch("bob@birch.example");
  ASSERT_TRUE(fetched) << fetched.error().what;
  ASSERT_EQ(fetched->size(), 1U);
  const auto& got = fetched->front();
  EXPECT_TRUE(
      got.starts_with("Return-Path: <alice@acorn.example>\r\nDelivered-To: bob@birch.example\r\n"
                      "Received: "))
      << got;
  EXPECT_THAT(got, HasSubstr(id.text()));
  ASSERT_GE(got.size(), letter.content.size());
  EXPECT_EQ(got.substr(got.size() - letter.content.size()), letter.content);
  EXPECT_THAT(got, Not(HasSubstr("198.51.100.7"))) << "the client's address";

  // When bob read it acorn learns by the day: the reporter passes the fetch on at its end.
  EXPECT_EQ(w.load(w.acorn, id).hops_of(w.load(w.acorn, id).ways.front()).size(), 2U);
  w.world.advance(24h);
  const auto trace = w.load(w.acorn, id);
  ASSERT_EQ(trace.ways.size(), 1U);
  const auto hops = trace.hops_of(trace.ways.front());
  EXPECT_THAT(shape(hops),
              testing::ElementsAre("submission authenticated completed", "delivery local completed",
                                   "fetch authenticated completed"));
  for (unsigned i = 0; i < hops.size(); ++i) EXPECT_EQ(hops[i].number, i + 1);
  // Neighbours' digests meet, as far as one tenant may know them.
  EXPECT_EQ(hops[0].digest_out, hops[1].digest_in);
  EXPECT_NE(hops[0].digest_in, hops[0].digest_out);
  // Of the fetch acorn learns the protection, and nothing about bob's machine.
  EXPECT_EQ(hops[2].to.address, "");

  const auto inbox = w.inbox("bob@birch.example");
  ASSERT_EQ(inbox.size(), 1U);
  EXPECT_EQ(w.store.blob_count(), 1U);
  const auto holders = w.store.holders(inbox.front().blob);
  ASSERT_EQ(holders.size(), 1U);
  EXPECT_TRUE(holders.begin()->starts_with(store::tenant_prefix(w.birch) + "m/"));

  ASSERT_TRUE(w.fetch("bob@birch.example", peers::Fetch::After::remove));
  EXPECT_EQ(w.store.blob_count(), 0U);
}

TEST(Platform, ToAnOutsideMtaWithAndWithoutTls) {
  std::string in_clear;  // outlive the world, which says goodbye at its end
  std::string hidden;
  PlatformWorld w(2);
  auto& modern = w.add_outside("modern.example", "mx1.modern.example", "203.0.113.1",
                               PlatformWorld::OutsideTls::offered);
  auto& old = w.add_outside("old.example", "mx1.old.example", "203.0.113.2",
                            PlatformWorld::OutsideTls::none);
  w.network.observe([&](const sim::Crossing& crossing) {
    if (crossing.to == modern.at() || crossing.to == old.at())
      (crossing.is_protected ? hidden : in_clear) += crossing.octets;
  });
  Letter letter;
  letter.to = {"carol@modern.example", "dave@old.example"};
  const auto said = w.submit(letter);
  ASSERT_EQ(said.value().code, 250);
  ASSERT_TRUE(w.drain(5min));

  ASSERT_EQ(modern.mta->count(), 1U);
  ASSERT_EQ(old.mta->count(), 1U);
  EXPECT_EQ(modern.mta->received()[0].over, peers::OutsideMta::Received::Over::tls);
  EXPECT_EQ(modern.mta->received()[0].recipients, std::vector<std::string>{"carol@modern.example"});
  EXPECT_EQ(old.mta->received()[0].over, peers::OutsideMta::Received::Over::clear);
  for (const auto* mta : {&modern, &old}) {
    const auto content = mta->mta->received()[0].content;
    ASSERT_GE(content.size(), letter.content.size());
    EXPECT_EQ(content.substr(content.size() - letter.content.size()), letter.content);
  }
  EXPECT_THAT(hidden, HasSubstr("carol@modern.example"));
  EXPECT_THAT(in_clear, Not(HasSubstr("carol@modern.example")));
  EXPECT_THAT(in_clear, HasSubstr("dave@old.example"));

  const auto trace = w.load(w.acorn, w.trace_of(said));
  ASSERT_EQ(trace.ways.size(), 2U);
  EXPECT_THAT(
      shape(trace.hops_of(trace.ways[0])),
      testing::ElementsAre("submission authenticated completed", "relay encrypted completed"));
  EXPECT_THAT(shape(trace.hops_of(trace.ways[1])),
              testing::ElementsAre("submission authenticated completed", "relay clear completed"));
  EXPECT_EQ(w.store.blob_count(), 0U);
}

TEST(Platform, ARequirementThatCannotBeMetComesBackAfterFiveDays) {
  std::string crossed;
  PlatformWorld w(3, {.lease = 6h, .look = 10min});
  auto& old = w.add_outside("old.example", "mx1.old.example", "203.0.113.2",
                            PlatformWorld::OutsideTls::none);
  w.require("acorn.example", "level=encrypted");
  w.network.observe([&](const sim::Crossing& crossing) {
    if (crossing.to == old.at()) crossed += crossing.octets;
  });
  Letter letter;
  letter.to = {"dave@old.example"};
  const auto said = w.submit(letter);
  ASSERT_EQ(said.value().code, 250);
  w.world.advance(4 * 24h);
  EXPECT_EQ(w.queued(w.acorn), 1U) << "still held";
  w.world.advance(26h);
  EXPECT_EQ(w.queued(w.acorn), 0U);

  EXPECT_EQ(old.mta->count(), 0U);
  EXPECT_THAT(crossed, HasSubstr("EHLO"));
  EXPECT_THAT(crossed, Not(HasSubstr("MAIL FROM")));
  EXPECT_THAT(crossed, Not(HasSubstr(std::string(secret))));

  const auto fetched = w.fetch("alice@acorn.example");
  ASSERT_TRUE(fetched) << fetched.error().what;
  ASSERT_EQ(fetched->size(), 2U) << "one that it is late, one that it failed";
  EXPECT_THAT(fetched->front(), HasSubstr("Action: delayed"));
  const auto& bounce = fetched->back();
  EXPECT_TRUE(bounce.starts_with("Return-Path: <>\r\n"));
  EXPECT_THAT(bounce, HasSubstr("Action: failed"));
  EXPECT_THAT(bounce, HasSubstr("Final-Recipient: rfc822; dave@old.example"));
  EXPECT_THAT(bounce, HasSubstr("Status: 5."));
  EXPECT_THAT(bounce, HasSubstr("level >= encrypted"));
  EXPECT_THAT(bounce, HasSubstr("protected as acorn.example requires"));
  EXPECT_THAT(bounce, HasSubstr("mx1.old.example"));
  EXPECT_THAT(bounce, HasSubstr("no content left the platform"));

  const auto trace = w.load(w.acorn, w.trace_of(said));
  ASSERT_EQ(trace.ways.size(), 1U);
  ASSERT_TRUE(trace.ways[0].ending.has_value());
  EXPECT_EQ(trace.ways[0].ending->kind, trace::Ending::Kind::bounced);
  const auto hops = trace.hops_of(trace.ways[0]);
  // Minutes first, then every four hours for five days.
  EXPECT_GT(hops.size(), 30U);
  EXPECT_LT(hops.size(), 50U);
  for (std::size_t i = 1; i < hops.size(); ++i) {
    EXPECT_EQ(hops[i].given, hop::Given::nothing);
    EXPECT_EQ(hops[i].number, 2U);
    EXPECT_EQ(hops[i].attempt, i);
  }
  // The report required what the mail did, and it went to a mailbox here.
  EXPECT_EQ(w.inbox("alice@acorn.example").size(), 2U);
  EXPECT_EQ(w.store.blob_count(), 2U);
}

TEST(Platform, WhatNothingCanProveIsNotEvenAsked) {
  bool crossed = false;
  PlatformWorld w(5);
  auto& modern = w.add_outside("modern.example", "mx1.modern.example", "203.0.113.1",
                               PlatformWorld::OutsideTls::offered);
  w.require("acorn.example", "level=authenticated");
  w.network.observe([&](const sim::Crossing& crossing) { crossed |= crossing.to == modern.at(); });
  Letter letter;
  letter.to = {"carol@modern.example"};
  const auto said = w.submit(letter);
  ASSERT_EQ(said.value().code, 250);
  w.world.advance(1h);
  EXPECT_EQ(w.queued(w.acorn), 1U);
  EXPECT_FALSE(crossed) << "insecure DNS and no policy: no session could prove who answers";
  const auto hops = w.load(w.acorn, w.trace_of(said)).hops;
  ASSERT_GE(hops.size(), 5U);
  EXPECT_EQ(hops.back().answer, hop::Answer::hold);
}

// Whoever signs in by a certificate that his account knows can't have given away its key.
TEST(Platform, AClientCertificateIsMutual) {
  PlatformWorld w(5);
  Letter letter;
  letter.mechanism = sasl::Mechanism::external;
  const auto unknown = w.submit(letter);
  EXPECT_FALSE(unknown && unknown->is_positive()) << "nobody knows it yet";
  directory::AccountChange change;
  change.add_certificates = {sim::client_certificate(letter.from).key_digest};
  ASSERT_TRUE(w.wait(w.platform->operations().set_account(
      address::Address::parse(letter.from).value(), change, "operator")));
  const auto said = w.submit(letter);
  ASSERT_TRUE(said && said->code == 250);
  const auto hops = w.load(w.acorn, w.trace_of(said)).hops;
  ASSERT_FALSE(hops.empty());
  EXPECT_EQ(hops[0].protection.level, hop::Level::mutual);
  EXPECT_EQ(hops[0].protection.proved_by, hop::Proof::client_certificate);
  EXPECT_EQ(hops[0].sign_in, hop::SignIn::client_certificate);
}

// Strangers who say nothing, each from a network of his own, at one port until there is no place.
std::vector<std::unique_ptr<net::Connection>> strangers_at(PlatformWorld& w, std::uint16_t port,
                                                           std::size_t count) {
  std::vector<std::unique_ptr<net::Connection>> out;
  for (std::size_t i = 0; i < count; ++i) {
    auto& host =
        w.network.host("203.0." + std::to_string(i) + "." + std::to_string(port % 250 + 1));
    auto connection = w.wait(host.connect({w.node.addresses().front(), port}, {}));
    if (connection) out.push_back(std::move(*connection));
  }
  w.world.settle();
  return out;
}

// Attack53: whatever door strangers stand in, the others stay open.
TEST(Platform, Attack53NoDoorShutsTheOthers) {
  PlatformWorld w(6);
  w.stop();
  w.config.limits.sessions_max = 40;
  w.start();
  const auto works = [&](std::string_view meanwhile) {
    const auto said = w.submit(Letter());
    EXPECT_TRUE(said && said->code == 250) << meanwhile;
    EXPECT_TRUE(w.fetch("bob@birch.example")) << meanwhile;
  };
  const auto greeted = [&] {
    auto connection = w.wait(w.client.connect({w.node.addresses().front(), 25}, {}));
    if (!connection) return std::string();
    std::array<char, 200> said{};
    const auto count = w.wait((*connection)->read_some(said, 1min));
    return count ? std::string(said.data(), std::min<std::size_t>(*count, 3)) : std::string();
  };
  {
    const auto at_25 = strangers_at(w, 25, 60);
    EXPECT_EQ(greeted(), "421");
    works("25 is full");
  }
  w.world.advance(10min);
  {
    const auto at_465 = strangers_at(w, 465, 60);
    EXPECT_EQ(greeted(), "220");
    EXPECT_TRUE(w.fetch("bob@birch.example")) << "465 is full";
    // Alice has signed in from where she sits: a place is kept for her.
    const auto said = w.submit(Letter());
    EXPECT_TRUE(said && said->code == 250) << "465 is full of strangers";
  }
  w.world.advance(10min);
  const auto at_995 = strangers_at(w, 995, 60);
  EXPECT_EQ(greeted(), "220");
  works("995 is full of strangers");
}

TEST(Platform, AFullDiskIsSaidAndKeepsNothing) {
  PlatformWorld w(4);
  // Within the reserve: no content any more, but a directory that still works.
  w.store.set_disk_free_octets(768 * 1024);
  const auto before = w.store.blob_count();
  const auto said = w.submit(Letter());
  ASSERT_TRUE(said) << said.error().what;
  EXPECT_EQ(said->code, 452) << said->text();
  EXPECT_EQ(said->status, (dsn::Status{4, 3, 1}));
  EXPECT_EQ(w.queued(w.acorn), 0U);
  EXPECT_EQ(w.store.blob_count(), before);
  w.store.set_disk_free_octets(std::uint64_t{1} << 40);
  EXPECT_EQ(w.submit(Letter()).value().code, 250);
  EXPECT_TRUE(w.drain(10s));
  EXPECT_EQ(w.inbox("bob@birch.example").size(), 1U);
}

std::string digest_of_a_day(std::uint64_t seed) {
  PlatformWorld w(seed);
  auto& modern = w.add_outside("modern.example", "mx1.modern.example", "203.0.113.1",
                               PlatformWorld::OutsideTls::offered);
  w.network.latency(1ms, 300ms);
  Letter letter;
  letter.to = {"bob@birch.example", "carol@modern.example"};
  const auto said = w.submit(letter);
  EXPECT_EQ(said.value().code, 250) << "seed " << seed;
  EXPECT_TRUE(w.drain(10min)) << "seed " << seed;
  const auto fetched = w.fetch("bob@birch.example");
  EXPECT_TRUE(fetched && fetched->size() == 1 && fetched->front().ends_with(letter.content))
      << "seed " << seed;
  EXPECT_EQ(modern.mta->count(), 1U) << "seed " << seed;
  return w.events.trace_digest();
}

TEST(Platform, TheSameSeedTwiceIsTheSameDay) {
  EXPECT_EQ(digest_of_a_day(7), digest_of_a_day(7));
  EXPECT_NE(digest_of_a_day(7), digest_of_a_day(8));
}

TEST(Platform, TwentySeedsAllDeliver) {
  for (std::uint64_t seed = 100; seed < 120; ++seed) EXPECT_FALSE(digest_of_a_day(seed).empty());
}

}  // namespace
}  // namespace letterlock::test
