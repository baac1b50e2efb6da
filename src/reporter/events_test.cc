// Hops in one tenant, told to another tenant's trace.
#include "reporter/fixture.h"

namespace letterlock::reporter {
namespace {

using namespace std::chrono_literals;
using store::CommitStage;
using testing::SizeIs;

class ReporterEvents : public test::Fixture {
 protected:
  static net::ResultTask<> fetch_again(store::Transaction& tx, base::TenantId tenant,
                                       base::TraceId id, base::TenantId owner, int times) {
    hop::Hop hop;
    hop.trace = id;
    hop.kind = hop::Kind::fetch;
    hop.from = {hop::End::Role::mailbox, "bob@birch.example", "", "POP3"};
    hop.to = {hop::End::Role::client, "bob@birch.example", "", "POP3"};
    hop.recipients = {0};
    for (int i = 0; i < times; ++i) {
      CO_TRY(const auto ref, co_await trace::record(tx, tenant, hop));
      trace::put_event(tx, tenant, owner, ref, hop, trace::TimeDetail::exact);
    }
    co_return base::Result<>();
  }
  // A message of acorn's that lies in birch, and so many fetches of it that aren't told yet.
  base::TraceId fetched(int times) {
    Mail mail;
    mail.owner = acorn;
    const auto id = accept(mail);
    const auto copy = trace_of(acorn, id).value().trace;
    EXPECT_TRUE(wait(store.transact(store::Scope::tenant(birch), [&](store::Transaction& tx) {
      return trace::begin(tx, birch, copy);
    })));
    EXPECT_TRUE(wait(store.transact(store::Scope::tenant(birch), [&](store::Transaction& tx) {
      return fetch_again(tx, birch, id, acorn, times);
    })));
    return id;
  }
  std::size_t told_of(base::TraceId id) { return trace_of(acorn, id).value().hops.size() - 1; }
};

net::ResultTask<> fetch_in(store::Transaction& tx, base::TenantId birch, trace::Trace copy,
                           base::Time time, trace::TimeDetail detail) {
  CO_CHECK(co_await trace::begin(tx, birch, copy));
  hop::Hop hop;
  hop.trace = copy.id;
  hop.kind = hop::Kind::fetch;
  hop.from = {hop::End::Role::mailbox, "bob@birch.example", "192.0.2.1", "POP3"};
  hop.to = {hop::End::Role::client, "bob@birch.example", "198.51.100.9", "POP3"};
  hop.recipients = {0};
  hop.reason = "a word of birch's own";
  hop.time = hop.finished = time;
  CO_TRY(const auto ref, co_await trace::record(tx, birch, hop));
  trace::put_event(tx, birch, copy.owner, ref, hop, detail);
  co_return base::Result<>();
}

TEST_F(ReporterEvents, AFetchIsToldToTheTracesOwnerAndNoMore) {
  Mail mail;
  mail.owner = acorn;
  const auto id = accept(mail);
  auto copy = trace_of(acorn, id).value().trace;
  ASSERT_TRUE(wait(store.transact(store::Scope::tenant(birch), [&](store::Transaction& tx) {
    return fetch_in(tx, birch, copy, world.clock().now(), trace::TimeDetail::exact);
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
  const auto left =
      ask<bool>(birch, [this](store::Transaction& tx) { return trace::has_events(tx, birch); });
  EXPECT_FALSE(left.value());
}

TEST_F(ReporterEvents, AThousandAreAFewTransactions) {
  std::vector<base::TraceId> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(fetched(10));
  std::size_t commits = 0;
  store.on_commit([&](CommitStage at) { commits += at == CommitStage::before ? 1 : 0; });
  start();
  world.advance(1s);
  store.on_commit({});
  for (const auto& id : ids) EXPECT_EQ(told_of(id), 10U);
  // A hundred of them in one, and one to forget them; and as of when it is.
  EXPECT_LE(commits, 2 * 1000 / trace::events_at_once + 1);
}

TEST_F(ReporterEvents, ItIsRungForWhatIsPut) {
  options.look = 10min;
  start();
  world.advance(1min);
  const auto id = fetched(1);
  reporter->put_event(birch);
  world.advance(100ms);
  EXPECT_EQ(told_of(id), 1U);
}

TEST_F(ReporterEvents, WhatNobodyRangForIsToldWithinTwoSeconds) {
  start();
  world.advance(1min);
  const auto id = fetched(1);
  world.advance(2100ms);
  EXPECT_EQ(told_of(id), 1U);
}

// Who looks each second learns the day, and not the second.
TEST_F(ReporterEvents, WhereTimesAreLetOutByTheDayItIsToldAtItsEnd) {
  Mail mail;
  mail.owner = acorn;
  const auto id = accept(mail);
  const auto copy = trace_of(acorn, id).value().trace;
  start();
  world.advance(1min);
  ASSERT_TRUE(wait(store.transact(store::Scope::tenant(birch), [&](store::Transaction& tx) {
    return fetch_in(tx, birch, copy, world.clock().now(), trace::TimeDetail::day);
  })));
  reporter->put_event(birch);
  const auto today = std::chrono::floor<std::chrono::days>(world.clock().now());
  world.clock().jump(today + 24h - 10s - world.clock().now());
  world.advance(9s);
  EXPECT_EQ(told_of(id), 0U);
  EXPECT_EQ(trace_of(acorn, id).value().told_as_of, today) << "no later than what is told";
  world.advance(15s);
  EXPECT_EQ(told_of(id), 1U);
  EXPECT_EQ(trace_of(acorn, id).value().told_as_of, today + 24h);
}

// A trace says as of when it is told: never later than what is told.
TEST_F(ReporterEvents, AsOfIsWhenAllWasPassed) {
  options.told_times = trace::TimeDetail::exact;
  const auto id = fetched(3);
  store.fail_next_commit(base::ErrorKind::io);
  start();
  world.advance(5s);
  EXPECT_EQ(told_of(id), 0U);
  EXPECT_FALSE(trace_of(acorn, id).value().told_as_of) << "birch's are still to be told";
  world.advance(15s);
  EXPECT_EQ(told_of(id), 3U);
  const auto as_of = trace_of(acorn, id).value().told_as_of;
  ASSERT_TRUE(as_of);
  EXPECT_LE(*as_of, world.clock().now());
  world.advance(1min);
  const auto now = trace_of(acorn, id).value().told_as_of;
  ASSERT_TRUE(now);
  EXPECT_GT(*now, *as_of) << "it goes on though nothing happens";
  EXPECT_GE(*now, world.clock().now() - 15s);
}

}  // namespace
}  // namespace letterlock::reporter
