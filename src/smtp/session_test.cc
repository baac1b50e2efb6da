#include "smtp/session.h"

#include <map>

#include <gtest/gtest.h>

#include "smtp/session_test_helper.h"

namespace letterlock::smtp {
namespace {

using namespace std::string_literals;
namespace status = dsn::status;

// Puts a session into each phase.
const std::map<Phase, std::string> ways{
    {Phase::connected, ""},
    {Phase::greeted, "EHLO c.example\r\n"},
    {Phase::mail, "MAIL FROM:<a@a.example>\r\n"},
    {Phase::rcpt, "RCPT TO:<b@b.example>\r\n"},
    {Phase::chunks, "BDAT 2\r\n\r\n"},
};

void bring_to(Talk& talk, Phase phase) {
  for (const auto& [each, octets] : ways) {
    if (each == Phase::content || (phase == Phase::content && each == Phase::chunks)) continue;
    if (static_cast<int>(each) <= static_cast<int>(phase)) talk(octets);
  }
  ASSERT_EQ(talk.session.phase(), phase);
}

// Every command in every phase: what is said, and which phase follows.
TEST(ServerSession, EveryCommandInEveryPhase) {
  using enum Phase;
  struct Row {
    std::string command;
    std::map<Phase, std::pair<std::string, Phase>> in;
  };
  const std::string no = "503 5.5.1|";
  const Row rows[] = {
      {"EHLO d.example",
       {{connected, {"250|", greeted}},
        {greeted, {"250|", greeted}},
        {mail, {"250|", greeted}},
        {rcpt, {"250|", greeted}},
        {chunks, {"250|", greeted}}}},
      {"HELO d.example",
       {{connected, {"250|", greeted}},
        {greeted, {"250|", greeted}},
        {mail, {"250|", greeted}},
        {rcpt, {"250|", greeted}},
        {chunks, {"250|", greeted}}}},
      {"MAIL FROM:<>",
       {{connected, {no, connected}},
        {greeted, {"250 2.0.0|", mail}},
        {mail, {no, mail}},
        {rcpt, {no, rcpt}},
        {chunks, {no, chunks}}}},
      {"RCPT TO:<c@b.example>",
       {{connected, {no, connected}},
        {greeted, {no, greeted}},
        {mail, {"250 2.1.5|", rcpt}},
        {rcpt, {"250 2.1.5|", rcpt}},
        {chunks, {no, chunks}}}},
      {"RCPT TO:<no@b.example>",
       {{connected, {no, connected}},
        {greeted, {no, greeted}},
        {mail, {"550 5.1.1|", mail}},
        {rcpt, {"550 5.1.1|", rcpt}},
        {chunks, {no, chunks}}}},
      {"DATA",
       {{connected, {no, connected}},
        {greeted, {no, greeted}},
        {mail, {no, mail}},
        {rcpt, {"354|", content}},
        {chunks, {no, chunks}}}},
      {"BDAT 0 LAST",
       {{connected, {no, connected}},
        {greeted, {no, greeted}},
        {mail, {no, greeted}},
        {rcpt, {"250 2.0.0|", greeted}},
        {chunks, {"250 2.0.0|", greeted}}}},
      {"BDAT 0",
       {{connected, {no, connected}},
        {greeted, {no, greeted}},
        {mail, {no, greeted}},
        {rcpt, {"250 2.0.0|", chunks}},
        {chunks, {"250 2.0.0|", chunks}}}},
      {"AUTH PLAIN",
       {{connected, {"538 5.7.11|", connected}},
        {greeted, {"538 5.7.11|", greeted}},
        {mail, {"538 5.7.11|", mail}},
        {rcpt, {"538 5.7.11|", rcpt}},
        {chunks, {"538 5.7.11|", chunks}}}},
      {"STARTTLS",
       {{connected, {no, connected}},
        {greeted, {"220 2.0.0|", tls}},
        {mail, {"220 2.0.0|", tls}},
        {rcpt, {"220 2.0.0|", tls}},
        {chunks, {"220 2.0.0|", tls}}}},
      {"RSET",
       {{connected, {"250 2.0.0|", connected}},
        {greeted, {"250 2.0.0|", greeted}},
        {mail, {"250 2.0.0|", greeted}},
        {rcpt, {"250 2.0.0|", greeted}},
        {chunks, {"250 2.0.0|", greeted}}}},
      {"NOOP",
       {{connected, {"250 2.0.0|", connected}},
        {greeted, {"250 2.0.0|", greeted}},
        {mail, {"250 2.0.0|", mail}},
        {rcpt, {"250 2.0.0|", rcpt}},
        {chunks, {"250 2.0.0|", chunks}}}},
      {"VRFY b",
       {{connected, {"252 2.1.5|", connected}},
        {greeted, {"252 2.1.5|", greeted}},
        {mail, {"252 2.1.5|", mail}},
        {rcpt, {"252 2.1.5|", rcpt}},
        {chunks, {"252 2.1.5|", chunks}}}},
      {"HELP",
       {{connected, {"214 2.0.0|", connected}},
        {greeted, {"214 2.0.0|", greeted}},
        {mail, {"214 2.0.0|", mail}},
        {rcpt, {"214 2.0.0|", rcpt}},
        {chunks, {"214 2.0.0|", chunks}}}},
      {"QUIT",
       {{connected, {"221 2.0.0|closed", closed}},
        {greeted, {"221 2.0.0|closed", closed}},
        {mail, {"221 2.0.0|closed", closed}},
        {rcpt, {"221 2.0.0|closed", closed}},
        {chunks, {"221 2.0.0|closed", closed}}}},
      {"FROB",
       {{connected, {"500 5.5.1|", connected}},
        {greeted, {"500 5.5.1|", greeted}},
        {mail, {"500 5.5.1|", mail}},
        {rcpt, {"500 5.5.1|", rcpt}},
        {chunks, {"500 5.5.1|", chunks}}}},
      {"BDAT x",
       {{connected, {"501 5.5.4|closed", closed}},
        {greeted, {"501 5.5.4|closed", closed}},
        {mail, {"501 5.5.4|closed", closed}},
        {rcpt, {"501 5.5.4|closed", closed}},
        {chunks, {"501 5.5.4|closed", closed}}}},
      {"GET / HTTP/1.1",
       {{connected, {"421 4.7.0|closed", closed}},
        {greeted, {"421 4.7.0|closed", closed}},
        {mail, {"421 4.7.0|closed", closed}},
        {rcpt, {"421 4.7.0|closed", closed}},
        {chunks, {"421 4.7.0|closed", closed}}}},
  };
  for (const auto& row : rows) {
    ASSERT_EQ(row.in.size(), ways.size());
    for (const auto& [phase, expected] : row.in) {
      Talk talk;
      bring_to(talk, phase);
      EXPECT_EQ(talk(row.command + "\r\n"), expected.first) << row.command << " in " << name(phase);
      EXPECT_EQ(talk.session.phase(), expected.second) << row.command << " in " << name(phase);
    }
  }
}

TEST(ServerSession, TellsWhatItOffers) {
  Talk talk;
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk.last.lines, (std::vector<std::string>{"mx.example", "PIPELINING", "SIZE 1000",
                                                       "8BITMIME", "ENHANCEDSTATUSCODES",
                                                       "CHUNKING", "SMTPUTF8", "DSN", "STARTTLS"}));
  talk("STARTTLS\r\n");
  talk.tls_begun = false;
  talk.session.tls_started(ChannelBinding::available);
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk.last.lines,
            (std::vector<std::string>{"mx.example", "PIPELINING", "SIZE 1000", "8BITMIME",
                                      "ENHANCEDSTATUSCODES", "CHUNKING", "SMTPUTF8", "DSN",
                                      "REQUIRETLS", "AUTH PLAIN SCRAM-SHA-256-PLUS"}));
  talk.session.tls_started(ChannelBinding::none);
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk.last.lines.back(), "AUTH PLAIN");
  EXPECT_EQ(talk("AUTH EXTERNAL =\r\n"), "504 5.5.4|") << "no certificate that we know";
  talk.session.tls_started(ChannelBinding::available, ClientCertificate::known);
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk.last.lines.back(), "AUTH PLAIN SCRAM-SHA-256-PLUS EXTERNAL");
  talk.session.tls_started(ChannelBinding::available);
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk.last.lines.back(), "AUTH PLAIN SCRAM-SHA-256-PLUS") << "of the session before";
  talk("HELO c.example\r\n");
  EXPECT_EQ(talk.last.lines.size(), 1U);
}

TEST(ServerSession, PipelinedMessages) {
  Talk talk;
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk(envelope + "DATA\r\n"), envelope_ok + "354|");
  EXPECT_EQ(
      talk("one\r\n..two\r\n.\r\n" + envelope + "BDAT 4\r\nab\r\nBDAT 3 LAST\r\n.\r\nQUIT\r\n"),
      "250 2.0.0|" + envelope_ok + "250 2.0.0|250 2.0.0|221 2.0.0|closed");
  EXPECT_EQ(talk.messages, (std::vector<std::string>{"one\r\n.two\r\n", "ab\r\n.\r\n"}));
}

// Whatever way the octets are cut, the same is said; except that commands which must be last in
// their group are sent alone.
TEST(ServerSession, IsTheSameWhereverItIsCut) {
  const std::vector<std::string> groups{
      "EHLO c.example\r\n",
      envelope + "BDAT 4\r\na\r\nbBDAT 3 LAST\r\n\r\nc" + envelope + "DATA\r\n",
      "one\r\n..\r\n.\r\nRSET\r\n" + envelope + "BDAT 3\r\na\nbBDAT 1 LAST\r\nxNOOP\r\n"};
  const auto run = [&](std::size_t step) {
    Talk talk;
    std::string all;
    for (const auto& group : groups) {
      for (std::size_t i = 0; i < group.size(); i += step) all += talk(group.substr(i, step));
    }
    for (const auto& message : talk.messages) all += message;
    return all;
  };
  const std::string whole = run(1000);
  EXPECT_EQ(whole, "250|" + envelope_ok + "250 2.0.0|250 2.0.0|" + envelope_ok +
                       "354|250 2.0.0|250 2.0.0|" + envelope_ok +
                       "554 5.6.0|503 5.5.1|250 2.0.0|"
                       "a\r\nb\r\nc\r\none\r\n.\r\n");
  for (std::size_t step = 1; step < 60; ++step) EXPECT_EQ(run(step), whole) << step;
}

TEST(ServerSession, SizeIsKeptInEveryWay) {
  Talk talk;
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk("MAIL FROM:<> SIZE=1001\r\n"), "552 5.3.4|");
  EXPECT_EQ(talk("MAIL FROM:<> SIZE=1000\r\nRCPT TO:<b@b.example>\r\nDATA\r\n"),
            envelope_ok + "354|");
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += "1234567\r\n";
  EXPECT_EQ(talk(lines + ".\r\n"), "552 5.3.4|");
  EXPECT_EQ(talk(envelope + "DATA\r\n"), envelope_ok + "354|");
  // Twice as much, and nobody waits for the end.
  EXPECT_EQ(talk(lines + lines), "552 5.3.4|closed");
  EXPECT_TRUE(talk.messages.empty());

  Talk chunks;
  chunks("EHLO c.example\r\n");
  EXPECT_EQ(chunks(envelope + "BDAT 900\r\n" + lines.substr(0, 900) + "BDAT 900\r\n" +
                   lines.substr(0, 900) + "NOOP\r\n"),
            envelope_ok + "250 2.0.0|552 5.3.4|250 2.0.0|");
}

TEST(ServerSession, AHandlerThatFailsIsToldNoMore) {
  Talk talk;
  talk("EHLO c.example\r\n");
  talk(envelope + "DATA\r\n");
  talk("some\r\n");
  talk.session.content_failed(reply(452, status::system_full, "full"));
  EXPECT_EQ(talk("more\r\n.\r\nNOOP\r\n"), "452 4.3.1|250 2.0.0|");
  EXPECT_TRUE(talk.messages.empty());
}

TEST(ServerSession, CountsErrorsRecipientsAndTransactions) {
  ServerOptions options = all_options();
  options.errors_max = 2;
  options.recipients_max = 2;
  options.transactions_max = 1;
  options.idle_commands_max = 3;
  Talk errors(options);
  EXPECT_EQ(errors("FROB\r\nFROB\r\nFROB\r\nNOOP\r\n"), "500 5.5.1|500 5.5.1|421 4.7.0|closed");
  Talk recipients(options);
  recipients("EHLO c.example\r\n");
  EXPECT_EQ(recipients(envelope + "RCPT TO:<c@b.example>\r\nRCPT TO:<d@b.example>\r\nRSET\r\n"
                                  "MAIL FROM:<>\r\n"),
            envelope_ok + "250 2.1.5|452 4.5.3|250 2.0.0|421 4.7.0|closed");
  Talk idle(options);
  EXPECT_EQ(idle("NOOP\r\nNOOP\r\nRSET\r\nNOOP\r\n"),
            "250 2.0.0|250 2.0.0|250 2.0.0|421 4.7.0|closed");
  options.refusals_max = 1;
  Talk refusals(options);
  refusals("EHLO c.example\r\n");
  EXPECT_EQ(refusals("MAIL FROM:<>\r\nRCPT TO:<no@b.example>\r\nRCPT TO:<no@b.example>\r\n"),
            "250 2.0.0|550 5.1.1|550 5.1.1|closed");
}

TEST(ServerSession, LinesThatAreNone) {
  Talk talk;
  EXPECT_EQ(talk("EHLO " + std::string(3000, 'x') + "\r\nNOOP\r\n"), "500 5.5.2|250 2.0.0|");
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk("NOOP\nNO\rOP\r\nNOOP\r\n"), "500 5.5.2|500 5.5.2|250 2.0.0|");
  EXPECT_EQ(Talk()("EHLO c.example\n"), "421 4.7.0|closed");
  // No line is kept that is too long to be one.
  for (int i = 0; i < 100; ++i) talk(std::string(1000, 'x'));
  EXPECT_LT(talk.pending.size(), 2048U);
  EXPECT_EQ(talk("\r\n"), "500 5.5.2|");
}

// A password that comes with an AUTH that is refused was shown all the same.
TEST(ServerSession, APasswordOutOfPlaceIsTold) {
  const std::string auth = "AUTH PLAIN AGEAYg==\r\n";
  const std::vector<std::string> answer{"a b"};
  Talk talk;
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk(auth), "538 5.7.11|");
  EXPECT_EQ(std::exchange(talk.shown, {}), answer);
  EXPECT_EQ(talk("NOOP\r\nAUTH SCRAM-SHA-256 biwsbj1hLHI9YWJj\r\n"), "250 2.0.0|538 5.7.11|");
  EXPECT_TRUE(talk.shown.empty());
  EXPECT_EQ(talk(auth + "NOOP\r\n"), "538 5.7.11|250 2.0.0|");
  EXPECT_EQ(talk.shown, answer) << "and with commands behind it";
  auto options = all_options();
  options.authentication = Need::none;
  Talk mx(options);
  mx("EHLO c.example\r\n");
  EXPECT_EQ(mx(auth), "502 5.5.1|");
  EXPECT_EQ(mx.shown, answer);
}

// Line by line and at once, in each state in which AUTH is refused.
TEST(ServerSession, PasswordsBehindARefusedAuthAreTold) {
  struct Talked {
    std::string lines;
    std::string said;  // behind the reply to AUTH
  };
  const Talked talks[] = {
      {"AUTH PLAIN AGJvYgB0cmVl\r\n", ""},
      {"AUTH PLAIN\r\nAGJvYgB0cmVl\r\n", "500 5.5.1|"},
      {"AUTH LOGIN\r\nYm9i\r\ndHJlZQ==\r\n", "500 5.5.1|500 5.5.1|"},
      {"AUTH LOGIN Ym9i\r\ndHJlZQ==\r\n", "500 5.5.1|"},
      {"AUTH LOGIN\r\nNOOP\r\nYm9i\r\ndHJlZQ==\r\n", "250 2.0.0|500 5.5.1|500 5.5.1|"},
      {"AUTH=PLAIN AGJvYgB0cmVl\r\n", ""},
  };
  enum class Where { clear, mx, before_ehlo, no_extensions, signed_in, mail };
  for (const auto where : {Where::clear, Where::mx, Where::before_ehlo, Where::no_extensions,
                           Where::signed_in, Where::mail}) {
    for (const auto& [lines, said] : talks) {
      for (const std::size_t step : {std::size_t{1000}, std::size_t{1}}) {
        auto options = all_options();
        if (where == Where::mx) options.authentication = Need::none;
        Talk talk(options);
        if (where != Where::clear && where != Where::mx)
          talk.session.tls_started(ChannelBinding::none);
        if (where == Where::no_extensions)
          talk("HELO c.example\r\n");
        else if (where != Where::before_ehlo)
          talk("EHLO c.example\r\n");
        if (where == Where::signed_in) talk("AUTH PLAIN\r\n");
        if (where == Where::signed_in) talk("Z29vZA==\r\n");
        if (where == Where::mail) talk("MAIL FROM:<>\r\n");
        const auto phase = talk.session.phase();
        std::string heard;
        for (std::size_t i = 0; i < lines.size(); i += step) heard += talk(lines.substr(i, step));
        EXPECT_EQ(talk.shown, std::vector<std::string>{"bob tree"})
            << lines << static_cast<int>(where) << " " << step;
        EXPECT_TRUE(heard.starts_with("50") || heard.starts_with("538")) << heard;
        EXPECT_EQ(heard.substr(heard.find('|') + 1), said) << lines;
        EXPECT_EQ(talk.session.phase(), phase);
        EXPECT_EQ(talk.session.is_authenticated(), where == Where::signed_in);
      }
    }
  }
}

// In base64 a line may begin like another protocol's; a command in the answer's place is run.
TEST(ServerSession, AnswersAreNoOtherProtocol) {
  Talk talk;
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk("AUTH LOGIN\r\n0LHQvtCx\r\n0LTRg9Cx\r\n"), "504 5.5.4|500 5.5.1|500 5.5.1|");
  EXPECT_EQ(std::exchange(talk.shown, {}), std::vector<std::string>{"\xD0\xB1\xD0\xBE\xD0\xB1 "
                                                                    "\xD0\xB4\xD1\x83\xD0\xB1"});
  EXPECT_EQ(talk("AUTH LOGIN\r\nMAIL FROM:<>\r\nQUIT\r\n"), "504 5.5.4|250 2.0.0|221 2.0.0|closed");
  EXPECT_TRUE(talk.shown.empty());
  EXPECT_EQ(Talk()("0LHQvtCx\r\n"), "421 4.7.0|closed") << "nobody waits for it";
}

// A session that ends reads what came behind, for passwords alone.
TEST(ServerSession, WhatIsNotReadIsSearchedForPasswords) {
  const std::string answers = "AUTH LOGIN\r\nYm9i\r\ndHJlZQ==\r\n";
  const std::vector<std::string> bob{"bob tree"};
  for (const auto* first : {"EHLO c.example\r\n", "QUIT\r\n", "GET / HTTP/1.1\r\n", "BDAT x\r\n",
                            "DATA\r\n", "NOOP\n"}) {
    Talk talk;
    EXPECT_TRUE(talk(first + answers).ends_with("|closed")) << first;
    EXPECT_EQ(talk.shown, bob) << first;
  }
  Talk start_tls;
  start_tls("EHLO c.example\r\n");
  EXPECT_EQ(start_tls("STARTTLS\r\n" + answers), "421 4.7.0|closed");
  EXPECT_EQ(start_tls.shown, bob);
  Talk by_lf;
  by_lf("EHLO c.example\r\n");
  EXPECT_EQ(by_lf("AUTH PLAIN AGJvYgB0cmVl\n"), "500 5.5.2|");
  EXPECT_EQ(by_lf.shown, bob);
  Talk pop;
  EXPECT_EQ(pop("USER bob\r\nPASS tree\r\n"), "421 4.7.0|closed");
  EXPECT_EQ(pop.shown, bob);
  std::string many = "QUIT\r\n";
  for (int i = 0; i < 100; ++i) many += "AUTH PLAIN AGJvYgB0cmVl\r\n";
  Talk bounded;
  bounded(many);
  EXPECT_EQ(bounded.shown.size(), 20U);
}

TEST(ServerSession, NeedsAreKept) {
  ServerOptions options = all_options();
  options.tls = Need::required;
  options.authentication = Need::required;
  Talk talk(options);
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk("MAIL FROM:<>\r\n"), "530 5.7.0|");
  talk.session.tls_started(ChannelBinding::none);
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk("MAIL FROM:<>\r\n"), "530 5.7.0|");
  EXPECT_EQ(talk("AUTH SCRAM-SHA-256\r\n"), "504 5.5.4|");
  EXPECT_EQ(talk("AUTH SCRAM-SHA-256-PLUS\r\n"), "504 5.5.4|");
  EXPECT_EQ(talk("AUTH PLAIN\r\n"), "334|");
  EXPECT_EQ(talk("*\r\n"), "535 5.7.8|");
  talk("AUTH PLAIN\r\n");
  EXPECT_EQ(talk("Z29vZA==\r\n"), "235 2.7.0|");
  EXPECT_EQ(talk("AUTH PLAIN\r\n"), "503 5.5.1|");
  EXPECT_EQ(talk(envelope), envelope_ok);
}

TEST(ServerSession, AuthLinesAreLongAndFew) {
  ServerOptions options = all_options();
  Talk talk(options);
  talk.session.tls_started(ChannelBinding::none);
  talk("EHLO c.example\r\n");
  EXPECT_EQ(talk("AUTH PLAIN " + std::string(8000, 'A') + "\r\n"), "334|");
  EXPECT_EQ(talk(std::string(12000, 'A') + "\r\n"), "535 5.7.8|");
  EXPECT_EQ(talk("AUTH PLAIN\r\n"), "334|");
  EXPECT_EQ(talk(std::string(13000, 'A') + "\r\n"), "535 5.7.8|");
  EXPECT_EQ(talk("AUTH PLAIN\r\n"), "334|");
  EXPECT_EQ(talk("not base64\r\n"), "535 5.7.8|closed");
}

// Nobody signs in by an answer before its challenge; that it showed a password is told.
TEST(ServerSession, AnswersBeforeTheirChallenge) {
  Talk early;
  early.session.tls_started(ChannelBinding::none);
  early("EHLO c.example\r\n");
  EXPECT_EQ(early("AUTH PLAIN\r\nAGJvYgB0cmVl\r\n"), "503 5.5.1|500 5.5.1|");
  EXPECT_EQ(early.shown, std::vector<std::string>{"bob tree"});
  EXPECT_EQ(early("AUTH PLAIN Z29vZA==\r\nMAIL FROM:<>\r\n"), "503 5.5.1|250 2.0.0|");
  EXPECT_FALSE(early.session.is_authenticated());
  // Nor by one with commands behind it.
  EXPECT_EQ(early("RSET\r\nAUTH PLAIN\r\n"), "250 2.0.0|334|");
  EXPECT_EQ(early("AGJvYgB0cmVl\r\nMAIL FROM:<>\r\n"), "421 4.7.0|closed");
  EXPECT_EQ(early.shown.size(), 2U);
}

}  // namespace
}  // namespace letterlock::smtp
