#include "smtp/command.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/utf8.h"
#include "smtp/command_parts.h"

namespace letterlock::smtp {
namespace {

using base::equal_ignoring_case;
namespace status = dsn::status;

bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 32 || c == 127;
}
bool is_name_octet(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
}

struct Verb {
  std::string_view word;
  std::string_view rest;
};

Verb split_verb(std::string_view line) {
  while (line.ends_with(' ')) line.remove_suffix(1);
  const std::size_t end = std::min(line.find(' '), line.size());
  std::string_view rest = line.substr(end);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  return {line.substr(0, end), rest};
}

Parsed parse_verb(const Verb& verb, const CommandContext& context) {
  const auto is = [&](std::string_view word) { return equal_ignoring_case(verb.word, word); };
  if (is("MAIL")) return parse_mail(verb.rest, context);
  if (is("RCPT")) return parse_rcpt(verb.rest, context);
  if (is("DATA")) return parse_data(verb.rest);
  if (is("BDAT")) return parse_bdat(verb.rest);
  if (is("EHLO")) return parse_hello(verb.rest, true);
  if (is("HELO")) return parse_hello(verb.rest, false);
  if (is("STARTTLS")) return parse_starttls(verb.rest);
  if (is("AUTH")) return parse_auth(verb.rest);
  if (is("RSET")) return parse_rset(verb.rest);
  if (is("NOOP")) return parse_noop(verb.rest);
  if (is("QUIT")) return parse_quit(verb.rest);
  if (is("VRFY")) return parse_vrfy(verb.rest, context);
  if (is("HELP")) return parse_help(verb.rest);
  // RFC 5321 §4.2.4: known and not implemented is 502, not known is 500.
  for (const std::string_view known :
       {"EXPN", "TURN", "ETRN", "ATRN", "SEND", "SAML", "SOML", "BURL"}) {
    if (is(known)) return refuse(502, status::bad_command, "command not implemented");
  }
  return refuse(500, status::bad_command, "command not recognised");
}

}  // namespace

std::variant<Command, Refused> parse_command(std::string_view line, const CommandContext& context) {
  // RFC 5321 §4.1.2: no controls stand in any command; a NUL or a tab in a path only misleads.
  if (std::ranges::any_of(line, is_control)) {
    return refuse(500, status::syntax_error, "control characters in a command");
  }
  if (!base::is_utf8(line)) {
    return refuse(500, status::syntax_error, "a command that is neither ASCII nor UTF-8");
  }
  return parse_verb(split_verb(line), context);
}

bool is_foreign_protocol(std::string_view line) {
  if (line.empty()) return false;
  if (!is_letter(line[0]) && line[0] != ' ') return true;
  const std::string_view word = split_verb(line).word;
  static constexpr std::array verbs{"GET",   "POST",    "HEAD",  "PUT",     "DELETE",
                                    "PATCH", "OPTIONS", "TRACE", "PRI",     "CONNECT",
                                    "PROXY", "USER",    "PASS",  "DESCRIBE"};
  return word.ends_with(':') || std::ranges::any_of(verbs, [&](const char* verb) {
           return equal_ignoring_case(word, verb);
         });
}

Parsed refuse(unsigned code, dsn::Status status, std::string_view text) {
  return Refused{reply(code, status, text), Refused::Then::go_on};
}

Parsed refuse_and_close(unsigned code, dsn::Status status, std::string_view text) {
  return Refused{reply(code, status, text), Refused::Then::close};
}

std::optional<std::string_view> after_label(std::string_view rest, std::string_view label) {
  if (!equal_ignoring_case(rest.substr(0, label.size()), label)) return std::nullopt;
  rest.remove_prefix(label.size());
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  return rest;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  if (text.empty() || text.size() > 20) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<std::uint64_t>(c - '0'), &value)) {
      return std::nullopt;
    }
  }
  return value;
}

std::optional<Parameter> Parameters::next() {
  // RFC 5321 §4.1.2: one space stands between them; more are forgiven between, never within.
  const bool spaced = rest_.starts_with(' ');
  while (rest_.starts_with(' ')) rest_.remove_prefix(1);
  if (rest_.empty()) return std::nullopt;
  if (!spaced || ++count_ > 32) {
    rest_ = {};
    return Parameter{};
  }
  const std::size_t end = std::min(rest_.find(' '), rest_.size());
  const std::string_view word = rest_.substr(0, end);
  rest_.remove_prefix(end);
  const std::size_t equals = word.find('=');
  Parameter parameter{word.substr(0, equals), std::nullopt};
  if (!std::ranges::all_of(parameter.keyword, is_name_octet)) return Parameter{};
  if (equals != std::string_view::npos) {
    // esmtp-value: no "=", no control (refused before), at least one octet.
    parameter.value = word.substr(equals + 1);
    if (parameter.value->empty() || parameter.value->contains('=')) return Parameter{};
  }
  return parameter;
}

}  // namespace letterlock::smtp
