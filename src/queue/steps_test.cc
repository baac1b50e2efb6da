// What a step leaves of a recipient, each cause alone: what is told, when it is due again, what is
// refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue/fixture.h"

namespace letterlock::queue {
namespace {

using namespace std::chrono_literals;
using test::acorn;
using test::QueueTest;
using test::start;

struct StepsTest : QueueTest {
  static Recipient asking(dsn::Notify notify) {
    auto recipient = to("a@modern.example");
    recipient.params.notify = notify;
    return recipient;
  }
  // What is to be told after this step with the only recipient of a new message.
  Notice notice_after(Step step, dsn::Notify notify, bool is_report = false,
                      std::string mail_from = "alice@acorn.example") {
    const auto message = put_as(is_report, asking(notify), std::move(mail_from));
    const auto settled = settle(message, {{.index = 0, .step = step}}, start);
    EXPECT_TRUE(settled);
    return settled ? settled->recipients[0].notice : Notice::none;
  }
  Message put_as(bool is_report, Recipient recipient, std::string mail_from) {
    Message message;
    message.id = test::numbered<base::MessageId>(++number);
    message.tenant = acorn;
    message.mail_from = std::move(mail_from);
    message.blob = blob("content");
    message.accepted = start;
    message.expires = start + schedule_.lifetime;
    message.is_report = is_report;
    EXPECT_TRUE(
        transact([&](store::Transaction& tx) { return enqueue_in(tx, message, {recipient}); }));
    return message;
  }
  base::Result<> enqueued(std::size_t count) {
    Message message;
    message.id = test::numbered<base::MessageId>(++number);
    message.tenant = acorn;
    message.blob = blob("content");
    return transact([&](store::Transaction& tx) {
      return tried(tx, message, std::vector<Recipient>(count, to("a@modern.example")));
    });
  }
  static net::ResultTask<> tried(store::Transaction& tx, Message message,
                                 std::vector<Recipient> recipients) {
    const auto items = enqueue(tx, message, recipients);
    if (!items) co_return base::fail(items.error());
    co_return base::Result<>();
  }
  static net::ResultTask<> lane_in(store::Transaction& tx, base::TenantId tenant,
                                   base::MessageId id, Lane& lane) {
    CO_TRY(const auto entry, co_await find(tx, tenant, id));
    EXPECT_TRUE(entry && entry->recipients.size() == 1);
    if (entry) lane = entry->recipients.front().lane;
    co_return base::Result<>();
  }
  bool is_tenants_queue_empty() {
    bool empty = false;
    EXPECT_TRUE(transact([&](store::Transaction& tx) { return look(tx, empty); }));
    return empty;
  }
  static net::ResultTask<> look(store::Transaction& tx, bool& empty) {
    CO_TRY(empty, co_await is_empty(tx, acorn));
    co_return base::Result<>();
  }
  std::uint8_t number = 100;
};

// RFC 3461 §4.1, each keyword alone.
TEST_F(StepsTest, WhatWasAskedForIsTold) {
  const dsn::Notify success{.given = true, .success = true};
  const dsn::Notify failure{.given = true, .failure = true};
  const dsn::Notify delay{.given = true, .delay = true};
  const std::pair<Step, Notice> good[] = {{Step::deliver, Notice::delivered},
                                          {Step::relay, Notice::relayed},
                                          {Step::expand, Notice::expanded}};
  for (const auto& [step, notice] : good) {
    EXPECT_EQ(notice_after(step, success), notice) << name(step);
    for (const auto& other : {failure, delay, dsn::Notify(), dsn::Notify::never()})
      EXPECT_EQ(notice_after(step, other), Notice::none) << name(step);
    EXPECT_EQ(notice_after(step, success, true), Notice::none) << "of a report";
    EXPECT_EQ(notice_after(step, success, false, ""), Notice::none) << "nobody to tell";
  }
  for (const auto step : {Step::fail, Step::expire}) {
    for (const auto& asked : {failure, dsn::Notify()})
      EXPECT_EQ(notice_after(step, asked), Notice::failed) << name(step);
    for (const auto& other : {success, delay, dsn::Notify::never()})
      EXPECT_EQ(notice_after(step, other), Notice::none) << name(step);
    EXPECT_EQ(notice_after(step, failure, true), Notice::none) << "of a report";
    EXPECT_EQ(notice_after(step, failure, false, ""), Notice::none) << "nobody to tell";
  }
  for (const auto step : {Step::hold, Step::release, Step::remove})
    EXPECT_EQ(notice_after(step, {true, true, true, true}), Notice::none) << name(step);
}

TEST_F(StepsTest, ADelayIsToldWhereItIsAskedForAndLate) {
  const auto after = [&](dsn::Notify notify, base::Milliseconds wait, bool is_report = false) {
    const auto message = put_as(is_report, asking(notify), "alice@acorn.example");
    return settle(message, {{.index = 0}}, start + wait)->recipients[0].notice;
  };
  EXPECT_EQ(after({}, 4h - 1ms), Notice::none);
  EXPECT_EQ(after({}, 4h), Notice::delayed);
  EXPECT_EQ(after({.given = true, .delay = true}, 4h), Notice::delayed);
  EXPECT_EQ(after({.given = true, .failure = true}, 4h), Notice::none);
  EXPECT_EQ(after({}, 4h, true), Notice::none);
  schedule_.delay_notice_after = 0ms;
  EXPECT_EQ(after({}, 4h), Notice::none) << "never";
  EXPECT_EQ(after({}, 0ms), Notice::none) << "nor at once";
}

// Not told yet, a delay is over with its mail.
TEST_F(StepsTest, ADelayThatIsOverIsntTold) {
  for (const auto step : {Step::relay, Step::deliver, Step::remove}) {
    const auto message = put_as(false, to("a@modern.example"), "alice@acorn.example");
    EXPECT_TRUE(settle(message, {{.index = 0}}, start + 5h)->notice_pending);
    const auto settled = settle(message, {{.index = 0, .step = step}}, start + 6h);
    EXPECT_TRUE(settled->message_gone) << name(step);
    EXPECT_EQ(settled->recipients[0].notice, Notice::none);
  }
  const auto held = put_as(false, to("a@modern.example"), "alice@acorn.example");
  EXPECT_TRUE(settle(held, {{.index = 0}}, start + 5h));
  EXPECT_EQ(settle(held, {{.index = 0, .step = Step::hold}}, start + 6h)->recipients[0].notice,
            Notice::delayed)
      << "it is late all the same";
}

TEST_F(StepsTest, WhenItIsDueAgain) {
  const auto message = put(1, {to("a@modern.example"), to("b@modern.example")});
  const auto next_of = [&](const Outcome& outcome, base::Time now) {
    return settle(message, {outcome}, now)->recipients[outcome.index].next_try;
  };
  EXPECT_EQ(next_of({.index = 0, .wait = 7s}, start + 1h), start + 1h + 7s) << "not the schedule's";
  EXPECT_EQ(next_of({.index = 0}, start + 2h), start + 2h + 3min) << "the second attempt";
  EXPECT_EQ(settle(message, {{.index = 0}}, start + 3h)->next_try(), start) << "of both";
  EXPECT_EQ(next_of({.index = 0, .step = Step::release}, start + 4h), start + 4h);
  // RFC 5321 §4.5.4.1: the last try is at the end, not before, not behind it.
  EXPECT_EQ(next_of({.index = 0, .wait = 1h}, message.expires - 1h), message.expires);
  EXPECT_EQ(next_of({.index = 0, .wait = 1h}, message.expires - 1h - 1ms), message.expires - 1ms);
  EXPECT_EQ(next_of({.index = 0, .wait = 1h}, message.expires - 1ms), message.expires);
  const auto last = settle(message, {{.index = 0, .wait = 1h}}, message.expires);
  EXPECT_EQ(last->recipients[0].state, State::failed);
  EXPECT_EQ(last->next_try(), start) << "the other one's";
}

// An attempt leaves who said what, and when; an operator's step leaves that as it was.
TEST_F(StepsTest, WhatAnAttemptLeaves) {
  const auto message = put(1, {to("a@modern.example")});
  auto stands = settle(message,
                       {{.index = 0,
                         .step = Step::defer,
                         .status = "4.2.2",
                         .reply = "452 4.2.2 full",
                         .host = "mx.modern.example"}},
                       start + 1min)
                    ->recipients[0];
  for (const bool is_attempt : {true, false}) {
    EXPECT_EQ(stands.attempts, 1U) << is_attempt;
    EXPECT_EQ(stands.status, "4.2.2");
    EXPECT_EQ(stands.reply, "452 4.2.2 full");
    EXPECT_EQ(stands.host, "mx.modern.example");
    EXPECT_EQ(stands.last_try, start + 1min);
    stands = settle(message,
                    {{.index = 0, .step = Step::hold, .reply = "me", .counts_as_attempt = false}},
                    start + 2min)
                 ->recipients[0];
  }
}

TEST_F(StepsTest, HowManyRecipientsThereMayBe) {
  EXPECT_EQ(enqueued(0).error().kind, base::ErrorKind::invalid);
  EXPECT_EQ(enqueued(recipients_max + 1).error().kind, base::ErrorKind::invalid);
  EXPECT_TRUE(store_.contents().empty());
  EXPECT_TRUE(is_tenants_queue_empty());
  EXPECT_TRUE(enqueued(recipients_max));
  EXPECT_FALSE(is_tenants_queue_empty());
}

TEST_F(StepsTest, OfWhatIsNotThere) {
  const auto message = put(1, {to("a@modern.example")});
  EXPECT_EQ(settle(message, {{.index = 1, .step = Step::relay}}, start).error().kind,
            base::ErrorKind::not_found);
  auto other = message;
  other.id = test::numbered<base::MessageId>(9);
  EXPECT_EQ(settle(other, {{.index = 0, .step = Step::relay}}, start).error().kind,
            base::ErrorKind::not_found);
  const auto many = put(2, std::vector<Recipient>(20, to("a@modern.example")));
  EXPECT_EQ(settle(many, {{.index = 20, .step = Step::relay}}, start).error().kind,
            base::ErrorKind::not_found);
}

// A report leaves by its own lane, and stays in the house by the house's; what is held isn't due.
TEST_F(StepsTest, TheLaneThatItIsDueIn) {
  auto out = to("a@modern.example");
  auto here = to("b@acorn.example", "acorn.example");
  here.lane = Lane::local;
  const auto lane_of = [&](const Message& message) {
    Lane lane{};
    EXPECT_TRUE(transact(
        [&](store::Transaction& tx) { return lane_in(tx, message.tenant, message.id, lane); }));
    return lane;
  };
  EXPECT_EQ(lane_of(put_as(true, out, "")), Lane::report);
  EXPECT_EQ(lane_of(put_as(false, out, "")), Lane::remote);
  EXPECT_EQ(lane_of(put_as(true, here, "")), Lane::local);
  EXPECT_EQ(rows("q/d/"), 3U);
  auto held = to("c@modern.example");
  held.state = State::held;
  put(1, {held});
  EXPECT_EQ(rows("q/d/"), 3U);
}

}  // namespace
}  // namespace letterlock::queue
