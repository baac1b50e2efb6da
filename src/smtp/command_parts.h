// What the parsers of single commands share. For smtp's own .cc files.
#pragma once

#include <string_view>
#include <variant>

#include "smtp/command.h"

namespace letterlock::smtp {

using Parsed = std::variant<Command, Refused>;

// Each takes what follows its verb, without the space before it and spaces at the end.
Parsed parse_hello(std::string_view rest, bool extended);                 // cmd_ehlo.cc
Parsed parse_mail(std::string_view rest, const CommandContext& context);  // cmd_mail.cc
Parsed parse_rcpt(std::string_view rest, const CommandContext& context);  // cmd_rcpt.cc
Parsed parse_data(std::string_view rest);                                 // cmd_data.cc
Parsed parse_bdat(std::string_view rest);                                 // cmd_bdat.cc
Parsed parse_auth(std::string_view rest);                                 // cmd_auth.cc
Parsed parse_starttls(std::string_view rest);                             // cmd_starttls.cc
Parsed parse_rset(std::string_view rest);                                 // cmd_simple.cc
Parsed parse_noop(std::string_view rest);
Parsed parse_vrfy(std::string_view rest, const CommandContext& context);
Parsed parse_help(std::string_view rest);
Parsed parse_quit(std::string_view rest);

Parsed refuse(unsigned code, dsn::Status status, std::string_view text);
Parsed refuse_and_close(unsigned code, dsn::Status status, std::string_view text);

// "FROM:" or "TO:" at the front, in any case; spaces after it are forgiven. RFC 5321 §4.1.1.2
// allows none, and everybody takes them.
std::optional<std::string_view> after_label(std::string_view rest, std::string_view label);

// Decimal digits alone. Limits: 20 digits, 2^64 - 1. RFC: 1870 section 4.
std::optional<std::uint64_t> parse_count(std::string_view text);

// The parameters behind a path, one at a time.
struct Parameter {
  std::string_view keyword;
  std::optional<std::string_view> value;  // absent without "="
};
class Parameters {
 public:
  explicit Parameters(std::string_view rest) : rest_(rest) {}
  // Nothing at the end. Limits: 32 parameters, by next() giving an invalid one (empty keyword)
  // after them. An invalid one is also what isn't esmtp-param. RFC: 5321 section 4.1.2.
  std::optional<Parameter> next();

 private:
  std::string_view rest_;
  unsigned count_ = 0;
};

}  // namespace letterlock::smtp
