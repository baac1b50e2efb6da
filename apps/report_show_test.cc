// What comes back to a sender, and the traces of it: what a report says, what it returns, and who
// could have read that.
#include "apps/show_fixture.h"
#include "custody/trace_again.h"
#include "reporter/reporter.h"

namespace letterlock::apps {
namespace {

using namespace std::chrono_literals;
using hop::Kind;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using trace::Link;

class ReportShow : public test::Show {
 protected:
  ReportShow() {
    reporter.emplace(
        reporter::Ports{store, directory, custody, world.timers(), world.clock(), world.random(),
                        events, [this] { return custody::test::all_of({acorn, birch}); }},
        reporter::Options{.node = "dublin-1", .host_name = "mail.acorn.example"});
    run(reporter->run());
  }
  ~ReportShow() override { stop(); }

  // What relay would have made of this recipient.
  void refused(const queue::Message& message, unsigned index) {
    const queue::Outcome outcome{.index = index,
                                 .step = queue::Step::fail,
                                 .status = "5.7.4",
                                 .reply = "mx.old.example offers no STARTTLS"};
    custody::test::Fixture::settle(message.tenant, message.id, outcome);
    reporter->notice(message.tenant);
    settle();
  }
  // Of alice's message to dave, who doesn't get it: its trace, and its report's.
  struct CameBack {
    base::TraceId message;
    base::TraceId report;
  };
  CameBack came_back(hop::Level level, dsn::Return ret) {
    auto reception = submitted({"dave@old.example"}, level);
    reception.params.ret = ret;
    const auto id = taken(std::move(reception));
    refused(queued(acorn).at(0).message, 0);
    return {id, link_of(acorn, id).trace};
  }

  std::optional<reporter::Reporter> reporter;
};

// Whoever read the message on its way here has read what comes back of it.
TEST_F(ReportShow, WhatAReportReturnsCameOverTheMessagesWay) {
  for (const auto ret : {dsn::Return::full, dsn::Return::headers}) {
    const auto open = shown(came_back(hop::Level::clear, ret).report);
    EXPECT_EQ(could(open, "listener"), "YES");
    EXPECT_EQ(could(open, "recorder"), "YES");
    EXPECT_EQ(could(open, "devices"), "yes") << "alice's client wrote it";
    EXPECT_THAT(table_of(open), Not(HasSubstr("no content has crossed")));
    const auto closed = shown(came_back(hop::Level::mutual, ret).report);
    EXPECT_EQ(could(closed, "listener"), "no") << "a true no is kept";
  }
}

// Subject, From and To lie in alice's mailbox, and went where she fetched them.
TEST_F(ReportShow, AHeaderThatCameBackIsCounted) {
  const auto mail = came_back(hop::Level::mutual, dsn::Return::headers);
  const auto words = "its header, by way of report " + mail.report.text();
  auto result = shown(mail.message);
  EXPECT_EQ(could(result, "listener"), "no");
  EXPECT_THAT(table_of(result), HasSubstr(words + ": now: alice's mailbox"));
  EXPECT_THAT(table_of(result), Not(HasSubstr("has it any more")));
  record(acorn, mail.report, Kind::fetch, 0, hop::Level::clear);
  result = shown(mail.message);
  EXPECT_EQ(could(result, "listener"), "YES");
  EXPECT_THAT(table_of(result), HasSubstr(words + ": hop 4: "));
}

TEST_F(ReportShow, AWholeMessageThatCameBackIsCounted) {
  const auto mail = came_back(hop::Level::mutual, dsn::Return::full);
  EXPECT_THAT(table_of(shown(mail.message)),
              HasSubstr("; by way of report " + mail.report.text() + ": in memory"));
}

// One of birch's alias's targets has it, the other not, as birch requires; alice reads of it.
TEST_F(ReportShow, ABounceClaimsNothingOfOtherCopiesNorTellsAReason) {
  add_alias("info@birch.example", {"carol@modern.example", "dave@old.example"});
  const auto id = taken(submitted({"info@birch.example"}, hop::Level::mutual));
  const auto copy = link_of(acorn, id).trace;
  record(birch, copy, Kind::relay, 0, hop::Level::encrypted);
  auto refusal = hop::Hop();
  refusal.trace = copy;
  refusal.kind = Kind::relay;
  refusal.recipients = {1};
  refusal.from = {hop::End::Role::node, "dublin-1", "", ""};
  refusal.to = {hop::End::Role::mta, "mx.old.example", "203.0.113.9", ""};
  refusal.outcome = hop::Outcome::failed;
  refusal.given = hop::Given::nothing;
  refusal.answer = hop::Answer::refuse;
  refusal.required = {{"level >= encrypted", "set by birch.example", "the merger"}};
  ASSERT_TRUE(ask_for<trace::HopRef>(
      birch, [=, this](store::Transaction& tx) { return trace::record(tx, birch, refusal); }));
  refused(queued(birch).at(0).message, 1);
  const auto letters = inbox(alice);
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_THAT(letters[0], HasSubstr("Not sent on: a copy of your message to info@birch.example"));
  EXPECT_THAT(letters[0],
              HasSubstr("A copy of your message to info@birch.example was not sent on"));
  EXPECT_THAT(letters[0], HasSubstr("this copy did not leave the platform; whether another"));
  EXPECT_THAT(letters[0], HasSubstr("(set by birch.example)"));
  for (const auto* words : {"no content left", "was not sent,", "the merger", "old.example"})
    EXPECT_THAT(letters[0], Not(HasSubstr(words)));
}

// Of recipients whose way ended before the trace was forgotten it isn't said that they wait, nor
// whom the header named.
TEST_F(ReportShow, ATraceBegunAgainSaysWhatTheQueueKnows) {
  auto reception = submitted({"bob@birch.example", "dave@old.example"}, hop::Level::mutual);
  const auto id = taken(std::move(reception), {"bob@birch.example", "dave@old.example"});
  const auto message = queued(acorn).at(0).message;
  ASSERT_TRUE(ask_for<trace::Expired>(acorn, [&](store::Transaction& tx) {
    return trace::expire(tx, acorn, world.clock().now() + std::chrono::days(200));
  }));
  ASSERT_TRUE(wait(store.transact(store::Scope::tenant(acorn), [&](store::Transaction& tx) {
    return custody::begin_trace_again_if_gone(tx, message, world.clock().now(),
                                              std::chrono::days(90));
  })));
  const auto result = shown(id, {{"tenant", "acorn.example"}});
  EXPECT_THAT(table_of(result), HasSubstr("to bob@birch.example: went on "));
  EXPECT_THAT(table_of(result), HasSubstr("; how is not recorded any more"));
  EXPECT_THAT(table_of(result), HasSubstr("to dave@old.example: waits"));
  EXPECT_THAT(table_of(result), Not(HasSubstr("not named in")));
  claims_nothing(result);
}

}  // namespace
}  // namespace letterlock::apps
