#include "dsn/params.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/utf8.h"

namespace letterlock::dsn {
namespace {

using base::ErrorKind;
using base::fail;
using base::Result;

// RFC 3461 §4: xchar = any ASCII between "!" and "~" but "+" and "=".
bool is_xchar(char c) {
  return c >= '!' && c <= '~' && c != '+' && c != '=';
}
// RFC 6533 §3: QCHAR, which leaves the backslash out too.
bool is_qchar(char32_t c) {
  return c >= '!' && c <= '~' && c != '+' && c != '=' && c != '\\';
}

std::optional<unsigned> upper_hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// RFC 3461 §4.2 and §4.4: printable (graphic and white space) ASCII; the line's end isn't.
bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

// RFC 3464 §2.1.2: address-type = atom.
bool is_address_type(std::string_view text) {
  constexpr std::string_view specials = "!#$%&'*+-/=?^_`{|}~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           specials.find(c) != std::string_view::npos;
  });
}

// EmbeddedUnicodeChar at the front of `text`: \x{C4}, up to six digits.
std::optional<base::CodePoint> take_embedded(std::string_view text) {
  if (!text.starts_with("\\x{")) return std::nullopt;
  base::CodePoint point{0, 3};
  while (point.octets < text.size() && point.octets <= 3 + 6) {
    const char c = text[point.octets++];
    if (c == '}') {
      const bool scalar =
          point.value <= 0x10FFFF && !(point.value >= 0xD800 && point.value <= 0xDFFF);
      if (point.octets < 3 + 2 + 1 || !scalar) return std::nullopt;
      return point;
    }
    const auto digit = upper_hex(c);
    if (!digit) return std::nullopt;
    point.value = point.value << 4 | *digit;
  }
  return std::nullopt;
}

// RFC 6533 §3: utf-8-addr-xtext or utf-8-addr-unitext.
Result<std::string> decode_utf8_address(std::string_view text) {
  const auto wrong = [] {
    return fail(ErrorKind::invalid, "ORCPT's utf-8 address is not encoded as RFC 6533 asks");
  };
  std::string out;
  while (!text.empty()) {
    const auto plain = base::first_code_point(text);
    if (!plain) return wrong();
    const auto point = plain->value == '\\' ? take_embedded(text) : plain;
    if (!point || is_control(point->value)) return wrong();
    if (plain->value < 0x80 && plain->value != '\\' && !is_qchar(plain->value)) return wrong();
    base::append_utf8(out, point->value);
    text.remove_prefix(point->octets);
  }
  return out;
}

std::string encode_utf8_address(std::string_view text, Utf8 smtputf8) {
  std::string out;
  while (!text.empty()) {
    // What isn't UTF-8 can't be in a decoded recipient; octet by octet it does no harm.
    const auto point = base::first_code_point(text).value_or(
        base::CodePoint{static_cast<unsigned char>(text[0]), 1});
    const bool as_it_is = is_qchar(point.value) || (point.value >= 0xA0 && smtputf8 == Utf8::yes);
    if (as_it_is) {
      base::append_utf8(out, point.value);
    } else {
      out += fmt::format("\\x{{{:02X}}}", static_cast<std::uint32_t>(point.value));
    }
    text.remove_prefix(point.octets);
  }
  return out;
}

}  // namespace

Result<Notify> parse_notify(std::string_view value) {
  if (base::equal_ignoring_case(value, "NEVER")) return Notify::never();
  Notify notify{.given = true};
  while (true) {
    const auto comma = value.find(',');
    const auto word = value.substr(0, comma);
    if (base::equal_ignoring_case(word, "SUCCESS")) {
      notify.success = true;
    } else if (base::equal_ignoring_case(word, "FAILURE")) {
      notify.failure = true;
    } else if (base::equal_ignoring_case(word, "DELAY")) {
      notify.delay = true;
    } else {
      // RFC 3461 §4.1: NEVER MUST appear by itself.
      return fail(ErrorKind::invalid,
                  "NOTIFY is NEVER alone or a list of SUCCESS, FAILURE and DELAY");
    }
    if (comma == std::string_view::npos) return notify;
    value.remove_prefix(comma + 1);
  }
}

std::string to_text(const Notify& notify) {
  if (!notify.given) return {};
  if (notify.is_never()) return "NEVER";
  std::string out;
  const auto add = [&](bool wanted, std::string_view word) {
    if (!wanted) return;
    if (!out.empty()) out += ',';
    out += word;
  };
  add(notify.success, "SUCCESS");
  add(notify.failure, "FAILURE");
  add(notify.delay, "DELAY");
  return out;
}

Result<Return> parse_return(std::string_view value) {
  if (base::equal_ignoring_case(value, "FULL")) return Return::full;
  if (base::equal_ignoring_case(value, "HDRS")) return Return::headers;
  return fail(ErrorKind::invalid, "RET is FULL or HDRS");
}

std::string_view to_text(Return ret) {
  switch (ret) {
    case Return::unspecified:
      return {};
    case Return::full:
      return "FULL";
    case Return::headers:
      return "HDRS";
  }
  return {};
}

std::string encode_xtext(std::string_view octets) {
  std::string out;
  for (const char c : octets) {
    if (is_xchar(c)) {
      out += c;
    } else {
      out += fmt::format("+{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Result<std::string> decode_xtext(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_xchar(text[i])) {
      out += text[i];
      continue;
    }
    if (text[i] != '+' || text.size() - i < 3) return fail(ErrorKind::invalid, "not xtext");
    const auto high = upper_hex(text[i + 1]);
    const auto low = upper_hex(text[i + 2]);
    if (!high || !low)
      return fail(ErrorKind::invalid, "not xtext: + without two upper-case hexadecimal digits");
    out += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return out;
}

Result<std::string> parse_envid(std::string_view value) {
  if (value.empty() || value.size() > envid_octets_max)
    return fail(ErrorKind::invalid, "ENVID is empty or longer than 100 characters");
  auto envid = TRY(decode_xtext(value));
  if (!is_printable_ascii(envid))
    return fail(ErrorKind::invalid, "ENVID holds what is not printable ASCII");
  return envid;
}

std::string format_envid(std::string_view envid) {
  return encode_xtext(envid);
}

Result<std::string> parse_original_recipient(std::string_view value) {
  if (value.size() > original_recipient_octets_max)
    return fail(ErrorKind::invalid, "ORCPT is longer than 500 characters");
  const auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos)
    return fail(ErrorKind::invalid, "ORCPT has no address type");
  std::string type(value.substr(0, semicolon));
  const auto encoded = value.substr(semicolon + 1);
  if (!is_address_type(type)) return fail(ErrorKind::invalid, "ORCPT's address type is no atom");
  if (encoded.empty()) return fail(ErrorKind::invalid, "ORCPT has no address");
  if (base::equal_ignoring_case(type, "utf-8")) return "utf-8;" + TRY(decode_utf8_address(encoded));
  if (base::equal_ignoring_case(type, "rfc822")) type = "rfc822";
  auto address = TRY(decode_xtext(encoded));
  if (!is_printable_ascii(address))
    return fail(ErrorKind::invalid, "ORCPT holds what is not printable ASCII");
  return type + ";" + address;
}

std::string format_original_recipient(std::string_view original_recipient, Utf8 smtputf8) {
  const auto semicolon = original_recipient.find(';');
  if (semicolon == std::string_view::npos) return {};
  const auto type = original_recipient.substr(0, semicolon);
  const auto address = original_recipient.substr(semicolon + 1);
  const auto encoded =
      type == "utf-8" ? encode_utf8_address(address, smtputf8) : encode_xtext(address);
  std::string out = fmt::format("{};{}", type, encoded);
  if (out.size() > original_recipient_octets_max) return {};
  return out;
}

std::string original_recipient_of(const address::Address& address) {
  return (address.needs_smtputf8() ? "utf-8;" : "rfc822;") + address.text();
}

}  // namespace letterlock::dsn
