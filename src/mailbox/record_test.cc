#include "mailbox/record.h"

#include <limits>

#include <gtest/gtest.h>

#include "base/pack.h"

namespace letterlock::mailbox {
namespace {

Message some_message() {
  Message message;
  message.uid = 7;
  message.blob_octets = 1'000'000;
  message.prefix = std::string("Return-Path: <>\r\n\0", 18);
  message.flags = Flags::make(9, {"$Junk", "later"}).value();
  message.modseq = std::numeric_limits<Modseq>::max();
  message.internal_date = base::from_milliseconds(1'795'000'000'123);
  message.recipients = {4};
  message.content_digest = "ab";
  message.protected_fetch_for = "acorn.example";
  return message;
}

TEST(MailboxRecords, ComeBackAsTheyWere) {
  const AccountRecord account{1, 2, 3, 4, 0xffffffff, true};
  EXPECT_EQ(decode_account(encode(account)).value(), account);
  const MailboxRecord mailbox{.uid_validity = 5,
                              .uid_next = 0xffffffff,
                              .modseq_highest = 9,
                              .messages = 1,
                              .unseen = 1,
                              .deleted = 1,
                              .octets = 77,
                              .tombstones = 2,
                              .tombstones_forgotten = 3,
                              .special_use = SpecialUse::trash,
                              .keywords = {"a", "b"},
                              .removed = true};
  EXPECT_EQ(decode_mailbox(encode(mailbox)).value(), mailbox);
  EXPECT_EQ(decode_message(7, encode(some_message())).value(), some_message());
}

// Attack50: every octet cut off and every bit turned gives an error or a value, never a crash.
TEST(Attack50, BitsOfMailboxRecords) {
  const auto whole = encode(some_message());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(decode_message(7, whole.substr(0, size)).error().kind, base::ErrorKind::corrupt);
  }
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto turned = whole;
    turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << bit % 8));
    const auto message = decode_message(7, turned);
    if (message) EXPECT_NE(*message, some_message()) << "bit " << bit;
  }
}

TEST(MailboxRecords, ANewerVersionIsRefused) {
  auto octets = encode(AccountRecord());
  octets[0] = 2;
  EXPECT_EQ(decode_account(octets).error().kind, base::ErrorKind::corrupt);
}

TEST(MailboxRecords, UidZeroAsNextIsCorrupt) {
  MailboxRecord record;
  record.uid_next = 0;
  EXPECT_EQ(decode_mailbox(encode(record)).error().kind, base::ErrorKind::corrupt);
}

TEST(MailboxKeys, SortByUidAndChange) {
  const Place place;
  EXPECT_LT(message_key(place, 255), message_key(place, 256));
  EXPECT_LT(change_key(place, 255, 9), change_key(place, 256, 1));
  EXPECT_EQ(uid_from_message_key(message_key(place, 0xfffffffe)).value(), 0xfffffffe);
  const auto change = from_change_key(change_key(place, 1ULL << 40, 3)).value();
  EXPECT_EQ(change.modseq, 1ULL << 40);
  EXPECT_EQ(change.uid, 3U);
}

}  // namespace
}  // namespace letterlock::mailbox
