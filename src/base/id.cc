#include "base/id.h"

namespace letterlock::base {
namespace {
constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int digit(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (c == 'O') c = '0';
  if (c == 'I' || c == 'L') c = '1';
  const auto at = digits.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}
}  // namespace

// 130 bits of digits hold 128 of id: the first digit carries three.
std::string id_to_text(const IdOctets& octets) {
  std::string text(26, '0');
  for (std::size_t i = 0; i < 26; ++i) {
    unsigned value = 0;
    for (std::size_t bit = i * 5; bit < i * 5 + 5; ++bit) {
      value <<= 1;
      if (bit >= 2) value |= octets[(bit - 2) / 8] >> (7 - (bit - 2) % 8) & 1U;
    }
    text[i] = digits[value];
  }
  return text;
}

Result<IdOctets> id_from_text(std::string_view text) {
  if (text.size() != 26) return fail(ErrorKind::invalid, "an id has 26 letters and digits");
  IdOctets octets{};
  for (std::size_t i = 0; i < 26; ++i) {
    const int value = digit(text[i]);
    if (value < 0 || (i == 0 && value > 7))
      return fail(ErrorKind::invalid, "not an id: an unexpected letter");
    for (std::size_t k = 0; k < 5; ++k) {
      const std::size_t bit = i * 5 + k;
      if (bit < 2) continue;
      const auto one = static_cast<unsigned>(value) >> (4 - k) & 1U;
      octets[(bit - 2) / 8] =
          static_cast<std::uint8_t>(octets[(bit - 2) / 8] | one << (7 - (bit - 2) % 8));
    }
  }
  return octets;
}

}  // namespace letterlock::base
