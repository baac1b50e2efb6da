// Who sees what of a message's traces.
#include "admin/trace_view.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace letterlock::admin {
namespace {

using hop::End;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using trace::LoadedTrace;

base::TenantId tenant_of(std::uint8_t number) {
  return base::TenantId::make(base::from_milliseconds(1), {number});
}
const auto acorn = tenant_of(1);
const auto birch = tenant_of(2);
const auto cedar = tenant_of(3);

hop::Hop hop_of(unsigned number, hop::Kind kind, std::vector<unsigned> recipients) {
  hop::Hop hop;
  hop.number = number;
  hop.kind = kind;
  hop.recipients = std::move(recipients);
  return hop;
}
hop::Hop fetch(unsigned number, unsigned recipient, hop::Level level, std::string address) {
  auto hop = hop_of(number, hop::Kind::fetch, {recipient});
  hop.to = {End::Role::client, "", std::move(address), "POP3"};
  hop.protection.level = level;
  return hop;
}

Kept kept(const base::TenantId& tenant, const base::TenantId& owner,
          std::vector<trace::Recipient> recipients, std::vector<hop::Hop> hops) {
  LoadedTrace loaded;
  loaded.trace.owner = owner;
  loaded.trace.recipients = std::move(recipients);
  loaded.hops = std::move(hops);
  trace::lay_out_ways(loaded);
  return {tenant, std::move(loaded)};
}

const trace::Recipient bob{0, "bob@birch.example"};
const trace::Recipient carol{1, "carol@birch.example", true};
const trace::Recipient dave{2, "dave@cedar.example"};

std::vector<std::string> addresses(const Seen& seen) {
  std::vector<std::string> out;
  for (const auto& way : seen.loaded.ways) out.push_back(way.recipient.address);
  return out;
}

hop::Hop delivery(unsigned number, std::vector<unsigned> recipients, std::string who, int at = 0) {
  auto hop = hop_of(number, hop::Kind::delivery, std::move(recipients));
  hop.to = {End::Role::mailbox, std::move(who), {}, {}};
  hop.time = base::from_milliseconds(at);
  return hop;
}
hop::Hop told(hop::Hop hop) {
  hop.told = true;
  return hop;
}

// Of alice's message to bob, with a hidden copy for carol, both at birch.
std::vector<Kept> alices() {
  const auto submitted = hop_of(1, hop::Kind::submission, {0, 1});
  const auto bobs = delivery(2, {0}, bob.address, 1);
  const auto carols = delivery(3, {1}, carol.address, 2);
  return {kept(acorn, acorn, {bob, carol}, {submitted, told(bobs), told(carols)}),
          kept(birch, acorn, {bob, carol}, {told(submitted), bobs, carols})};
}

TEST(TraceView, AHiddenRecipientIsTheSendersAndTheOperators) {
  for (const auto& viewer : {Viewer{}, Viewer{acorn, {}}}) {
    const auto view = view_of(alices(), viewer);
    ASSERT_THAT(view.seen, SizeIs(1));
    EXPECT_THAT(addresses(view.seen[0]), ElementsAre(bob.address, carol.address));
    EXPECT_TRUE(view.seen[0].complete);
    EXPECT_EQ(view.more, 0U);
  }
}

TEST(TraceView, NobodyElseLearnsOfAHiddenRecipient) {
  const auto view = view_of(alices(), {birch, {}});
  ASSERT_THAT(view.seen, SizeIs(1));
  const auto& seen = view.seen[0];
  EXPECT_THAT(addresses(seen), ElementsAre(bob.address));
  ASSERT_THAT(seen.loaded.hops, SizeIs(2));
  EXPECT_THAT(seen.loaded.hops[0].recipients, ElementsAre(0)) << "not even that there were two";
  EXPECT_THAT(seen.loaded.trace.recipients, ElementsAre(bob));
  EXPECT_EQ(seen.hidden, 1U);
  EXPECT_FALSE(seen.complete) << "her way may be another: a no would be false";

  // Bob's own view is about his way alone, and the same whether there is a carol or not.
  const auto bobs = view_of(alices(), {birch, "Bob@birch.example"});
  ASSERT_THAT(bobs.seen, SizeIs(1));
  EXPECT_THAT(addresses(bobs.seen[0]), ElementsAre(bob.address));
  EXPECT_EQ(bobs.seen[0].hidden, 0U);
  EXPECT_TRUE(bobs.seen[0].complete);
  EXPECT_EQ(bobs.more, 0U);
}

TEST(TraceView, SheHerselfIsFound) {
  const auto view = view_of(alices(), {birch, "carol@birch.example"});
  ASSERT_THAT(view.seen, SizeIs(1));
  EXPECT_THAT(addresses(view.seen[0]), ElementsAre(carol.address));
  EXPECT_EQ(view.seen[0].loaded.ways[0].hops, (std::vector<std::size_t>{0, 1}));
  EXPECT_THAT(view_of(alices(), {birch, "nobody@birch.example"}).seen, IsEmpty());
  EXPECT_THAT(view_of(alices(), {cedar, {}}).seen, IsEmpty());
}

// Whoever is the only one of his tenant hides from nobody there.
TEST(TraceView, AnOnlyRecipientIsShown) {
  const auto view = view_of({kept(birch, acorn, {carol}, {})}, {birch, {}});
  ASSERT_THAT(view.seen, SizeIs(1));
  EXPECT_THAT(addresses(view.seen[0]), ElementsAre(carol.address));
}

// Mail from outside to two tenants: two traces of one name, each its own tenant's.
std::vector<Kept> from_outside(bool dave_is_hidden) {
  auto his = dave;
  his.hidden = dave_is_hidden;
  std::vector<Kept> both{kept(birch, birch, {bob}, {fetch(2, 0, hop::Level::clear, "192.0.2.7")}),
                         kept(cedar, cedar, {his}, {hop_of(1, hop::Kind::relay, {})})};
  for (auto& one : both) one.loaded.trace.from_outside = true;
  return both;
}

TEST(TraceView, OneMessageOfTwoTenants) {
  const auto all = view_of(from_outside(false), {});
  ASSERT_THAT(all.seen, SizeIs(2));
  EXPECT_EQ(all.seen[0].tenant, birch);
  EXPECT_EQ(all.seen[1].tenant, cedar);
  EXPECT_EQ(all.more, 0U);

  const auto daves = view_of(from_outside(false), {cedar, {}});
  ASSERT_THAT(daves.seen, SizeIs(1));
  EXPECT_EQ(daves.more, 1U);
  EXPECT_FALSE(daves.seen[0].complete) << "bob fetched it in clear";

  // That dave has it, too, is nothing that birch may know if the header doesn't say so.
  EXPECT_EQ(view_of(from_outside(true), {birch, {}}).more, 0U);
  EXPECT_TRUE(view_of(from_outside(true), {birch, {}}).seen.at(0).complete);
}

// The sender wrote to others, too: what became of those isn't birch's to know.
TEST(TraceView, ACopySaysThatThereIsMore) {
  const std::vector<Kept> all{kept(acorn, acorn, {bob, dave}, {}), kept(birch, acorn, {bob}, {})};
  const auto view = view_of(all, {birch, {}});
  EXPECT_EQ(view.more, 1U);
  EXPECT_FALSE(view.seen.at(0).complete);
  EXPECT_TRUE(view_of(all, {acorn, {}}).seen.at(0).complete);
}

// Two fetches that differ, told in another order than they were recorded, and one that isn't told
// yet: the operator sees the three that there were.
TEST(TraceView, TheOperatorSeesTheFetchesThemselves) {
  const std::vector<Kept> all{
      kept(acorn, acorn, {bob, dave},
           {hop_of(1, hop::Kind::submission, {}), fetch(2, 0, hop::Level::clear, ""),
            fetch(3, 2, hop::Level::mutual, ""), fetch(4, 0, hop::Level::encrypted, "")}),
      kept(birch, acorn, {bob},
           {hop_of(1, hop::Kind::submission, {}), fetch(2, 0, hop::Level::encrypted, "192.0.2.7"),
            fetch(3, 0, hop::Level::clear, "192.0.2.8"),
            fetch(4, 0, hop::Level::clear, "192.0.2.9")})};
  const auto view = view_of(all, {});
  ASSERT_THAT(view.seen, SizeIs(1));
  const auto& hops = view.seen[0].loaded.hops;
  ASSERT_THAT(hops, SizeIs(5));
  EXPECT_EQ(hops[1].to.address, "192.0.2.8");
  EXPECT_EQ(hops[1].number, 2U);
  EXPECT_EQ(hops[2].protection.level, hop::Level::mutual) << "cedar's stays as it was told";
  EXPECT_EQ(hops[3].to.address, "192.0.2.7");
  EXPECT_EQ(hops[3].protection.level, hop::Level::encrypted);
  EXPECT_EQ(hops[3].number, 4U);
  EXPECT_EQ(hops[4].to.address, "192.0.2.9");
  EXPECT_EQ(hops[4].number, 5U);
  EXPECT_EQ(view.seen[0].loaded.ways.at(0).hops, (std::vector<std::size_t>{0, 1, 3, 4}));
}

// An alias of acorn's leads to birch and to cedar, whose records are gone: what was told of the
// fetch there stays, though birch has the recipient, too.
TEST(TraceView, AToldFetchGoesOnlyWhereItsOwnRecordIs) {
  const trace::Recipient alias{0, "friends@acorn.example"};
  const auto seen_with = [&](std::vector<hop::Hop> birchs) {
    birchs.insert(birchs.begin(), told(hop_of(1, hop::Kind::submission, {})));
    const auto all = std::vector{
        kept(acorn, acorn, {alias},
             {hop_of(1, hop::Kind::submission, {}), told(fetch(2, 0, hop::Level::encrypted, "")),
              told(fetch(3, 0, hop::Level::encrypted, ""))}),
        kept(birch, acorn, {alias}, std::move(birchs))};
    std::vector<std::string> from;
    for (const auto& hop : view_of(all, {}).seen.at(0).loaded.hops) from.push_back(hop.to.address);
    return from;
  };
  const auto one = fetch(2, 0, hop::Level::encrypted, "192.0.2.7");
  EXPECT_THAT(seen_with({}), ElementsAre("", "", ""));
  EXPECT_THAT(seen_with({one}), ElementsAre("", "192.0.2.7", ""));
  EXPECT_THAT(seen_with({one, fetch(3, 0, hop::Level::encrypted, "192.0.2.8")}),
              ElementsAre("", "192.0.2.7", "192.0.2.8"));
  EXPECT_THAT(seen_with({fetch(2, 0, hop::Level::clear, "192.0.2.7")}),
              ElementsAre("", "", "", "192.0.2.7"));
  auto in_clear = one;
  in_clear.password_in_clear = true;
  EXPECT_THAT(seen_with({in_clear}), ElementsAre("", "", "", "192.0.2.7"));
}

// Outside mail to acorn's alias, which leads to bob, and to bob's neighbour at birch: birch has a
// trace of its own under this name, and in it what became of the alias.
TEST(TraceView, WhatAnotherOwnerRecordedOfAnAliasIsShown) {
  const trace::Recipient alias{0, "info@acorn.example"};
  const trace::Recipient eve{1, "eve@birch.example"};
  const auto in = hop_of(1, hop::Kind::relay, {});
  const auto all =
      std::vector{kept(acorn, acorn, {alias}, {in, told(delivery(2, {0}, bob.address, 7))}),
                  kept(birch, birch, {alias, eve},
                       {in, delivery(2, {1}, eve.address, 6), delivery(3, {0}, bob.address, 7),
                        fetch(4, 0, hop::Level::clear, "192.0.2.7")})};
  const auto view = view_of(all, {});
  ASSERT_THAT(view.seen, SizeIs(2));
  const auto& acorns = view.seen[0].loaded;
  ASSERT_THAT(acorns.hops, SizeIs(3));
  EXPECT_FALSE(acorns.hops[1].told);
  EXPECT_EQ(acorns.hops[2].to.address, "192.0.2.7") << "bob has fetched it";
  EXPECT_THAT(view.seen[1].loaded.hops, SizeIs(4));
}

// Nobody says of a copy that it is all there is: not where others are hidden, nor where the owner's
// trace is gone.
TEST(TraceView, ACopyIsAPart) {
  const auto is_part = [](const std::vector<Kept>& all, const Viewer& viewer) {
    return view_of(all, viewer).seen.at(0).is_part;
  };
  const std::vector<Kept> all{kept(acorn, acorn, {bob}, {}), kept(birch, acorn, {bob}, {})};
  EXPECT_FALSE(is_part(all, {}));
  EXPECT_FALSE(is_part(all, {acorn, {}}));
  EXPECT_TRUE(is_part(all, {birch, {}})) << "as if there were others";
  EXPECT_FALSE(is_part(all, {birch, bob.address})) << "of his way alone";
  EXPECT_TRUE(is_part({all[1]}, {}));
  EXPECT_FALSE(is_part(from_outside(true), {}));
  EXPECT_TRUE(is_part(from_outside(true), {birch, {}}));
  EXPECT_FALSE(is_part(from_outside(true), {birch, bob.address}));
  // Who was written to is an alias: his way leads to others, too.
  const trace::Recipient alias{0, "info@acorn.example"};
  auto led = hop_of(2, hop::Kind::expansion, {});
  led.to = {End::Role::alias, alias.address, {}, {}};
  const auto copy = kept(birch, acorn, {alias}, {told(led)});
  EXPECT_TRUE(is_part({copy}, {birch, alias.address}));
}

// Nor does their number tell where an alias leads.
TEST(TraceView, ForeignCopiesAreNotCounted) {
  const trace::Recipient alias{1, "info@acorn.example"};
  std::vector<Kept> all{kept(acorn, acorn, {bob, alias}, {}), kept(birch, acorn, {bob}, {})};
  EXPECT_EQ(view_of(all, {birch, {}}).more, 1U);
  all.push_back(kept(cedar, acorn, {alias}, {}));
  EXPECT_EQ(view_of(all, {birch, {}}).more, 1U);
}

// Neither a place nor a number tells of those whom a tenant doesn't see.
TEST(TraceView, ATenantsViewIsNumberedAsIfThereWereNothingElse) {
  const trace::Recipient daves{5, dave.address};
  const auto all = alices();
  const auto hers = view_of(all, {birch, carol.address}).seen.at(0).loaded;
  ASSERT_THAT(hers.hops, SizeIs(2));
  EXPECT_EQ(hers.hops[1].number, 2U);
  EXPECT_THAT(hers.hops[1].recipients, ElementsAre(0));
  EXPECT_EQ(hers.trace.recipients.at(0).index, 0U);
  EXPECT_EQ(hers.ways.at(0).recipient.index, 0U);
  EXPECT_THAT(hers.hops_of(hers.ways[0]), SizeIs(2));

  const auto copy = kept(cedar, acorn, {daves},
                         {told(hop_of(1, hop::Kind::submission, {})), delivery(2, {5}, "dave")});
  const auto his = view_of({copy}, {cedar, {}}).seen.at(0).loaded;
  EXPECT_THAT(his.hops.at(1).recipients, ElementsAre(0));
  EXPECT_EQ(his.ways.at(0).recipient.index, 0U);
  EXPECT_EQ(his.ways.at(0).hops, (std::vector<std::size_t>{0, 1}));
  const auto operators = view_of({copy}, {}).seen.at(0).loaded;
  EXPECT_EQ(operators.ways.at(0).recipient.index, 5U) << "who sees all sees it as it is recorded";
}

TEST(TraceView, FetchesThatAreOnlyCountedAreThoseOfWhomOneSees) {
  auto all = alices();
  auto& birchs = all[1].loaded;
  birchs.ways[0].fetches_not_kept = 3;
  birchs.ways[1].fetches_not_kept = 4;
  birchs.fetches_not_kept = 7;
  EXPECT_EQ(view_of(all, {birch, {}}).seen.at(0).loaded.fetches_not_kept, 3U);
}

// Acorn knows two addresses and no more. The operator sees that they are one account's, and that
// the third was served by another way.
TEST(TraceView, TheOperatorSeesTheDeliveriesThemselves) {
  const trace::Recipient role{1, "abuse@birch.example"};
  const trace::Recipient alias{2, "friends@acorn.example"};
  auto left_out = hop_of(3, hop::Kind::expansion, {2});
  left_out.to = {End::Role::list, bob.address, {}, {}};
  left_out.time = base::from_milliseconds(8);
  const std::vector<Kept> all{
      kept(acorn, acorn, {bob, role, alias},
           {hop_of(1, hop::Kind::submission, {}), told(delivery(2, {0}, bob.address, 7)),
            told(delivery(3, {1}, role.address, 7)), told(delivery(4, {2}, bob.address, 8)),
            delivery(5, {2}, "alice@acorn.example", 8),
            told(delivery(6, {2}, "dave@cedar.example", 9))}),
      kept(birch, acorn, {bob, role, alias},
           {told(hop_of(1, hop::Kind::submission, {})), delivery(2, {0, 1}, bob.address, 7),
            left_out})};
  const auto seen = view_of(all, {}).seen.at(0).loaded;
  ASSERT_THAT(seen.hops, SizeIs(5));
  EXPECT_EQ(seen.hops[1].number, 2U);
  EXPECT_THAT(seen.hops[1].recipients, ElementsAre(0, 1));
  EXPECT_EQ(seen.hops[2].number, 4U);
  EXPECT_EQ(seen.hops[2].kind, hop::Kind::expansion);
  EXPECT_EQ(seen.hops[3].to.who, "alice@acorn.example") << "acorn's own stays";
  EXPECT_EQ(seen.hops[4].to.who, "dave@cedar.example") << "and what nobody else recorded";
  EXPECT_THAT(view_of(all, {acorn, {}}).seen.at(0).loaded.hops, SizeIs(6));
}

// The owner's trace was forgotten: a copy is shown as it is.
TEST(TraceView, ACopyAlone) {
  const auto view = view_of({kept(birch, acorn, {bob}, {})}, {});
  ASSERT_THAT(view.seen, SizeIs(1));
  EXPECT_EQ(view.seen[0].tenant, birch);
}

// No record is left out: not a copy of a copy, nor one whose recipients its owner no longer names.
TEST(TraceView, EveryCopyIsSomewhere) {
  const auto clear = fetch(2, 2, hop::Level::clear, "192.0.2.7");
  const auto alone = view_of({kept(birch, acorn, {bob}, {}), kept(cedar, birch, {dave}, {})}, {});
  EXPECT_THAT(alone.seen, SizeIs(2));
  const auto view = view_of({kept(acorn, acorn, {bob}, {hop_of(1, hop::Kind::submission, {})}),
                             kept(cedar, acorn, {dave}, {clear})},
                            {});
  ASSERT_THAT(view.seen, SizeIs(1));
  ASSERT_THAT(view.seen[0].loaded.hops, SizeIs(2));
  EXPECT_EQ(view.seen[0].loaded.hops[1].to.address, "192.0.2.7");
}

}  // namespace
}  // namespace letterlock::admin
