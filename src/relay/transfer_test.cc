// How a transfer may end, and what each end leaves of the hop and of its recipients.
#include <gmock/gmock.h>

#include "relay/fixture.h"

namespace letterlock::relay::test {
namespace {

using hop::Given;
using hop::Outcome;
using testing::HasSubstr;
using testing::StartsWith;

class TransferTest : public Fixture {
 protected:
  TransferTest() : mx(add_mta("modern.example", "mx1.modern.example", "198.51.100.1")) {}
  // Of one that is deferred: what its recipient and its last hop say.
  struct Left {
    queue::Recipient recipient;
    hop::Hop hop;
  };
  Left deferred(Mail mail) {
    const auto message = submit(std::move(mail));
    EXPECT_TRUE(happens("hop.deferred"));
    const auto all = hops(message);
    EXPECT_FALSE(all.empty());
    return {recipients(message).at(0), all.empty() ? hop::Hop() : all.back()};
  }
  static std::string long_content() {
    std::string content = "Subject: x\r\n\r\n";
    while (content.size() < 500'000) content += std::string(70, 'x') + "\r\n";
    return content;
  }

  Mta& mx;
};

TEST_F(TransferTest, LostWithinTheContent) {
  network.add({.what = sim::Rule::What::cut, .octets = 100'000, .connections = 1});
  start();
  const auto left = deferred({.content = long_content()});
  EXPECT_EQ(left.hop.outcome, Outcome::failed);
  EXPECT_EQ(left.hop.given, Given::content);
  EXPECT_THAT(left.hop.reason, HasSubstr("; then it ended within the content: "));
  EXPECT_EQ(left.recipient.status, "4.4.2");
  EXPECT_THAT(left.recipient.reply, StartsWith("the session ended within the content: "));
  EXPECT_EQ(left.recipient.host, "mx1.modern.example");
}

TEST_F(TransferTest, LostBehindTheContent) {
  mx.after_content = [&] { mx.host.crash(sim::Host::Crash::process); };
  start();
  const auto left = deferred({});
  EXPECT_EQ(left.hop.outcome, Outcome::unknown);
  EXPECT_EQ(left.hop.given, Given::content);
  EXPECT_THAT(left.hop.reason, HasSubstr("after the content, before its answer"));
  EXPECT_EQ(left.recipient.status, "4.4.2");
  EXPECT_THAT(left.recipient.reply, HasSubstr("after the content, before its answer"));
}

// The store's trouble is ours: nobody else is blamed, and nothing is taken for whole.
TEST_F(TransferTest, ContentOfAnotherLength) {
  start();
  for (const int more : {1, -1}) {
    const auto message = submit({.change = [&](queue::Message& message, auto&) {
      message.octets = static_cast<std::uint64_t>(static_cast<std::int64_t>(message.octets) + more);
    }});
    ASSERT_TRUE(happens("hop.deferred", more == 1 ? 1 : 2));
    EXPECT_EQ(recipients(message).at(0).status, "4.3.0") << more;
    EXPECT_EQ(recipients(message).at(0).state, queue::State::waiting);
    EXPECT_EQ(hops(message).back().outcome, Outcome::failed);
    EXPECT_THAT(hops(message).back().reason, HasSubstr("another length than it had"));
  }
  EXPECT_TRUE(mx.messages.empty());
}

// What lists have put in front goes first, and is counted.
TEST_F(TransferTest, WhatStandsInFrontGoesFirst) {
  const std::string prefix = "Delivered-To: team@acorn.example\r\n";
  start();
  const auto message =
      submit({.change = [&](queue::Message& message, auto&) { message.prefix = prefix; }});
  ASSERT_TRUE(happens("hop.relayed"));
  ASSERT_EQ(mx.messages.size(), 1U);
  EXPECT_THAT(mx.messages[0], StartsWith(prefix + "Subject: Figures\r\n"));
  EXPECT_EQ(mx.content_octets, message.octets + prefix.size());
  ASSERT_EQ(mx.mails.size(), 1U);
  EXPECT_EQ(mx.mails[0].size_octets, message.octets + prefix.size());
}

// No sender is taken now: it is the host's answer, and another time may be better.
TEST_F(TransferTest, NoSenderIsTakenNow) {
  mx.to_mail = smtp::reply(451, dsn::Status{4, 3, 0}, "later");
  start();
  const auto left = deferred({});
  EXPECT_EQ(left.recipient.status, "4.3.0");
  EXPECT_THAT(left.recipient.reply,
              HasSubstr("mx1.modern.example: its answer to MAIL was: 451 4.3.0 later"));
  EXPECT_EQ(left.hop.outcome, Outcome::failed);
  EXPECT_EQ(left.hop.given, Given::envelope);
  EXPECT_EQ(mx.content_octets, 0U);
}

// This sender is never taken: each recipient has that answer, for good.
TEST_F(TransferTest, ThisSenderIsNeverTaken) {
  mx.to_mail = smtp::reply(550, dsn::Status{5, 7, 1}, "not you");
  start();
  const auto message = submit({.to = {"carol@modern.example", "dave@modern.example"}});
  ASSERT_TRUE(happens("hop.failed"));
  for (const auto at : {0U, 1U}) {
    EXPECT_EQ(recipients(message).at(at).state, queue::State::failed);
    EXPECT_EQ(recipients(message).at(at).status, "5.7.1");
    EXPECT_EQ(recipients(message).at(at).reply, "550 5.7.1 not you");
  }
  ASSERT_EQ(hops(message).size(), 1U);
  EXPECT_EQ(hops(message)[0].given, Given::envelope);
  EXPECT_EQ(hops(message)[0].reply, "550 5.7.1 not you");
  EXPECT_EQ(hops(message)[0].recipients, (std::vector<unsigned>{0, 1}));
}

}  // namespace
}  // namespace letterlock::relay::test
