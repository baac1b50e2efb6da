#include "smtp/reply.h"

#include <gtest/gtest.h>

#include "smtp/client.h"
#include "smtp/line.h"

namespace letterlock::smtp {
namespace {

using namespace std::string_literals;
namespace status = dsn::status;

std::string wire(const Reply& reply) {
  std::string out;
  append(reply, out);
  return out;
}

base::Result<Reply> parse(const std::string& octets, std::size_t cut) {
  ReplyParser parser;
  std::size_t taken = TRY(parser.feed(std::string_view(octets).substr(0, cut)));
  taken += TRY(parser.feed(std::string_view(octets).substr(taken)));
  if (!parser.is_done()) return base::fail(base::ErrorKind::unavailable, "not whole");
  EXPECT_FALSE(parser.is_within());
  return parser.take();
}

TEST(Reply, IsWrittenWithItsStatusOnEveryLine) {
  EXPECT_EQ(wire(reply(550, status::bad_mailbox, "no such user")), "550 5.1.1 no such user\r\n");
  EXPECT_EQ(wire(reply(220, "a.example ESMTP")), "220 a.example ESMTP\r\n");
  EXPECT_EQ(wire(Reply{250, status::ok, {"one", "two"}}), "250-2.0.0 one\r\n250 2.0.0 two\r\n");
  EXPECT_EQ(reply(550, status::bad_mailbox, "no").text(), "550 5.1.1 no");
}

TEST(Reply, NoTextMakesASecondReply) {
  EXPECT_EQ(wire(reply(550, "a\r\n250 ok\0\x7f"s)), "550 a??250 ok??\r\n");
  const std::string cut = wire(reply(550, std::string(5000, 'x')));
  EXPECT_EQ(cut.size(), 512U);
}

TEST(ReplyParser, ReadsWhereverItIsCut) {
  const std::vector<Reply> replies{
      reply(220, "mx.example ESMTP"),
      Reply{250, std::nullopt, {"mx.example", "PIPELINING", "SIZE 100"}},
      reply(550, status::bad_mailbox, "no"), Reply{250, status::ok, {"one", "two", ""}},
      reply(354, "")};
  for (const auto& each : replies) {
    const std::string octets = wire(each);
    for (std::size_t cut = 0; cut <= octets.size(); ++cut) {
      const auto parsed = parse(octets, cut);
      ASSERT_TRUE(parsed) << octets << cut;
      EXPECT_EQ(*parsed, each);
    }
  }
  EXPECT_EQ(parse("250\r\n", 2)->lines, std::vector<std::string>{""});
  EXPECT_EQ(parse("550 5.1.1\r\n", 2)->status, status::bad_mailbox);
  EXPECT_EQ(parse("450 5.1.1 other class\r\n", 2)->status, std::nullopt);
}

TEST(ReplyParser, RefusesWhatIsNoReply) {
  for (const auto& octets :
       {"hello\r\n"s, "25\r\n"s, "250 a\n"s, "250 a\rb\r\n"s, "250 a\0\r\n"s, "250-a\r\n251 b\r\n"s,
        "150 a\r\n"s, "650 a\r\n"s, "250_a\r\n"s, "250 "s + std::string(3000, 'x')}) {
    EXPECT_EQ(parse(octets, 1).error().kind, base::ErrorKind::protocol) << octets;
  }
  std::string many;
  for (int i = 0; i < 200; ++i) many += "250-x\r\n";
  EXPECT_EQ(parse(many, 1).error().kind, base::ErrorKind::protocol);
}

TEST(ReplyParser, TakesOneReplyAtATime) {
  ReplyParser parser;
  const std::string two = "250 a\r\n550 b\r\n";
  EXPECT_EQ(*parser.feed(two), 7U);
  EXPECT_EQ(parser.take().lines[0], "a");
  EXPECT_EQ(*parser.feed(two.substr(7)), 7U);
  EXPECT_EQ(parser.take().code, 550);
}

TEST(LineFinder, FindsLinesWhereverTheyAreCut) {
  const std::string octets =
      "NOOP\r\nbare\n" + std::string(30, 'x') + "\r\na\rb\r\n1234567890123456\r\nQUIT\r\n";
  std::vector<std::string> whole;
  for (std::size_t step = octets.size(); step > 0; --step) {
    LineFinder finder;
    std::vector<std::string> seen;
    std::string buffer;
    for (std::size_t i = 0; i < octets.size(); i += step) {
      buffer += octets.substr(i, step);
      while (true) {
        const Line line = finder.next(buffer, 18);
        if (line.kind == Line::Kind::whole) seen.emplace_back(line.text);
        if (line.kind == Line::Kind::too_long) seen.emplace_back("LONG");
        if (line.kind == Line::Kind::bare_end) seen.emplace_back("BARE");
        buffer.erase(0, line.consumed);
        if (line.kind == Line::Kind::more) break;
      }
      EXPECT_LT(buffer.size(), 18U);
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"NOOP", "BARE", "LONG", "BARE", "1234567890123456",
                                              "QUIT"}))
        << step;
  }
}

TEST(LineFinder, NormalisingTakesLfAlone) {
  LineFinder finder(LineEnds::normalise);
  EXPECT_EQ(finder.next("NOOP\n", 100).text, "NOOP");
  EXPECT_EQ(finder.next("NO\rOP\n", 100).kind, Line::Kind::bare_end);
}

TEST(Offered, ReadsEhlo) {
  const Offered offered = parse_offered(
      Reply{250,
            std::nullopt,
            {"mx.example greets you", "pipelining", "SIZE 1000", "STARTTLS", "8BITMIME", "CHUNKING",
             "SMTPUTF8", "DSN", "AUTH PLAIN LOGIN SCRAM-SHA-256", "LIMITS RCPTMAX=20 MAILMAX=x",
             "X-LETTER a b", "ENHANCEDSTATUSCODES", ""}});
  EXPECT_EQ(offered.host, "mx.example");
  EXPECT_TRUE(offered.pipelining && offered.starttls && offered.chunking && offered.eight_bit_mime);
  EXPECT_TRUE(offered.smtputf8 && offered.dsn && offered.enhanced_status_codes && offered.size);
  EXPECT_FALSE(offered.require_tls);
  EXPECT_EQ(offered.size_octets_max, 1000U);
  EXPECT_EQ(offered.recipients_max, 20U);
  EXPECT_EQ(offered.transactions_max, 0U);
  EXPECT_EQ(offered.mechanisms,
            (std::vector{sasl::Mechanism::plain, sasl::Mechanism::scram_sha_256}));
  EXPECT_EQ(offered.others, std::vector<std::string>{"X-LETTER a b"});
}

TEST(ToLine, LeavesOutAnOrcptThatGrowsTooLong) {
  Rcpt rcpt{*address::Address::parse("b@b.example"), {}};
  rcpt.dsn.original_recipient = "utf-8;";
  for (int i = 0; i < 100; ++i) rcpt.dsn.original_recipient += "\xC3\xBC";
  EXPECT_EQ(to_line(rcpt), "RCPT TO:<b@b.example>\r\n");
}

TEST(Fit, DropsWhatMayBeDroppedAndRefusesTheRest) {
  Mail mail;
  mail.size_octets = 500;
  mail.body = Body::seven_bit;
  mail.dsn.ret = dsn::Return::full;
  mail.auth = "<>";
  std::vector<Rcpt> recipients(1);
  recipients[0].dsn.notify = dsn::Notify::never();
  EXPECT_EQ(fit({}, mail, recipients), std::nullopt);
  EXPECT_EQ(to_line(mail), "MAIL FROM:<>\r\n");
  EXPECT_EQ(recipients[0].dsn, dsn::RcptParams{});

  const auto refusal = [](Offered offered, Mail wanted) {
    std::vector<Rcpt> none;
    return fit(offered, wanted, none)->status;
  };
  EXPECT_EQ(refusal({}, {.smtputf8 = true}), status::needs_smtputf8);
  EXPECT_EQ(refusal({}, {.require_tls = true}), status::requiretls_not_offered);
  EXPECT_EQ(refusal({}, {.body = Body::eight_bit_mime}), status::conversion_not_possible);
  EXPECT_EQ(refusal({.size = true, .size_octets_max = 10}, {.size_octets = 11}), status::too_big);
}

}  // namespace
}  // namespace letterlock::smtp
