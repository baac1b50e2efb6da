#include "dsn/params.h"

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
