#include "smtp/client.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "smtp/command_parts.h"

namespace letterlock::smtp {
namespace status = dsn::status;
namespace {

using base::equal_ignoring_case;

constexpr std::size_t others_max = 32;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

void take_mechanisms(std::vector<std::string_view> words, Offered& offered) {
  for (const auto word : words) {
    const auto mechanism = sasl::mechanism_from(word);
    if (!mechanism) continue;
    const auto known = std::ranges::find(offered.mechanisms, *mechanism);
    if (known == offered.mechanisms.end()) offered.mechanisms.push_back(*mechanism);
  }
}

// RFC 9422 §3: "RCPTMAX=1000 MAILMAX=20".
void take_limits(const std::vector<std::string_view>& words, Offered& offered) {
  for (const auto word : words) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const auto count = parse_count(word.substr(std::min(equals + 1, word.size())));
    if (equal_ignoring_case(word.substr(0, equals), "RCPTMAX"))
      offered.recipients_max = count.value_or(0);
    if (equal_ignoring_case(word.substr(0, equals), "MAILMAX"))
      offered.transactions_max = count.value_or(0);
  }
}

bool take_flag(std::string_view keyword, Offered& offered) {
  struct Flag {
    std::string_view word;
    bool Offered::* member;
  };
  static constexpr Flag flags[] = {
      {"PIPELINING", &Offered::pipelining},
      {"STARTTLS", &Offered::starttls},
      {"CHUNKING", &Offered::chunking},
      {"8BITMIME", &Offered::eight_bit_mime},
      {"SMTPUTF8", &Offered::smtputf8},
      {"DSN", &Offered::dsn},
      {"ENHANCEDSTATUSCODES", &Offered::enhanced_status_codes},
      {"REQUIRETLS", &Offered::require_tls},
  };
  for (const auto& flag : flags) {
    if (!equal_ignoring_case(keyword, flag.word)) continue;
    offered.*flag.member = true;
    return true;
  }
  return false;
}

void take_keyword(const std::string& line, Offered& offered) {
  auto words = words_of(line);
  if (words.empty() || take_flag(words[0], offered)) return;
  if (equal_ignoring_case(words[0], "SIZE")) {
    offered.size = true;
    if (words.size() > 1) offered.size_octets_max = parse_count(words[1]).value_or(0);
  } else if (equal_ignoring_case(words[0], "AUTH")) {
    take_mechanisms(std::move(words), offered);
  } else if (equal_ignoring_case(words[0], "LIMITS")) {
    take_limits(words, offered);
  } else if (offered.others.size() < others_max) {
    offered.others.push_back(line);
  }
}

std::string mail_line(const Mail& mail) {
  std::string line = "MAIL FROM:" + mail.from.path();
  if (mail.size_octets) line += fmt::format(" SIZE={}", *mail.size_octets);
  if (mail.body == Body::seven_bit) line += " BODY=7BIT";
  if (mail.body == Body::eight_bit_mime) line += " BODY=8BITMIME";
  if (mail.smtputf8) line += " SMTPUTF8";
  if (mail.require_tls) line += " REQUIRETLS";
  if (mail.dsn.ret != dsn::Return::unspecified)
    line += fmt::format(" RET={}", dsn::to_text(mail.dsn.ret));
  if (!mail.dsn.envid.empty()) line += " ENVID=" + dsn::format_envid(mail.dsn.envid);
  if (mail.auth) line += " AUTH=" + dsn::encode_xtext(*mail.auth);
  return line;
}

std::string rcpt_line(const Rcpt& rcpt) {
  std::string line = "RCPT TO:" + rcpt.to.path();
  if (rcpt.dsn.notify.given) line += " NOTIFY=" + dsn::to_text(rcpt.dsn.notify);
  const auto utf8 = rcpt.to.needs_smtputf8() ? dsn::Utf8::yes : dsn::Utf8::no;
  // Empty as well where its other form is too long to be written: then it is left out.
  const auto original = dsn::format_original_recipient(rcpt.dsn.original_recipient, utf8);
  if (!original.empty()) line += " ORCPT=" + original;
  return line;
}

std::string auth_line(const Auth& auth) {
  std::string line = fmt::format("AUTH {}", sasl::name(auth.mechanism));
  if (auth.initial) line += auth.initial->empty() ? " =" : " " + base::to_base64(*auth.initial);
  return line;
}

struct LineOf {
  std::string operator()(const Hello& hello) const {
    return (hello.extended ? "EHLO " : "HELO ") + hello.name;
  }
  std::string operator()(const Mail& mail) const { return mail_line(mail); }
  std::string operator()(const Rcpt& rcpt) const { return rcpt_line(rcpt); }
  std::string operator()(const Data&) const { return "DATA"; }
  std::string operator()(const Bdat& bdat) const {
    return fmt::format("BDAT {}{}", bdat.octets, bdat.last ? " LAST" : "");
  }
  std::string operator()(const Auth& auth) const { return auth_line(auth); }
  std::string operator()(const StartTls&) const { return "STARTTLS"; }
  std::string operator()(const Rset&) const { return "RSET"; }
  std::string operator()(const Noop&) const { return "NOOP"; }
  std::string operator()(const Vrfy&) const { return "VRFY postmaster"; }
  std::string operator()(const Help&) const { return "HELP"; }
  std::string operator()(const Quit&) const { return "QUIT"; }
};

}  // namespace

Offered parse_offered(const Reply& reply) {
  Offered offered;
  const auto words = words_of(reply.lines[0]);
  if (!words.empty()) offered.host = words[0];
  for (std::size_t i = 1; i < reply.lines.size(); ++i) take_keyword(reply.lines[i], offered);
  return offered;
}

std::string to_line(const Command& command) {
  return std::visit(LineOf(), command) + "\r\n";
}

std::optional<Unfit> fit(const Offered& offered, Mail& mail, std::vector<Rcpt>& recipients) {
  if (mail.require_tls && !offered.require_tls) {
    return Unfit{status::requiretls_not_offered, "the server doesn't offer REQUIRETLS"};
  }
  if (mail.smtputf8 && !offered.smtputf8) {
    return Unfit{status::needs_smtputf8, "the server doesn't offer SMTPUTF8"};
  }
  if (mail.body == Body::eight_bit_mime && !offered.eight_bit_mime) {
    return Unfit{status::conversion_not_possible, "the server doesn't offer 8BITMIME"};
  }
  if (offered.size_octets_max > 0 && mail.size_octets.value_or(0) > offered.size_octets_max) {
    return Unfit{status::too_big,
                 fmt::format("the server takes {} octets at most", offered.size_octets_max)};
  }
  if (!offered.size) mail.size_octets.reset();
  if (!offered.eight_bit_mime) mail.body = Body::unspecified;
  if (offered.mechanisms.empty()) mail.auth.reset();
  if (!offered.dsn) {
    mail.dsn = {};
    for (auto& rcpt : recipients) rcpt.dsn = {};
  }
  return std::nullopt;
}

}  // namespace letterlock::smtp
