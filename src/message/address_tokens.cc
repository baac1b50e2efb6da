#include "message/address_tokens.h"

#include <optional>

#include "base/utf8.h"
#include "message/address_list.h"

namespace letterlock::message {
namespace {

using base::ErrorKind;
using base::fail;
using base::Result;
using Kind = AddressToken::Kind;

// Field::parse has checked that CR and LF only fold.
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::unexpected<base::Error> wrong(std::string_view what) {
  return fail(ErrorKind::invalid, "the address field has " + std::string(what));
}

// The length of the character at the front of `text`: UTF-8 and no control, or nothing.
std::optional<std::size_t> character(std::string_view text) {
  const auto point = base::first_code_point(text);
  if (!point || point->value < 0x20 || (point->value >= 0x7F && point->value < 0xA0))
    return std::nullopt;
  return point->octets;
}

std::optional<Kind> sign(char c) {
  switch (c) {
    case '.':
      return Kind::dot;
    case ',':
      return Kind::comma;
    case ':':
      return Kind::colon;
    case ';':
      return Kind::semicolon;
    case '@':
      return Kind::at;
    case '<':
      return Kind::angle_open;
    case '>':
      return Kind::angle_close;
    default:
      return std::nullopt;
  }
}

// RFC 5322 §3.2.3: what ends an atom.
bool is_special(char c) {
  return std::string_view("()<>[]:;@\\,.\"").find(c) != std::string_view::npos;
}

}  // namespace

Result<void> AddressTokens::skip_comment() {
  comment_.clear();
  std::size_t depth = 0;
  while (!rest_.empty()) {
    if (is_blank(rest_.front())) {
      if (rest_.front() != '\r' && rest_.front() != '\n') comment_ += ' ';
      rest_.remove_prefix(1);
      continue;
    }
    const bool escaped = rest_.front() == '\\';
    if (escaped) rest_.remove_prefix(1);
    const auto octets = character(rest_);
    if (!octets) return wrong("a control or a broken character in a comment");
    const char c = rest_.front();
    const bool parenthesis = !escaped && (c == '(' || c == ')');
    if (!escaped && c == '(' && ++depth > comment_depth_max)
      return wrong("comments nested too deeply");
    if (!escaped && c == ')') --depth;
    if (!parenthesis) comment_ += rest_.substr(0, *octets);
    rest_.remove_prefix(*octets);
    if (depth == 0) return {};
  }
  return wrong("a comment that doesn't end");
}

Result<void> AddressTokens::skip_comments_and_blanks() {
  comment_.clear();
  while (!rest_.empty()) {
    if (is_blank(rest_.front())) {
      rest_.remove_prefix(1);
    } else if (rest_.front() == '(') {
      TRY(skip_comment());
    } else {
      break;
    }
  }
  return {};
}

Result<AddressToken> AddressTokens::take_quoted() {
  AddressToken token{Kind::quoted, {}};
  rest_.remove_prefix(1);
  while (!rest_.empty()) {
    if (rest_.front() == '"') {
      rest_.remove_prefix(1);
      return token;
    }
    // A fold inside: its CRLF isn't part of what is meant.
    if (rest_.front() == '\r' || rest_.front() == '\n') {
      rest_.remove_prefix(1);
      continue;
    }
    if (rest_.front() == '\\') rest_.remove_prefix(1);
    if (rest_.starts_with('\t')) {
      token.text += ' ';
      rest_.remove_prefix(1);
      continue;
    }
    const auto octets = character(rest_);
    if (!octets) return wrong("a control or a broken character in quotes");
    token.text += rest_.substr(0, *octets);
    rest_.remove_prefix(*octets);
  }
  return wrong("quotes that don't end");
}

Result<AddressToken> AddressTokens::take_literal() {
  const auto end = rest_.find_first_of("]\r\n");
  if (end == std::string_view::npos || rest_[end] != ']') return wrong("a [ without its ]");
  AddressToken token{Kind::literal, std::string(rest_.substr(0, end + 1))};
  rest_.remove_prefix(end + 1);
  return token;
}

Result<AddressToken> AddressTokens::take_word() {
  AddressToken token{Kind::word, {}};
  while (!rest_.empty() && !is_blank(rest_.front()) && !is_special(rest_.front())) {
    const auto octets = character(rest_);
    if (!octets) return wrong("a control or a broken character");
    token.text += rest_.substr(0, *octets);
    rest_.remove_prefix(*octets);
  }
  if (token.text.empty()) return wrong("a character out of place");
  return token;
}

Result<AddressToken> AddressTokens::next() {
  TRY(skip_comments_and_blanks());
  if (rest_.empty()) return AddressToken{};
  if (const auto kind = sign(rest_.front())) {
    rest_.remove_prefix(1);
    return AddressToken{*kind, {}};
  }
  if (rest_.front() == '"') return take_quoted();
  if (rest_.front() == '[') return take_literal();
  return take_word();
}

}  // namespace letterlock::message
