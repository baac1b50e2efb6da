#include "dsn/status.h"

#include <optional>

#include <fmt/format.h>

namespace letterlock::dsn {
namespace {

using base::ErrorKind;
using base::fail;
using base::Result;

// 1*3DIGIT without leading zeros, taken off the front of `text`.
std::optional<std::uint16_t> take_number(std::string_view& text) {
  std::size_t digits = 0;
  std::uint16_t value = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    if (++digits > 3) return std::nullopt;
    value = static_cast<std::uint16_t>(value * 10 + (text[digits - 1] - '0'));
  }
  // RFC 3463 §2: sub-codes MUST be without leading zeros.
  if (digits == 0 || (digits > 1 && text.front() == '0')) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take_dot(std::string_view& text) {
  if (!text.starts_with('.')) return false;
  text.remove_prefix(1);
  return true;
}

// A code at the front of `text`, which then holds what follows it.
std::optional<Status> take_status(std::string_view& text) {
  const auto klass = take_number(text);
  if (!klass || (*klass != 2 && *klass != 4 && *klass != 5) || !take_dot(text)) return std::nullopt;
  const auto subject = take_number(text);
  if (!subject || !take_dot(text)) return std::nullopt;
  const auto detail = take_number(text);
  if (!detail) return std::nullopt;
  return Status{*klass, *subject, *detail};
}

}  // namespace

Result<Status> Status::parse(std::string_view text) {
  const auto status = take_status(text);
  if (!status || !text.empty())
    return fail(ErrorKind::invalid, "not an enhanced status code like 5.1.1");
  return *status;
}

Status Status::from_reply(unsigned reply_code, std::string_view text) {
  const auto status = take_status(text);
  const bool ends = text.empty() || text.front() == ' ';
  // RFC 2034 §4: the class must agree with the reply code; a code that doesn't is no code.
  if (status && ends && status->klass == reply_code / 100) return *status;
  return from_reply_code(reply_code);
}

Status Status::from_reply_code(unsigned reply_code) {
  switch (reply_code) {
    case 421:
      return {4, 3, 2};
    case 450:
      return {4, 2, 0};
    case 451:
      return {4, 3, 0};
    case 452:
      return {4, 3, 1};
    case 454:
      return {4, 7, 0};
    case 500:
      return {5, 5, 2};
    case 501:
      return {5, 5, 4};
    case 502:
    case 503:
      return {5, 5, 1};
    case 504:
      return {5, 5, 4};
    case 521:
      return {5, 3, 2};  // RFC 7504 §2
    case 530:
      return {5, 7, 0};  // RFC 4954 §6
    case 535:
      return {5, 7, 8};
    case 551:
      return {5, 1, 6};
    case 552:
      return {5, 2, 0};  // the mailbox's storage, or the message's size
    case 553:
      return {5, 1, 3};
    case 556:
      return {5, 1, 10};  // RFC 7505 §4.2
    default:
      break;
  }
  switch (reply_code / 100) {
    case 2:
    case 3:
      return {2, 0, 0};
    case 4:
      return {4, 0, 0};
    case 5:
      return {5, 0, 0};
    // No reply code at all: the peer broke the protocol, and another try may meet a better one.
    default:
      return {4, 5, 0};
  }
}

std::string Status::text() const {
  return fmt::format("{}.{}.{}", klass, subject, detail);
}

}  // namespace letterlock::dsn
