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

// Of alice's message to bob, with a hidden copy for carol, both at birch.
std::vector<Kept> alices() {
  const std::vector<hop::Hop> hops{hop_of(1, hop::Kind::submission, {0, 1}),
                                   hop_of(2, hop::Kind::delivery, {0}),
                                   hop_of(3, hop::Kind::delivery, {1})};
  return {kept(acorn, acorn, {bob, carol}, hops), kept(birch, acorn, {bob, carol}, hops)};
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
  EXPECT_EQ(hops[1].to.address, "192.0.2.7");
  EXPECT_EQ(hops[1].protection.level, hop::Level::encrypted);
  EXPECT_EQ(hops[1].number, 2U);
  EXPECT_EQ(hops[2].protection.level, hop::Level::mutual) << "cedar's stays as it was told";
  EXPECT_EQ(hops[3].to.address, "192.0.2.8");
  EXPECT_EQ(hops[3].number, 4U);
  EXPECT_EQ(hops[4].to.address, "192.0.2.9");
  EXPECT_EQ(hops[4].number, 5U);
  EXPECT_EQ(view.seen[0].loaded.ways.at(0).hops, (std::vector<std::size_t>{0, 1, 3, 4}));
}

// The owner's trace was forgotten: a copy is shown as it is.
TEST(TraceView, ACopyAlone) {
  const auto view = view_of({kept(birch, acorn, {bob}, {})}, {});
  ASSERT_THAT(view.seen, SizeIs(1));
  EXPECT_EQ(view.seen[0].tenant, birch);
}

}  // namespace
}  // namespace letterlock::admin
