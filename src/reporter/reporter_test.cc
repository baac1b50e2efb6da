// What is to be told, told: reports in the queue, hops in another tenant's trace.
#include "reporter/reporter.h"

#include "custody/fixture.h"
#include "message/header_parser.h"
#include "reporter/notice.h"
#include "trace/event.h"

namespace letterlock::reporter {
namespace {

using namespace std::chrono_literals;
using store::CommitStage;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class ReporterTest : public custody::test::Fixture {
 protected:
  void start() {
    reporter.emplace(Ports{store, directory, custody, world.timers(), world.clock(), world.random(),
                           events, [this] { return custody::test::all_of({acorn, birch}); }},
                     options);
    run(reporter->run());
  }
  ~ReporterTest() override { stop(); }

  Mail to_dave() {
    Mail mail;
    mail.to = {"dave@old.example"};
    mail.owner = acorn;
    mail.account = alice.id;
    return mail;
  }
  static net::ResultTask<> settle_in(store::Transaction& tx, base::TenantId tenant,
                                     base::MessageId id, queue::Outcome outcome, base::Time now) {
    std::vector<queue::Outcome> outcomes{std::move(outcome)};
    CO_TRY(const auto settled, co_await queue::settle(tx, queue::Schedule(), tenant, id,
                                                      std::move(outcomes), {.now = now}));
    (void)settled;
    co_return base::Result<>();
  }
  // What became of the only recipient of acorn's first message.
  void becomes(queue::Outcome outcome) {
    const auto id = queued(acorn).at(0).message.id;
    ASSERT_TRUE(wait(store.transact(store::Scope::tenant(acorn), [&](store::Transaction& tx) {
      return settle_in(tx, acorn, id, outcome, world.clock().now());
    })));
    if (reporter) reporter->notice(acorn);
  }
  static queue::Outcome no_such_user() {
    return {.index = 0,
            .step = queue::Step::fail,
            .status = "5.1.1",
            .reply = "550 5.1.1 no such user",
            .host = "mx1.old.example"};
  }
  // The reports in acorn's queue.
  std::vector<queue::Entry> reports() {
    std::vector<queue::Entry> out;
    for (auto& entry : queued(acorn)) {
      if (entry.message.is_report) out.push_back(std::move(entry));
    }
    return out;
  }
  // The parts of the one report: its header, then what stands between the boundaries.
  std::vector<std::string> parts(std::size_t count = 4) {
    world.advance(5s);
    const auto all = reports();
    EXPECT_THAT(all, SizeIs(1));
    if (all.size() != 1) return std::vector<std::string>(4);
    auto rest = octets_of(all[0].message.blob);
    EXPECT_EQ(rest.size(), all[0].message.octets);
    EXPECT_EQ(base::to_hex(base::sha256(rest)), all[0].message.digest);
    const auto at = rest.find("boundary=\"");
    const auto boundary = "\r\n--" + rest.substr(at + 10, rest.find('"', at + 10) - at - 10);
    std::vector<std::string> out;
    for (auto end = rest.find(boundary); end != std::string::npos; end = rest.find(boundary)) {
      out.push_back(rest.substr(0, end + 2));
      rest.erase(0, end + boundary.size());
    }
    EXPECT_EQ(rest, "--\r\n");
    EXPECT_THAT(out, SizeIs(count));
    out.resize(4);
    return out;
  }

  Options options{.node = "dublin-1", .host_name = "mail.acorn.example"};
  std::optional<Reporter> reporter;
};

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
  EXPECT_THAT(trace_of(acorn, entries[0].message.trace).value().hops, SizeIs(1));
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

// ---- between tenants ----

net::ResultTask<> fetch_in(store::Transaction& tx, base::TenantId birch, trace::Trace copy) {
  CO_CHECK(co_await trace::begin(tx, birch, copy));
  hop::Hop hop;
  hop.trace = copy.id;
  hop.kind = hop::Kind::fetch;
  hop.from = {hop::End::Role::mailbox, "bob@birch.example", "192.0.2.1", "POP3"};
  hop.to = {hop::End::Role::client, "bob@birch.example", "198.51.100.9", "POP3"};
  hop.recipients = {0};
  hop.reason = "a word of birch's own";
  CO_TRY(const auto ref, co_await trace::record(tx, birch, hop));
  trace::put_event(tx, birch, copy.owner, ref, hop, trace::TimeDetail::day);
  co_return base::Result<>();
}

TEST_F(ReporterTest, AFetchIsToldToTheTracesOwnerAndNoMore) {
  Mail mail;
  mail.owner = acorn;
  const auto id = accept(mail);
  auto copy = trace_of(acorn, id).value().trace;
  ASSERT_TRUE(wait(store.transact(store::Scope::tenant(birch), [&](store::Transaction& tx) {
    return fetch_in(tx, birch, copy);
  })));
  // A crash between applying it and forgetting it.
  store.on_commit([this, left = 2](CommitStage at) mutable {
    if (at == CommitStage::before && --left == 0) store.crash(1, store::Unsynced::torn);
  });
  start();
  world.advance(1min);
  EXPECT_EQ(events.count("reporter.failed"), 1U) << "it never crashed";
  const auto hops = trace_of(acorn, id).value().hops;
  ASSERT_THAT(hops, SizeIs(2));
  EXPECT_EQ(hops[1].kind, hop::Kind::fetch);
  EXPECT_EQ(hops[1].protection.level, hop::Level::clear);
  EXPECT_EQ(hops[1].to.address, "");
  EXPECT_EQ(hops[1].from.address, "");
  EXPECT_EQ(hops[1].reason, "");
  const auto left = ask<std::vector<trace::Event>>(
      birch, [this](store::Transaction& tx) { return trace::pending_events(tx, birch, 10); });
  EXPECT_THAT(left.value(), IsEmpty());
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

// ---- why ----

hop::Hop held(std::string_view who, std::string_view reason, base::Time time) {
  hop::Hop hop;
  hop.kind = hop::Kind::relay;
  hop.from = {hop::End::Role::node, "dublin-1", "", ""};
  hop.to = {hop::End::Role::mta, std::string(who), "", ""};
  hop.recipients = {0};
  hop.answer = hop::Answer::hold;
  hop.given = hop::Given::nothing;
  hop.outcome = hop::Outcome::failed;
  hop.required = {{"level >= authenticated", "set by acorn.example", "the auditors ask for it"}};
  hop.reason = std::string(reason);
  hop.time = time;
  return hop;
}

TEST(Refusal, SaysWhatWasRequiredAndWhatEachHostOffered) {
  const auto noon = base::from_milliseconds(1'795'428'131'000);
  trace::LoadedTrace trace;
  trace.hops = {held("mx1.bank.example", "no STARTTLS", noon),
                held("mx1.bank.example", "no STARTTLS", noon + 1h),
                held("mx2.bank.example", "certificate expired", noon)};
  queue::Recipient recipient;
  recipient.destination = "bank.example";
  recipient.status = "5.7.4";
  auto refusal = refusal_of(trace, recipient);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->by, "acorn.example");
  EXPECT_EQ(refusal->required, "level >= authenticated");
  ASSERT_THAT(refusal->offers, SizeIs(2));
  EXPECT_EQ(refusal->offers[0].attempts, 2U);
  EXPECT_EQ(refusal->offers[0].last, noon + 1h);
  EXPECT_THAT(refusal->kept_safe, StartsWith("no content left"));
  // An attempt that gave the content away is not passed over in silence.
  auto given = held("mx1.bank.example", "gone at the end", noon);
  given.answer = hop::Answer::take;
  given.given = hop::Given::content;
  trace.hops.push_back(given);
  refusal = refusal_of(trace, recipient);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->kept_safe, StartsWith("content left the platform"));
}

TEST(Refusal, IsNoneWhereTheJudgementHadNoPart) {
  queue::Recipient recipient;
  recipient.status = "5.1.1";
  EXPECT_FALSE(refusal_of(trace::LoadedTrace(), recipient));
  trace::LoadedTrace other;
  other.hops = {held("mx1.bank.example", "no STARTTLS", {})};
  other.hops[0].recipients = {1};
  EXPECT_FALSE(refusal_of(other, recipient));
}

}  // namespace
}  // namespace letterlock::reporter
