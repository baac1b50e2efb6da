// The index of what is due: exactly those who wait, and a walk that passes over whatever can't go.
#include "queue/due.h"

#include <map>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue/fixture.h"

namespace letterlock::queue {
namespace {

using namespace std::chrono_literals;
using test::acorn;
using test::start;
using What = Wanted::What;

class DueTest : public test::QueueTest {
 protected:
  // One message of `count` recipients at one destination.
  void put_many(std::uint8_t number, const std::string& destination, std::size_t count,
                base::Time accepted = start) {
    std::vector<Recipient> recipients(count, to("somebody@" + destination, destination));
    put(number, std::move(recipients), "alice@acorn.example", accepted);
  }
  static std::vector<std::string> destinations(const DuePage& page) {
    std::vector<std::string> out;
    for (const auto& item : page.items) out.push_back(item.destination);
    return out;
  }
  // All pages, one after the other.
  std::vector<Due> all_pages(DueQuery query, std::size_t& pages) {
    std::vector<Due> all;
    for (pages = 1;; ++pages) {
      auto page = due_page(query);
      all.insert(all.end(), page.items.begin(), page.items.end());
      if (page.next_key.empty()) return all;
      query.from = page.next_key;
    }
  }
};

TEST_F(DueTest, EachLaneHasItsOwn) {
  auto local = to("bob@acorn.example", "acorn.example");
  local.lane = Lane::local;
  put(1, {to("a@modern.example"), local});
  for (const auto lane : all_lanes) {
    DueQuery query;
    query.lane = lane;
    query.now = start;
    const auto page = due_page(query);
    ASSERT_EQ(page.items.size(), lane == Lane::report ? 0U : 1U);
    if (!page.items.empty()) EXPECT_EQ(page.items[0].lane, lane);
  }
}

TEST_F(DueTest, AReportThatLeavesHasTheLaneOfReports) {
  Message message;
  message.id = test::numbered<base::MessageId>(1);
  message.tenant = acorn;
  message.blob = blob("content");
  message.accepted = message.expires = start;
  message.is_report = true;
  auto local = to("bob@acorn.example", "acorn.example");
  local.lane = Lane::local;
  std::vector<Recipient> recipients{to("a@modern.example"), local};
  ASSERT_TRUE(transact([&](store::Transaction& transaction) {
    return enqueue_in(transaction, message, recipients);
  }));
  DueQuery query;
  query.lane = Lane::report;
  query.now = start;
  EXPECT_EQ(due_page(query).items.size(), 1U);
  query.lane = Lane::remote;
  EXPECT_EQ(due_page(query).items.size(), 0U);
  query.lane = Lane::local;
  EXPECT_EQ(due_page(query).items.size(), 1U);
}

TEST_F(DueTest, PagesGoOnWhereTheLastEnded) {
  put_many(1, "a.example", 7);
  put_many(2, "b.example", 6);
  for (const std::size_t count_max : {1U, 2U, 6U, 7U, 12U, 13U, 14U}) {
    DueQuery query;
    query.now = start;
    query.count_max = count_max;
    std::size_t pages = 0;
    const auto all = all_pages(query, pages);
    std::set<std::pair<base::MessageId, unsigned>> seen;
    for (const auto& item : all) seen.emplace(item.message, item.recipient);
    EXPECT_EQ(all.size(), 13U) << count_max;
    EXPECT_EQ(seen.size(), 13U) << count_max;
    EXPECT_LE(pages, 13 / count_max + 1);
  }
}

TEST_F(DueTest, WhatIsntDueYetSaysWhen) {
  put_many(1, "a.example", 1, start + 1ms);  // within the same four seconds
  put_many(2, "b.example", 1);
  put_many(3, "c.example", 1, start + 1h);
  DueQuery query;
  query.now = start;
  auto page = due_page(query);
  EXPECT_THAT(destinations(page), ::testing::ElementsAre("b.example"));
  EXPECT_EQ(page.next_time, start + 1ms);
  query.now = start + 1ms;
  page = due_page(query);
  EXPECT_EQ(page.items.size(), 2U);
  // A span that hasn't begun is looked into once it has.
  EXPECT_LE(page.next_time, start + 1h);
  EXPECT_GT(page.next_time, start + 1h - 5s);
  query.now = start + 1h - 1ms;
  EXPECT_EQ(due_page(query).next_time, start + 1h);
  query.now = start + 1h;
  EXPECT_EQ(due_page(query).items.size(), 3U);
  EXPECT_FALSE(due_page(query).next_time);
}

// However many rows one has, another's are found in a step or two.
TEST_F(DueTest, AFullDestinationIsPassedOverInOneStep) {
  for (std::uint8_t message = 1; message <= 20; ++message) put_many(message, "full.example", 500);
  put_many(100, "later.example", 1);
  DueQuery query;
  query.now = start;
  query.wanted = [](const std::string& name) {
    return Wanted{name == "full.example" ? What::full : What::yes};
  };
  const auto page = due_page(query);
  EXPECT_THAT(destinations(page), ::testing::ElementsAre("later.example"));
  EXPECT_TRUE(page.passed_over);
  EXPECT_TRUE(page.next_key.empty());
  EXPECT_LE(page.scans, 3U);
}

TEST_F(DueTest, ARestingDestinationSaysWhenItsRestEnds) {
  put_many(1, "rests.example", 300);
  DueQuery query;
  query.now = start;
  query.wanted = [](const std::string&) { return Wanted{What::rests, start + 7min}; };
  const auto page = due_page(query);
  EXPECT_TRUE(page.items.empty());
  EXPECT_FALSE(page.passed_over);
  EXPECT_EQ(page.next_time, start + 7min);
}

// A page's work is bounded even where it finds nothing.
TEST_F(DueTest, APageEndsAfterSoManyScans) {
  std::vector<Recipient> recipients;
  for (int i = 0; i < 200; ++i) recipients.push_back(to("x", std::to_string(i) + ".example"));
  put(1, recipients);
  DueQuery query;
  query.now = start;
  query.wanted = [](const std::string&) { return Wanted{What::full}; };
  std::size_t pages = 0;
  EXPECT_EQ(due_page(query).scans, due_scans_max);
  EXPECT_TRUE(all_pages(query, pages).empty());
  EXPECT_EQ(pages, 4U);  // 200 steps of 64
}

// Whatever steps come in whatever order: those who wait stand in the index, each once, at its next
// try; nobody else does.
TEST_F(DueTest, HoldsExactlyThoseWhoWait) {
  std::minstd_rand random(7);
  constexpr std::array steps{Step::deliver, Step::relay, Step::defer,   Step::fail,
                             Step::hold,    Step::hold,  Step::release, Step::remove};
  for (std::uint8_t number = 1; number <= 60; ++number) {
    const auto count = 1 + random() % 20;
    std::vector<Recipient> recipients;
    for (std::size_t i = 0; i < count; ++i)
      recipients.push_back(to("x@y.example", std::to_string(random() % 3) + ".example"));
    const auto message = put(number, recipients, "");
    std::map<unsigned, std::pair<State, base::Time>> all;
    for (unsigned i = 0; i < count; ++i) all[i] = {State::waiting, message.accepted};
    auto now = start;
    for (int turn = 0; turn < 30; ++turn) {
      now += base::Milliseconds(random() % 600'000);
      std::vector<Outcome> outcomes;
      for (unsigned i = 0; i < count; ++i) {
        if (random() % 3 == 0)
          outcomes.push_back({.index = i, .step = steps[random() % steps.size()]});
      }
      const auto settled = settle(message, outcomes, now);
      if (!settled) break;  // it has left
      for (const auto& recipient : settled->recipients)
        all[recipient.index] = {recipient.state, recipient.next_try};
      std::set<std::pair<unsigned, base::Time>> waiting;
      for (const auto& [index, stands] : all) {
        if (stands.first == State::waiting) waiting.emplace(index, stands.second);
      }
      DueQuery query;
      query.now = start + 24h * 30;
      query.count_max = 5000;
      std::set<std::pair<unsigned, base::Time>> indexed;
      for (const auto& item : due_page(query).items) {
        if (item.message == message.id) indexed.emplace(item.recipient, item.at);
      }
      ASSERT_EQ(indexed, waiting) << "message " << int{number} << ", turn " << turn;
    }
  }
}

}  // namespace
}  // namespace letterlock::queue
