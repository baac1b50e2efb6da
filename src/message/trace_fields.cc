#include "message/trace_fields.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/utf8.h"
#include "message/words.h"

namespace letterlock::message {
namespace {

constexpr std::size_t line_octets_max = 78;  // RFC 5322 §2.1.1, wished for
constexpr std::size_t name_octets_max = 255;
constexpr std::size_t message_id_octets_max = 998;  // RFC 5322 §2.1.1

// A stranger's word as an atom: names and address literals pass, anything else becomes '?'.
std::string clean(std::string_view word) {
  std::string out(word.substr(0, name_octets_max));
  std::ranges::replace_if(
      out,
      [](char c) {
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        return !plain && std::string_view(".-_:[]").find(c) == std::string_view::npos;
      },
      '?');
  return out;
}

std::string literal(std::string_view ip_address) {
  const bool v6 = ip_address.find(':') != std::string_view::npos;
  return fmt::format("[{}{}]", v6 ? "IPv6:" : "", clean(ip_address));
}

// Clauses after each other, folded between words.
class Folder {
 public:
  explicit Folder(std::string_view name) : used_(name.size() + 2) {}
  void clause(std::string_view text) {
    if (text.empty()) return;
    const bool breaks = !first_ && used_ + 1 + text.size() > line_octets_max;
    out_ += breaks ? "\r\n\t" : first_ ? "" : " ";
    used_ = (breaks ? 8 : used_ + 1) + text.size();
    out_ += text;
    first_ = false;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::size_t used_;
  bool first_ = true;
};

std::string from_clause(const Reception::Client& client) {
  const std::string name = client.ehlo_name.empty() ? "unknown" : clean(client.ehlo_name);
  if (client.ip_address.empty()) return "from " + name;
  // RFC 5321 §4.4: TCP-info = address-literal / ( Domain FWS address-literal ).
  const std::string dns_name = client.dns_name.empty() ? "" : clean(client.dns_name) + " ";
  return fmt::format("from {} ({}{})", name, dns_name, literal(client.ip_address));
}

// UTF-8 without blanks, controls and brackets.
bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const auto point = base::first_code_point(text);
    if (!point || point->value <= ' ' || (point->value >= 0x7F && point->value < 0xA0) ||
        point->value == '<')
      return false;
    text.remove_prefix(point->octets);
  }
  return true;
}

}  // namespace

std::string_view with_keyword(With with) {
  if (!with.extended) return "SMTP";
  static constexpr std::array<std::string_view, 8> keywords{
      "ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA", "UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA"};
  return keywords[(with.smtputf8 ? 4U : 0U) + (with.tls ? 2U : 0U) + (with.auth ? 1U : 0U)];
}

Field received_field(const Reception& reception) {
  Folder folder("Received");
  if (reception.client) folder.clause(from_clause(*reception.client));
  folder.clause("by " + clean(reception.by));
  folder.clause(fmt::format("with {}", with_keyword(reception.with)));
  if (!reception.tls_cipher.empty()) {
    folder.clause("tls " + clean(reception.tls_cipher));
    if (!reception.tls_group.empty()) folder.clause("group " + clean(reception.tls_group));
  }
  if (!reception.id.empty()) folder.clause("id " + clean(reception.id));
  // RFC 6531 §3.7.3: a UTF-8 address only in a message that is SMTPUTF8 itself.
  const bool told =
      reception.recipient && (reception.with.smtputf8 || !reception.recipient->needs_smtputf8());
  if (told) folder.clause("for " + reception.recipient->path());
  auto field =
      Field::make("Received", folder.take() + ";\r\n\t" + base::to_rfc5322(reception.time));
  // Every word above is clean, and an Address has no control characters.
  ASSERT(field);
  return std::move(*field);
}

std::string make_message_id(std::string_view unique, const address::Domain& domain) {
  ASSERT(!unique.empty() && std::ranges::all_of(unique, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  }));
  return fmt::format("<{}@{}>", unique, domain.text());
}

Field date_field(base::Time time) {
  auto field = Field::make("Date", base::to_rfc5322(time));
  ASSERT(field);
  return std::move(*field);
}

std::optional<std::string> message_id(const Header& header) {
  const auto* field = header.find("Message-ID");
  if (field == nullptr) return std::nullopt;
  const std::string value = field->unfolded();
  const auto end = value.find('>');
  if (!value.starts_with('<') || end == std::string::npos || end < 2 ||
      end + 1 > message_id_octets_max)
    return std::nullopt;
  const std::string inner = value.substr(1, end - 1);
  if (!is_printable(inner)) return std::nullopt;
  return value.substr(0, end + 1);
}

std::string subject(const Header& header) {
  const auto* field = header.find("Subject");
  return field == nullptr ? std::string() : display_text(field->unfolded());
}

}  // namespace letterlock::message
