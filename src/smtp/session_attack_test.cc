#include <gtest/gtest.h>

#include "smtp/session_test_helper.h"

namespace letterlock::smtp {
namespace {

using namespace std::string_literals;

TEST(Attack01, NothingBehindStartTlsIsHeard) {
  Talk talk;
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk("STARTTLS\r\nRSET\r\n"), "421 4.7.0|closed");
}

TEST(Attack03, NothingSurvivesStartTls) {
  Talk talk;
  talk("EHLO c.example\r\n");
  talk(envelope);
  talk("STARTTLS\r\n");
  talk.tls_begun = false;
  talk.session.tls_started(ChannelBinding::none);
  EXPECT_EQ(talk("RCPT TO:<b@b.example>\r\n"), "503 5.5.1|");
  EXPECT_EQ(talk("MAIL FROM:<a@a.example>\r\n"), "503 5.5.1|");
  EXPECT_EQ(talk("AUTH PLAIN\r\n"), "503 5.5.1|");
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk("DATA\r\n"), "503 5.5.1|");
  EXPECT_EQ(talk("STARTTLS\r\n"), "503 5.5.1|");
}

TEST(Attack04, SmuggledMailIsRefusedAndTheSessionEnds) {
  for (const auto& end :
       {"\n.\n"s, "\r.\r"s, "\r.\n"s, "\n.\r"s, "\n.\r\n"s, "\r\n.\n"s, "\r.\r\n"s, "\r\n.\r"s,
        "\r\n\0.\r\n"s, "\r\n.\0\r\n"s, "\r\n\0.\0\r\n"s}) {
    Talk talk;
    talk("EHLO c.example\r\n");
    talk(envelope + "DATA\r\n");
    EXPECT_EQ(talk("first" + end + envelope + "DATA\r\nsecond\r\n.\r\n"), "554 5.6.0|closed")
        << ::testing::PrintToString(end);
    EXPECT_TRUE(talk.messages.empty());
  }
}

TEST(Attack06, EarlyOctetsEndTheSession) {
  for (const auto& group : {"EHLO c.example\r\nMAIL FROM:<>\r\n"s,
                            "EHLO c.example\r\n"s + envelope + "DATA\r\ncontent\r\n.\r\n"}) {
    Talk talk;
    const std::string said = talk(group);
    EXPECT_TRUE(said.ends_with("421 4.7.0|closed")) << said;
    EXPECT_TRUE(talk.messages.empty());
  }
  Talk talk;
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk(envelope + "DATA\r\ncontent\r\n"), envelope_ok + "421 4.7.0|closed");
  // Refused DATA too: its content would be read as commands.
  Talk refused;
  refused("EHLO c.example\r\n");
  EXPECT_EQ(refused("DATA\r\nMAIL FROM:<>\r\n"), "421 4.7.0|closed");
  EXPECT_EQ(Talk().session.early_talker().code, 421);
}

TEST(Attack07, BdatStateStaysWhole) {
  Talk talk;
  talk("EHLO c.example\r\n");
  // Over the limit: the octets aren't waited for.
  EXPECT_EQ(talk(envelope + "BDAT 100000 LAST\r\n"), envelope_ok + "552 5.3.4|closed");

  Talk again;
  again("EHLO c.example\r\n");
  EXPECT_EQ(again(envelope + "BDAT 10\r\n12345678\r\nRSET\r\n"),
            envelope_ok + "250 2.0.0|250 2.0.0|");
  // Without a transaction the chunk is thrown away, never read as commands.
  EXPECT_EQ(again("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"), "503 5.5.1|250 2.0.0|");
  EXPECT_EQ(again(envelope + "BDAT 3 LAST\r\na\r\n"), envelope_ok + "250 2.0.0|");
  EXPECT_EQ(again.messages, std::vector<std::string>{"a\r\n"});
  // With it goes the transaction: who is named behind it would get a message without its beginning.
  EXPECT_EQ(again("MAIL FROM:<>\r\nRCPT TO:<no@b.example>\r\nBDAT 6\r\nQUIT\r\n"
                  "RCPT TO:<b@b.example>\r\nBDAT 3 LAST\r\nb\r\nMAIL FROM:<>\r\n"),
            "250 2.0.0|550 5.1.1|554 5.5.1|503 5.5.1|503 5.5.1|250 2.0.0|");
  EXPECT_EQ(again("RSET\r\n"), "250 2.0.0|");
  // A chunk that failed takes its message with it; later chunks are thrown away.
  EXPECT_EQ(again(envelope + "BDAT 2\r\n\rxBDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\n"),
            envelope_ok + "554 5.6.0|503 5.5.1|503 5.5.1|");
  EXPECT_EQ(again.messages.size(), 1U);
}

TEST(Attack53, ChunksOfNothingHaveAnEnd) {
  auto options = all_options();
  options.idle_commands_max = 5;
  Talk talk(options);
  talk("EHLO c.example\r\n");
  talk(envelope);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(talk("BDAT 0\r\n"), "250 2.0.0|") << i;
  EXPECT_EQ(talk("BDAT 0\r\n"), "421 4.7.0|closed");
}

// A thousand recipients are welcome, a MiB of their lines isn't; a hundred always fit.
TEST(Attack53, AnEnvelopeHasASize) {
  auto options = all_options();
  options.envelope_octets_max = 16 * 1024;
  Talk talk(options);
  talk("EHLO c.example\r\n");
  talk("MAIL FROM:<a@a.example>\r\n");
  const auto rcpt = [](int number, std::size_t octets) {
    return "RCPT TO:<b" + std::to_string(number) + "@b.example> ORCPT=rfc822;" +
           std::string(octets, 'x') + "@b.example\r\n";
  };
  for (int i = 0; i < 100; ++i) ASSERT_EQ(talk(rcpt(i, 300)), "250 2.1.5|") << i;
  EXPECT_EQ(talk(rcpt(100, 300)), "452 4.5.3|");
  EXPECT_EQ(talk("RSET\r\nMAIL FROM:<a@a.example>\r\n"), "250 2.0.0|250 2.0.0|");
  EXPECT_EQ(talk(rcpt(0, 300)), "250 2.1.5|");
}

TEST(Attack53, SizesThatAreRefusedAreCounted) {
  auto options = all_options();
  options.refusals_max = 3;
  Talk talk(options);
  talk("EHLO c.example\r\n");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(talk("MAIL FROM:<a@a.example> SIZE=9999\r\n"), "552 5.3.4|");
  EXPECT_EQ(talk("MAIL FROM:<a@a.example> SIZE=9999\r\n"), "421 4.7.0|closed");
}

TEST(Attack10, Utf8WithoutSmtputf8ThenData) {
  Talk talk;
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk("MAIL FROM:<gr\xC3\xBC@a.example>\r\nMAIL FROM:<>\r\nRCPT "
                 "TO:<gr\xC3\xBC@b.example>\r\nDATA\r\n"),
            "553 5.6.7|250 2.0.0|553 5.6.7|503 5.5.1|");
}

}  // namespace
}  // namespace letterlock::smtp
