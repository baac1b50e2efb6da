// Fetches from bob's mailbox over a simulated network, and what the trace says of them.
#include "popd/fixture.h"

namespace letterlock::popd {
namespace {

using test::content;
using test::PopdTest;
using namespace std::chrono_literals;
using base::ErrorKind;
using drive::PopClient;
using hop::Outcome;
using sasl::Mechanism;

TEST_F(PopdTest, FetchOverTlsIsAHop) {
  const auto id = deliver(bob);
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->auth(Mechanism::plain, "bob@birch.example", "tree house")));
  EXPECT_EQ(wait(client->retr(1, 10'000)), "Return-Path: <alice@acorn.example>\r\n" + content);
  EXPECT_TRUE(wait(client->dele(1)));
  EXPECT_TRUE(wait(client->quit()));
  const auto recorded = hops(id);
  ASSERT_EQ(recorded.size(), 1U);
  const auto& hop = recorded[0];
  EXPECT_EQ(hop.kind, hop::Kind::fetch);
  EXPECT_EQ(hop.outcome, Outcome::completed);
  EXPECT_EQ(hop.from.who, "bob@birch.example");
  EXPECT_EQ(hop.to.address, "198.51.100.7");
  EXPECT_EQ(hop.to.protocol, "POP3S");
  EXPECT_EQ(hop.recipients, std::vector<unsigned>{3});
  EXPECT_EQ(hop.protection.level, hop::Level::encrypted);
  EXPECT_EQ(hop.protection.network, hop::Network::public_);
  EXPECT_EQ(hop.protection.tls.version, hop::TlsVersion::tls1_3);
  EXPECT_EQ(hop.protection.tls.exporter_digest.size(), 64U);
  EXPECT_FALSE(hop.password_in_clear);
  EXPECT_EQ(hop.digest_out, "abcd");
  // What the sender's tenant is told: the protection and the outcome, on the day.
  const auto events_told = told();
  ASSERT_EQ(events_told.size(), 1U);
  EXPECT_EQ(events_told[0].to, acorn);
  EXPECT_EQ(events_told[0].hop.outcome, Outcome::completed);
  EXPECT_EQ(events_told[0].hop.to.address, "");
  EXPECT_EQ(events_told[0].hop.finished,
            std::chrono::floor<std::chrono::days>(world.clock().now()));
  // And it is gone from the mailbox, which its trace knows.
  const auto left = loaded(id).value().left;
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].first, bob.id);
  EXPECT_GE(left[0].second, recorded[0].finished);
  const auto again = connect(995);
  ASSERT_TRUE(wait(again->user_pass("bob@birch.example", "tree house")));
  EXPECT_EQ(wait(again->stat()), (pop::Pair{0, 0}));
}

// Invariant 3: no content leaves without a durable intent before it.
TEST_F(PopdTest, IntentIsDurableBeforeContent) {
  const auto id = deliver(bob);
  bool seen = false;
  network.observe([&](const sim::Crossing& crossing) {
    if (crossing.octets.find("secret figures") == std::string_view::npos) return;
    seen = true;
    bool intended = false;
    for (const auto& [key, value] : store.contents())
      intended = intended || value.find("\"intended\"") != std::string::npos;
    EXPECT_TRUE(intended);
  });
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  EXPECT_TRUE(wait(client->retr(1, 10'000)));
  EXPECT_TRUE(seen);
  seen = false;
  store.fail_next_commit(ErrorKind::full);
  EXPECT_EQ(wait(client->retr(1, 10'000)).error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(seen);
  EXPECT_EQ(hops(id).size(), 1U);
}

TEST_F(PopdTest, PartsOfAMessageAreNoFetchButContent) {
  const auto id = deliver(bob);
  {
    const auto client = connect(995);
    ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
    EXPECT_TRUE(wait(client->top(1, 0, 10'000)));
  }
  auto recorded = hops(id);
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded[0].outcome, Outcome::partial);
  EXPECT_EQ(recorded[0].given, hop::Given::content);
  EXPECT_NE(recorded[0].reason.find("TOP"), std::string::npos);

  // TOP with as many lines as there are is all of it.
  {
    const auto client = connect(995);
    ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
    EXPECT_TRUE(wait(client->top(1, 1000, 10'000)));
  }
  recorded = hops(id);
  ASSERT_EQ(recorded.size(), 2U);
  EXPECT_EQ(recorded[1].outcome, Outcome::completed);

  // A client that leaves in the middle of a large one.
  std::string large = "Subject: large\r\n\r\n";
  for (int i = 0; i < 20'000; ++i) large += "0123456789012345678901234567890123456789\r\n";
  const auto large_id = deliver(bob, large);
  {
    const auto client = connect(995);
    ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
    EXPECT_EQ(wait(client->retr(2, 10'000)).error().kind, ErrorKind::full);
  }
  recorded = hops(large_id);
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded[0].outcome, Outcome::failed);
  EXPECT_EQ(recorded[0].given, hop::Given::content);
}

TEST_F(PopdTest, StopRecordsWhatWasUnderWay) {
  const auto id = deliver(bob, std::string(40, 'x') + "\r\n" + std::string(300'000, 'y') + "\r\n");
  network.add({.what = sim::Rule::What::stall,
               .port = std::uint16_t{995},
               .direction = sim::Rule::Direction::in,
               .octets = 50'000});
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  std::optional<base::Result<base::Bytes>> never;
  world.loop().spawn(keep(client->retr(1, 1'000'000), never));
  world.advance(1s);
  stop(1s);
  const auto recorded = hops(id);
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded[0].outcome, Outcome::failed);
  EXPECT_EQ((*events.last("fetch.session_ended"))["why"], "cancelled");
  EXPECT_TRUE(world.run_until([&] { return never.has_value(); }, 10min));
}

// The store is away for longer than a moment: the outcome waits for it.
TEST_F(PopdTest, OutcomeIsWrittenAsSoonAsItCanBe) {
  const auto id = deliver(bob);
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  const auto fail_after_the_intent = [&](int failures) {
    store.on_commit([this, failures, commits = 0](store::CommitStage stage) mutable {
      if (stage != store::CommitStage::durable || ++commits != 1) return;
      for (int i = 0; i < failures; ++i) store.fail_next_commit(ErrorKind::io);
    });
  };
  fail_after_the_intent(7);
  EXPECT_TRUE(wait(client->retr(1, 10'000)));
  world.advance(3min);
  EXPECT_EQ(events.count("fetch.outcome_lost"), 0U);
  EXPECT_EQ(hops(id).at(0).outcome, Outcome::completed);
  fail_after_the_intent(8);
  EXPECT_TRUE(wait(client->retr(1, 10'000)));
  EXPECT_TRUE(world.run_until([&] { return events.count("fetch.outcome_lost") == 1; }, 5min));
  EXPECT_EQ(hops(id).at(1).outcome, Outcome::intended);
  // The sender's tenant is told that it has begun, whatever became of it.
  ASSERT_EQ(told().size(), 2U);
  EXPECT_EQ(told()[1].hop.outcome, Outcome::intended);
}

// Fetches beyond those that the trace keeps are counted, and leave nothing open.
TEST_F(PopdTest, ManyFetchesStayBounded) {
  const auto id = deliver(bob);
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  for (std::size_t i = 0; i < trace::fetches_max + 5; ++i)
    ASSERT_TRUE(wait(client->retr(1, 10'000)));
  EXPECT_EQ(hops(id).size(), trace::fetches_max);
  EXPECT_EQ(events.count("fetch.outcome_lost"), 0U);
  const auto again = connect(995);
  EXPECT_TRUE(wait(again->user_pass("bob@birch.example", "tree house")));
}

TEST_F(PopdTest, MessageWithoutTraceIsGiven) {
  deliver(bob, content, Traced::no);
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  EXPECT_TRUE(wait(client->retr(1, 10'000)));
}

TEST_F(PopdTest, TwoSessionsSeeTheirSnapshots) {
  deliver(bob);
  deliver(bob);
  const auto first = connect(995);
  const auto second = connect(995);
  ASSERT_TRUE(wait(first->user_pass("bob@birch.example", "tree house")));
  ASSERT_TRUE(wait(second->user_pass("bob@birch.example", "tree house")));
  const auto ids = wait(second->uidl());
  EXPECT_TRUE(wait(first->dele(1)));
  EXPECT_TRUE(wait(first->quit()));
  deliver(bob);
  EXPECT_EQ(wait(second->stat())->first, 2U);
  EXPECT_EQ(wait(second->retr(1, 10'000)).error().what, "POP3: message is gone");
  EXPECT_TRUE(wait(second->retr(2, 10'000)));
  EXPECT_TRUE(wait(second->dele(1)));
  EXPECT_TRUE(wait(second->quit()));
  const auto third = connect(995);
  ASSERT_TRUE(wait(third->user_pass("bob@birch.example", "tree house")));
  EXPECT_EQ(wait(third->uidl())->at(0).id, ids->at(1).id);
}

TEST_F(PopdTest, PagesAndBatches) {
  for (int i = 0; i < 450; ++i) deliver(bob, "Subject: " + std::to_string(i) + "\r\n\r\n");
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  EXPECT_EQ(wait(client->stat())->first, 450U);
  EXPECT_EQ(wait(client->uidl())->size(), 450U);
  for (std::uint32_t i = 1; i <= 449; ++i) ASSERT_TRUE(wait(client->dele(i)));
  EXPECT_TRUE(wait(client->quit()));
  const auto again = connect(995);
  ASSERT_TRUE(wait(again->user_pass("bob@birch.example", "tree house")));
  EXPECT_EQ(wait(again->stat())->first, 1U);
  EXPECT_EQ(wait(again->top(1, 0, 1000)),
            "Return-Path: <alice@acorn.example>\r\nSubject: 449\r\n\r\n");
}

}  // namespace
}  // namespace letterlock::popd
