// Traces in a store that was restored: what was recorded between the backup and the restore is
// lost, and nothing is denied that may have happened then.
#include "apps/show_fixture.h"
#include "directory/restores.h"

namespace letterlock::apps {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

net::ResultTask<> put(store::Transaction& tx, std::pair<std::string, std::string> row) {
  tx.put(std::move(row.first), std::move(row.second));
  co_return base::Result<>();
}

struct RestoredTrace : test::Show {};

// Bob fetched it in clear after the backup: that is lost. Only what was gone before, and what came
// since to a password that is younger, is as it stands.
TEST_F(RestoredTrace, WhatWasLostIsUnknown) {
  const auto fetched_away = [&](std::uint32_t uid, const base::TraceId& id) {
    const auto inbox = ask<mailbox::Mailbox>(birch, [&](store::Transaction& tx) {
                         return mailbox::find(tx, {birch, bob.id}, "INBOX");
                       }).value();
    ASSERT_TRUE(ask_for<std::vector<mailbox::Message>>(
        birch, [&](store::Transaction& tx) { return mailbox::expunge(tx, inbox.place, {uid}); }));
    ASSERT_TRUE(wait(store.transact(store::Scope::tenant(birch), [&](store::Transaction& tx) {
      return trace::put_left(tx, birch, id, bob.id, world.clock().now());
    })));
    world.advance(1min);
  };
  const auto gone = taken(submitted({"bob@birch.example"}, hop::Level::mutual));
  fetched_away(1, gone);
  const auto kept = taken(submitted({"bob@birch.example"}, hop::Level::mutual));
  const auto queued = taken(submitted({"dave@old.example"}, hop::Level::mutual));
  const auto words = "between the backup of";
  EXPECT_THAT(json::serialize(shown(kept)), Not(HasSubstr(words)));
  const auto as_of = world.clock().now();
  ASSERT_TRUE(wait(store.transact(store::Scope::site(), [&](store::Transaction& tx) {
    return put(tx, directory::restored_row(as_of));
  })));
  world.advance(48h);
  ASSERT_TRUE(wait(directory::begin_restored(store, world.clock())));
  world.advance(1min);

  for (const auto& id : {kept, queued}) {
    EXPECT_THAT(all_could(shown(id)), Each(Not(testing::StrEq("no"))));
    EXPECT_THAT(table_of(shown(id)), HasSubstr("what happened between the backup of"));
    EXPECT_THAT(table_of(shown(id)), Not(HasSubstr("not fetched yet")));
    EXPECT_THAT(table_of(shown(id)), Not(HasSubstr("Not fetched yet")));
  }
  EXPECT_EQ(could(shown(gone), "listener"), "no") << "nothing of it was here any more";

  const auto after = taken(submitted({"bob@birch.example"}, hop::Level::mutual));
  EXPECT_EQ(could(shown(after), "listener"), "unknown") << "whoever has his password reads it";
  EXPECT_THAT(table_of(shown(after)), HasSubstr("until it is changed (not yet)"));
  ASSERT_TRUE(wait(operations.set_account(bob.address, {.password = "bush house"}, "operator")));
  world.advance(1min);
  EXPECT_EQ(could(shown(after), "listener"), "unknown");
  const auto later = taken(submitted({"bob@birch.example"}, hop::Level::mutual));
  EXPECT_EQ(could(shown(later), "listener"), "no");
  EXPECT_THAT(table_of(shown(later)), HasSubstr("Not fetched yet"));
}

}  // namespace
}  // namespace letterlock::apps
