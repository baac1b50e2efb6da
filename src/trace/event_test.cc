#include "trace/event.h"

#include "trace/fixture.h"

namespace letterlock::trace {
namespace {

using hop::Hop;
using hop::Level;

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
  std::vector<Event> pending(std::size_t count_max = 100) {
    return in<std::vector<Event>>(
               birch, [=, this](auto& tx) { return pending_events(tx, birch, count_max); })
        .value();
  }
  Applied apply(const Event& event) {
    return in<Applied>(acorn, [=](auto& tx) { return apply_event(tx, event); }).value();
  }
  void done(const Event& event) {
    EXPECT_TRUE(in<bool>(birch, [=](auto& tx) -> net::ResultTask<bool> {
      return [](store::Transaction& t, Event e) -> net::ResultTask<bool> {
        event_done(t, e);
        co_return true;
      }(tx, event);
    }));
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
    return intend(tx, birch, fetch(trace, Level::encrypted, 1, "POP3S"), "dublin-1");
  });
  ASSERT_TRUE(intent);
  const auto open =
      in<OpenPage>(birch, [&](auto& tx) { return open_intents(tx, birch, "dublin-1", "", 10); });
  ASSERT_EQ(open->intents.size(), 1U);
  EXPECT_TRUE(in<void>(birch, [&](auto& tx) {
    return leave_unknown(tx, birch, open->intents, test::at("11:00:00"), TimeDetail::day);
  }));
  ASSERT_EQ(pending().size(), 1U);
  EXPECT_EQ(apply(pending().front()), Applied::now);
  EXPECT_EQ(loaded(trace.id).hops.back().outcome, hop::Outcome::unknown);
  EXPECT_EQ(loaded(trace.id).hops.back().kind, hop::Kind::fetch);
  // Begun again after a crash, it finds nothing to do.
  EXPECT_TRUE(in<void>(birch, [&](auto& tx) {
    return leave_unknown(tx, birch, open->intents, test::at("11:00:01"), TimeDetail::day);
  }));
  EXPECT_EQ(pending().size(), 1U);
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
  EXPECT_EQ(apply(events[0]), Applied::now);
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
  EXPECT_EQ(apply(events[0]), Applied::now);
  EXPECT_EQ(apply(events[0]), Applied::before);
  EXPECT_EQ(apply(events[1]), Applied::now);
  EXPECT_EQ(apply(events[0]), Applied::before);
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

TEST_F(TraceEvent, OfATraceThatIsGone) {
  const Trace trace = delivered();
  fetched(fetch(trace, Level::clear, 1, "POP3"));
  const auto events = pending();
  EXPECT_TRUE(in<Expired>(acorn, [&](auto& tx) { return expire(tx, acorn, trace.expires); }));
  EXPECT_EQ(apply(events[0]), Applied::trace_is_gone);
  EXPECT_TRUE(in<Expired>(birch, [&](auto& tx) { return expire(tx, birch, trace.expires); }));
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

}  // namespace
}  // namespace letterlock::trace
