#include "trace/event.h"

#include "trace/fixture.h"
#include "trace/table.h"
#include "trace/words.h"

namespace letterlock::trace {
namespace {

using hop::Hop;
using hop::Level;
using hop::Network;
using hop::Outcome;

constexpr Applied now{.now = 1};
constexpr Applied before{.before = 1};
constexpr Applied gone{.trace_is_gone = 1};

struct TraceEvent : test::Fixture {
  // Bob's fetch, recorded in birch's tenant together with the event for acorn.
  HopRef fetched(const Hop& hop, TimeDetail detail = TimeDetail::exact) {
    return in<HopRef>(birch, [&, this](auto& tx) { return record_and_tell(tx, hop, detail); })
        .value();
  }
  net::ResultTask<HopRef> record_and_tell(store::Transaction& tx, Hop hop, TimeDetail detail) {
    CO_TRY(const HopRef ref, co_await record(tx, birch, hop));
    put_event(tx, birch, acorn, ref, hop, detail);
    co_return ref;
  }
  void put(HopRef ref, Hop hop, Outcome outcome) {
    hop.outcome = outcome;
    EXPECT_TRUE(in<void>(birch, [&, this](auto& tx) { return put_in(tx, ref, hop); }));
  }
  net::ResultTask<> put_in(store::Transaction& tx, HopRef ref, Hop hop) {
    put_event(tx, birch, acorn, ref, hop, TimeDetail::exact);
    co_return base::Result<>();
  }
  // By the day's end, if nothing else is said.
  std::vector<Event> pending(std::size_t count_max = 100,
                             base::Time by = test::at("00:00:00") + std::chrono::days(1)) {
    return in<EventPage>(
               birch, [=, this](auto& tx) { return pending_events(tx, birch, by, "", count_max); })
        .value()
        .events;
  }
  Applied apply(const std::vector<Event>& events) {
    return in<Applied>(acorn, [=, this](auto& tx) { return apply_events(tx, acorn, events); })
        .value();
  }
  Applied apply(const Event& event) { return apply(std::vector{event}); }
  void done(const Event& event) {
    EXPECT_TRUE(in<void>(
        birch, [=, this](auto& tx) { return events_done(tx, birch, std::vector{event}); }));
  }
  // A message of acorn's for bob at birch, delivered: both tenants know of it.
  Trace delivered() {
    const Trace trace = begun(1, {"erin@acorn.example", "bob@birch.example"});
    EXPECT_TRUE(begin_in(birch, copy_for(trace, {1})));
    recorded(submission(trace));
    recorded(delivery(trace, 1));
    return trace;
  }
};

TEST_F(TraceEvent, ACopyShowsNobodyElsesAddress) {
  const Trace trace = delivered();
  const Trace copy = in<Trace>(birch, [&](auto& tx) { return find(tx, birch, trace.id); }).value();
  EXPECT_EQ(copy.recipients, (std::vector<Recipient>{{1, "bob@birch.example"}}));
  EXPECT_EQ(copy.owner, acorn);
  std::size_t with_erin = 0;
  for (const auto& [key, value] : store.contents()) {
    const bool has = value.find("erin") != value.npos;
    with_erin += has ? 1 : 0;
    EXPECT_FALSE(has && key.starts_with(store::tenant_prefix(birch)));
  }
  EXPECT_GT(with_erin, 0U) << "the sender's own trace has her";
}

// A crash within a fetch: the sender's tenant is to know of it, too.
TEST_F(TraceEvent, AFetchThatNobodyKnowsTheEndOfIsTold) {
  const Trace trace = delivered();
  const auto intent = in<HopRef>(birch, [&](auto& tx) {
    return intend(tx, birch, fetch(trace, Level::encrypted, 1, "POP3S"), "dublin-1", acorn);
  });
  ASSERT_TRUE(intent);
  const auto open =
      in<OpenPage>(birch, [&](auto& tx) { return open_intents(tx, birch, "dublin-1", "", 10); });
  ASSERT_EQ(open->intents.size(), 1U);
  EXPECT_TRUE(in<void>(birch, [&](auto& tx) {
    return leave_unknown(tx, birch, open->intents, test::at("11:00:00"), TimeDetail::day);
  }));
  ASSERT_EQ(pending().size(), 1U);
  EXPECT_EQ(apply(pending().front()), now);
  EXPECT_EQ(loaded(trace.id).hops.back().outcome, hop::Outcome::unknown);
  EXPECT_EQ(loaded(trace.id).hops.back().kind, hop::Kind::fetch);
  // Begun again after a crash, it finds nothing to do.
  EXPECT_TRUE(in<void>(birch, [&](auto& tx) {
    return leave_unknown(tx, birch, open->intents, test::at("11:00:01"), TimeDetail::day);
  }));
  EXPECT_EQ(pending().size(), 1U);
}

// One message to a mailbox of birch, and to acorn's alias that leads to another one there: both
// copies are birch's row, and each intent says whose trace is to be told.
TEST_F(TraceEvent, WhomToTellIsTheIntentsAndNotTheCopysMatter) {
  Trace own = trace_of(1, {"erin@acorn.example", "bob@birch.example"});
  own.owner = birch;
  EXPECT_TRUE(begin_in(birch, own));
  for (const auto& told : {acorn, base::TenantId()}) {
    const auto intent = in<HopRef>(birch, [&](auto& tx) {
      return intend(tx, birch, fetch(own, Level::encrypted, 1, "POP3S"), "dublin-1", told);
    });
    ASSERT_TRUE(intent);
  }
  const auto open =
      in<OpenPage>(birch, [&](auto& tx) { return open_intents(tx, birch, "dublin-1", "", 10); });
  ASSERT_EQ(open->intents.size(), 2U);
  EXPECT_TRUE(in<void>(birch, [&](auto& tx) {
    return leave_unknown(tx, birch, open->intents, test::at("11:00:00"), TimeDetail::day);
  }));
  ASSERT_EQ(pending().size(), 1U);
  EXPECT_EQ(pending().front().sequence, open->intents.front().sequence);
  EXPECT_EQ(pending().front().to, acorn);
}

TEST_F(TraceEvent, TellsTheProtectionAndNothingElse) {
  const Trace trace = delivered();
  Hop hop = fetch(trace, Level::encrypted, 1, "POP3S");
  hop.from.who = "robert.secret@birch.example";  // what sales@ and bob@ are inside
  hop.to.who = "bobs-laptop.inside.birch.example";
  hop.to.address = "10.9.8.7";
  hop.reason = "a sentence with names";
  hop.reply = "+OK mdir7.inside.birch.example";
  hop.required = {{"fetch protected", "set by birch.example", "since the incident"}};
  hop.password_in_clear = true;
  fetched(hop);

  const auto events = pending();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].to, acorn);
  const std::string told = hop::to_json(events[0].hop);
  for (const auto* secret :
       {"secret", "laptop", "inside", "10.9.8.7", "names", "incident", "ab\""}) {
    EXPECT_EQ(told.find(secret), told.npos) << secret << " in " << told;
  }
  EXPECT_EQ(apply(events[0]), now);
  const Hop known = loaded(trace.id).hops.back();
  EXPECT_EQ(known.kind, hop::Kind::fetch);
  EXPECT_EQ(known.number, 3U);
  EXPECT_EQ(known.protection.level, Level::encrypted);
  EXPECT_EQ(known.protection.tls.group, "X25519");
  EXPECT_EQ(known.from.who, "bob@birch.example");  // as alice wrote it
  EXPECT_EQ(known.to.protocol, "POP3S");
  EXPECT_EQ(known.time, test::at("10:05:40"));
  EXPECT_TRUE(known.password_in_clear);
  EXPECT_EQ(loaded(trace.id).ways[1].hops.size(), 3U);
  EXPECT_EQ(loaded(trace.id).ways[0].hops.size(), 1U);
}

TEST_F(TraceEvent, TwiceIsOnce) {
  const Trace trace = delivered();
  fetched(fetch(trace, Level::clear, 1, "POP3"));
  fetched(fetch(trace, Level::encrypted, 1, "POP3S"));
  const auto events = pending();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(apply(events[0]), now);
  EXPECT_EQ(apply(events[0]), before);
  EXPECT_EQ(apply(events[1]), now);
  EXPECT_EQ(apply(events[0]), before);
  EXPECT_EQ(loaded(trace.id).hops.size(), 4U);
  done(events[0]);
  ASSERT_EQ(pending().size(), 1U);
  EXPECT_EQ(pending()[0], events[1]);
  done(events[1]);
  done(events[1]);
  EXPECT_TRUE(pending().empty());
}

TEST_F(TraceEvent, TimesAreAsCoarseAsTheTenantLetsOut) {
  const Trace trace = delivered();
  const Hop hop = fetch(trace, Level::encrypted, 1, "POP3S");
  fetched(hop, TimeDetail::day);
  fetched(hop, TimeDetail::none);
  const auto events = pending();
  EXPECT_EQ(events[0].hop.time, test::at("00:00:00"));
  EXPECT_EQ(events[0].hop.finished, test::at("00:00:00"));
  EXPECT_EQ(events[1].hop.time, base::Time());
}

// Else whoever looks again and again knows when it was fetched.
TEST_F(TraceEvent, WhoLetsNoTimesOutTellsAtTheDaysEnd) {
  const Trace trace = delivered();
  const Hop hop = fetch(trace, Level::encrypted, 1, "POP3S");  // at 10:05
  fetched(hop, TimeDetail::day);
  fetched(hop, TimeDetail::none);
  fetched(hop, TimeDetail::exact);
  const auto midnight = test::at("00:00:00") + std::chrono::days(1);
  EXPECT_EQ(pending(100, midnight - base::Milliseconds(1)).size(), 1U);
  EXPECT_EQ(pending(100, midnight).size(), 3U);
  auto over_midnight = hop;
  over_midnight.finished = hop.time + std::chrono::days(1);
  fetched(over_midnight, TimeDetail::day);
  EXPECT_EQ(pending(100, over_midnight.finished).size(), 3U);
  EXPECT_EQ(pending(100, midnight + std::chrono::days(1)).size(), 4U);
  // The clock was ahead by days when they were put: they wait no longer than a day.
  EXPECT_EQ(pending(100, test::at("10:06:00") - std::chrono::days(3)).size(), 4U);
}

// What is told by then happened before.
TEST_F(TraceEvent, UpToWhenItIsTold) {
  EXPECT_EQ(told_until(test::at("10:07:00"), TimeDetail::exact), test::at("10:07:00"));
  EXPECT_EQ(told_until(test::at("10:07:00"), TimeDetail::day), test::at("00:00:00"));
  EXPECT_EQ(told_until(test::at("00:00:00"), TimeDetail::none), test::at("00:00:00"));
}

// One mailbox was written to under two addresses: that it is one isn't told.
TEST_F(TraceEvent, TwoAddressesAreTwoHops) {
  const Trace trace = begun(1, {"bob@birch.example", "abuse@birch.example"});
  EXPECT_TRUE(begin_in(birch, trace));
  Hop hop = fetch(trace, Level::encrypted, 0, "POP3S");
  hop.recipients = {0, 1};
  const auto ref =
      in<HopRef>(birch, [&](auto& tx) { return intend(tx, birch, hop, "dublin-1"); }).value();
  put(ref, hop, Outcome::intended);
  EXPECT_EQ(apply(pending().at(0)), now);
  put(ref, hop, Outcome::completed);
  EXPECT_EQ(apply(pending().at(0)), now) << "both are closed";
  EXPECT_EQ(apply(pending().at(0)), before);
  const auto all = loaded(trace.id);
  ASSERT_EQ(all.hops.size(), 2U);
  for (const unsigned at : {0U, 1U}) {
    EXPECT_EQ(all.hops[at].recipients, std::vector<unsigned>{at});
    EXPECT_EQ(all.hops[at].from.who, trace.recipients[at].address);
    EXPECT_EQ(all.hops[at].outcome, Outcome::completed);
    EXPECT_EQ(all.hops[at].number, at + 1);
  }
}

TEST_F(TraceEvent, OfATraceThatIsGone) {
  const Trace trace = delivered();
  fetched(fetch(trace, Level::clear, 1, "POP3"));
  const auto events = pending();
  EXPECT_TRUE(in<Expired>(acorn, [&](auto& tx) { return expire(tx, acorn, trace.expires); }));
  EXPECT_EQ(apply(events[0]), gone);
  EXPECT_TRUE(in<Expired>(birch, [&](auto& tx) { return expire(tx, birch, trace.expires); }));
  done(events[0]);  // it goes by being told, to whomever
  EXPECT_TRUE(pending().empty());
  EXPECT_TRUE(store.contents().empty());
}

TEST_F(TraceEvent, WhatWasOnlyCountedIsNotTold) {
  const Trace trace = delivered();
  for (unsigned i = 0; i < fetches_max + 5; ++i) {
    fetched(fetch(trace, Level::encrypted, 1, "POP3S"));
  }
  EXPECT_EQ(pending(1000).size(), fetches_max);
}

// A client may take hours over a fetch: that it has begun is told, and its end when it is known.
TEST_F(TraceEvent, ABegunFetchIsToldAndItsEndClosesIt) {
  const Trace trace = delivered();
  const Hop hop = fetch(trace, Level::encrypted, 1, "POP3S");
  const auto ref =
      in<HopRef>(birch, [&](auto& tx) { return intend(tx, birch, hop, "dublin-1"); }).value();
  put(ref, hop, Outcome::intended);
  const auto begun = pending();
  ASSERT_EQ(begun.size(), 1U);
  EXPECT_EQ(apply(begun[0]), now);
  EXPECT_EQ(loaded(trace.id).hops.back().outcome, Outcome::intended);
  // Its end is put before its beginning is done with: it isn't lost.
  put(ref, hop, Outcome::completed);
  done(begun[0]);
  const auto ended = pending();
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(apply(ended[0]), now);
  EXPECT_EQ(apply(ended[0]), before);
  EXPECT_EQ(apply(begun[0]), before) << "it doesn't begin again";
  const auto hops = loaded(trace.id).hops;
  EXPECT_EQ(hops.size(), 3U);
  EXPECT_EQ(hops.back().outcome, Outcome::completed);
  done(ended[0]);
  EXPECT_TRUE(pending().empty());
}

TEST_F(TraceEvent, ManyAreOneTransaction) {
  std::vector<Trace> traces;
  for (std::uint8_t i = 1; i <= 10; ++i) {
    traces.push_back(begun(i, {"bob@birch.example", "carol@birch.example"}));
    EXPECT_TRUE(begin_in(birch, copy_for(traces.back(), {0, 1})));
    for (unsigned recipient : {0U, 1U}) {
      for (int n = 0; n < 5; ++n)
        fetched(fetch(traces.back(), Level::encrypted, recipient, "POP3S"));
    }
  }
  const auto events = pending(1000);
  ASSERT_EQ(events.size(), events_at_once);
  EXPECT_EQ(apply(events), (Applied{.now = events_at_once}));
  EXPECT_EQ(apply(events), (Applied{.before = events_at_once}));
  for (const auto& trace : traces) EXPECT_EQ(loaded(trace.id).hops.size(), 10U);
  EXPECT_TRUE(in<void>(birch, [&, this](auto& tx) { return events_done(tx, birch, events); }));
  EXPECT_TRUE(pending().empty());
}

// One account may have a message for several of its addresses.
TEST_F(TraceEvent, AsManyAsAreAppliedAtOnceFitThoughEachNamesSeveralRecipients) {
  std::vector<std::string> recipients;
  for (std::size_t i = 0; i < told_apart_max; ++i)
    recipients.push_back("bob+" + std::to_string(i) + "@b.example");
  for (std::uint8_t i = 1; i <= events_at_once / fetches_max; ++i) {
    const Trace trace = begun(i, recipients);
    EXPECT_TRUE(begin_in(birch, trace));
    Hop hop = fetch(trace, Level::encrypted, 0, "POP3S");
    hop.recipients.clear();
    for (unsigned r = 0; r < recipients.size(); ++r) hop.recipients.push_back(r);
    hop.protection.tls.cipher = hop.protection.tls.group = std::string(200, 'x');
    for (std::size_t n = 0; n < fetches_max; ++n) fetched(hop);
  }
  const auto events = pending(1000);
  ASSERT_EQ(events.size(), events_at_once);
  EXPECT_EQ(apply(events), (Applied{.now = events_at_once}));
  EXPECT_TRUE(in<void>(birch, [&, this](auto& tx) { return events_done(tx, birch, events); }));
}

TEST_F(TraceEvent, PagesGoOn) {
  const Trace trace = delivered();
  for (int i = 0; i < 5; ++i) fetched(fetch(trace, Level::encrypted, 1, "POP3S"));
  std::vector<Event> all;
  EventPage page{{}, {}, true};
  while (page.more) {
    page = in<EventPage>(birch, [&](auto& tx) {
             return pending_events(tx, birch, test::at("23:00:00"), page.last, 2);
           }).value();
    all.insert(all.end(), page.events.begin(), page.events.end());
  }
  EXPECT_EQ(all, pending());
}

// Not told yet is not the same as not fetched.
TEST_F(TraceEvent, TheTraceKnowsAsOfWhenItIsTold) {
  const Trace trace = delivered();
  const auto put = [&](base::Time as_of) {
    EXPECT_TRUE(wait<void>(store.transact(store::Scope::site(), [=](store::Transaction& tx) {
      put_told_as_of(tx, as_of);
      return [](store::Transaction&) -> net::ResultTask<> { co_return base::Result<>(); }(tx);
    })));
  };
  EXPECT_FALSE(loaded(trace.id).told_as_of);
  for (int i = 0; i < 2; ++i) {
    const auto unknown = loaded(trace.id);
    EXPECT_EQ(standing_of(unknown, unknown.ways[1], {}),
              "delivered 10:02:10, no fetch told so far");
    put(test::at("00:00:00"));  // the day's beginning says nothing of the day
  }
  put(test::at("10:07:00"));
  const auto known = loaded(trace.id);
  EXPECT_EQ(known.told_as_of, test::at("10:07:00"));
  EXPECT_EQ(standing_of(known, known.ways[1], {}),
            "delivered 10:02:10, no fetch told as of 10:07:00");
  EXPECT_NE(to_json(known, {}).find("\"told_as_of\":\"2026-11-23T10:07:00"), std::string::npos);
}

// ---- which fetches are kept ----

struct TraceFetches : TraceEvent {
  Hop of(const Trace& trace, unsigned recipient, Level level, Network network,
         bool post_quantum = false, bool password = false) {
    Hop hop = fetch(trace, level, recipient, "POP3");
    hop.protection.network = network;
    hop.protection.tls.post_quantum = post_quantum;
    hop.password_in_clear = password;
    return hop;
  }
};

TEST_F(TraceFetches, EachRecipientsFirstIsKept) {
  const Trace trace = begun(1, {"bob@birch.example", "carol@birch.example"});
  const auto bobs = of(trace, 0, Level::clear, Network::public_, false, true);
  for (unsigned i = 0; i < fetches_max + 40; ++i) recorded(bobs);
  EXPECT_NE(recorded(of(trace, 1, Level::encrypted, Network::private_, true)).sequence, 0U);
  const auto all = loaded(trace.id);
  EXPECT_EQ(all.hops.size(), fetches_max + 1);
  EXPECT_EQ(all.fetches_not_kept, 40U);
  EXPECT_EQ(all.ways[0].fetches_not_kept, 40U);
  EXPECT_EQ(all.ways[1].fetches_not_kept, 0U);
  EXPECT_EQ(all.ways[1].hops.size(), 1U);
}

// An alias's two mailboxes are one recipient, and two people.
TEST_F(TraceFetches, EachMailboxOfARecipientHasItsOwn) {
  const Trace trace = begun(1, {"sales@birch.example"});
  auto hop = of(trace, 0, Level::encrypted, Network::public_);
  hop.from.who = "bob@birch.example";
  for (unsigned i = 0; i < fetches_max + 1; ++i) recorded(hop);
  hop.from.who = "carol@birch.example";
  EXPECT_NE(recorded(hop).sequence, 0U);
}

TEST_F(TraceFetches, WhatIsWorseInAnyRespectIsKept) {
  const auto usual = [&](const Trace& trace) {
    return of(trace, 0, Level::authenticated, Network::private_, true);
  };
  const std::pair<const char*, std::function<void(Hop&)>> cases[] = {
      {"level", [](Hop& hop) { hop.protection.level = Level::encrypted; }},
      {"network", [](Hop& hop) { hop.protection.network = Network::public_; }},
      {"post-quantum", [](Hop& hop) { hop.protection.tls.post_quantum = false; }},
      {"password", [](Hop& hop) { hop.password_in_clear = true; }}};
  std::uint8_t number = 1;
  for (const auto& [what, make_worse] : cases) {
    const Trace trace = begun(number++, {"bob@birch.example"});
    for (unsigned i = 0; i < fetches_max; ++i) recorded(usual(trace));
    EXPECT_EQ(recorded(usual(trace)).sequence, 0U) << what;
    auto worse = usual(trace);
    make_worse(worse);
    EXPECT_NE(recorded(worse).sequence, 0U) << what;
    EXPECT_EQ(recorded(worse).sequence, 0U) << what << ": the same again";
    EXPECT_EQ(recorded(usual(trace)).sequence, 0U) << what;
  }
}

// Clear within the house and protected over the internet were both kept: clear over the internet is
// worse than either, though no part of it is new.
TEST_F(TraceFetches, WhatIsWorseTogetherIsKept) {
  const Trace trace = begun(1, {"bob@birch.example"});
  for (unsigned i = 0; i < fetches_max; ++i)
    recorded(of(trace, 0, Level::encrypted, Network::public_));
  EXPECT_NE(recorded(of(trace, 0, Level::clear, Network::private_)).sequence, 0U);
  EXPECT_NE(recorded(of(trace, 0, Level::clear, Network::public_)).sequence, 0U);
  EXPECT_EQ(recorded(of(trace, 0, Level::clear, Network::private_)).sequence, 0U);
}

// However many mailboxes there are, what is loaded has room for the first of each.
TEST_F(TraceFetches, AFullTraceKeepsTheFirstOfEachMailbox) {
  constexpr std::size_t full = fetches_of_trace_max / fetches_max;
  std::vector<std::string> recipients;
  for (std::size_t i = 0; i < full + 50; ++i)
    recipients.push_back("r" + std::to_string(i) + "@birch.example");
  const Trace trace = begun(1, recipients);
  for (unsigned r = 0; r < full; ++r) {
    for (unsigned i = 0; i < fetches_max; ++i)
      recorded(of(trace, r, Level::encrypted, Network::public_));
  }
  for (unsigned r = full; r < recipients.size(); ++r) {
    EXPECT_NE(recorded(of(trace, r, Level::encrypted, Network::public_)).sequence, 0U) << r;
    EXPECT_EQ(recorded(of(trace, r, Level::encrypted, Network::public_)).sequence, 0U) << r;
    EXPECT_NE(recorded(of(trace, r, Level::clear, Network::public_)).sequence, 0U) << r;
  }
}

// Looks at the beginning alone don't hide that the whole was fetched in the end.
TEST_F(TraceFetches, TheFirstWholeOneIsKept) {
  const Trace trace = begun(1, {"bob@birch.example"});
  const auto look = of(trace, 0, Level::encrypted, Network::public_);
  for (unsigned i = 0; i < fetches_max + 10; ++i) {
    const auto ref = intended(look);
    ASSERT_NE(ref.sequence, 0U);
    EXPECT_TRUE(close_it(ref, {.outcome = Outcome::failed, .finished = test::at("10:06:00")}));
  }
  const auto whole = intended(look);
  ASSERT_NE(whole.sequence, 0U);
  EXPECT_TRUE(close_it(whole, {.finished = test::at("10:06:00")}));
  EXPECT_EQ(intended(look).sequence, 0U);
  // They have an end, too.
  const Trace other = begun(2, {"bob@birch.example"});
  auto part = of(other, 0, Level::encrypted, Network::public_);
  part.outcome = Outcome::failed;
  for (unsigned i = 0; i < fetched_parts_max; ++i) ASSERT_NE(recorded(part).sequence, 0U) << i;
  EXPECT_EQ(recorded(part).sequence, 0U);
}

}  // namespace
}  // namespace letterlock::trace
