#include "trace/trace.h"

#include <algorithm>

#include "trace/fixture.h"

namespace letterlock::trace {
namespace {

using base::ErrorKind;
using hop::Answer;
using hop::Given;
using hop::Hop;
using hop::Level;
using hop::Outcome;

struct TraceTest : test::Fixture {
  Found found(const Query& query) {
    return in<Found>(acorn, [=, this](auto& tx) { return find(tx, acorn, query); }).value();
  }
  Expired expired(base::Time now, std::size_t traces_max = 100) {
    return in<Expired>(acorn, [=, this](auto& tx) { return expire(tx, acorn, now, traces_max); })
        .value();
  }
  Hop quiet(const Trace& trace, unsigned recipient = 0) {
    return failed(relay(trace, Level::clear, recipient, "mx.old.example"), Given::nothing,
                  Answer::hold, "no STARTTLS");
  }
};

TEST_F(TraceTest, KeepsWhatWasRecorded) {
  const Trace trace = begun(1, {"bob@birch.example"});
  EXPECT_EQ(recorded(submission(trace)), (HopRef{trace.id, 1, 1, 1}));
  EXPECT_EQ(recorded(delivery(trace, 0)), (HopRef{trace.id, 2, 2, 1}));
  EXPECT_EQ(recorded(fetch(trace, Level::clear, 0, "POP3")), (HopRef{trace.id, 3, 3, 1}));
  const LoadedTrace all = loaded(trace.id);
  EXPECT_EQ(all.trace, trace);
  ASSERT_EQ(all.hops.size(), 3U);
  Hop first = submission(trace);
  first.number = 1;
  EXPECT_EQ(all.hops[0], first);
  ASSERT_EQ(all.ways.size(), 1U);
  EXPECT_EQ(all.ways[0].hops, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_TRUE(all.complete);
}

TEST_F(TraceTest, BeginsOnce) {
  const Trace trace = begun(1, {"bob@birch.example"});
  EXPECT_EQ(begin_in(acorn, trace).error().kind, ErrorKind::exists);
  Trace crowd = trace_of(2, {});
  crowd.recipients.resize(recipients_max + 1);
  EXPECT_EQ(begin_in(acorn, crowd).error().kind, ErrorKind::invalid);
  const Trace never = trace_of(3, {});
  EXPECT_EQ(in<HopRef>(acorn, [&](auto& tx) { return record(tx, acorn, submission(never)); })
                .error()
                .kind,
            ErrorKind::not_found);
}

TEST_F(TraceTest, CutsWhatStrangersMakeLong) {
  Trace trace = trace_of(1, {std::string(5000, 'b')});
  trace.subject = std::string(5000, 's');
  trace.mail_from = "a\xff\n" + std::string(5000, 'm');
  EXPECT_TRUE(begin_in(acorn, trace));
  const Trace kept = loaded(trace.id).trace;
  EXPECT_EQ(kept.subject.size(), subject_octets_max);
  EXPECT_LE(kept.mail_from.size(), address_octets_max);
  EXPECT_LE(kept.recipients[0].address.size(), address_octets_max);
}

TEST_F(TraceTest, AttemptsShareTheirHopsNumber) {
  const Trace trace = begun(1, {"dave@old.example", "carol@modern.example"});
  recorded(submission(trace));
  EXPECT_EQ(recorded(quiet(trace, 0)), (HopRef{trace.id, 2, 2, 1}));
  EXPECT_EQ(recorded(quiet(trace, 1)), (HopRef{trace.id, 3, 3, 1}));
  EXPECT_EQ(recorded(quiet(trace, 0)), (HopRef{trace.id, 4, 2, 2}));
  const HopRef ref = intended(relay(trace, Level::encrypted, 0, "mx2.old.example"));
  EXPECT_EQ(ref, (HopRef{trace.id, 5, 2, 3}));
  EXPECT_TRUE(close_it(ref, {.finished = test::at("10:03:00")}));
  // What comes after the hop that was taken is another hop.
  EXPECT_EQ(recorded(quiet(trace, 0)).number, 4U);
  const LoadedTrace all = loaded(trace.id);
  EXPECT_EQ(all.ways[0].hops, (std::vector<std::size_t>{0, 1, 3, 4, 5}));
  EXPECT_EQ(all.ways[1].hops, (std::vector<std::size_t>{0, 2}));
}

TEST_F(TraceTest, AnIntentIsDurableUntilItIsClosed) {
  const Trace trace = begun(1, {"dave@old.example"});
  Hop hop = relay(trace, Level::clear, 0, "mx.old.example");
  hop.reason = "in clear: nobody requires more";
  const HopRef ref = intended(hop);
  store.crash(7, store::Unsynced::dropped);
  EXPECT_EQ(loaded(trace.id).hops[0].outcome, Outcome::intended);
  EXPECT_EQ(loaded(trace.id).hops[0].given, Given::content);

  EXPECT_EQ(close_it(ref, {.outcome = Outcome::intended}).error().kind, ErrorKind::invalid);
  EXPECT_TRUE(close_it(ref, {.outcome = Outcome::failed,
                             .given = Given::envelope,
                             .answer = Answer::take,
                             .reason = "",
                             .reply = "451 4.3.0 later",
                             .finished = test::at("10:03:00")}));
  const Hop closed = loaded(trace.id).hops[0];
  EXPECT_EQ(closed.outcome, Outcome::failed);
  EXPECT_EQ(closed.given, Given::envelope);
  EXPECT_EQ(closed.reply, "451 4.3.0 later");
  EXPECT_EQ(closed.reason, "in clear: nobody requires more");
  EXPECT_EQ(closed.finished, test::at("10:03:00"));
  EXPECT_EQ(close_it(ref, {}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(close_it({trace.id, 99, 1, 1}, {}).error().kind, ErrorKind::not_found);
  EXPECT_EQ(left_unknown("dublin-1", test::at("11:00:00")), 0U);
}

TEST_F(TraceTest, OpenIntentsBecomeUnknown) {
  const Trace trace = begun(1, {"dave@old.example", "erin@old.example", "frank@old.example"});
  Hop other = relay(trace, Level::encrypted, 2, "mx.old.example");
  other.from.who = "dublin-2";
  const HopRef mine = intended(relay(trace, Level::encrypted, 0, "mx.old.example"));
  const HopRef next = intended(relay(trace, Level::encrypted, 1, "mx.old.example"));
  intended(other);

  EXPECT_EQ(left_unknown("dublin-1", test::at("11:00:00"), 1), 2U);
  EXPECT_EQ(left_unknown("dublin-1", test::at("11:00:00")), 0U);

  const auto hops = loaded(trace.id).hops;
  EXPECT_EQ(hops[0].outcome, Outcome::unknown);
  EXPECT_EQ(hops[0].given, Given::content);
  EXPECT_EQ(hops[0].finished, test::at("11:00:00"));
  EXPECT_EQ(hops[1].outcome, Outcome::unknown);
  EXPECT_EQ(hops[2].outcome, Outcome::intended);  // another node's
  // What is learnt late is better than not to know; but only once.
  EXPECT_TRUE(close_it(next, {.finished = test::at("11:01:00")}));
  EXPECT_FALSE(close_it(next, {.finished = test::at("11:01:00")}));
  EXPECT_FALSE(close_it(mine, {.outcome = Outcome::unknown}));
  // A further attempt at a hop whose outcome is unknown is an attempt at the same hop.
  EXPECT_EQ(recorded(quiet(trace, 0)).number, mine.number);
}

TEST_F(TraceTest, AFailedTransactionLeavesNothing) {
  const Trace trace = begun(1, {"dave@old.example"});
  const auto before = store.contents();
  EXPECT_FALSE(in<HopRef>(acorn, [&](store::Transaction& tx) -> net::ResultTask<HopRef> {
    return [](store::Transaction& t, base::TenantId tenant, Hop hop) -> net::ResultTask<HopRef> {
      CO_CHECK(co_await intend(t, tenant, std::move(hop), "dublin-1"));
      co_return base::fail(ErrorKind::denied, "the mail itself could not be changed");
    }(tx, acorn, relay(trace, Level::clear, 0, "mx.old.example"));
  }));
  EXPECT_EQ(store.contents(), before);
}

// Five days of attempts, or a client that leaves its mail on the server, must not fill the store.
TEST_F(TraceTest, OnlyCountsWhatRepeatsItself) {
  const Trace trace = begun(1, {"bob@birch.example"});
  for (unsigned i = 0; i < fetches_max + 10; ++i)
    recorded(fetch(trace, Level::encrypted, 0, "POP3S"));
  auto all = loaded(trace.id);
  EXPECT_EQ(all.hops.size(), fetches_max);
  EXPECT_EQ(all.fetches_not_kept, 10U);
  // What is worse than all before is always kept.
  Hop worse = fetch(trace, Level::clear, 0, "POP3");
  EXPECT_NE(recorded(worse).sequence, 0U);
  EXPECT_EQ(recorded(worse).sequence, 0U);
  worse.password_in_clear = true;
  EXPECT_NE(recorded(worse).sequence, 0U);
  EXPECT_EQ(recorded(worse).sequence, 0U);

  // An intent that is only counted leaves nothing open.
  EXPECT_EQ(intended(fetch(trace, Level::encrypted, 0, "POP3S")).sequence, 0U);
  EXPECT_EQ(left_unknown("bob@birch.example", test::at("11:00:00")), 0U);

  for (unsigned i = 0; i < quiet_attempts_max + 5; ++i) recorded(quiet(trace));
  all = loaded(trace.id);
  EXPECT_EQ(all.quiet_attempts_not_kept, 5U);
  // Content that was given is never only counted, nor is the end.
  EXPECT_NE(recorded(failed(relay(trace, Level::clear, 0, "mx.old.example"), Given::content,
                            Answer::take, ""))
                .sequence,
            0U);
  EXPECT_NE(recorded(failed(relay(trace, Level::clear, 0, "mx.old.example"), Given::nothing,
                            Answer::refuse, ""))
                .sequence,
            0U);
}

TEST_F(TraceTest, EndsAWay) {
  const Trace trace = begun(1, {"dave@old.example", "erin@old.example"});
  const Ending ending{Ending::Kind::bounced, "5.7.4", test::at("12:00:00")};
  const auto end_it = [&](Ending how) {
    return in<void>(acorn, [=, this](auto& tx) { return end(tx, acorn, trace.id, {1}, how); });
  };
  EXPECT_TRUE(end_it(ending));
  EXPECT_TRUE(end_it({Ending::Kind::removed, "", test::at("13:00:00")}));
  const auto ways = loaded(trace.id).ways;
  EXPECT_EQ(ways[0].ending, std::nullopt);
  EXPECT_EQ(ways[1].ending, ending);
}

TEST_F(TraceTest, IsFound) {
  std::vector<Trace> traces;
  for (std::uint8_t i = 1; i <= 30; ++i) {
    Trace trace = trace_of(i, {i % 2 == 0 ? "bob@birch.example" : "Carol@modern.example"});
    trace.accepted = test::at("10:00:00") + std::chrono::minutes(i);
    trace.id = base::TraceId::make(trace.accepted, {i});
    trace.header_from = i == 7 ? "Alice.Other@acorn.example" : trace.mail_from;
    EXPECT_TRUE(begin_in(acorn, trace));
    traces.push_back(trace);
  }
  const auto ids = [](const Found& found) {
    std::vector<base::TraceId> list;
    for (const Summary& summary : found.traces) list.push_back(summary.id);
    return list;
  };
  using Ids = std::vector<base::TraceId>;
  EXPECT_EQ(ids(found({.message_id = "<5@acorn.example>"})), Ids{traces[4].id});
  EXPECT_EQ(ids(found({.message_id = " 5@acorn.example"})), Ids{traces[4].id});
  EXPECT_EQ(ids(found({.message_id = "<5@ACORN.example>"})), Ids{});
  EXPECT_EQ(ids(found({.from = "alice.other@ACORN.example"})), Ids{traces[6].id});
  EXPECT_EQ(found({.from = "alice@acorn.example", .count_max = 100}).traces.size(), 30U);
  EXPECT_EQ(found({.to = " CAROL@modern.example"}).traces.size(), 15U);
  EXPECT_EQ(found({.from = "mallory@acorn.example", .to = "carol@modern.example"}).traces.size(),
            0U);
  EXPECT_EQ(found({.to = "modern.example"}).traces.size(), 0U);

  const auto newest = found({.count_max = 3});
  EXPECT_EQ(ids(newest), (Ids{traces[29].id, traces[28].id, traces[27].id}));
  EXPECT_TRUE(newest.more);
  EXPECT_EQ(newest.traces[0].first_recipient, "bob@birch.example");
  EXPECT_EQ(ids(found({.since = traces[28].accepted})), (Ids{traces[29].id, traces[28].id}));
  EXPECT_EQ(
      ids(found(
          {.to = "bob@birch.example", .since = traces[0].accepted, .until = traces[3].accepted})),
      (Ids{traces[3].id, traces[1].id}));
  EXPECT_EQ(ids(found({.since = traces[5].accepted, .until = traces[4].accepted})), Ids{});
  EXPECT_EQ(ids(found({.since = base::from_milliseconds(-5000), .until = base::Time()})), Ids{});
}

// What was accepted is one record until something more is known of it.
TEST_F(TraceTest, BeginsWithTheHopThatItCameOver) {
  const auto empty = store.contents();
  const Trace trace = trace_of(1, {"dave@old.example"});
  const auto first = submission(trace);
  EXPECT_TRUE(in<void>(acorn, [&](auto& tx) { return begun_with(tx, trace, first); }));
  const auto keys = store.contents();
  EXPECT_EQ(std::ranges::count_if(
                keys, [](const auto& row) { return row.first.substr(19).starts_with("x/"); }),
            5);  // the head, its expiry, Message-ID, from, to

  auto seen = loaded(trace.id);
  ASSERT_EQ(seen.hops.size(), 1U);
  EXPECT_EQ(seen.hops[0].number, 1U);
  EXPECT_EQ(seen.hops[0].attempt, 1U);
  EXPECT_EQ(seen.hops[0].kind, first.kind);

  // Attempts that fail share the next number; the one that succeeds ends it, and what comes then is
  // new.
  EXPECT_EQ(recorded(quiet(trace, 0)).number, 2U);
  EXPECT_EQ(recorded(quiet(trace, 0)).attempt, 2U);
  auto done = relay(trace, Level::encrypted, 1, "mx.old.example");
  done.recipients = {0};
  const auto last = recorded(done);
  EXPECT_EQ(last.number, 2U);
  EXPECT_EQ(last.attempt, 3U);
  EXPECT_EQ(last.sequence, 4U);
  EXPECT_EQ(recorded(quiet(trace, 0)).number, 3U);
  EXPECT_EQ(loaded(trace.id).hops.size(), 5U);
  EXPECT_FALSE(begin_in(acorn, trace));

  EXPECT_EQ(expired(trace.expires).traces, 1U);
  EXPECT_EQ(store.contents(), empty);
}

TEST_F(TraceTest, NothingIsLeftOfWhatExpired) {
  const auto empty = store.contents();
  const Trace trace = begun(1, {"dave@old.example", "erin@old.example"});
  recorded(submission(trace));
  for (int i = 0; i < 20; ++i) recorded(quiet(trace, 0));
  const HopRef on_its_way = intended(relay(trace, Level::clear, 1, "mx.old.example"));
  EXPECT_TRUE(in<void>(acorn, [&](auto& tx) { return end(tx, acorn, trace.id, {0}, {}); }));
  const Trace later = [&] {
    Trace other = trace_of(2, {"dave@old.example"});
    other.expires = trace.expires + std::chrono::hours(1);
    return other;
  }();
  EXPECT_TRUE(begin_in(acorn, later));

  EXPECT_EQ(expired(trace.expires - base::Milliseconds(1)).traces, 0U);
  // Content is on its way under it: it is kept until that has ended.
  EXPECT_EQ(expired(trace.expires).traces, 0U);
  EXPECT_FALSE(expired(trace.expires).more);
  EXPECT_EQ(loaded(trace.id).hops.size(), 22U);
  EXPECT_TRUE(close_it(on_its_way, {.outcome = Outcome::completed, .finished = trace.expires}));
  EXPECT_EQ(expired(trace.expires).traces, 1U);
  EXPECT_EQ(found({.to = "dave@old.example"}).traces.size(), 1U);
  EXPECT_EQ(expired(later.expires).traces, 1U);
  EXPECT_EQ(store.contents(), empty);
}

TEST_F(TraceTest, ExpiresInBoundedPieces) {
  const auto empty = store.contents();
  std::vector<std::string> recipients;
  for (int i = 0; i < 900; ++i) recipients.push_back("r" + std::to_string(i) + "@old.example");
  base::Time last;
  for (std::uint8_t i = 1; i <= 4; ++i) {
    const Trace trace = begun(i, recipients);
    Hop hop = quiet(trace);
    hop.recipients.clear();
    for (unsigned r = 0; r < 900; ++r) hop.recipients.push_back(r);
    for (int n = 0; n < 3; ++n) recorded(hop);
    last = trace.expires;
  }
  int rounds = 0;
  while (true) {
    ++rounds;
    ASSERT_LT(rounds, 20);
    if (!expired(last).more) break;
  }
  EXPECT_GT(rounds, 1);
  EXPECT_EQ(store.contents(), empty);
}

}  // namespace
}  // namespace letterlock::trace
