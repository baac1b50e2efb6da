// Commands, responses, lines and content: there and back, and what is refused.
#include <gtest/gtest.h>

#include "pop/command.h"
#include "pop/content.h"
#include "pop/lines.h"
#include "pop/response.h"

namespace letterlock::pop {
namespace {

using namespace std::string_literals;

TEST(Command, RoundTrips) {
  for (const auto* line :
       {"USER bob@birch.example", "PASS a password with  spaces ", "AUTH PLAIN",
        "AUTH PLAIN =", "AUTH PLAIN AGJvYgB0cmVl", "STLS", "CAPA", "QUIT", "STAT", "LIST", "LIST 1",
        "UIDL", "UIDL 4294967295", "RETR 17", "TOP 1 0", "TOP 3 10", "DELE 2", "RSET", "NOOP"}) {
    const auto command = parse_command(line);
    ASSERT_TRUE(command) << line;
    EXPECT_EQ(to_line(*command), line + "\r\n"s);
  }
}

TEST(Command, KeywordsInAnyCaseAndSpacesBehind) {
  EXPECT_TRUE(std::holds_alternative<command::Stat>(parse_command("stat").value()));
  EXPECT_TRUE(std::holds_alternative<command::List>(parse_command("LiSt  ").value()));
  EXPECT_EQ(std::get<command::User>(parse_command("user bob ").value()).name, "bob");
  EXPECT_EQ(std::get<command::Pass>(parse_command("pass  x ").value()).password, " x ");
}

TEST(Command, Refused) {
  const auto refused = {""s,
                        " "s,
                        "USER"s,
                        "USER "s,
                        "PASS"s,
                        "PASS "s,
                        "AUTH"s,
                        "AUTH "s,
                        "AUTH PLAIN !"s,

                        "AUTH PLAIN Zg=="s + "x",
                        "LIST 0"s,
                        "LIST -1"s,
                        "LIST +1"s,
                        "LIST 1 2"s,
                        "LIST  1"s,
                        "LIST 4294967296"s,
                        "LIST 99999999999"s,
                        "LIST 0x1"s,
                        "LIST 1.0"s,
                        "RETR"s,
                        "RETR 0"s,
                        "RETR a"s,
                        "TOP 1"s,
                        "TOP 1 "s,
                        "TOP 1 -1"s,
                        "TOP 0 1"s,
                        "TOP 1 2 3"s,
                        "DELE"s,
                        "STAT 1"s,
                        "QUIT now"s,
                        "APOP bob x"s,
                        "LAST"s,
                        "STAT\0"s,
                        "STAT\t"s,
                        "USER b\x1b[2J"s,
                        "USER b\rRETR 1"s,
                        "XRETR 1"s,
                        "RETR1"s,
                        "USER "s + std::string(300, 'a')};
  for (const auto& line : refused) EXPECT_FALSE(parse_command(line)) << base::printable(line);
  EXPECT_EQ(parse_command("APOP bob x").error().kind, base::ErrorKind::not_found);
  EXPECT_EQ(parse_command("RETR x").error().kind, base::ErrorKind::invalid);
}

TEST(Attack40, OtherProtocolsAreKnown) {
  for (const auto* line :
       {"GET / HTTP/1.1", "POST /x HTTP/1.0", "PRI * HTTP/2.0", "ehlo mx", "HELO x"})
    EXPECT_TRUE(is_another_protocol(line)) << line;
  for (const auto* line : {"CAPA", "NONSENSE", ""}) EXPECT_FALSE(is_another_protocol(line)) << line;
}

TEST(Response, WrittenAndRead) {
  EXPECT_EQ(ok("2 320"), "+OK 2 320\r\n");
  EXPECT_EQ(err(Code::auth, "sign-in failed"), "-ERR [AUTH] sign-in failed\r\n");
  const auto status = parse_status("-ERR [sys/temp] later");
  ASSERT_TRUE(status);
  EXPECT_FALSE(status->ok);
  EXPECT_EQ(status->code, Code::sys_temp);
  EXPECT_EQ(status->text, "later");
  EXPECT_EQ(parse_status("+OK")->text, "");
  EXPECT_EQ(parse_status("-ERR [XYZ] later")->text, "[XYZ] later");
  for (const auto* wrong : {"", "OK", "+OKAY", "-ERROR", "* OK", "+ OK", "250 ok"})
    EXPECT_FALSE(parse_status(wrong)) << wrong;
}

TEST(Response, ListingLines) {
  EXPECT_EQ(parse_pair("2 320"), (Pair{2, 320}));
  EXPECT_EQ(parse_pair("2 320 more"), (Pair{2, 320}));
  for (const auto* wrong : {"", "2", "2 ", " 2 3", "-1 2", "a b", "99999999999 1"})
    EXPECT_FALSE(parse_pair(wrong)) << wrong;
  EXPECT_EQ(parse_unique_id("1 whqtswO00WBw418f9t5JxYwZ"),
            (UniqueId{1, "whqtswO00WBw418f9t5JxYwZ"}));  // RFC 1939 §7
  for (const auto& wrong : {"1"s, "1 "s, "1 a b"s, "1 a\x7f"s, "x a"s, "1 " + std::string(71, 'a')})
    EXPECT_FALSE(parse_unique_id(wrong)) << wrong;
}

std::vector<std::string> lines_of(std::string_view octets, std::size_t step,
                                  std::size_t octets_max) {
  LineReader reader(octets_max);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < octets.size(); i += step) {
    reader.add(octets.substr(i, step));
    while (auto line = reader.next()) {
      lines.push_back(line->fault == Line::Fault::none       ? line->text
                      : line->fault == Line::Fault::too_long ? "!long"
                                                             : "!lf");
    }
    EXPECT_LE(reader.octets(), octets_max + step);
  }
  return lines;
}

TEST(LineReader, CutsInAnyPieces) {
  const auto octets = "one\r\n\r\ntwo\nthr\ree\r\n0123456789\r\n01234567\r\nrest"s;
  const std::vector<std::string> expected = {"one", "", "!lf", "thr\ree", "!long", "01234567"};
  for (std::size_t step = 1; step <= octets.size(); ++step)
    EXPECT_EQ(lines_of(octets, step, 10), expected) << step;
}

// ATTACKS 17: a line that never ends.
TEST(Attack17, EndlessLineIsBounded) {
  LineReader reader(255);
  const std::string piece(4096, 'A');
  for (int i = 0; i < 1000; ++i) {
    reader.add(piece);
    EXPECT_FALSE(reader.next());
    ASSERT_LE(reader.octets(), 255U);
  }
  reader.add("\r\nSTAT\r\n");
  EXPECT_EQ(reader.next()->fault, Line::Fault::too_long);
  EXPECT_EQ(reader.next()->text, "STAT");
}

std::string stuffed(std::string_view content, std::size_t step, bool* converted = nullptr) {
  DotStuffer stuffer;
  std::string wire;
  for (std::size_t i = 0; i < content.size(); i += step) stuffer.add(content.substr(i, step), wire);
  stuffer.finish(wire);
  if (converted) *converted = stuffer.converted();
  return wire;
}

TEST(Content, DotsAreStuffed) {
  const std::pair<std::string, std::string> table[] = {
      {"", ".\r\n"},
      {"a\r\n", "a\r\n.\r\n"},
      {"a", "a\r\n.\r\n"},
      {".\r\n", "..\r\n.\r\n"},
      {"..\r\n", "...\r\n.\r\n"},
      {"a\r\n.b\r\n", "a\r\n..b\r\n.\r\n"},
      {"a.b\r\n", "a.b\r\n.\r\n"},
      {"\r\n\r\n", "\r\n\r\n.\r\n"},
  };
  for (const auto& [content, wire] : table) {
    for (std::size_t step = 1; step < 6; ++step) {
      bool converted = true;
      EXPECT_EQ(stuffed(content, step, &converted), wire);
      EXPECT_FALSE(converted);
    }
  }
}

// No end but ours, whatever a message holds: the names of SMTP smuggling, outwards.
// A NUL is refused where it stands, and cuts nothing short: what a C library would end there is one
// word here, and no command.
TEST(Attack22, ANulIsNoEndOfAWord) {
  LineReader lines(255);
  lines.add("USER bob\0 QUIT\r\nQUIT\r\n"s);
  const auto first = lines.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->text.size(), 14U);
  EXPECT_EQ(parse_command(first->text).error().kind, base::ErrorKind::invalid);
  const auto second = lines.next();
  ASSERT_TRUE(second);
  EXPECT_TRUE(std::holds_alternative<command::Quit>(*parse_command(second->text)));
}

TEST(Attack05, NoBareLineEndLeaves) {
  for (const auto* content :
       {"a\n.\nb", "a\r.\rb", "a\n.\r\nb", "a\r\n.\nb", "a\r\n.\rb", "a\r.\r\nb", "a\n.\rb",
        "a\r\r\n.\r\r\nb", "a\n", "a\r", "\n.\n", "\r"}) {
    for (std::size_t step = 1; step < 6; ++step) {
      bool converted = false;
      const auto wire = stuffed(content, step, &converted);
      EXPECT_TRUE(converted) << base::printable(content);
      EXPECT_EQ(wire.find("\r\n.\r\n"), wire.size() - 5) << base::printable(wire);
      for (std::size_t i = 0; i < wire.size(); ++i) {
        if (wire[i] == '\n') EXPECT_TRUE(i > 0 && wire[i - 1] == '\r');
        if (wire[i] == '\r') EXPECT_TRUE(i + 1 < wire.size() && wire[i + 1] == '\n');
      }
    }
  }
}

TEST(Content, UnstuffingStopsAtTheEnd) {
  const auto wire = "a\r\n..b\r\n.\rc\r\n\r\n.\r\n+OK next\r\n"s;
  for (std::size_t step = 1; step <= wire.size(); ++step) {
    DotUnstuffer unstuffer;
    std::string content;
    std::size_t taken = 0;
    for (std::size_t i = 0; i < wire.size() && !unstuffer.done(); i += step)
      taken += unstuffer.add(std::string_view(wire).substr(i, step), content);
    EXPECT_TRUE(unstuffer.done());
    EXPECT_EQ(content, "a\r\n.b\r\n\rc\r\n\r\n");
    EXPECT_EQ(wire.substr(taken), "+OK next\r\n");
  }
}

std::string top(std::string_view content, std::uint32_t lines, std::size_t step) {
  TopCutter cutter(lines);
  std::string result;
  for (std::size_t i = 0; i < content.size(); i += step) {
    const auto piece = content.substr(i, step);
    result += piece.substr(0, cutter.add(piece));
  }
  return result;
}

TEST(Content, TopCuts) {
  const auto content = "A: b\r\n c\r\n\r\none\r\n\r\nthree\r\nfour"s;
  for (std::size_t step = 1; step <= content.size(); ++step) {
    EXPECT_EQ(top(content, 0, step), "A: b\r\n c\r\n\r\n");
    EXPECT_EQ(top(content, 1, step), "A: b\r\n c\r\n\r\none\r\n");
    EXPECT_EQ(top(content, 3, step), "A: b\r\n c\r\n\r\none\r\n\r\nthree\r\n");
    EXPECT_EQ(top(content, 4, step), content);
    EXPECT_EQ(top(content, 4'000'000'000, step), content);
    EXPECT_EQ(top("A: b\r\n\r\r\nc: d\r\n\r\nx", 0, step), "A: b\r\n\r\r\nc: d\r\n\r\n");
    EXPECT_EQ(top("no body\r\n", 5, step), "no body\r\n");
    EXPECT_EQ(top("\r\nbody\r\n", 0, step), "\r\n");
  }
}

}  // namespace
}  // namespace letterlock::pop
