#include "dsn/report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/utf8.h"
#include "dsn/delivery_status.h"
#include "dsn/report_text.h"
#include "message/header.h"
#include "message/trace_fields.h"
#include "message/words.h"

namespace letterlock::dsn {
namespace {

constexpr std::size_t returned_header_octets_max = 32 * 1024;

// RFC 2045 §6.7, for text whose lines end in CRLF.
std::string quoted_printable(std::string_view text) {
  constexpr std::size_t line_octets_max = 76;
  std::string out;
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "\r\n") {
      out += "\r\n";
      used = 0;
      ++i;
      continue;
    }
    const char c = text[i];
    const bool last_blank = c == ' ' && text.substr(i + 1, 2) == "\r\n";
    std::string piece = c >= ' ' && c <= '~' && c != '=' && !last_blank
                            ? std::string(1, c)
                            : fmt::format("={:02X}", static_cast<unsigned char>(c));
    if (used + piece.size() >= line_octets_max) {
      out += "=\r\n";
      used = 0;
    }
    // RFC 2046 §5.1.1: two hyphens begin a boundary; no line of a part does.
    if (used == 0 && c == '-') piece = "=2D";
    out += piece;
    used += piece.size();
  }
  return out;
}

// A field of ours; what can't be one (a stranger's Message-ID) is left out.
void add(std::string& out, std::string_view name, std::string_view value) {
  constexpr std::size_t value_octets_max = 900;  // RFC 5322 §2.1.1: lines of at most 998
  if (value.empty() || value.size() > value_octets_max) return;
  if (const auto field = message::Field::make(name, value)) out += field->raw();
}

std::string part_start(const Report& report, std::string_view type, std::string_view encoding) {
  return fmt::format("\r\n--{}\r\nContent-Type: {}\r\n{}{}{}\r\n", report.boundary, type,
                     encoding.empty() ? "" : "Content-Transfer-Encoding: ", encoding,
                     encoding.empty() ? "" : "\r\n");
}

std::string top(const Report& report, const Parts& parts) {
  std::string out;
  // RFC 6532: a UTF-8 address in a field makes the report an SMTPUTF8 message.
  add(out, "From", message::encode_phrase("Mail delivery") + " " + report.from.path());
  add(out, "To", report.to.path());
  add(out, "Subject", message::encode_text(report_subject(report), 7));
  out += message::date_field(report.date).raw();
  add(out, "Message-ID", report.message_id);
  // In UTF-8 it would make the report an SMTPUTF8 message, which might then not travel.
  if (base::is_ascii(report.original_message_id)) {
    add(out, "In-Reply-To", report.original_message_id);
    add(out, "References", report.original_message_id);
  }
  // RFC 3834 §5: a direct answer to one message; so that nobody's vacation answers it.
  add(out, "Auto-Submitted", "auto-replied");
  add(out, "MIME-Version", "1.0");
  add(out, "Content-Type",
      fmt::format("multipart/report; report-type=delivery-status;\r\n\tboundary=\"{}\"",
                  report.boundary));
  if (parts.is_8bit) add(out, "Content-Transfer-Encoding", "8bit");
  return out + "\r\nThis is a report about a message, in MIME's multipart/report.\r\n";
}

// RFC 6533 §6.2 and §6.3 let these types be encoded, so that only a whole message needs 8BITMIME.
std::string encoded_part(const Report& report, std::string_view type, std::string_view text) {
  if (base::is_ascii(text)) return part_start(report, type, "") + std::string(text);
  return part_start(report, type, "quoted-printable") + quoted_printable(text);
}

std::string text_part(const Report& report) {
  const std::string text = report_text(report);
  return encoded_part(
      report, base::is_ascii(text) ? "text/plain; charset=us-ascii" : "text/plain; charset=utf-8",
      text);
}

std::string status_part(const Report& report) {
  const std::string status = delivery_status(report, report.smtputf8 ? Utf8::yes : Utf8::no);
  return encoded_part(
      report, base::is_ascii(status) ? "message/delivery-status" : "message/global-delivery-status",
      status);
}

// The first fields, whole ones, that fit.
std::string_view shortened(std::string_view header) {
  if (header.size() <= returned_header_octets_max) return header;
  auto end = header.rfind("\r\n", returned_header_octets_max - 2);
  while (end != std::string_view::npos && end > 0 &&
         (header[end + 2] == ' ' || header[end + 2] == '\t'))
    end = header.rfind("\r\n", end - 1);
  return end == std::string_view::npos ? std::string_view() : header.substr(0, end + 2);
}

std::string returned_part(const Report& report) {
  switch (report.returned) {
    case Returned::nothing:
      return {};
    case Returned::headers: {
      const auto header = shortened(report.original_header);
      // RFC 6522 §4; RFC 6533 §6.3 for headers in UTF-8. Others with 8-bit octets are only labelled
      // as they are.
      const bool global = report.smtputf8 && !base::is_ascii(header) && base::is_utf8(header);
      return encoded_part(report, global ? "message/global-headers" : "text/rfc822-headers",
                          header);
    }
    case Returned::full:
      if (!report.original_is_8bit) return part_start(report, "message/rfc822", "");
      return part_start(report, report.smtputf8 ? "message/global" : "message/rfc822", "8bit");
  }
  return {};
}

bool is_boundary(std::string_view text) {
  return !text.empty() && text.size() <= 60 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

}  // namespace

std::string_view name(Action action) {
  switch (action) {
    case Action::failed:
      return "failed";
    case Action::delayed:
      return "delayed";
    case Action::delivered:
      return "delivered";
    case Action::relayed:
      return "relayed";
    case Action::expanded:
      return "expanded";
  }
  return {};
}

Action worst(const std::vector<RecipientReport>& recipients) {
  ASSERT(!recipients.empty());
  // Action's order is from the worst on.
  return std::ranges::min_element(recipients, {}, &RecipientReport::action)->action;
}

Returned what_to_return(Return ret, Action worst, std::uint64_t original_octets,
                        std::uint64_t full_octets_max) {
  const bool full =
      ret == Return::full && worst == Action::failed && original_octets <= full_octets_max;
  return full ? Returned::full : Returned::headers;
}

Parts compose(const Report& report) {
  ASSERT(is_boundary(report.boundary));
  Parts parts;
  parts.is_8bit = report.original_is_8bit && report.returned == Returned::full;
  parts.head = top(report, parts) + text_part(report) + status_part(report) + returned_part(report);
  parts.tail = fmt::format("\r\n--{}--\r\n", report.boundary);
  // RFC 6533 §6: UTF-8 in the fields of the report, or unencoded in those of what comes back, needs
  // SMTPUTF8.
  parts.needs_smtputf8 = report.to.needs_smtputf8() || report.from.needs_smtputf8() ||
                         (report.smtputf8 && parts.is_8bit);
  return parts;
}

}  // namespace letterlock::dsn
