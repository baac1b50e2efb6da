// SASLprep without its normalisation: what is mapped and what is prohibited, by RFC 3454's tables.
#include <array>
#include <cstdint>

#include "base/utf8.h"
#include "sasl/keys.h"

namespace letterlock::sasl {
namespace {

struct Span {
  std::uint32_t first;
  std::uint32_t last;
};

// RFC 3454 table C.1.2: other spaces become U+0020.
constexpr std::array spaces = {Span{0xA0, 0xA0},     Span{0x1680, 0x1680}, Span{0x2000, 0x200B},
                               Span{0x202F, 0x202F}, Span{0x205F, 0x205F}, Span{0x3000, 0x3000}};

// Table B.1: mapped to nothing.
constexpr std::array nothing = {Span{0xAD, 0xAD},     Span{0x34F, 0x34F},   Span{0x1806, 0x1806},
                                Span{0x180B, 0x180D}, Span{0x200C, 0x200D}, Span{0x2060, 0x2060},
                                Span{0xFE00, 0xFE0F}, Span{0xFEFF, 0xFEFF}};

// Tables C.2.1 to C.9 (surrogates can't stand in well-formed UTF-8).
constexpr std::array prohibited = {
    Span{0x0, 0x1F},        Span{0x7F, 0x9F},       Span{0x340, 0x341},      Span{0x6DD, 0x6DD},
    Span{0x70F, 0x70F},     Span{0x180E, 0x180E},   Span{0x200E, 0x200F},    Span{0x2028, 0x202E},
    Span{0x2061, 0x2063},   Span{0x206A, 0x206F},   Span{0x2FF0, 0x2FFB},    Span{0xE000, 0xF8FF},
    Span{0xFDD0, 0xFDEF},   Span{0xFFF9, 0xFFFD},   Span{0x1D173, 0x1D17A},  Span{0xE0001, 0xE0001},
    Span{0xE0020, 0xE007F}, Span{0xF0000, 0xFFFFD}, Span{0x100000, 0x10FFFD}};

template <std::size_t count>
bool in(const std::array<Span, count>& spans, std::uint32_t character) {
  for (const auto& span : spans) {
    if (character >= span.first && character <= span.last) return true;
  }
  return false;
}

bool is_prohibited(std::uint32_t character) {
  // Table C.4: the last two of each plane are no characters.
  return in(prohibited, character) || (character & 0xFFFE) == 0xFFFE;
}

}  // namespace

base::Result<std::string> prepare(std::string_view text) {
  if (text.size() > password_octets_max)
    return base::fail(base::ErrorKind::invalid, "name or password too long");
  std::string prepared;
  prepared.reserve(text.size());
  while (!text.empty()) {
    const auto point = base::first_code_point(text);
    if (!point) return base::fail(base::ErrorKind::invalid, "name or password is not UTF-8");
    if (in(spaces, point->value)) {
      prepared += ' ';
    } else if (!in(nothing, point->value)) {
      // RFC 4013 §2.3: prohibited output.
      if (is_prohibited(point->value))
        return base::fail(base::ErrorKind::invalid,
                          "name or password holds a prohibited character");
      prepared += text.substr(0, point->octets);
    }
    text.remove_prefix(point->octets);
  }
  if (prepared.empty()) return base::fail(base::ErrorKind::invalid, "name or password is empty");
  return prepared;
}

}  // namespace letterlock::sasl
