// What the trace keeps, at its limits, and what a write reads.
#include <set>

#include "trace/attempts.h"
#include "trace/fetches.h"
#include "trace/fixture.h"
#include "trace/keys.h"
#include "trace/write.h"

namespace letterlock::trace {
namespace {

using hop::Answer;
using hop::Given;
using hop::Hop;
using hop::Level;
using hop::Outcome;

struct TraceLimits : test::Fixture {
  static Hop refused(const Trace& trace, std::string host, std::string reason) {
    return failed(relay(trace, Level::clear, 0, std::move(host)), Given::nothing, Answer::hold,
                  std::move(reason));
  }
  net::ResultTask<> put_events(store::Transaction& tx, Trace trace, Hop hop, unsigned count) {
    for (unsigned i = 1; i <= count; ++i)
      put_event(tx, birch, acorn, {trace.id, i, 1, 1}, hop, TimeDetail::exact);
    co_return base::Result<>();
  }
  // With a change, so that what is read is told at its commit.
  net::ResultTask<EventPage> page_and_commit(store::Transaction& tx, std::size_t count_max) {
    tx.put(keys::state(birch, {}), "");
    co_return co_await pending_events(tx, birch, test::at("12:00:00"), "", count_max);
  }
  std::set<std::string> keys_read(const std::function<void()>& work) {
    std::set<std::string> keys;
    store.observe([&](const store::Reads& reads, const store::Changes&) {
      for (const auto& key : reads.keys) keys.insert(key.substr(19));
    });
    work();
    store.observe(nullptr);
    return keys;
  }
};

TEST_F(TraceLimits, ATraceHasAThousandRecipients) {
  EXPECT_TRUE(
      begin_in(acorn, trace_of(1, std::vector<std::string>(recipients_max, "a@old.example"))));
  const auto before = store.contents();
  const auto refused =
      begin_in(acorn, trace_of(2, std::vector<std::string>(recipients_max + 1, "a@old.example")));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, base::ErrorKind::invalid);
  EXPECT_EQ(store.contents(), before);
}

// Found by what it has: each index alone.
TEST_F(TraceLimits, OnlyWhatThereIsCanBeFound) {
  Trace bare = trace_of(1, {});
  bare.message_id = bare.mail_from = bare.header_from = "";
  EXPECT_TRUE(begin_in(acorn, bare));
  const auto without = store.contents().size();
  EXPECT_EQ(without, 2U) << "the head and its expiry";
  const auto rows_with = [&](std::uint8_t number, auto change) {
    Trace trace = bare;
    trace.id = trace_of(number, {}).id;
    change(trace);
    const auto before = store.contents().size();
    EXPECT_TRUE(begin_in(acorn, trace));
    return store.contents().size() - before;
  };
  EXPECT_EQ(rows_with(2, [](Trace& t) { t.message_id = "<2@acorn.example>"; }), without + 1);
  EXPECT_EQ(rows_with(3, [](Trace& t) { t.mail_from = "alice@acorn.example"; }), without + 1);
  EXPECT_EQ(rows_with(4, [](Trace& t) { t.header_from = "alice@acorn.example"; }), without + 1);
  EXPECT_EQ(rows_with(5, [](Trace& t) { t.recipients = {{0, "dave@old.example"}}; }), without + 1);
}

// A hop that came with its number is followed by the next one, whatever came before it.
TEST_F(TraceLimits, NumbersGoOnBehindTheHighest) {
  const Trace trace = begun(1, {"dave@old.example"});
  const auto number_of = [&](unsigned given) {
    Hop hop = submission(trace);
    hop.number = given;
    return recorded(hop).number;
  };
  EXPECT_EQ(number_of(0), 1U);
  EXPECT_EQ(number_of(7), 7U);
  EXPECT_EQ(number_of(3), 3U);
  EXPECT_EQ(number_of(0), 8U);
  EXPECT_EQ(number_of(8), 8U);
  EXPECT_EQ(number_of(0), 9U);
}

// Of what may be tried again alone, and while none is under way.
TEST_F(TraceLimits, WhichHopsAreAttemptsAtOne) {
  const Trace trace = begun(1, {"dave@old.example"});
  const auto again = [&](Hop hop) {
    hop.outcome = Outcome::failed;
    const auto first = recorded(hop);
    const auto second = recorded(hop);
    EXPECT_EQ(second.attempt, second.number == first.number ? 2U : 1U);
    return second.number == first.number;
  };
  EXPECT_TRUE(again(relay(trace, Level::clear, 0, "mx.old.example")));
  EXPECT_TRUE(again(delivery(trace, 0)));
  EXPECT_FALSE(again(fetch(trace, Level::clear, 0, "POP3")));
  EXPECT_FALSE(again(submission(trace)));
  auto of_nobody = relay(trace, Level::clear, 0, "mx.old.example");
  of_nobody.recipients.clear();
  EXPECT_FALSE(again(of_nobody));
  const auto open = intended(relay(trace, Level::clear, 0, "mx.old.example"));
  EXPECT_NE(recorded(relay(trace, Level::clear, 0, "mx.old.example")).number, open.number);
}

TEST_F(TraceLimits, ThousandQuietAttemptsAreKept) {
  const Trace trace = begun(1, {"dave@old.example"});
  const auto quiet = [&] {
    return failed(relay(trace, Level::clear, 0, "mx.old.example"), Given::nothing, Answer::take,
                  "no answer");
  };
  for (unsigned i = 0; i < quiet_attempts_max; ++i) ASSERT_NE(recorded(quiet()).sequence, 0U) << i;
  EXPECT_EQ(recorded(quiet()).sequence, 0U);
  EXPECT_EQ(loaded(trace.id).quiet_attempts_not_kept, 1U);
}

TEST_F(TraceLimits, OffersAreKeptAndOthersCounted) {
  const Trace trace = trace_of(1, {"dave@old.example"});
  Attempts attempts;
  auto first = refused(trace, "mx0.old.example", "no STARTTLS");
  attempts = with(attempts, first);
  for (unsigned i = 1; i < offers_kept_max; ++i)
    attempts = with(attempts, refused(trace, "mx" + std::to_string(i) + ".old.example", "no"));
  EXPECT_EQ(attempts.offers.size(), offers_kept_max);
  EXPECT_EQ(attempts.others, 0U);
  attempts = with(attempts, refused(trace, "mx9.old.example", "no"));
  EXPECT_EQ(attempts.offers.size(), offers_kept_max);
  EXPECT_EQ(attempts.others, 1U);
  // Known ones are counted on, whenever they were.
  auto earlier = first;
  earlier.time = first.time - std::chrono::hours(1);
  auto later = first;
  later.time = first.time + std::chrono::hours(1);
  for (const auto& hop : {later, earlier}) attempts = with(attempts, hop);
  EXPECT_EQ(attempts.offers[0],
            (Attempts::Offer{"mx0.old.example", "no STARTTLS", earlier.time, later.time, 3}));
  // Another reason of the same host, and the same reason of another, are others.
  EXPECT_EQ(with({}, first).others +
                with(with({}, first), refused(trace, "mx0.old.example", "x")).offers.size(),
            2U);
  EXPECT_EQ(with(with({}, first), refused(trace, "mx7.old.example", "no STARTTLS")).offers.size(),
            2U);
}

// What strangers say is cut, so that a row stays small: each at its longest, and one octet longer.
TEST_F(TraceLimits, AnOfferIsCut) {
  const Trace trace = trace_of(1, {"dave@old.example"});
  const auto with_lengths = [&](std::size_t host, std::size_t sentence, std::size_t words) {
    auto hop = refused(trace, std::string(host, 'h'), std::string(sentence, 'r'));
    hop.required = {
        {std::string(words, 'w'), std::string(sentence, 'b'), std::string(sentence, 'y')}};
    return with({}, hop);
  };
  const auto longest = with_lengths(255, 240, 400);
  EXPECT_EQ(longest.offers[0].host, std::string(255, 'h'));
  EXPECT_EQ(longest.offers[0].reason, std::string(240, 'r'));
  EXPECT_EQ(longest.by, std::string(240, 'b'));
  EXPECT_EQ(longest.why, std::string(240, 'y'));
  EXPECT_EQ(longest.required, std::string(400, 'w'));
  const auto cut = with_lengths(256, 241, 401);
  EXPECT_EQ(cut.offers[0].host, std::string(252, 'h') + "…");
  EXPECT_EQ(cut.offers[0].reason, std::string(237, 'r') + "…");
  EXPECT_EQ(cut.by, std::string(237, 'b') + "…");
  EXPECT_EQ(cut.why, std::string(237, 'y') + "…");
  EXPECT_EQ(cut.required, std::string(397, 'w') + "…");
}

// Attempts are ours alone, and of relaying; what was completed, or taken, isn't one.
TEST_F(TraceLimits, WhatConcernsAttempts) {
  const Trace trace = trace_of(1, {"dave@old.example"});
  const auto hop = refused(trace, "mx.old.example", "no STARTTLS");
  EXPECT_TRUE(concerns_attempts(hop));
  auto theirs = hop;
  theirs.from = mta("mx.modern.example");
  EXPECT_FALSE(concerns_attempts(theirs));
  auto another = hop;
  another.kind = hop::Kind::delivery;
  EXPECT_FALSE(concerns_attempts(another));
  auto unasked = hop;
  unasked.required.clear();
  EXPECT_FALSE(concerns_attempts(unasked));
  auto in_vain =
      failed(relay(trace, Level::clear, 0, "mx.old.example"), Given::nothing, Answer::take, "");
  EXPECT_FALSE(concerns_attempts(in_vain));
  for (const auto given : {Given::envelope, Given::content}) {
    in_vain.given = given;
    for (const auto outcome : {Outcome::failed, Outcome::unknown}) {
      in_vain.outcome = outcome;
      EXPECT_TRUE(concerns_attempts(in_vain));
      EXPECT_EQ(with({}, in_vain).given, given);
      EXPECT_TRUE(with({}, in_vain).offers.empty());
    }
    for (const auto outcome : {Outcome::completed, Outcome::intended}) {
      in_vain.outcome = outcome;
      EXPECT_FALSE(concerns_attempts(in_vain));
    }
  }
}

// How a way ended is said once; that it went on isn't an end.
TEST_F(TraceLimits, AnEndStands) {
  const Trace trace = begun(1, {"dave@old.example"});
  const auto end_it = [&](Ending how) {
    EXPECT_TRUE(
        in<void>(acorn, [&, this](auto& tx) { return end(tx, acorn, trace.id, {0}, how); }));
    return loaded(trace.id).ways[0].ending;
  };
  const Ending on{Ending::Kind::went_on, "", test::at("11:00:00")};
  const Ending bounced{Ending::Kind::bounced, std::string(20, '5'), test::at("12:00:00")};
  EXPECT_EQ(end_it(on), on);
  const auto ended = end_it(bounced);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->kind, Ending::Kind::bounced);
  EXPECT_EQ(ended->status, std::string(16, '5'));
  EXPECT_EQ(end_it(on), ended);
  EXPECT_EQ(
      in<void>(acorn, [&](auto& tx) { return end(tx, acorn, trace_of(9, {}).id, {0}, bounced); })
          .error()
          .kind,
      base::ErrorKind::not_found);
}

// What is asked for beforehand is what is read then: one read instead of several.
TEST_F(TraceLimits, RowsAskedForBeforehandAreThoseThatAreRead) {
  const Trace trace = begun(1, {"dave@old.example"});
  recorded(submission(trace));
  const auto named = [&](std::vector<std::string> rows) {
    std::set<std::string> names;
    for (const auto& row : rows) names.insert(row.substr(row.find("x/")));
    return names;
  };
  HopRef ref;
  auto read = keys_read([&] { ref = intended(relay(trace, Level::clear, 0, "mx.old.example")); });
  EXPECT_FALSE(read.empty());
  for (const auto& key : read)
    EXPECT_TRUE(named(rows_for_intend(acorn, trace.id, 0)).contains(key)) << key;
  read = keys_read([&] { EXPECT_TRUE(close_it(ref, {})); });
  for (const auto& key : read) EXPECT_TRUE(named(rows_for_close(acorn, ref)).contains(key)) << key;
}

// What a trace begins with is the first attempt at its first hop, whatever it was elsewhere.
TEST_F(TraceLimits, TheFirstHopIsTheFirst) {
  const Trace trace = trace_of(1, {"dave@old.example"});
  auto first = submission(trace);
  first.number = 9;
  first.attempt = 5;
  EXPECT_TRUE(in<void>(acorn, [&](auto& tx) { return begun_with(tx, trace, first); }));
  ASSERT_EQ(loaded(trace.id).hops.size(), 1U);
  EXPECT_EQ(loaded(trace.id).hops[0].number, 1U);
  EXPECT_EQ(loaded(trace.id).hops[0].attempt, 1U);
}

// Those that are only counted fill no trace: another mailbox has as many as it had.
TEST_F(TraceLimits, OnlyFetchesThatAreKeptFillATrace) {
  const Trace trace = begun(1, {"bob@birch.example", "carol@birch.example"});
  for (std::size_t i = 0; i < fetches_of_trace_max + fetches_max; ++i)
    recorded(fetch(trace, Level::encrypted, 0, "POP3S"));
  EXPECT_EQ(loaded(trace.id).fetches_not_kept, fetches_of_trace_max);
  for (std::size_t i = 0; i < fetches_max; ++i)
    EXPECT_NE(recorded(fetch(trace, Level::encrypted, 1, "POP3S")).sequence, 0U) << i;
  EXPECT_EQ(recorded(fetch(trace, Level::encrypted, 1, "POP3S")).sequence, 0U);
}

// The owner knows the mailbox, and whoever fetches from it, by the address that was written to.
TEST_F(TraceLimits, BothEndsOfAToldFetchAreNamed) {
  const Trace trace = begun(1, {"erin@acorn.example", "bob@birch.example"});
  Hop hop = fetch(trace, Level::encrypted, 1, "POP3S");
  hop.from.who = hop.to.who = "robert@birch.example";
  std::vector<Event> events{{{}, birch, acorn, 1, redacted(hop, TimeDetail::exact)}};
  EXPECT_EQ(events[0].hop.to.who, "");
  EXPECT_TRUE(in<Applied>(acorn, [&](auto& tx) { return apply_events(tx, acorn, events); }));
  const auto told = loaded(trace.id).hops;
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].from.who, "bob@birch.example");
  EXPECT_EQ(told[0].to.who, "bob@birch.example");
  // Nobody else is: a node has no name there.
  Hop relayed = relay(trace, Level::clear, 1, "mx.birch.example");
  events = {{{}, birch, acorn, 2, redacted(relayed, TimeDetail::exact)}};
  EXPECT_TRUE(in<Applied>(acorn, [&](auto& tx) { return apply_events(tx, acorn, events); }));
  EXPECT_EQ(loaded(trace.id).hops[1].from.who, "");
  EXPECT_EQ(loaded(trace.id).hops[1].to.who, "");
}

// A page that is full asks the store for no more.
TEST_F(TraceLimits, AFullPageOfEventsIsOneScan) {
  const Trace trace = begun(1, {"bob@birch.example"});
  const auto hop = fetch(trace, Level::encrypted, 0, "POP3S");
  EXPECT_TRUE(in<void>(birch, [&](auto& tx) { return put_events(tx, trace, hop, 3); }));
  std::size_t scans = 0;
  store.observe(
      [&](const store::Reads& reads, const store::Changes&) { scans += reads.ranges.size(); });
  const auto page = [&](std::size_t count_max) {
    scans = 0;
    return in<EventPage>(birch, [&, this](auto& tx) { return page_and_commit(tx, count_max); })
        .value();
  };
  EXPECT_EQ(page(3).events.size(), 3U);
  EXPECT_EQ(scans, 1U);
  EXPECT_TRUE(page(3).more);
  EXPECT_EQ(page(4).events.size(), 3U);
  EXPECT_EQ(scans, 2U);
  EXPECT_FALSE(page(4).more);
  store.observe(nullptr);
}

}  // namespace
}  // namespace letterlock::trace
