// What is to be told, told: reports in the queue.
#include "reporter/fixture.h"

namespace letterlock::reporter {
namespace {

using namespace std::chrono_literals;
using store::CommitStage;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class ReporterTest : public test::Fixture {};

TEST_F(ReporterTest, AFailureComesBackOnceFromTheNullReversePath) {
  start();
  auto mail = to_dave();
  mail.params.envid = "QQ314159";
  const auto id = accept(mail);
  becomes(no_such_user());
  const auto report = parts();
  EXPECT_THAT(report[0], HasSubstr("To: <alice@acorn.example>"));
  EXPECT_THAT(report[0], HasSubstr("multipart/report"));
  EXPECT_THAT(report[0], HasSubstr("Auto-Submitted: auto-replied"));
  EXPECT_THAT(report[1], HasSubstr("dave@old.example"));
  EXPECT_THAT(report[1], HasSubstr(id.text()));
  for (const auto* field :
       {"Reporting-MTA: dns; mail.acorn.example\r\n", "Original-Envelope-Id: QQ314159\r\n",
        "Final-Recipient: rfc822; dave@old.example\r\n", "Action: failed\r\n", "Status: 5.1.1",
        "Remote-MTA: dns; mx1.old.example\r\n", "Diagnostic-Code: smtp; 550 5.1.1 no such user"})
    EXPECT_THAT(report[2], HasSubstr(field));
  EXPECT_THAT(report[3], HasSubstr("Subject: Figures\r\n"));
  // The original is gone; the report is mail as any other, which nobody is told about.
  const auto entries = queued(acorn);
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].message.mail_from, "");
  ASSERT_THAT(entries[0].recipients, SizeIs(1));
  EXPECT_EQ(entries[0].recipients[0].address, "alice@acorn.example");
  EXPECT_EQ(entries[0].recipients[0].lane, queue::Lane::local);
  EXPECT_TRUE(entries[0].recipients[0].params.notify.is_never());
  EXPECT_EQ(store.blob_count(), 1U);
  EXPECT_THAT(trace_of(acorn, entries[0].message.trace).value().hops, SizeIs(2));
  world.advance(1h);
  EXPECT_THAT(reports(), SizeIs(1));
  EXPECT_EQ(events.count("report.made"), 1U);
}

TEST_F(ReporterTest, NothingIsSaidAboutTheNullReversePath) {
  start();
  auto mail = to_dave();
  mail.mail_from = "";
  accept(mail);
  becomes(no_such_user());
  world.advance(5s);
  EXPECT_THAT(queued(acorn), IsEmpty());
  EXPECT_EQ(store.blob_count(), 0U);
}

TEST_F(ReporterTest, AReportThatFailsIsNotReported) {
  start();
  accept(to_dave());
  becomes(no_such_user());
  parts();
  becomes(no_such_user());
  world.advance(5s);
  EXPECT_THAT(queued(acorn), IsEmpty());
  EXPECT_EQ(events.count("report.made"), 1U);
}

TEST_F(ReporterTest, NobodyIsToldWhoAskedForIt) {
  start();
  auto mail = to_dave();
  mail.notify = dsn::Notify::never();
  accept(mail);
  becomes(no_such_user());
  world.advance(5s);
  EXPECT_THAT(queued(acorn), IsEmpty());
  EXPECT_EQ(events.count("report.made"), 0U);
}

TEST_F(ReporterTest, ADelayIsSaidOnceAndTheMessageStays) {
  start();
  accept(to_dave());
  world.advance(5h);
  const queue::Outcome later{
      .index = 0, .step = queue::Step::defer, .status = "4.4.1", .reply = "no answer", .host = ""};
  becomes(later);
  const auto report = parts();
  EXPECT_THAT(report[2], HasSubstr("Action: delayed\r\n"));
  EXPECT_THAT(report[2], HasSubstr("Status: 4.4.1"));
  EXPECT_THAT(report[2], HasSubstr("Will-Retry-Until: "));
  EXPECT_THAT(report[2], Not(HasSubstr("Remote-MTA")));
  EXPECT_THAT(queued(acorn), SizeIs(2));
  world.advance(5h);
  becomes(later);
  world.advance(5s);
  EXPECT_THAT(reports(), SizeIs(1));
}

TEST_F(ReporterTest, ASuccessIsSaidToWhomAskedForIt) {
  start();
  auto mail = to_dave();
  mail.notify = {.given = true, .success = true};
  mail.params.ret = dsn::Return::full;
  accept(mail);
  becomes({.index = 0,
           .step = queue::Step::relay,
           .status = "2.0.0",
           .reply = "250 2.0.0 queued",
           .host = "mx1.old.example"});
  const auto report = parts();
  EXPECT_THAT(report[2], HasSubstr("Action: relayed\r\n"));
  // RFC 3461 §4.3: RET is for failures.
  EXPECT_THAT(report[3], Not(HasSubstr("The figures.")));
}

TEST_F(ReporterTest, RetDecidesWhatComesBack) {
  start();
  for (const auto ret : {dsn::Return::full, dsn::Return::headers, dsn::Return::unspecified}) {
    auto mail = to_dave();
    mail.params.ret = ret;
    accept(mail);
    becomes(no_such_user());
    const auto report = parts();
    EXPECT_THAT(report[3], HasSubstr("Subject: Figures\r\n"));
    if (ret == dsn::Return::full) {
      EXPECT_THAT(report[3], HasSubstr("message/rfc822\r\n"));
      EXPECT_THAT(report[3], HasSubstr("\r\n\r\n" + mail.octets));
    } else {
      EXPECT_THAT(report[3], HasSubstr("text/rfc822-headers"));
      EXPECT_THAT(report[3], Not(HasSubstr("The figures.")));
    }
    becomes(no_such_user());  // the report: out of the way
    world.advance(5s);
    ASSERT_THAT(queued(acorn), IsEmpty());
  }
}

TEST_F(ReporterTest, ALargeOriginalComesBackAsItsHeader) {
  options.returned_octets_max = 1000;
  start();
  auto mail = to_dave();
  mail.params.ret = dsn::Return::full;
  for (int i = 0; i < 200; ++i) mail.octets += "A line of figures.\r\n";
  accept(mail);
  becomes(no_such_user());
  EXPECT_THAT(parts()[3], Not(HasSubstr("figures.")));
}

// The sender hears of it all the same, and nobody else's reports wait behind it.
TEST_F(ReporterTest, AnOriginalThatCannotBeReadIsLeftOut) {
  start();
  accept(to_dave());
  store.damage(queued(acorn).at(0).message.blob);
  becomes(no_such_user());
  world.advance(1min);
  ASSERT_THAT(reports(), SizeIs(1));
  EXPECT_EQ(events.count("report.without_original"), 1U);
  EXPECT_EQ(events.count("reporter.failed"), 0U);
  const auto report = parts(3);
  EXPECT_THAT(report[2], HasSubstr("Final-Recipient: rfc822; dave@old.example"));
  for (const auto& part : report) EXPECT_THAT(part, Not(HasSubstr("\r\nSubject: Figures\r\n")));
}

TEST_F(ReporterTest, ToldOnceThoughTheNodeCrashes) {
  for (const auto stage : {CommitStage::before, CommitStage::durable}) {
    const auto failures = events.count("reporter.failed");
    accept(to_dave());
    becomes(no_such_user());
    store.on_commit([this, stage, done = false](CommitStage at) mutable {
      if (done || at != stage) return;
      done = true;
      store.crash(1, store::Unsynced::torn);
    });
    if (!reporter) start();
    reporter->notice(acorn);
    world.advance(1min);
    store.on_commit({});
    EXPECT_GT(events.count("reporter.failed"), failures) << "it never crashed";
    ASSERT_THAT(queued(acorn), SizeIs(1));
    EXPECT_THAT(reports(), SizeIs(1));
    becomes(no_such_user());
    world.advance(1min);
    store.sweep();
    EXPECT_EQ(store.blob_count(), 0U);
  }
}

// Whoever settled it never heard that it was kept, or is gone: nobody speaks of the notice.
TEST_F(ReporterTest, ANoticeThatNobodySpokeOfIsTold) {
  start();
  world.advance(1min);
  accept(to_dave());
  const auto id = queued(acorn).at(0).message.id;
  store.fail_next_commit(base::ErrorKind::io, store::Outcome::applied);
  EXPECT_FALSE(wait(store.transact(store::Scope::tenant(acorn), [&](store::Transaction& tx) {
    return settle_in(tx, acorn, id, no_such_user(), world.clock().now());
  })));
  world.advance(6min);
  EXPECT_THAT(reports(), SizeIs(1));
}

TEST_F(ReporterTest, AFullDiskLeavesTheNotice) {
  start();
  accept(to_dave());
  store.set_disk_free_octets(768 * 1024);  // within the reserve: changes, but no content
  becomes(no_such_user());
  world.advance(1min);
  EXPECT_THAT(reports(), IsEmpty());
  EXPECT_GE(events.count("reporter.failed"), 1U);
  store.set_disk_free_octets(std::uint64_t{1} << 40);
  world.advance(1min);
  EXPECT_THAT(reports(), SizeIs(1));
}

TEST_F(ReporterTest, WhatHasExpiredGoes) {
  start();
  const auto id = accept(to_dave());
  becomes(no_such_user());
  world.advance(5s);
  EXPECT_TRUE(trace_of(acorn, id));
  world.clock().jump(91 * 24h);
  world.advance(11min);
  EXPECT_FALSE(trace_of(acorn, id));
}

}  // namespace
}  // namespace letterlock::reporter
