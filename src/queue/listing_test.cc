// Pages of the queue: bounded by messages and by recipients, each recipient once, as it stands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue/fixture.h"

namespace letterlock::queue {
namespace {

using test::start;

class ListingTest : public test::QueueTest {
 protected:
  void put_of(std::uint8_t number, std::size_t count) {
    std::vector<Recipient> recipients;
    for (std::size_t i = 0; i < count; ++i)
      recipients.push_back(to(std::to_string(i) + "@a.example"));
    put(number, std::move(recipients));
  }
  static std::size_t count(const ListPage& page) {
    std::size_t count = 0;
    for (const auto& entry : page.entries) count += entry.recipients.size();
    return count;
  }
  // All pages' recipients, in order; each page within its limits.
  std::vector<std::pair<base::MessageId, unsigned>> all(ListOptions options) {
    std::vector<std::pair<base::MessageId, unsigned>> out;
    while (true) {
      const auto page = list_page(options);
      EXPECT_LE(page.entries.size(), options.count_max);
      EXPECT_LE(count(page), options.recipients_max);
      for (const auto& entry : page.entries) {
        EXPECT_FALSE(entry.recipients.empty());
        for (const auto& recipient : entry.recipients)
          out.emplace_back(entry.message.id, recipient.index);
      }
      if (!page.next) return out;
      EXPECT_TRUE(!options.from || *options.from != *page.next) << "no way on";
      options.from = page.next;
    }
  }
};

TEST_F(ListingTest, NothingIsAnEmptyPageWithoutMore) {
  const auto page = list_page({});
  EXPECT_TRUE(page.entries.empty());
  EXPECT_FALSE(page.next);
}

// At n there is no more, at n + 1 there is, and it is said where.
TEST_F(ListingTest, EndsAtSoManyMessages) {
  for (std::uint8_t number = 1; number <= 3; ++number) put_of(number, 1);
  EXPECT_FALSE(list_page({.from = {}, .count_max = 3}).next);
  const auto page = list_page({.from = {}, .count_max = 2});
  EXPECT_EQ(page.entries.size(), 2U);
  ASSERT_TRUE(page.next);
  EXPECT_EQ(*page.next, (ListPlace{test::numbered<base::MessageId>(3), 0}));
}

TEST_F(ListingTest, EndsAtSoManyRecipientsWithinAMessage) {
  for (const std::size_t own : {10U, 100U}) {  // within the message's record, and in their own
    put_of(static_cast<std::uint8_t>(own), own);
  }
  ListOptions options;
  options.recipients_max = 110;
  EXPECT_FALSE(list_page(options).next);
  options.recipients_max = 109;
  const auto page = list_page(options);
  EXPECT_EQ(count(page), 109U);
  ASSERT_TRUE(page.next);
  EXPECT_EQ(*page.next, (ListPlace{test::numbered<base::MessageId>(100), 99}));
  options.recipients_max = 10;
  EXPECT_EQ(*list_page(options).next, (ListPlace{test::numbered<base::MessageId>(100), 0}));
  options.recipients_max = 9;
  EXPECT_EQ(*list_page(options).next, (ListPlace{test::numbered<base::MessageId>(10), 9}));
}

// Some of each message's recipients have changed, so that they have records of their own.
TEST_F(ListingTest, EachOnceAsItStandsWhateverThePage) {
  std::size_t all_count = 0;
  for (const std::size_t size : {1U, 16U, 17U, 3U, 40U, 16U, 2U}) {
    const auto number = static_cast<std::uint8_t>(1 + all_count);
    std::vector<Recipient> recipients(size, to("x@a.example"));
    const auto message = put(number, recipients);
    std::vector<Outcome> outcomes;
    for (unsigned i = 1; i < size; i += 3) outcomes.push_back({.index = i, .step = Step::hold});
    ASSERT_TRUE(settle(message, outcomes, start));
    all_count += size;
  }
  for (std::size_t recipients_max = 1; recipients_max < 100; ++recipients_max) {
    for (const std::size_t count_max : {1U, 2U, 100U}) {
      const auto found = all({{}, count_max, recipients_max});
      ASSERT_EQ(found.size(), all_count) << recipients_max << ' ' << count_max;
      ASSERT_TRUE(std::ranges::is_sorted(found));
    }
  }
  std::size_t held = 0;
  for (const auto& entry : list_page({}).entries)
    held += static_cast<std::size_t>(
        std::ranges::count(entry.recipients, State::held, &Recipient::state));
  EXPECT_EQ(held, 0U + 5 + 6 + 1 + 13 + 5 + 1);
}

}  // namespace
}  // namespace letterlock::queue
