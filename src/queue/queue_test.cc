#include "queue/queue.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "queue/fixture.h"
#include "queue/lease.h"

namespace letterlock::queue {
namespace {

using namespace std::chrono_literals;
using test::acorn;
using test::numbered;
using test::QueueTest;
using test::start;

TEST_F(QueueTest, WhatIsAcceptedIsDueAtOnce) {
  put(1, {to("a@modern.example"), to("b@old.example", "old.example")});
  const auto page = due_at(start);
  ASSERT_EQ(page.items.size(), 2U);
  EXPECT_EQ(page.items[1].destination, "old.example");
  EXPECT_EQ(page.items[1].lane, Lane::remote);
  EXPECT_TRUE(due_at(start - 1ms).items.empty());
}

TEST_F(QueueTest, LeavesNothingBehindWhenAllIsDone) {
  const auto before = store_.contents();
  const auto message = put(1, {to("a@modern.example"), to("b@modern.example")});
  auto first =
      settle(message, {{.index = 0, .step = Step::relay, .status = "2.0.0", .reply = "ok"}}, start);
  EXPECT_FALSE(first->message_gone);
  auto second =
      settle(message, {{.index = 1, .step = Step::relay, .status = "2.0.0", .reply = "ok"}}, start);
  EXPECT_TRUE(second->message_gone);
  EXPECT_EQ(store_.contents(), before);
  EXPECT_EQ(store_.blob_count(), 0U);
}

// Two entries of one trace (an alias's copy): it waits as long as one of them does.
TEST_F(QueueTest, WhatWaitsIsFoundByItsTrace) {
  EXPECT_FALSE(holds(base::TraceId()));
  const auto first = put(1, {to("a@modern.example"), to("b@modern.example")});
  const auto second = put(2, {to("c@modern.example")});
  EXPECT_TRUE(holds(first.trace));
  EXPECT_FALSE(holds(numbered<base::TraceId>(9)));
  ASSERT_TRUE(settle(first, {{.index = 0, .step = Step::relay}}, start));
  ASSERT_TRUE(settle(second, {{.index = 0, .step = Step::relay}}, start));
  EXPECT_TRUE(holds(first.trace)) << "b waits";
  ASSERT_TRUE(settle(first, {{.index = 1, .step = Step::hold}}, start));
  EXPECT_TRUE(holds(first.trace)) << "held it is here, too";
  ASSERT_TRUE(settle(first, {{.index = 1, .step = Step::remove}}, start));
  EXPECT_FALSE(holds(first.trace));
  // What failed is kept until the sender is told.
  const auto third = put(3, {to("d@modern.example")});
  ASSERT_TRUE(settle(third, {{.index = 0, .step = Step::fail}}, start));
  EXPECT_TRUE(holds(third.trace));
}

// A record for the message, one for what is due of each recipient; a recipient's own only once it
// changes.
TEST_F(QueueTest, AFewRecipientsHaveNoRecordsOfTheirOwnUntilTheyChange) {
  const auto message = put(1, {to("carol@modern.example"), to("dave@modern.example")});
  EXPECT_EQ(rows("q/m/"), 1U);
  EXPECT_EQ(rows("q/r/"), 0U);
  EXPECT_EQ(rows("q/d/"), 2U);
  ASSERT_TRUE(settle(message, {{1, Step::defer, "4.4.1", "no answer", ""}}, start + 1s));
  EXPECT_EQ(rows("q/r/"), 1U);
  const auto settled = settle(message, {{0, Step::relay, "2.0.0", "ok", ""}}, start + 2s);
  ASSERT_TRUE(settled);
  EXPECT_EQ(settled->recipients[0].state, State::relayed);
  EXPECT_EQ(settled->recipients[1].state, State::waiting);
  EXPECT_EQ(settled->recipients[1].attempts, 1U);
  EXPECT_EQ(rows("q/r/"), 2U);
  ASSERT_TRUE(settle(message, {{1, Step::relay, "2.0.0", "ok", ""}}, start + 3s)->message_gone);
  EXPECT_TRUE(store_.contents().empty());
}

TEST_F(QueueTest, ManyRecipientsHaveTheirOwnFromTheBeginning) {
  std::vector<Recipient> many;
  std::vector<Outcome> outcomes;
  for (unsigned i = 0; i <= recipients_within_max; ++i) {
    many.push_back(to("r" + std::to_string(i) + "@modern.example"));
    outcomes.push_back({i, Step::relay, "2.0.0", "ok", ""});
  }
  const auto message = put(1, many);
  EXPECT_EQ(rows("q/r/"), many.size());
  ASSERT_TRUE(settle(message, outcomes, start + 1s)->message_gone);
  EXPECT_TRUE(store_.contents().empty());
}

std::vector<Recipient> many_recipients(std::size_t count) {
  std::vector<Recipient> many;
  for (std::size_t i = 0; i < count; ++i) {
    many.emplace_back().address = "r" + std::to_string(i) + "@modern.example";
    many.back().destination = "modern.example";
  }
  return many;
}

// Work, not only its result: a thousand of them are a thousand times this.
TEST_F(QueueTest, AStepWithOneOfManyReadsNoOthers) {
  const auto message = put(1, many_recipients(recipients_max));
  std::size_t keys = 0;
  std::size_t ranges = 0;
  store_.observe([&](const store::Reads& reads, const store::Changes&) {
    keys += reads.keys.size();
    ranges += reads.ranges.size();
  });
  const auto settled = settle(message, {{700, Step::defer, "4.4.1", "no answer", ""}}, start + 1s);
  ASSERT_TRUE(settled);
  ASSERT_EQ(settled->recipients.size(), 1U);
  EXPECT_EQ(settled->next_try(), start + 1s + 1min + 700ms);
  EXPECT_EQ(keys, 3U) << "the message, what is left of it, the recipient";
  EXPECT_EQ(ranges, 0U);
  ASSERT_TRUE(run(store_.read(store::Scope::tenant(acorn), [&](store::Transaction& tx) {
    return find_some(tx, message.id, {5, 0, 700, 5}, {0, 5, 700});
  })));
  EXPECT_EQ(ranges, 0U);
  store_.observe(nullptr);
}

// Which of them still wait is counted, not read: it is right at each step.
TEST_F(QueueTest, WhatIsLeftOfManyIsKnown) {
  const auto message = put(1, many_recipients(20));
  for (unsigned i = 1; i < 19; ++i)
    ASSERT_FALSE(settle(message, {{i, Step::relay, "2.0.0", "ok", ""}}, start)->message_gone);
  ASSERT_TRUE(settle(message, {{0, Step::fail, "5.1.1", "nobody", ""}}, start)->notice_pending);
  ASSERT_EQ(noticed("").items.size(), 1U);
  EXPECT_FALSE(noticed("").items[0].is_final) << "one waits";
  // Twice the same step: it isn't legal the second time, and changes no count.
  ASSERT_TRUE(settle(message, {{3, Step::relay, "2.0.0", "ok", ""}}, start));
  ASSERT_TRUE(settle(message, {{19, Step::hold, "", "", ""}}, start));
  EXPECT_FALSE(noticed("").items[0].is_final) << "one is held";
  ASSERT_FALSE(settle(message, {{19, Step::remove, "", "", ""}}, start)->message_gone);
  EXPECT_TRUE(noticed("").items[0].is_final);
  ASSERT_TRUE(transact([&](store::Transaction& transaction) {
    return all_told(transaction, message, {{0, Notice::failed}});
  }));
  EXPECT_TRUE(store_.contents().empty());
  EXPECT_EQ(store_.blob_count(), 0U);
}

TEST_F(QueueTest, DefersBySchedule) {
  const auto message = put(1, {to("a@modern.example")});
  const auto settled = settle(
      message, {{.index = 0, .step = Step::defer, .status = "4.4.1", .reply = "no answer"}}, start);
  EXPECT_EQ(settled->recipients[0].attempts, 1U);
  EXPECT_EQ(settled->next_try(), start + 1min);
  EXPECT_TRUE(due_at(start).items.empty());
  // Not later than that, and after now.
  EXPECT_LE(due_at(start).next_time, start + 1min);
  EXPECT_GT(due_at(start).next_time, start);
  EXPECT_EQ(due_at(start + 1min).items.size(), 1U);
}

TEST_F(QueueTest, FiveDaysThenFailedAndTold) {
  const auto message = put(1, {to("a@modern.example")});
  base::Time now = start;
  int tries = 0;
  Settled settled;
  do {
    settled = *settle(
        message, {{.index = 0, .step = Step::defer, .status = "4.4.1", .reply = "no answer"}}, now);
    ++tries;
    ASSERT_LT(tries, 100) << "it never ends";
    now = settled.next_try().value_or(now);
  } while (settled.recipients[0].state == State::waiting);
  EXPECT_EQ(now, start + 5 * 24h);
  EXPECT_EQ(settled.recipients[0].state, State::failed);
  EXPECT_EQ(settled.recipients[0].status, "4.4.7");
  EXPECT_EQ(settled.recipients[0].notice, Notice::failed);
  EXPECT_NE(settled.recipients[0].reply.find("no answer"), std::string::npos);
  EXPECT_TRUE(settled.notice_pending);
  EXPECT_FALSE(settled.message_gone);
  EXPECT_GT(tries, 30);
  EXPECT_LT(tries, 50);
}

// A hop that was never protected as required comes back saying so, not only that time ran out.
TEST_F(QueueTest, ExpiredForWantOfProtectionSaysSo) {
  const auto message = put(1, {to("a@modern.example")});
  const auto settled = settle(message,
                              {{.index = 0,
                                .step = Step::defer,
                                .status = "4.7.4",
                                .reply = "no STARTTLS, required by acorn.example"}},
                              start + 5 * 24h);
  EXPECT_EQ(settled->recipients[0].state, State::failed);
  EXPECT_EQ(settled->recipients[0].status, "5.7.4");
}

TEST_F(QueueTest, DelayIsToldOnce) {
  const auto message = put(1, {to("a@modern.example")});
  auto settled = settle(message, {{.index = 0, .step = Step::defer}}, start + 3h);
  EXPECT_EQ(settled->recipients[0].notice, Notice::none);
  settled = settle(message, {{.index = 0, .step = Step::defer}}, start + 5h);
  EXPECT_EQ(settled->recipients[0].notice, Notice::delayed);
  const auto tell = [&](Notice notice) {
    return transact(
        [&](store::Transaction& transaction) { return told_in(transaction, message.id, notice); });
  };
  EXPECT_TRUE(tell(Notice::delayed));
  EXPECT_FALSE(tell(Notice::delayed)) << "somebody else told it meanwhile";
  settled = settle(message, {{.index = 0, .step = Step::defer}}, start + 9h);
  EXPECT_EQ(settled->recipients[0].notice, Notice::none);
}

// Its turn doesn't come: nothing is tried, and its place in the line stays.
TEST_F(QueueTest, LateWithoutATry) {
  const auto message = put(1, {to("a@modern.example")});
  const auto wait_on = [&](base::Time now) {
    return settle(message,
                  {{.index = 0, .status = "4.4.1", .counts_as_attempt = false, .keeps_turn = true}},
                  now)
        ->recipients[0];
  };
  const auto late = [&](const Recipient& recipient, base::Time now) {
    return is_late(message, recipient, schedule_, now);
  };
  auto stands = wait_on(start + 1h);
  EXPECT_EQ(stands.next_try, start);
  EXPECT_EQ(stands.notice, Notice::none);
  EXPECT_FALSE(late(stands, start + 4h - 1ms));
  EXPECT_TRUE(late(stands, start + 4h));
  stands = wait_on(start + 4h);
  EXPECT_EQ(stands.notice, Notice::delayed);
  EXPECT_EQ(stands.next_try, start);
  EXPECT_EQ(stands.attempts, 0U);
  EXPECT_EQ(stands.status, "");
  EXPECT_FALSE(late(stands, start + 5 * 24h - 1ms)) << "told once";
  EXPECT_TRUE(late(stands, start + 5 * 24h));
  stands = wait_on(start + 5 * 24h);
  EXPECT_EQ(stands.state, State::failed);
  EXPECT_EQ(stands.notice, Notice::failed);
  EXPECT_EQ(stands.status, "4.4.7");
  EXPECT_THAT(stands.reply, testing::HasSubstr("never tried"));
  EXPECT_FALSE(late(stands, start + 6 * 24h));
}

// While the delay is being told the days end: the failure is still to be told.
TEST_F(QueueTest, AToldDelayLeavesTheFailureThatCameMeanwhile) {
  const auto message = put(1, {to("a@modern.example")});
  EXPECT_TRUE(settle(message, {{.index = 0, .step = Step::defer}}, start + 5h));
  EXPECT_TRUE(settle(message, {{.index = 0, .step = Step::fail, .status = "5.1.1"}}, start + 6h));
  const auto tell = [&](Notice notice) {
    return transact(
        [&](store::Transaction& transaction) { return told_in(transaction, message.id, notice); });
  };
  EXPECT_FALSE(tell(Notice::delayed));
  EXPECT_TRUE(tell(Notice::failed));
}

// One report names all that are late; it is not said again of any of them.
TEST_F(QueueTest, ADelayMayBeToldOfOthersThatWait) {
  const auto message = put(1, {to("bob@modern.example"), to("dave@modern.example"),
                               to("erin@modern.example"), to("frank@modern.example")});
  const auto later = start + std::chrono::hours(5);
  const auto defer = [](unsigned index) {
    return Outcome{.index = index, .step = Step::defer, .status = "4.4.1", .reply = "later"};
  };
  EXPECT_TRUE(settle(message, {defer(1), defer(2)}, start));
  auto settled = settle(message, {defer(0)}, later);
  ASSERT_TRUE(settled && settled->notice_pending);
  EXPECT_FALSE(could_be_told_of_delay(settled->recipients[0])) << "it has a notice";
  EXPECT_TRUE(could_be_told_of_delay(settled->recipients[1]));
  EXPECT_FALSE(could_be_told_of_delay(settled->recipients[3])) << "it wasn't tried yet";
  const std::vector<Told> all{{0, Notice::delayed}, {1, Notice::delayed}, {2, Notice::delayed}};
  // One of them has failed meanwhile: that is not told by this.
  EXPECT_TRUE(settle(message, {{.index = 2, .step = Step::fail, .status = "5.1.1"}}, later));
  EXPECT_FALSE(transact(
      [&](store::Transaction& transaction) { return all_told(transaction, message, all); }));
  const std::vector<Told> two{{0, Notice::delayed}, {1, Notice::delayed}};
  EXPECT_TRUE(transact(
      [&](store::Transaction& transaction) { return all_told(transaction, message, two); }));
  EXPECT_FALSE(transact([&](store::Transaction& transaction) {
    return all_told(transaction, message, two);
  })) << "somebody else has told it";
  settled = settle(message, {defer(0), defer(1)}, later + std::chrono::hours(5));
  EXPECT_EQ(settled->recipients[0].notice, Notice::none);
  EXPECT_EQ(settled->recipients[1].notice, Notice::none);
  EXPECT_EQ(settled->recipients[2].notice, Notice::failed);
}

TEST_F(QueueTest, NoticesSayWhetherMoreIsToCome) {
  const auto one = put(1, {to("bob@modern.example"), to("dave@modern.example")});
  const auto two = put(2, {to("bob@modern.example")});
  const auto fail = [](unsigned index) {
    return Outcome{.index = index, .step = Step::fail, .status = "5.1.1", .reply = "no"};
  };
  EXPECT_TRUE(settle(one, {fail(0)}, start));
  EXPECT_TRUE(settle(two, {fail(0)}, start));
  using Items = std::vector<NoticePage::Item>;
  EXPECT_EQ(noticed("").items, (Items{{one.id, false}, {two.id, true}}));
  EXPECT_TRUE(settle(one, {fail(1)}, start));
  EXPECT_EQ(noticed("").items, (Items{{one.id, true}, {two.id, true}}));
  const auto first = noticed("", 1);
  EXPECT_EQ(first.items, (Items{{one.id, true}}));
  EXPECT_TRUE(first.more);
  const auto rest = noticed(first.last_key, 5);
  EXPECT_EQ(rest.items, (Items{{two.id, true}}));
  EXPECT_FALSE(rest.more);
}

// RFC 5321 §4.5.5, RFC 3461 §5.2.2: never a report about a report.
TEST_F(QueueTest, NobodyIsToldOfTheNullReversePath) {
  const auto message = put(1, {to("a@modern.example")}, "");
  const auto settled =
      settle(message, {{.index = 0, .step = Step::fail, .status = "5.1.1"}}, start);
  EXPECT_TRUE(settled->message_gone);
}

// RFC 3461 §4.1.
TEST_F(QueueTest, NotifyIsKept) {
  auto never = to("a@modern.example");
  never.params.notify = dsn::Notify::never();
  auto success = to("b@modern.example");
  success.params.notify = {.given = true, .success = true};
  auto handed_on = to("c@modern.example");
  handed_on.params.notify = {.given = true, .success = true};
  const auto message = put(1, {never, success, handed_on});
  const auto settled =
      settle(message,
             {{.index = 0, .step = Step::fail, .status = "5.1.1"},
              {.index = 1, .step = Step::relay, .status = "2.0.0"},
              {.index = 2, .step = Step::relay, .status = "2.0.0", .duty_passed_on = true}},
             start);
  EXPECT_EQ(settled->recipients[0].notice, Notice::none);
  EXPECT_EQ(settled->recipients[1].notice, Notice::relayed);
  EXPECT_EQ(settled->recipients[2].notice, Notice::none);
}

TEST_F(QueueTest, HeldIsNotDueAndReleasedIs) {
  const auto message = put(1, {to("a@modern.example")});
  EXPECT_EQ(settle(message, {{.index = 0, .step = Step::hold, .counts_as_attempt = false}}, start)
                ->recipients[0]
                .state,
            State::held);
  EXPECT_TRUE(due_at(start + 24h).items.empty());
  EXPECT_EQ(
      settle(message, {{.index = 0, .step = Step::release, .counts_as_attempt = false}}, start + 1h)
          ->recipients[0]
          .state,
      State::waiting);
  EXPECT_EQ(due_at(start + 1h).items.size(), 1U);
}

// An attempt that ends after an operator removed the recipient changes nothing.
TEST_F(QueueTest, ALateOutcomeIsPassedOver) {
  const auto message = put(1, {to("a@modern.example"), to("b@modern.example")});
  settle(message, {{.index = 0, .step = Step::remove, .counts_as_attempt = false}}, start).value();
  const auto settled = settle(message, {{.index = 0, .step = Step::relay}}, start);
  EXPECT_EQ(settled->recipients[0].state, State::removed);
}

struct Silent final : base::EventSink {
  void emit(const base::Event& event) override { names.emplace_back(event.name); }
  std::vector<std::string> names;
};
struct Clock final : os::Clock {
  base::Time now() const override { return time; }
  os::Steady steady() const override { return {}; }
  base::Time time = start;
};

// The fence: after a takeover the old holder's steps are refused, whatever it believes.
TEST_F(QueueTest, ANodeThatLostItsLeaseChangesNothing) {
  Silent events;
  Clock clock;
  Leases old_node(store_, clock, events, {"a", 30s});
  Leases new_node(store_, clock, events, {"b", 30s});
  ASSERT_TRUE(run(old_node.take_and_renew()));
  ASSERT_TRUE(run(new_node.take_and_renew()));
  EXPECT_EQ(old_node.count(), 64U);
  EXPECT_EQ(new_node.count(), 0U);
  const auto message = put(1, {to("a@modern.example")});
  const auto old_epoch = old_node.epoch_of(keys::partition_of(message.id));
  EXPECT_TRUE(settle(message, {{.index = 0, .step = Step::defer}}, start, old_epoch));
  clock.time += 31s;
  ASSERT_TRUE(run(new_node.take_and_renew()));
  EXPECT_EQ(new_node.count(), 64U);
  EXPECT_EQ(
      settle(message, {{.index = 0, .step = Step::relay}}, clock.time, old_epoch).error().kind,
      base::ErrorKind::denied);
  EXPECT_EQ(due_at(start + 1h).items.size(), 1U);
  ASSERT_TRUE(run(old_node.take_and_renew()));
  EXPECT_EQ(old_node.count(), 0U);
  EXPECT_EQ(events.names.back(), "queue.leases_changed");
}

TEST_F(QueueTest, ARenewedLeaseKeepsItsEpochAndARestartTakesANewOne) {
  Silent events;
  Clock clock;
  Leases node(store_, clock, events, {"a", 30s});
  ASSERT_TRUE(run(node.take_and_renew()));
  const auto epoch = node.epoch_of(0);
  ASSERT_TRUE(run(node.take_and_renew()));
  EXPECT_EQ(node.epoch_of(0), epoch);
  Leases restarted(store_, clock, events, {"a", 30s});
  ASSERT_TRUE(run(restarted.take_and_renew()));
  EXPECT_EQ(restarted.epoch_of(0), *epoch + 1);
  ASSERT_TRUE(run(restarted.give_back()));
  Leases other(store_, clock, events, {"b", 30s});
  ASSERT_TRUE(run(other.take_and_renew()));
  EXPECT_EQ(other.count(), 64U);
}

}  // namespace
}  // namespace letterlock::queue
