// Mail behind a destination that takes less than there is for it: told of, and given up, in time.
#include "relay/fixture.h"
#include "relay/relay.h"

namespace letterlock::relay {
namespace {

using namespace std::chrono_literals;

class LatecomersTest : public test::Fixture {
 protected:
  static constexpr int letters = 9;

  // Its only host answers nobody, and one try an hour is made.
  std::vector<queue::Message> behind_a_dead_host() {
    names.zone("dead.example", dns::Security::insecure);
    names.mx("dead.example", 10, "mx.dead.example");
    names.address("mx.dead.example", "198.51.100.9");
    options.rest = {1h, 1h};
    window.destination_concurrency = 1;
    start();
    std::vector<queue::Message> all;
    for (int i = 0; i < letters; ++i) {
      all.push_back(submit({.to = {"carol@dead.example"}, .change = [](auto& message, auto&) {
                              message.expires = message.accepted + 6h;
                            }}));
    }
    return all;
  }
  bool all_are(const std::vector<queue::Message>& messages,
               const std::function<bool(const queue::Recipient&)>& so) {
    return std::ranges::all_of(messages,
                               [&](const auto& message) { return so(recipients(message).at(0)); });
  }
};

TEST_F(LatecomersTest, EachIsToldOfInTimeThoughItsTurnDoesNotCome) {
  const auto all = behind_a_dead_host();
  world.advance(3h + 50min);
  EXPECT_TRUE(all_are(all, [](const auto& one) { return one.notice == queue::Notice::none; }));
  world.advance(20min);
  EXPECT_TRUE(all_are(all, [](const auto& one) { return one.notice == queue::Notice::delayed; }));
  const auto untried = std::ranges::count_if(
      all, [&](const auto& message) { return recipients(message).at(0).attempts == 0; });
  EXPECT_GE(untried, 3) << "else nothing is proved";
}

TEST_F(LatecomersTest, EachIsGivenUpAtItsTime) {
  const auto all = behind_a_dead_host();
  world.advance(5h + 50min);
  EXPECT_EQ(events.count("hop.failed"), 0U);
  world.advance(20min);
  EXPECT_TRUE(all_are(all, [](const auto& one) { return one.state == queue::State::failed; }));
  EXPECT_TRUE(all_are(all, [](const auto& one) { return one.notice == queue::Notice::failed; }));
  EXPECT_EQ(events.count("hop.failed"), static_cast<std::size_t>(letters));
  for (const auto& message : all) {
    ASSERT_TRUE(ways(message).at(0).ending);
    EXPECT_EQ(ways(message).at(0).ending->kind, trace::Ending::Kind::bounced);
    EXPECT_EQ(ways(message).at(0).ending->status, "4.4.7");
  }
  EXPECT_EQ(dispatcher->in_memory(), 0U);
}

// A stop doesn't wait for the next walk.
TEST_F(LatecomersTest, StopsAtOnce) {
  start();
  world.advance(1min);
  const auto began = world.clock().now();
  stop();
  EXPECT_LT(world.clock().now() - began, 1s);
}

// Once the host is there again, all of them go: what was looked at has lost neither place nor turn.
TEST_F(LatecomersTest, WhatWasToldOfGoesWhenTheHostIsThere) {
  const auto all = behind_a_dead_host();
  world.advance(4h + 10min);
  auto& mx = add_mta("dead.example", "mx.dead.example", "198.51.100.9");
  ASSERT_TRUE(happens("hop.relayed", letters, 90min));
  EXPECT_EQ(mx.messages.size(), static_cast<std::size_t>(letters));
}

}  // namespace
}  // namespace letterlock::relay
