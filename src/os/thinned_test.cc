#include "os/thinned.h"

#include <array>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace letterlock::os {
namespace {

using namespace std::chrono_literals;
using base::Severity;
using ::testing::ElementsAre;

class SetClock final : public Clock {
 public:
  base::Time now() const override { return base::Time(at); }
  Steady steady() const override { return Steady(at); }
  base::Milliseconds at = 90s;
};

class Lines final : public base::EventSink {
 public:
  void emit(const base::Event& event) override {
    const std::scoped_lock lock(mutex_);
    std::string line(event.name);
    for (const auto& [key, value] : event.fields) line += " " + value;
    lines.push_back(std::move(line));
  }
  std::vector<std::string> take() { return std::exchange(lines, {}); }
  std::vector<std::string> lines;

 private:
  std::mutex mutex_;
};

constexpr std::array<std::string_view, 2> names{"session.refused", "sign_in.failed"};

struct Attack53Log : ::testing::Test {
  SetClock clock;
  Lines lines;
  std::optional<ThinnedEvents> events{std::in_place, names, lines, clock,
                                      ThinningLimits{2, 5, 4, 2}};

  void say(std::string_view name, std::string peer = {}, int times = 1) {
    for (int i = 0; i < times; ++i) events->emit({Severity::warning, name, {{"peer", peer}}});
  }
};

TEST_F(Attack53Log, RepeatsOfOnePeerAreCounted) {
  // Another port is the same peer.
  for (int port = 1; port <= 10; ++port)
    say("session.refused", "192.0.2.1:" + std::to_string(port));
  say("session.refused", "[2001:db8::1]:25");
  say("session.refused", "2001:db8::1");
  say("sign_in.failed", "192.0.2.1");
  EXPECT_THAT(lines.take(),
              ElementsAre("session.refused 192.0.2.1:1", "session.refused 192.0.2.1:2",
                          "session.refused [2001:db8::1]:25", "session.refused 2001:db8::1",
                          "sign_in.failed 192.0.2.1"));
  EXPECT_EQ(events->left_out(), 8U);
  clock.at += 1min;
  say("queue.accepted");
  EXPECT_THAT(lines.take(),
              ElementsAre("log.thinned session.refused 192.0.2.1 8", "queue.accepted "));
  say("session.refused", "192.0.2.1:11");
  EXPECT_THAT(lines.take(), ElementsAre("session.refused 192.0.2.1:11"));
}

TEST_F(Attack53Log, MailIsNeverThinned) {
  say("queue.accepted", "192.0.2.1", 100);
  EXPECT_EQ(lines.take().size(), 100U);
  EXPECT_EQ(events->left_out(), 0U);
}

TEST_F(Attack53Log, ManyPeersAreBoundedTogether) {
  for (int host = 1; host <= 9; ++host) say("session.refused", "192.0.2." + std::to_string(host));
  EXPECT_EQ(lines.take().size(), 4U + 1U);  // places for four, and one for all others
  say("session.refused", "192.0.2.1", 3);
  clock.at += 1min;
  say("sign_in.failed", "192.0.2.1");
  EXPECT_THAT(lines.take(),
              ElementsAre("log.thinned session.refused  4",
                          "log.thinned session.refused 192.0.2.1 3", "sign_in.failed 192.0.2.1"));
}

TEST_F(Attack53Log, CountsThemselvesAreFew) {
  for (int host = 1; host <= 4; ++host)
    say("session.refused", "192.0.2." + std::to_string(host), host + 2);
  lines.lines.clear();
  events.reset();  // the end says what was only counted
  EXPECT_THAT(lines.take(), ElementsAre("log.thinned session.refused 192.0.2.4 6",
                                        "log.thinned session.refused 192.0.2.3 4",
                                        "log.thinned session.refused  3"));
}

TEST_F(Attack53Log, FromManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([this] { say("session.refused", "192.0.2.1", 1000); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lines.take().size(), 2U);
  EXPECT_EQ(events->left_out(), 3998U);
}

}  // namespace
}  // namespace letterlock::os
