// A queue of one tenant over a store in memory, for the tests of this room; each helper is one
// transaction.
#pragma once

#include <algorithm>

#include <gtest/gtest.h>

#include "net/loop.h"
#include "queue/due.h"
#include "queue/keys.h"
#include "store/memory.h"

namespace letterlock::queue::test {

using namespace std::chrono_literals;
inline const base::Time start = base::from_milliseconds(1'000'000'000);

template <class IdType>
IdType numbered(std::uint8_t number) {
  return IdType::make(base::from_milliseconds(1), {number});
}
inline const auto acorn = numbered<base::TenantId>(1);

inline net::Task<> keep(net::ResultTask<> task, std::optional<base::Result<>>& result) {
  result = co_await std::move(task);
}

class QueueTest : public ::testing::Test {
 protected:
  base::Result<> run(net::ResultTask<> task) {
    std::optional<base::Result<>> result;
    loop_.spawn(keep(std::move(task), result));
    for (int i = 0; i < 10'000 && !result; ++i) loop_.poll();
    if (!result) return base::fail(base::ErrorKind::timeout, "did not end");
    return *result;
  }
  base::Result<> transact(store::Store::Function function) {
    return run(store_.transact(store::Scope::tenant(acorn), std::move(function)));
  }

  base::BlobId blob(std::string octets) {
    auto writer = store_.write_blob();
    EXPECT_TRUE(run(writer->write(octets)));
    EXPECT_TRUE(run(writer->finish()));
    return writer->id();
  }

  Message put(std::uint8_t number, std::vector<Recipient> recipients,
              std::string mail_from = "alice@acorn.example", base::Time accepted = start) {
    Message message;
    message.id = numbered<base::MessageId>(number);
    message.tenant = acorn;
    message.mail_from = std::move(mail_from);
    message.blob = blob("content");
    message.accepted = accepted;
    message.expires = accepted + schedule_.lifetime;
    EXPECT_TRUE(transact([&](store::Transaction& transaction) {
      return enqueue_in(transaction, message, recipients);
    }));
    return message;
  }
  static net::ResultTask<> enqueue_in(store::Transaction& transaction, Message message,
                                      std::vector<Recipient> recipients) {
    const auto items = enqueue(transaction, message, recipients);
    if (!items) co_return base::fail(items.error());
    co_return base::Result<>();
  }

  base::Result<Settled> settle(const Message& message, std::vector<Outcome> outcomes,
                               base::Time now, std::optional<std::uint64_t> epoch = {}) {
    Settled settled;
    const SettleOptions options{now, 0, epoch};
    auto done = transact([&](store::Transaction& transaction) {
      return settle_in(transaction, schedule_, message.id, outcomes, options, settled);
    });
    if (!done) return base::fail(done.error());
    return settled;
  }
  static net::ResultTask<> settle_in(store::Transaction& transaction, const Schedule& schedule,
                                     base::MessageId id, std::vector<Outcome> outcomes,
                                     SettleOptions options, Settled& settled) {
    CO_TRY(settled,
           co_await queue::settle(transaction, schedule, acorn, id, std::move(outcomes), options));
    co_return base::Result<>();
  }

  static net::ResultTask<> find_some(store::Transaction& transaction, base::MessageId id,
                                     std::vector<unsigned> asked, std::vector<unsigned> expected) {
    CO_TRY(const auto entry, co_await find(transaction, acorn, id, std::move(asked)));
    std::vector<unsigned> found;
    if (entry)
      std::ranges::transform(entry->recipients, std::back_inserter(found), &Recipient::index);
    EXPECT_EQ(found, expected);
    co_return base::Result<>();
  }

  static net::ResultTask<> told_in(store::Transaction& transaction, base::MessageId id,
                                   Notice notice) {
    CO_TRY(const auto settled, co_await told(transaction, acorn, id, {{0, notice}}));
    EXPECT_FALSE(settled.notice_pending);
    co_return base::Result<>();
  }

  static net::ResultTask<> all_told(store::Transaction& transaction, const Message& message,
                                    std::vector<Told> all) {
    CO_CHECK(co_await told(transaction, acorn, message.id, std::move(all)));
    co_return base::Result<>();
  }
  NoticePage noticed(const std::string& after, std::size_t count_max = 100) {
    NoticePage page;
    EXPECT_TRUE(transact([&](store::Transaction& transaction) {
      return notices_in(transaction, after, count_max, page);
    }));
    return page;
  }
  static net::ResultTask<> notices_in(store::Transaction& transaction, std::string after,
                                      std::size_t count_max, NoticePage& page) {
    CO_TRY(page, co_await notices(transaction, acorn, std::move(after), count_max));
    co_return base::Result<>();
  }
  bool holds(base::TraceId trace) {
    bool answer = false;
    EXPECT_TRUE(transact(
        [&](store::Transaction& transaction) { return holds_in(transaction, trace, answer); }));
    return answer;
  }
  static net::ResultTask<> holds_in(store::Transaction& transaction, base::TraceId trace,
                                    bool& answer) {
    CO_TRY(answer, co_await holds_content_of(transaction, acorn, trace));
    co_return base::Result<>();
  }

  DuePage due_at(base::Time now) {
    DueQuery query;
    query.now = now;
    return due_page(query);
  }
  DuePage due_page(const DueQuery& query) {
    DuePage page;
    EXPECT_TRUE(transact(
        [&](store::Transaction& transaction) { return due_in(transaction, query, page); }));
    return page;
  }
  static net::ResultTask<> due_in(store::Transaction& transaction, DueQuery query, DuePage& page) {
    CO_TRY(page, co_await due(transaction, acorn, std::move(query)));
    co_return base::Result<>();
  }
  ListPage list_page(const ListOptions& options) {
    ListPage page;
    EXPECT_TRUE(transact(
        [&](store::Transaction& transaction) { return list_in(transaction, options, page); }));
    return page;
  }
  static net::ResultTask<> list_in(store::Transaction& transaction, ListOptions options,
                                   ListPage& page) {
    CO_TRY(page, co_await list(transaction, acorn, options));
    co_return base::Result<>();
  }

  // Of this kind, whosever they are.
  std::size_t rows(std::string_view kind) const {
    const auto all = store_.contents();
    return static_cast<std::size_t>(std::ranges::count_if(all, [&](const auto& row) {
      return std::string_view(row.first).substr(2 + 16 + 1).starts_with(kind);
    }));
  }

  static Recipient to(std::string address, std::string destination = "modern.example") {
    Recipient recipient;
    recipient.address = std::move(address);
    recipient.destination = std::move(destination);
    return recipient;
  }

  net::Loop loop_;
  store::MemoryStore store_;
  Schedule schedule_;
};

}  // namespace letterlock::queue::test
