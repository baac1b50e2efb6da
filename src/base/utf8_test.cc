#include "base/utf8.h"

#include <gtest/gtest.h>

namespace letterlock::base {
namespace {

TEST(Utf8, WellFormedAlone) {
  EXPECT_EQ(first_code_point("ü")->value, U'ü');
  EXPECT_EQ(first_code_point("😀")->value, U'😀');
  for (const auto* text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(text));
  }
  for (const char32_t value : {U'a', U'ü', U'€', U'😀', char32_t{0x10FFFF}}) {
    std::string text;
    append_utf8(text, value);
    EXPECT_EQ(first_code_point(text)->value, value);
  }
}

TEST(Utf8, AsciiWhereverTheOtherOctetStands) {
  for (const std::size_t size : {0, 1, 15, 16, 17, 63, 100}) {
    const std::string plain(size, '\x7f');
    EXPECT_TRUE(is_ascii(plain));
    for (std::size_t at = 0; at < size; ++at) {
      for (const char octet : {'\x80', '\xff'}) {
        std::string text = plain;
        text[at] = octet;
        EXPECT_FALSE(is_ascii(text)) << size << " octets, at " << at;
      }
    }
  }
}

}  // namespace
}  // namespace letterlock::base
