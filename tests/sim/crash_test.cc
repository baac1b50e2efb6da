// The power goes, at every commit and between an intent and its outcome: what was answered 250
// arrives all the same, and what nobody knows is called unknown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/platform_world.h"

namespace letterlock::test {
namespace {

using store::CommitStage;

struct Ran {
  bool crashed = false;
  bool acknowledged = false;
  std::size_t in_the_mailbox = 0;
  std::uint64_t at_carols = 0;
};

// One message to bob, here, and carol, elsewhere; the node crashes at a commit after the submission
// began.
Ran run(unsigned passed_over, CommitStage stage) {
  PlatformWorld w(1000 + passed_over);
  const auto& modern = w.add_outside("modern.example", "mx1.modern.example", "203.0.113.1",
                                     PlatformWorld::OutsideTls::offered);
  Letter letter;
  letter.to = {"bob@birch.example", "carol@modern.example"};
  Ran ran;
  w.crash_at_commit(passed_over, stage);
  const auto said = w.submit(letter);
  ran.acknowledged = said && said->is_positive();
  w.world.run_until([&] { return w.has_crashed(); }, 9s);
  ran.crashed = w.has_crashed();
  if (ran.crashed) {
    w.finish_crash();
    w.start();
  }
  w.store.on_commit({});
  EXPECT_TRUE(w.drain(10min));
  const auto fetched = w.fetch("bob@birch.example");
  if (!fetched) {
    ADD_FAILURE() << fetched.error().what;
    return ran;
  }
  ran.in_the_mailbox = fetched->size();
  ran.at_carols = modern.mta->count();
  for (const auto& one : *fetched) EXPECT_TRUE(one.ends_with(Letter::default_content()));
  EXPECT_EQ(w.store.blob_count(), ran.in_the_mailbox) << "content that nobody holds any more";
  return ran;
}

TEST(Crash, AtEveryCommit) {
  unsigned before_acknowledged = 0;
  unsigned after_acknowledged = 0;
  for (const auto stage : {CommitStage::before, CommitStage::durable}) {
    for (unsigned commit = 0;; ++commit) {
      SCOPED_TRACE("crash at commit " + std::to_string(commit) +
                   (stage == CommitStage::before ? " before" : " once") + " it is durable");
      ASSERT_LT(commit, 50U);
      const auto ran = run(commit, stage);
      if (!ran.crashed) break;
      // Never twice either: delivery and the queue's change are one transaction.
      EXPECT_LE(ran.in_the_mailbox, 1U);
      // Relayed twice at most: a crash between content and outcome leaves it unknown.
      EXPECT_LE(ran.at_carols, 2U);
      if (ran.acknowledged) {
        EXPECT_EQ(ran.in_the_mailbox, 1U) << "acknowledged mail is lost";
        EXPECT_GE(ran.at_carols, 1U) << "acknowledged mail is lost";
      }
      EXPECT_EQ(ran.in_the_mailbox > 0, ran.at_carols > 0) << "half of the message";
      ++(ran.acknowledged ? after_acknowledged : before_acknowledged);
    }
  }
  EXPECT_GE(before_acknowledged, 2U);
  EXPECT_GE(after_acknowledged, 2U);
}

TEST(Crash, BetweenAcceptanceAndDelivery) {
  PlatformWorld w(21);
  ASSERT_TRUE(w.submit(Letter()).value().is_positive());
  w.crash();
  w.start();
  ASSERT_TRUE(w.drain(1min));
  EXPECT_EQ(w.inbox("bob@birch.example").size(), 1U);
}

TEST(Crash, BetweenIntentAndOutcomeIsUnknown) {
  bool left = false;
  PlatformWorld w(22);
  auto& modern = w.add_outside("modern.example", "mx1.modern.example", "203.0.113.1",
                               PlatformWorld::OutsideTls::offered);
  w.network.observe([&](const sim::Crossing& crossing) {
    left |= crossing.to == modern.at() && crossing.octets.contains(secret);
  });
  Letter letter;
  letter.to = {"carol@modern.example"};
  const auto said = w.submit(letter);
  ASSERT_TRUE(said.value().is_positive());
  ASSERT_TRUE(w.world.run_until([&] { return left; }, 1min));
  w.crash();
  const auto id = w.trace_of(said);
  {
    // Durable before the first octet left, and nobody has closed it.
    const auto hops = w.load(w.acorn, id).hops;
    ASSERT_EQ(hops.size(), 2U);
    EXPECT_EQ(hops[1].outcome, hop::Outcome::intended);
  }
  w.start();
  ASSERT_TRUE(w.drain(10min));
  const auto hops = w.load(w.acorn, id).hops;
  ASSERT_EQ(hops.size(), 3U);
  EXPECT_EQ(hops[1].outcome, hop::Outcome::unknown);
  EXPECT_EQ(hops[1].given, hop::Given::content);
  EXPECT_EQ(hops[2].outcome, hop::Outcome::completed);
  EXPECT_EQ(hops[2].number, hops[1].number);
  EXPECT_EQ(hops[2].attempt, 2U);
  EXPECT_GE(modern.mta->count(), 1U);
}

TEST(Crash, BeforeAcceptanceIsNothing) {
  PlatformWorld w(23);
  w.crash_at_commit(0, CommitStage::before);
  const auto said = w.submit(Letter());
  EXPECT_FALSE(said && said->is_positive());
  ASSERT_TRUE(w.has_crashed());
  w.finish_crash();
  w.start();
  w.world.advance(1min);
  EXPECT_EQ(w.queued(w.acorn), 0U);
  EXPECT_EQ(w.store.blob_count(), 0U);
  // The client sends again, and once is enough.
  ASSERT_TRUE(w.submit(Letter()).value().is_positive());
  ASSERT_TRUE(w.drain(1min));
  EXPECT_EQ(w.inbox("bob@birch.example").size(), 1U);
}

}  // namespace
}  // namespace letterlock::test
