#include "queue/record.h"

#include <gtest/gtest.h>

namespace letterlock::queue {
namespace {

Message a_message() {
  Message message;
  message.id = base::MessageId::make(base::from_milliseconds(5), {1});
  message.trace = base::TraceId::make(base::from_milliseconds(6), {2});
  message.mail_from = "alice@acorn.example";
  message.octets = 1'234'567'890'123;
  message.prefix = "Delivered-To: sales@birch.example\r\n";
  message.digest = "ab";
  message.smtputf8 = true;
  message.params = {dsn::Return::full, "env"};
  message.accepted = base::from_milliseconds(7);
  message.expires = base::from_milliseconds(8);
  message.requirement.level = {hop::Level::authenticated,
                               {hop::Source::Kind::connector, "bank", "contract"}};
  message.requirement.post_quantum.value = hop::PostQuantum::required;
  message.is_report = true;
  message.origin = base::TraceId::make(base::from_milliseconds(4), {3});
  message.steps = 9;
  return message;
}

Recipient a_recipient() {
  Recipient recipient;
  recipient.index = 700;
  // ATTACKS 9: whatever octets come, the record gives the same back.
  recipient.address = std::string("b\r\n\0ob@birch.example", 20);
  recipient.written_to = std::string("s\r\n\0ales@birch.example", 22);
  recipient.is_alone = true;
  recipient.params.notify = dsn::Notify::never();
  recipient.state = State::held;
  recipient.reply = "451 4.3.0 \"no\"\xff";
  recipient.notice = Notice::delayed;
  recipient.delay_told = true;
  return recipient;
}

TEST(QueueRecord, RoundTrips) {
  EXPECT_EQ(unpack_message(pack(a_message())), Entry(a_message()));
  EXPECT_EQ(unpack_message(pack(Message{})), Entry());
  EXPECT_EQ(unpack_recipient(pack(a_recipient())), a_recipient());
  EXPECT_EQ(unpack_recipient(pack(Recipient{})), Recipient{});
  EXPECT_EQ(unpack_left(pack(Left{1000, 999, 1})), (Left{1000, 999, 1}));
  EXPECT_FALSE(unpack_left(pack(Left{5, 6, 0})));
}

std::vector<Recipient> some_within(std::size_t count) {
  std::vector<Recipient> recipients(count, a_recipient());
  for (std::size_t i = 0; i < count; ++i) recipients[i].index = static_cast<unsigned>(i);
  return recipients;
}

TEST(QueueRecord, AFewRecipientsStandWithinTheMessage) {
  for (const std::size_t count : {std::size_t{1}, recipients_within_max}) {
    const auto octets = pack(a_message(), some_within(count));
    EXPECT_EQ(unpack_message(octets), Entry(a_message(), some_within(count)));
    for (std::size_t cut = 0; cut < octets.size(); ++cut)
      EXPECT_FALSE(unpack_message(octets.substr(0, cut)));
  }
  const auto too_many = pack(a_message(), some_within(recipients_within_max + 1));
  EXPECT_EQ(unpack_message(too_many).error().kind, base::ErrorKind::corrupt);
  // Their places are their numbers.
  EXPECT_FALSE(unpack_message(pack(a_message(), {a_recipient()})));
}

TEST(QueueRecord, AnotherVersionIsRefused) {
  auto message = pack(a_message());
  auto recipient = pack(a_recipient());
  ++message.front();
  ++recipient.front();
  EXPECT_EQ(unpack_message(message).error().kind, base::ErrorKind::corrupt);
  EXPECT_EQ(unpack_recipient(recipient).error().kind, base::ErrorKind::corrupt);
}

TEST(QueueRecord, EveryCutAndEveryFlippedBitIsAnErrorOrAnotherValue) {
  const auto octets = pack(a_message());
  for (std::size_t cut = 0; cut < octets.size(); ++cut)
    EXPECT_FALSE(unpack_message(octets.substr(0, cut)));
  for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
    auto changed = octets;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    const auto read = unpack_message(changed);
    if (read) EXPECT_NE(*read, Entry(a_message())) << bit;
  }
  EXPECT_EQ(unpack_recipient(pack(a_recipient()) + "x").error().kind, base::ErrorKind::corrupt);
}

}  // namespace
}  // namespace letterlock::queue
