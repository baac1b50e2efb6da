// The queue's operations at their limits: however much waits, a call does a bounded piece of it,
// says how far it came and where the next one goes on.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/queue_walk.h"
#include "custody/fixture.h"
#include "queue/schedule.h"

namespace letterlock::admin {
namespace {

using namespace std::chrono_literals;

class QueueOperations : public custody::test::Fixture {
 protected:
  QueueOperations()
      : ports_{store,
               directory,
               operations,
               dispatcher,
               leases,
               schedule_,
               admission,
               world.clock(),
               calendar_,
               world.random(),
               events,
               "dublin-1",
               "1",
               [this] { return custody::test::all_of({acorn, birch}); },
               [this](base::TenantId tenant) { noticed_.push_back(tenant); }} {}

  base::Result<json::object> call(std::string_view name, json::object arguments) {
    const auto* operation = find(name);
    EXPECT_TRUE(operation != nullptr && check(*operation, arguments));
    return wait(operation->run(ports_, Arguments(std::move(arguments))));
  }
  static std::size_t rows(const json::object& result) {
    return result.at("rows").as_array().size();
  }
  static std::uint64_t changed(const json::object& result) {
    return result.at("recipients").to_number<std::uint64_t>();
  }
  static std::string text(const json::object& result, std::string_view key) {
    return std::string(result.at(key).as_string());
  }

  // One message of so many recipients, each at the next of these destinations.
  base::MessageId put(const base::TenantId& tenant, std::size_t count,
                      const std::vector<std::string>& destinations = {"far.example"}) {
    queue::Message message;
    message.id = os::make_id<base::MessageId>(world.clock(), world.random());
    message.tenant = tenant;
    message.mail_from = "alice@acorn.example";
    message.blob = wait(write(store, "content")).value();
    message.accepted = world.clock().now();
    message.expires = message.accepted + 24h * 5;
    std::vector<queue::Recipient> recipients(count);
    for (std::size_t i = 0; i < count; ++i) {
      recipients[i].destination = destinations[i % destinations.size()];
      recipients[i].address = std::to_string(i) + "@" + recipients[i].destination;
    }
    EXPECT_TRUE(wait(store.transact(store::Scope::tenant(tenant), [&](store::Transaction& tx) {
      return enqueue_in(tx, message, recipients);
    })));
    world.advance(1ms);
    return message.id;
  }
  static net::ResultTask<> enqueue_in(store::Transaction& transaction, queue::Message message,
                                      std::vector<queue::Recipient> recipients) {
    const auto due = queue::enqueue(transaction, message, recipients);
    if (!due) co_return base::fail(due.error());
    co_return base::Result<>();
  }
  // Of all that is in a tenant's queue.
  std::size_t count(const base::TenantId& tenant, queue::State state) {
    std::size_t count = 0;
    queue::ListOptions options;
    while (true) {
      const auto page = ask<queue::ListPage>(tenant, [&](store::Transaction& tx) {
                          return queue::list(tx, tenant, options);
                        }).value();
      for (const auto& entry : page.entries) {
        count += static_cast<std::size_t>(
            std::ranges::count(entry.recipients, state, &queue::Recipient::state));
      }
      if (!page.next) return count;
      options.from = page.next;
    }
  }

  queue::Schedule schedule_;
  std::vector<base::TenantId> noticed_;
  directory::Calendar calendar_{store, world.clock(), world.timers(), events, {"dublin-1"}};
  Ports ports_;
};

TEST_F(QueueOperations, AListOfAllSaysNothingOfMore) {
  put(acorn, 4);
  put(birch, 6);
  const auto all = call("queue.list", {{"count", 10}});
  EXPECT_EQ(rows(*all), 10U);
  EXPECT_FALSE(all->contains("next"));
  EXPECT_FALSE(all->contains("note"));
}

TEST_F(QueueOperations, AListWithOneMoreSaysHowToGetIt) {
  put(acorn, 4);
  put(birch, 7);
  auto page = call("queue.list", {{"count", 10}});
  EXPECT_EQ(rows(*page), 10U);
  EXPECT_THAT(text(*page, "note"), ::testing::HasSubstr("there is more"));
  page = call("queue.list", {{"count", 10}, {"after", page->at("next")}});
  ASSERT_EQ(rows(*page), 1U);
  EXPECT_EQ(text(page->at("rows").at(0).as_object(), "recipient"), "6@far.example");
  EXPECT_FALSE(page->contains("next"));
}

TEST_F(QueueOperations, PagesThatEndWithinMessagesShowEachRecipientOnce) {
  for (const std::size_t size : {3U, 20U, 1U, 16U, 40U}) put(acorn, size);
  for (const int count : {1, 7, 20, 79, 80, 81}) {
    std::set<std::string> seen;
    json::object arguments{{"count", count}};
    while (true) {
      const auto page = call("queue.list", arguments).value();
      EXPECT_LE(rows(page), static_cast<std::size_t>(count));
      for (const auto& row : page.at("rows").as_array())
        seen.insert(text(row.as_object(), "id") + text(row.as_object(), "recipient"));
      if (!page.contains("next")) break;
      arguments["after"] = page.at("next");
    }
    EXPECT_EQ(seen.size(), 80U) << count;
  }
}

TEST_F(QueueOperations, OneMessageIsShownWholeWithAThousandRecipients) {
  put(acorn, 2);
  const auto id = put(birch, queue::recipients_max);
  const auto shown = call("queue.show", {{"id", id.text()}});
  EXPECT_EQ(shown->at("recipients").as_array().size(), queue::recipients_max);
  EXPECT_EQ(text(*shown, "id"), id.text());
}

TEST_F(QueueOperations, AWalkEndsAtItsLimitAndGoesOnThere) {
  for (int i = 0; i < 6; ++i) put(i % 2 == 0 ? acorn : birch, 50, {"a.example", "b.example"});
  auto filter = wait(queue_filter_of(ports_, Arguments({{"domain", "b.example"}}))).value();
  WalkLimits limits;
  limits.page_recipients_max = 7;
  limits.recipients_max = 60;
  std::set<std::pair<base::MessageId, unsigned>> seen;
  std::size_t calls = 0;
  while (true) {
    QueueWalk walk(ports_, filter, limits);
    while (auto part = wait(walk.next()).value()) {
      for (const auto& entry : part->entries) {
        for (const auto& recipient : entry.recipients)
          EXPECT_TRUE(seen.emplace(entry.message.id, recipient.index).second);
      }
    }
    EXPECT_LE(walk.looked_at(), limits.recipients_max + limits.page_recipients_max + 10);
    ++calls;
    if (!walk.place()) break;
    filter.from = queue_place_in(to_text(*walk.place())).value();
  }
  EXPECT_EQ(seen.size(), 150U);
  EXPECT_GE(calls, 5U);
}

// Each call changes a bounded piece, in bounded transactions.
TEST_F(QueueOperations, AHoldOfVeryManyGoesOnCallAfterCall) {
  for (int i = 0; i < 21; ++i) put(acorn, 1000, {"far.example", "other.example"});
  put(birch, 3);
  auto held = call("queue.hold", {{"domain", "far.example"}});
  ASSERT_TRUE(held) << held.error().what;
  EXPECT_THAT(text(*held, "note"), ::testing::HasSubstr("--after"));
  EXPECT_LE(changed(*held), 10'000U);
  EXPECT_GE(changed(*held), 9'000U);
  EXPECT_EQ(count(acorn, queue::State::held), changed(*held));
  held = call("queue.hold", {{"domain", "far.example"}, {"after", held->at("next")}});
  EXPECT_FALSE(held->contains("next"));
  EXPECT_EQ(count(acorn, queue::State::held), 10'500U);
  EXPECT_EQ(count(acorn, queue::State::waiting), 10'500U);
  EXPECT_EQ(count(birch, queue::State::held), 3U);
}

TEST_F(QueueOperations, AListThatFindsNothingForLongSaysHowFarItLooked) {
  for (int i = 0; i < 21; ++i) put(acorn, 1000);
  const auto id = put(acorn, 1, {"rare.example"});
  auto page = call("queue.list", {{"domain", "rare.example"}}).value();
  EXPECT_EQ(rows(page), 0U);
  EXPECT_THAT(text(page, "note"), ::testing::HasSubstr("there may be more"));
  page = call("queue.list", {{"domain", "rare.example"}, {"after", page.at("next")}}).value();
  ASSERT_EQ(rows(page), 1U);
  EXPECT_EQ(text(page.at("rows").at(0).as_object(), "id"), id.text());
  EXPECT_FALSE(page.contains("next"));
}

TEST_F(QueueOperations, RemovedMessagesLeaveAndTheirSendersAreToldIfAsked) {
  const auto told = put(acorn, 2);
  put(acorn, 1);
  auto removed = call("queue.remove", {{"id", told.text()}, {"bounce", true}});
  EXPECT_EQ(changed(*removed), 2U);
  EXPECT_THAT(noticed_, ::testing::ElementsAre(acorn));
  removed = call("queue.remove", {{"all", true}});
  EXPECT_EQ(changed(*removed), 1U);
  EXPECT_EQ(count(acorn, queue::State::waiting), 0U);
  EXPECT_EQ(count(acorn, queue::State::failed), 2U);
  EXPECT_EQ(call("queue.remove", {{"id", told.text()}}).error().kind, base::ErrorKind::not_found);
}

TEST_F(QueueOperations, NothingIsChangedUnlessItIsSaidWhich) {
  put(acorn, 1);
  EXPECT_EQ(call("queue.hold", {}).error().kind, base::ErrorKind::invalid);
  EXPECT_EQ(call("queue.hold", {{"after", "x"}}).error().kind, base::ErrorKind::invalid);
  EXPECT_EQ(count(acorn, queue::State::held), 0U);
}

TEST_F(QueueOperations, APlaceOfATenantThatIsGoneIsRefused) {
  put(acorn, 1);
  const QueuePlace place{base::TenantId::make(base::from_milliseconds(5), {5}), {}};
  EXPECT_EQ(call("queue.list", {{"after", to_text(place)}}).error().kind, base::ErrorKind::invalid);
  for (const std::string bad : {"", "/", "x/y/z"}) EXPECT_FALSE(queue_place_in(bad)) << bad;
  EXPECT_FALSE(queue_place_in(to_text(place) + "x"));
}

// Held while it is in memory, ready to be tried.
TEST_F(QueueOperations, WhatIsHeldLeavesTheWindowAndWhatIsReleasedComesBack) {
  const auto id = put(acorn, 5, {"a.example", "b.example"});
  run_queue();
  world.advance(1s);
  EXPECT_EQ(dispatcher.in_memory(), 5U);
  EXPECT_EQ(changed(*call("queue.hold", {{"domain", "a.example"}})), 3U);
  world.advance(1s);
  EXPECT_EQ(dispatcher.in_memory(), 2U);
  EXPECT_EQ(changed(*call("queue.release", {{"id", id.text()}})), 5U);
  world.advance(1s);
  EXPECT_EQ(dispatcher.in_memory(), 5U);
}

}  // namespace
}  // namespace letterlock::admin
