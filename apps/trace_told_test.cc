// What one tenant's people are shown of another's mailboxes and lists, and what the operator is.
#include "apps/show_fixture.h"

namespace letterlock::apps {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace json = boost::json;

class TraceTold : public test::Show {
 protected:
  std::string acorns(const base::TraceId& id) {
    return json::serialize(shown(id, {{"tenant", "acorn.example"}}));
  }
};

// Alice has a way of her own to bob: whether he is in birch's group isn't hers to know.
TEST_F(TraceTold, ASecondWayTellsTheOperatorAlone) {
  add_alias("way@acorn.example", {"bob@birch.example"});
  add_alias("farther@acorn.example", {"way@acorn.example"});
  add_account("eve@birch.example");
  add_group("crew@birch.example", {"bob@birch.example", "eve@birch.example"});
  const auto id =
      taken(submitted({"crew@birch.example", "farther@acorn.example"}, hop::Level::mutual));
  ASSERT_EQ(events.count("mda.delivered_before"), 1U);
  EXPECT_THAT(acorns(id), Not(HasSubstr("already")));
  EXPECT_THAT(acorns(id), Not(HasSubstr("for 2 others"))) << "nor how many are in it";
  const auto all = shown(id);
  EXPECT_THAT(json::serialize(all), HasSubstr("by another way that leads to it"));
  EXPECT_THAT(table_of(all), HasSubstr("bob@birch.example has it by another way: trace"));
  EXPECT_THAT(table_of(all), Not(HasSubstr("beyond bob@birch.example"))) << "that way is followed";
}

TEST_F(TraceTold, AFurtherAddressHidesTheAccount) {
  set_account("bob@birch.example", {.add_addresses = {custody::test::at("b@birch.example")}});
  const auto id = taken(submitted({"b@birch.example"}, hop::Level::mutual));
  EXPECT_THAT(acorns(id), Not(HasSubstr("bob")));
  EXPECT_THAT(table_of(shown(id, {{"tenant", "acorn.example"}})),
              HasSubstr("what happens in b's mailbox is not shown here"));
  EXPECT_THAT(table_of(shown(id)), HasSubstr("now: bob's mailbox")) << "the operator finds it";
}

// Bob alone is named; before him stand two whom birch doesn't see.
TEST_F(TraceTold, PlacesCountNobodyElse) {
  const auto id = taken(submitted({"alice@acorn.example", "dave@old.example", "bob@birch.example"},
                                  hop::Level::mutual),
                        {"bob@birch.example"});
  const auto birchs = shown(id, {{"tenant", "birch.example"}});
  EXPECT_EQ(birchs.at("ways").as_array().at(0).at("recipient"), 0);
  for (const auto& hop : birchs.at("hops").as_array()) {
    for (const auto& index : hop.at("recipients").as_array()) EXPECT_EQ(index, 0);
  }
}

}  // namespace
}  // namespace letterlock::apps
