#include "dsn/delivery_status.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "message/header.h"

namespace letterlock::dsn {
namespace {

constexpr std::size_t value_octets_max = 800;
constexpr std::size_t line_octets_max = 76;

// One line's worth of what a stranger may have said; without UTF-8 each other octet becomes '?'.
std::string clean(std::string_view text, Utf8 utf8) {
  std::string out = base::printable(text, value_octets_max);
  constexpr std::string_view cut = "…";
  if (out.ends_with(cut)) out.replace(out.size() - cut.size(), cut.size(), "...");
  if (utf8 == Utf8::no)
    std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return std::string(base::trim(out));
}

// Folds at spaces that have a word on both sides.
std::string folded(std::string_view text, std::size_t used) {
  std::string out;
  while (true) {
    const auto space = text.find(' ', 1);
    const auto word = text.substr(0, space);
    const bool folds =
        !out.empty() && used + word.size() > line_octets_max && word.size() > 1 && word[1] != ' ';
    if (folds) {
      out += "\r\n";
      used = 0;
    }
    out += word;
    used += word.size();
    if (space == std::string_view::npos) return out;
    text.remove_prefix(space);
  }
}

void add(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (const auto field = message::Field::make(name, folded(value, name.size() + 2)))
    out += field->raw();
}

std::string recipient_field(std::string_view typed, Utf8 utf8) {
  const auto semicolon = typed.find(';');
  if (semicolon == std::string_view::npos) return {};
  const auto type = typed.substr(0, semicolon);
  // RFC 6533 §3: in an ASCII report utf-8-addr-xtext, else utf-8-addr-unitext.
  if (type == "utf-8") {
    const auto encoded = format_original_recipient(typed, utf8);
    return encoded.empty() ? std::string() : "utf-8; " + encoded.substr(semicolon + 1);
  }
  return fmt::format("{}; {}", type, clean(typed.substr(semicolon + 1), utf8));
}

void add_recipient(std::string& out, const Report& report, const RecipientReport& recipient,
                   Utf8 utf8) {
  add(out, "Original-Recipient", recipient_field(recipient.original_recipient, utf8));
  add(out, "Final-Recipient",
      recipient_field(original_recipient_of(recipient.final_recipient), utf8));
  add(out, "Action", name(recipient.action));
  add(out, "Status", status_of(recipient).text());
  if (!recipient.remote_mta.empty())
    add(out, "Remote-MTA", "dns; " + clean(recipient.remote_mta, utf8));
  if (!recipient.diagnostic.empty()) {
    // RFC 3464 §2.3.6: the type says whose words they are.
    add(out, "Diagnostic-Code",
        fmt::format("{}; {}", recipient.diagnostic_is_reply ? "smtp" : "x-letterlock",
                    clean(recipient.diagnostic, utf8)));
  }
  if (recipient.last_attempt)
    add(out, "Last-Attempt-Date", base::to_rfc5322(*recipient.last_attempt));
  add(out, "Final-Log-ID", clean(report.trace_id, utf8));
  if (recipient.action == Action::delayed && recipient.retry_until)
    add(out, "Will-Retry-Until", base::to_rfc5322(*recipient.retry_until));
}

}  // namespace

Status status_of(const RecipientReport& recipient) {
  switch (recipient.action) {
    case Action::failed:
      return recipient.status.as_permanent();
    case Action::delayed:
      return recipient.status.as_temporary();
    case Action::delivered:
    case Action::relayed:
    case Action::expanded:
      return {2, recipient.status.subject, recipient.status.detail};
  }
  return recipient.status;
}

std::string delivery_status(const Report& report, Utf8 utf8) {
  std::string out;
  add(out, "Original-Envelope-Id", clean(report.envid, utf8));
  add(out, "Reporting-MTA", "dns; " + clean(report.reporting_mta, utf8));
  if (report.arrival) add(out, "Arrival-Date", base::to_rfc5322(*report.arrival));
  for (const auto& recipient : report.recipients) {
    out += "\r\n";
    add_recipient(out, report, recipient, utf8);
  }
  return out;
}

}  // namespace letterlock::dsn
