#include "dsn/params.h"

#include <cstring>

#include <gtest/gtest.h>

namespace letterlock::dsn {
namespace {

TEST(Notify, BothWays) {
  EXPECT_EQ(to_text(*parse_notify("never")), "NEVER");
  EXPECT_EQ(to_text(*parse_notify("delay,Success")), "SUCCESS,DELAY");
  EXPECT_EQ(to_text(*parse_notify("FAILURE")), "FAILURE");
  EXPECT_EQ(to_text(Notify()), "");
  for (const auto* text : {"", ",", "SUCCESS,", ",SUCCESS", "NEVER,SUCCESS", "SUCCESS,NEVER",
                           "SUCCESS FAILURE", "ALWAYS", "SUCCESS,,DELAY"}) {
    EXPECT_FALSE(parse_notify(text)) << text;
  }
}

// RFC 3461 §4.1: without NOTIFY failures are reported, and delays may be.
TEST(Notify, Wants) {
  EXPECT_TRUE(Notify().wants_failure());
  EXPECT_TRUE(Notify().wants_delay());
  EXPECT_FALSE(Notify().wants_success());
  EXPECT_FALSE(Notify::never().wants_failure());
  EXPECT_FALSE(Notify::never().wants_delay());
  EXPECT_TRUE(parse_notify("SUCCESS")->wants_success());
  EXPECT_FALSE(parse_notify("SUCCESS")->wants_failure());
}

TEST(Return, BothWays) {
  EXPECT_EQ(to_text(*parse_return("full")), "FULL");
  EXPECT_EQ(to_text(*parse_return("HDRS")), "HDRS");
  EXPECT_FALSE(parse_return("BODY"));
  EXPECT_FALSE(parse_return(""));
}

TEST(Xtext, BothWays) {
  EXPECT_EQ(encode_xtext("a+b=c d"), "a+2Bb+3Dc+20d");
  EXPECT_EQ(decode_xtext("a+2Bb+3Dc+20d"), "a+b=c d");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(decode_xtext(encode_xtext(all)), all);
  for (const auto* text : {"+", "+2", "+2b", "a b", "a=b", "+G0", "\x7f", "\xc3\xbc", "+ 1"})
    EXPECT_FALSE(decode_xtext(text)) << text;
}

TEST(Envid, PrintableAndShort) {
  EXPECT_EQ(parse_envid("QQ314159"), "QQ314159");
  EXPECT_EQ(parse_envid("a+20b"), "a b");
  EXPECT_EQ(format_envid("a b"), "a+20b");
  EXPECT_TRUE(parse_envid(std::string(100, 'x')));
  EXPECT_FALSE(parse_envid(std::string(101, 'x')));
  EXPECT_FALSE(parse_envid(""));
}

TEST(OriginalRecipient, Types) {
  EXPECT_EQ(parse_original_recipient("RFC822;Bob+2Btag@birch.example"),
            "rfc822;Bob+tag@birch.example");
  EXPECT_EQ(format_original_recipient("rfc822;Bob+tag@birch.example", Utf8::no),
            "rfc822;Bob+2Btag@birch.example");
  EXPECT_EQ(parse_original_recipient("x400;/S+3Da"), "x400;/S=a");
  for (const auto* text : {"", "rfc822", "x400;/S=a", ";a@b", "rfc822;", "rf c;a@b", "rfc822;a b",
                           "rfc822;gr\xc3\xbcn@x"}) {
    EXPECT_FALSE(parse_original_recipient(text)) << text;
  }
  EXPECT_FALSE(parse_original_recipient("rfc822;" + std::string(494, 'x')));
  EXPECT_EQ(original_recipient_of(*address::Address::parse("bob@birch.example")),
            "rfc822;bob@birch.example");
  EXPECT_EQ(original_recipient_of(*address::Address::parse("grün@birch.example")),
            "utf-8;grün@birch.example");
}

// RFC 6533 §3.
TEST(OriginalRecipient, Utf8) {
  EXPECT_EQ(parse_original_recipient("utf-8;gr\\x{FC}n@birch.example"), "utf-8;grün@birch.example");
  EXPECT_EQ(parse_original_recipient("UTF-8;grün@birch.example"), "utf-8;grün@birch.example");
  EXPECT_EQ(format_original_recipient("utf-8;grün+a@birch.example", Utf8::no),
            "utf-8;gr\\x{FC}n\\x{2B}a@birch.example");
  EXPECT_EQ(format_original_recipient("utf-8;grün+a@birch.example", Utf8::yes),
            "utf-8;grün\\x{2B}a@birch.example");
  EXPECT_EQ(parse_original_recipient("utf-8;\\x{5C}\\x{1F600}@x"), "utf-8;\\😀@x");
  for (const auto* text : {"utf-8;a+2Bb@x", "utf-8;a=b", "utf-8;\\", "utf-8;\\x{", "utf-8;\\x{}",
                           "utf-8;\\x{F}", "utf-8;\\x{fc}", "utf-8;\\x{D800}", "utf-8;\\x{110000}",
                           "utf-8;\\x{1234567}", "utf-8;\xff", "utf-8;a b"}) {
    EXPECT_FALSE(parse_original_recipient(text)) << text;
  }
  std::string long_one = "utf-8;";
  for (int i = 0; i < 100; ++i) long_one += "ü";
  EXPECT_EQ(format_original_recipient(long_one, Utf8::no), "");
  EXPECT_EQ(format_original_recipient(long_one, Utf8::yes), long_one);
}

// RFC 5322 §3.2.3: atext, at the ends of its ranges and beside them.
TEST(OriginalRecipient, TheTypeIsAnAtom) {
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    const bool is_atext = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z') ||
                          (c != 0 && std::strchr("!#$%&'*+-/=?^_`{|}~", c) != nullptr);
    const auto parsed = parse_original_recipient(std::string("t") + c + ";bob");
    // A semicolon ends the type, and what follows isn't wrong for that.
    EXPECT_EQ(parsed.has_value(), is_atext || c == ';') << octet;
  }
}

// Both ends of the code points that are taken encoded, and of the digits that say them.
TEST(OriginalRecipient, EncodedCodePoints) {
  const auto parsed = [](std::string_view point) {
    return parse_original_recipient("utf-8;a\\x{" + std::string(point) + "}b");
  };
  EXPECT_EQ(parsed("20"), "utf-8;a b");
  EXPECT_EQ(parsed("7E"), "utf-8;a~b");
  EXPECT_EQ(parsed("A0"), "utf-8;a\u00A0b");
  EXPECT_EQ(parsed("D7FF"), "utf-8;a\uD7FFb");
  EXPECT_EQ(parsed("E000"), "utf-8;a\uE000b");
  EXPECT_EQ(parsed("10FFFF"), "utf-8;a\U0010FFFFb");
  for (const auto* point :
       {"1F", "7F", "9F", "D800", "DFFF", "110000", "0000041", "4", "", "4G", "100000041"}) {
    const auto refused = parsed(point);
    ASSERT_FALSE(refused) << point;
    EXPECT_EQ(refused.error().kind, base::ErrorKind::invalid) << point;
  }
}

// RFC 3461 §4.2 and §4.4, and for the kinds of what is refused: who said it is told that it is
// wrong, not that something isn't there.
TEST(OriginalRecipient, AtItsLongest) {
  EXPECT_TRUE(parse_original_recipient("rfc822;" + std::string(493, 'x')));
  for (const auto& wrong : {"rfc822;" + std::string(494, 'x'), std::string("rfc822"),
                            std::string("r c;x"), std::string("rfc822;"), std::string("rfc822;+"),
                            std::string("rfc822;a b"), std::string("rfc822;+0A")}) {
    const auto refused = parse_original_recipient(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().kind, base::ErrorKind::invalid) << wrong;
  }
  const std::string longest = "rfc822;" + std::string(493, 'x');
  EXPECT_EQ(format_original_recipient(longest, Utf8::no), longest);
  EXPECT_EQ(format_original_recipient(longest + "x", Utf8::no), "");
}

// RFC 3461 §4: xchar, and everything else as "+" and two digits.
TEST(Xtext, EachOctet) {
  for (int octet = 0; octet < 256; ++octet) {
    const std::string text(1, static_cast<char>(octet));
    const bool as_it_is = octet >= 33 && octet <= 126 && octet != '+' && octet != '=';
    EXPECT_EQ(encode_xtext(text).size(), as_it_is ? 1U : 3U) << octet;
    EXPECT_EQ(decode_xtext(text).has_value(), as_it_is) << octet;
  }
}

TEST(Attack09, ParametersCannotCarryALineBreak) {
  for (const auto* text : {"a+0D+0AX:+20y", "a+0A", "a+00", "a+7F", "a+1B"}) {
    EXPECT_FALSE(parse_envid(text)) << text;
    EXPECT_FALSE(parse_original_recipient(std::string("rfc822;") + text)) << text;
  }
  for (const auto* text :
       {"utf-8;a\\x{0D}\\x{0A}b", "utf-8;a\\x{00}", "utf-8;a\\x{85}", "utf-8;a\xc2\x85"}) {
    EXPECT_FALSE(parse_original_recipient(text)) << text;
  }
}

}  // namespace
}  // namespace letterlock::dsn
