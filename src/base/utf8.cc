#include "base/utf8.h"

#include <array>
#include <cstdint>

#include "base/assert.h"

namespace letterlock::base {
namespace {

bool is_surrogate(char32_t value) {
  return value >= 0xD800 && value <= 0xDFFF;
}

}  // namespace

std::optional<CodePoint> first_code_point(std::string_view text) {
  // The least value that needs a sequence of that many octets.
  static constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (text.empty()) return std::nullopt;
  const auto first = static_cast<std::uint8_t>(text[0]);
  if (first < 0x80) return CodePoint{first, 1};
  const std::size_t octets = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < octets) return std::nullopt;
  char32_t value = first & (0x7FU >> octets);
  for (std::size_t i = 1; i < octets; ++i) {
    const auto octet = static_cast<std::uint8_t>(text[i]);
    if ((octet & 0xC0) != 0x80) return std::nullopt;
    value = value << 6 | (octet & 0x3F);
  }
  if (value < least[octets] || value > 0x10FFFF || is_surrogate(value)) return std::nullopt;
  return CodePoint{value, octets};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto point = first_code_point(text);
    if (!point) return false;
    text.remove_prefix(point->octets);
  }
  return true;
}

bool is_ascii(std::string_view text) {
  // No way out in the middle: so the compiler looks at many octets at once.
  std::uint8_t all = 0;
  for (const char c : text) all |= static_cast<std::uint8_t>(c);
  return all < 0x80;
}

void append_utf8(std::string& to, char32_t value) {
  ASSERT(value <= 0x10FFFF && !is_surrogate(value));
  const auto put = [&](char32_t octet) {
    to += static_cast<char>(static_cast<std::uint8_t>(octet));
  };
  if (value < 0x80) return put(value);
  if (value < 0x800) {
    put(0xC0 | value >> 6);
  } else if (value < 0x10000) {
    put(0xE0 | value >> 12);
    put(0x80 | (value >> 6 & 0x3F));
  } else {
    put(0xF0 | value >> 18);
    put(0x80 | (value >> 12 & 0x3F));
    put(0x80 | (value >> 6 & 0x3F));
  }
  put(0x80 | (value & 0x3F));
}

}  // namespace letterlock::base
