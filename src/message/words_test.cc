#include "message/words.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "message/header.h"

namespace letterlock::message {
namespace {

using namespace std::string_literals;

// RFC 2047 §8, and what comes in practice.
TEST(DisplayText, DecodesWords) {
  const std::pair<std::string, std::string> cases[] = {
      {"=?US-ASCII?Q?Keith_Moore?=", "Keith Moore"},
      {"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"},
      {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=", "If you can read this yo"},
      {"=?ISO-8859-1?Q?a?=", "a"},
      {"=?ISO-8859-1?Q?a?= b", "a b"},
      {"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
      {"=?ISO-8859-1?Q?a?=  \r\n  =?ISO-8859-1?Q?b?=", "ab"},
      {"=?ISO-8859-1?Q?a_b?=", "a b"},
      {"=?utf-8*de?q?gr=C3=BCn?=", "grün"},
      {"=?utf-8?b?Z3LDvG4=?= tea", "grün tea"},
      {"=?utf-8?q?=C3?= =?utf-8?q?=BC?=",
       "ü"},  // a character cut in two, against the RFC but common
      {"plain grün", "plain grün"},
      {"=?koi8-r?Q?abc?=", "=?koi8-r?Q?abc?="},
      {"=?utf-8?x?abc?=", "=?utf-8?x?abc?="},
      {"=?utf-8?b?!!?=", "=?utf-8?b?!!?="},
      {"=?utf-8?q?a b?=", "=?utf-8?q?a b?="},
      {"=?utf-8?q?=4?=", "=?utf-8?q?=4?="},
      {"=?", "=?"},
      {"=?a", "=?a"},
      {"=?a?q", "=?a?q"},
      {"=?a?q?", "=?a?q?"},
      {"=?utf-8?q?"
       "?=",
       ""},
  };
  for (const auto& [value, expected] : cases) EXPECT_EQ(display_text(value), expected) << value;
}

TEST(DisplayText, IsAlwaysCleanUtf8) {
  EXPECT_EQ(display_text("=?utf-8?q?a=0D=0Ab=00=1B[2J?="), "a  b  [2J");
  EXPECT_EQ(display_text("a\xff"
                         "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(display_text("=?utf-8?q?=C2=9B?="), " ");
  EXPECT_EQ(display_text(std::string(2000, 'x')), std::string(1000, 'x') + "…");
  EXPECT_EQ(display_text("üüü", 3), "ü…");
}

TEST(EncodeText, RoundTrips) {
  for (const auto& text : {"Figures for Q3"s, "grün"s, "=?not a word?="s, "😀"s,
                           std::string(300, 'x'), std::string(2000, 'y'), "a  b   c"s, ""s}) {
    const auto encoded = encode_text(text, 7);
    const auto field = Field::make("Subject", encoded);
    ASSERT_TRUE(field) << encoded;
    EXPECT_EQ(display_text(field->unfolded(), 10'000), text);
    EXPECT_TRUE(base::is_ascii(encoded));
  }
  std::string words;
  for (int i = 0; i < 100; ++i) words += "word ";
  words.pop_back();
  const auto folded = encode_text(words, 7);
  std::size_t from = 0;
  for (auto end = folded.find("\r\n"); end != std::string::npos; end = folded.find("\r\n", from)) {
    EXPECT_LE(end - from, 78);
    from = end + 2;
  }
  EXPECT_GT(from, 0);
  EXPECT_EQ(display_text(Field::make("Subject", folded)->unfolded()), words);
}

TEST(EncodePhrase, Forms) {
  EXPECT_EQ(encode_phrase("Alice Acorn"), "Alice Acorn");
  EXPECT_EQ(encode_phrase("Acorn, Alice \"A\""), "\"Acorn, Alice \\\"A\\\"\"");
  EXPECT_EQ(encode_phrase("Grün"), "=?utf-8?B?R3LDvG4=?=");
  EXPECT_EQ(encode_phrase(""), "");
}

TEST(Attack39, TextsCannotBeginAnotherField) {
  for (const auto& text : {"a\r\nBcc: x@y"s, "a\nb"s, "a\0b"s, "ü\r\nBcc: x@y"s, "\r\n\r\nbody"s,
                           "a\r\n \r\n b"s, "a\xff\r\n"s,
                           "a\xc2\x85"
                           "b"s}) {
    EXPECT_TRUE(Field::make("Subject", encode_text(text, 7))) << text;
    EXPECT_EQ(display_text(encode_text(text, 7)).find_first_of("\r\n"), std::string::npos);
    const auto phrase = encode_phrase(text);
    EXPECT_TRUE(Field::make("From", phrase + " <a@b.example>")) << text;
  }
}

}  // namespace
}  // namespace letterlock::message
