#include "message/words.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/utf8.h"

namespace letterlock::message {
namespace {

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0);
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

// RFC 2047 §4.2.
std::optional<std::string> decode_q(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      out += ' ';
    } else if (text[i] != '=') {
      out += text[i];
    } else {
      if (text.size() - i < 3) return std::nullopt;
      const auto high = hex_digit(text[i + 1]);
      const auto low = hex_digit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      out += static_cast<char>(*high << 4 | *low);
      i += 2;
    }
  }
  return out;
}

std::optional<std::string> to_utf8(std::string_view charset, std::string octets) {
  if (base::equal_ignoring_case(charset, "utf-8")) return octets;
  if (base::equal_ignoring_case(charset, "us-ascii"))
    return base::is_ascii(octets) ? std::optional(std::move(octets)) : std::nullopt;
  if (!base::equal_ignoring_case(charset, "iso-8859-1")) return std::nullopt;
  std::string out;
  for (const char c : octets) base::append_utf8(out, static_cast<unsigned char>(c));
  return out;
}

struct Word {
  std::string octets;     // decoded, UTF-8 as far as its sender was honest
  std::size_t taken = 0;  // of the text
};

// The encoded word at the front of `text`, which begins with "=?".
std::optional<Word> take_word(std::string_view text) {
  const auto charset_end = text.find('?', 2);
  if (charset_end == std::string_view::npos || text.size() < charset_end + 3 ||
      text[charset_end + 2] != '?')
    return std::nullopt;
  const char encoding = text[charset_end + 1];
  const auto payload_end = text.find('?', charset_end + 3);
  if (payload_end == std::string_view::npos || text.substr(payload_end, 2) != "?=")
    return std::nullopt;
  const auto payload = text.substr(charset_end + 3, payload_end - charset_end - 3);
  if (std::ranges::any_of(text.substr(0, payload_end), is_blank)) return std::nullopt;
  // RFC 2231 §5: a language may follow the charset.
  auto charset = text.substr(2, charset_end - 2);
  charset = charset.substr(0, charset.find('*'));
  std::optional<std::string> octets;
  if (encoding == 'Q' || encoding == 'q') octets = decode_q(payload);
  if (encoding == 'B' || encoding == 'b') {
    if (auto decoded = base::from_base64(payload)) octets = std::move(*decoded);
  }
  if (!octets) return std::nullopt;
  auto utf8 = to_utf8(charset, std::move(*octets));
  if (!utf8) return std::nullopt;
  return Word{std::move(*utf8), payload_end + 2};
}

// RFC 2047 §6.2: the blanks between two encoded words are not shown.
std::string decode_words(std::string_view value, std::size_t octets_max) {
  std::string out;
  std::size_t blanks = 0;  // at the end of `out`, since an encoded word
  bool after_word = false;
  while (!value.empty() && out.size() <= octets_max) {
    const auto word =
        value.starts_with("=?") ? take_word(value.substr(0, 4 * octets_max)) : std::nullopt;
    if (word) {
      if (after_word) out.resize(out.size() - blanks);
      out += word->octets;
      value.remove_prefix(word->taken);
      after_word = true;
      blanks = 0;
      continue;
    }
    const char c = value.front();
    value.remove_prefix(1);
    if (c == '\r' || c == '\n') continue;
    out += c == '\t' ? ' ' : c;
    if (is_blank(c)) {
      ++blanks;
    } else {
      after_word = false;
      blanks = 0;
    }
  }
  return out;
}

// Only what may stand in a quoted string or an unstructured value, on one line.
std::string on_one_line(std::string_view utf8) {
  std::string out;
  while (!utf8.empty()) {
    const auto point = base::first_code_point(utf8);
    if (!point) {
      out += "\xEF\xBF\xBD";  // U+FFFD
      utf8.remove_prefix(1);
      continue;
    }
    if (is_control(point->value)) {
      out += ' ';
    } else {
      out += utf8.substr(0, point->octets);
    }
    utf8.remove_prefix(point->octets);
  }
  return out;
}

// RFC 2047 §2: at most 75 octets a word; §5: no character split between two words.
std::string encode_words(std::string_view utf8) {
  constexpr std::size_t octets_a_word = 42;  // base64 of them is 56, and 12 around it
  std::string out;
  while (!utf8.empty()) {
    std::size_t taken = 0;
    while (taken < utf8.size()) {
      const auto point = base::first_code_point(utf8.substr(taken)).value_or(base::CodePoint{0, 1});
      if (taken + point.octets > octets_a_word) break;
      taken += point.octets;
    }
    if (!out.empty()) out += "\r\n ";
    out += "=?utf-8?B?" + base::to_base64(utf8.substr(0, taken)) + "?=";
    utf8.remove_prefix(taken);
  }
  return out;
}

bool is_plain_phrase(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' ||
           c == '-';
  });
}

constexpr std::size_t line_octets_max = 78;        // RFC 5322 §2.1.1, wished for
constexpr std::size_t long_word_octets_max = 900;  // beyond it the 998 of RFC 5322 §2.1.1 come near

// Folds at spaces. A word that is longer than a line stays whole.
std::string fold(std::string_view text, std::size_t first_line_used) {
  std::string out;
  std::size_t used = first_line_used;
  bool first = true;
  while (true) {
    const auto space = text.find(' ');
    const auto word = text.substr(0, space);
    // Two spaces in a row stay together: a line of blanks alone would be read as the header's end
    // by some.
    const bool breaks =
        !first && !word.empty() && used + 1 + word.size() > line_octets_max && out.back() != ' ';
    if (breaks) {
      out += "\r\n";
      used = 0;
    }
    if (!first) out += ' ';
    out += word;
    used += word.size() + (first ? 0 : 1);
    first = false;
    if (space == std::string_view::npos) return out;
    text.remove_prefix(space + 1);
  }
}

bool has_long_word(std::string_view text) {
  std::size_t length = 0;
  return std::ranges::any_of(
      text, [&](char c) { return (length = c == ' ' ? 0 : length + 1) > long_word_octets_max; });
}

}  // namespace

std::string display_text(std::string_view value, std::size_t octets_max) {
  std::string clean = on_one_line(decode_words(value, octets_max));
  if (clean.size() <= octets_max) return clean;
  std::size_t end = octets_max;
  while (end > 0 && (static_cast<unsigned char>(clean[end]) & 0xC0) == 0x80) --end;
  clean.resize(end);
  return clean + "…";
}

std::string encode_text(std::string_view utf8, std::size_t name_octets) {
  const std::string clean = on_one_line(utf8);
  const auto text = base::trim(clean);
  const bool plain = base::is_ascii(text) && text.find("=?") == std::string_view::npos &&
                     !has_long_word(text) && text.find("          ") == std::string_view::npos;
  if (plain) return fold(text, name_octets + 2);
  return (name_octets > 8 ? "\r\n " : "") + encode_words(text);
}

std::string encode_phrase(std::string_view utf8) {
  const std::string clean = on_one_line(utf8);
  const auto text = base::trim(clean);
  if (text.empty()) return {};
  if (!base::is_ascii(text) || text.find("=?") != std::string_view::npos || text.size() > 64)
    return encode_words(text);
  if (is_plain_phrase(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace letterlock::message
