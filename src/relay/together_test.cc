// One message after the other to a host: what came of one goes with the next one's intent.
#include <algorithm>

#include "relay/fixture.h"

namespace letterlock::relay::test {
namespace {

class Together : public Fixture {
 protected:
  // One at a time, so that each follows another.
  Together() : mx(add_mta("modern.example", "mx1.modern.example", "198.51.100.1")) {
    window.destination_concurrency = 1;
  }
  // Commits that write a record of a hop.
  void count_commits() {
    store.observe([this](const store::Reads&, const store::Changes& changes) {
      for (const auto& [key, value] : changes.keys) {
        if (key.find("/x/h/") == std::string::npos) continue;
        ++commits;
        return;
      }
    });
  }
  Mail numbered(int number) const {
    return {.content = "Subject: " + std::to_string(number) + "\r\n\r\nx\r\n"};
  }

  Mta& mx;
  int commits = 0;
};

TEST_F(Together, OutcomeAndNextIntentAreOneCommit) {
  std::vector<queue::Message> messages;
  for (int i = 0; i < 5; ++i) messages.push_back(submit(numbered(i)));
  count_commits();
  start();
  ASSERT_TRUE(happens("hop.relayed", 5));
  store.observe({});
  EXPECT_EQ(mx.connections, 1U);
  EXPECT_EQ(mx.messages.size(), 5U);
  EXPECT_EQ(commits, 6);  // the first intent, four outcomes with the next one's, the last outcome
  for (const auto& message : messages) {
    EXPECT_TRUE(recipients(message).empty());
    const auto all = hops(message);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].outcome, hop::Outcome::completed);
    EXPECT_EQ(all[0].given, hop::Given::content);
    EXPECT_EQ(all[0].reply, "250 2.0.0 queued as 4F1");
  }
}

TEST_F(Together, AHostThatTakesItsTimeKeepsNobodysOutcome) {
  const auto first = submit(numbered(1));
  world.advance(1ms);  // its id is the lower one
  const auto second = submit(numbered(2));
  base::Time taken{};
  mx.after_content = [&] {
    if (taken == base::Time{}) taken = world.clock().now();
    mx.rcpt_pause = 1min;  // of the next
  };
  start();
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_LE(world.clock().now() - taken, 1s);
  EXPECT_TRUE(recipients(first).empty());
  EXPECT_EQ(recipients(second).at(0).state, queue::State::waiting);
  ASSERT_TRUE(happens("hop.relayed", 2));
  EXPECT_EQ(mx.messages.size(), 2U);
}

TEST_F(Together, OnesTroubleIsNotTheOthers) {
  const auto first = submit(numbered(1));
  const auto second = submit(numbered(2));
  unsigned asked = 0;
  mx.before_rcpt = [&] {
    if (++asked == 2) store.fail_next_commit(base::ErrorKind::io);
  };
  start();
  ASSERT_TRUE(happens("hop.relayed", 2));
  EXPECT_EQ(mx.messages.size(), 2U);
  for (const auto& message : {first, second}) {
    EXPECT_TRUE(recipients(message).empty());
    ASSERT_EQ(hops(message).size(), 1U);
    EXPECT_EQ(hops(message)[0].outcome, hop::Outcome::completed);
  }
}

// The store doesn't know whether it kept both: each is asked for again by itself, and neither is
// given twice.
TEST_F(Together, NeitherIsGivenTwiceWhereTheStoreDoesntKnow) {
  const auto first = submit(numbered(1));
  world.advance(1ms);
  submit(numbered(2));
  unsigned asked = 0;
  mx.before_rcpt = [&] {
    if (++asked == 2) store.fail_next_commit(base::ErrorKind::io, store::Outcome::applied);
  };
  start();
  ASSERT_TRUE(happens("hop.relayed"));
  ASSERT_TRUE(world.run_until([&] { return mx.messages.size() == 2; }, 1h));
  EXPECT_TRUE(recipients(first).empty());
  world.run_until([] { return false; }, 1h);
  EXPECT_EQ(mx.messages.size(), 2U);
  EXPECT_EQ(hops(first).size(), 1U);
}

TEST_F(Together, WhatWasTakenIsWrittenThoughTheNextIsRefused) {
  const auto first = submit(numbered(1));
  auto refused = numbered(2);
  refused.to = {"nobody@modern.example"};
  const auto second = submit(refused);
  const auto third = submit(numbered(3));
  mx.to_rcpt["nobody@modern.example"] = smtp::reply(550, dsn::status::bad_mailbox, "unknown");
  start();
  ASSERT_TRUE(happens("hop.relayed", 2));
  EXPECT_TRUE(recipients(first).empty());
  EXPECT_TRUE(recipients(third).empty());
  EXPECT_EQ(recipients(second).at(0).state, queue::State::failed);
  EXPECT_EQ(mx.messages.size(), 2U);
}

TEST_F(Together, OthersHaveTheirTurn) {
  for (int i = 0; i < 5; ++i) submit(numbered(i));
  auto others = numbered(9);
  others.is_birchs = true;
  submit(others);
  start();
  ASSERT_TRUE(happens("hop.relayed", 6));
  const auto at = std::ranges::find_if(mx.messages, [](const std::string& message) {
    return message.find("Subject: 9") != std::string::npos;
  });
  EXPECT_LE(at - mx.messages.begin(), 2);
}

TEST_F(Together, StoppingWritesWhatWaits) {
  const auto first = submit(numbered(1));
  const auto second = submit(numbered(2));
  unsigned asked = 0;
  mx.before_rcpt = [&] {
    if (++asked < 2) return;
    relaying->cancel();
    dispatching->cancel();
  };
  start();
  EXPECT_TRUE(world.run_until([&] { return runs == 0; }, 1h));
  EXPECT_TRUE(recipients(first).empty());
  EXPECT_EQ(hops(first).at(0).outcome, hop::Outcome::completed);
  const auto tried = hops(second);
  EXPECT_FALSE(tried.empty());
  for (const auto& hop : tried) EXPECT_NE(hop.outcome, hop::Outcome::intended);
}

}  // namespace
}  // namespace letterlock::relay::test
