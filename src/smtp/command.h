// Commands as values. A line is parsed once, here; nobody behind it sees raw text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "address/address.h"
#include "dsn/params.h"
#include "sasl/mechanism.h"
#include "smtp/reply.h"

namespace letterlock::smtp {

// RFC: 5321 section 4.1.1.1.
struct Hello {
  bool extended = true;  // EHLO; otherwise HELO
  std::string name;      // as the client says: printable ASCII without specials, proves nothing
  bool operator==(const Hello&) const = default;
};

// RFC: 6152. Unspecified is 7BIT, which many clients don't keep to.
enum class Body { unspecified, seven_bit, eight_bit_mime };

// RFC: 5321 section 4.1.1.2, with 1870, 6152, 6531, 3461, 4954 and 8689.
struct Mail {
  address::ReversePath from;
  std::optional<std::uint64_t> size_octets;
  Body body = Body::unspecified;
  bool smtputf8 = false;
  bool require_tls = false;
  dsn::MailParams dsn;
  // AUTH=: who submitted it at the start, decoded; "<>" for nobody known. RFC: 4954 section 5.
  std::optional<std::string> auth;
  bool operator==(const Mail&) const = default;
};

struct Rcpt {
  address::Address to;
  dsn::RcptParams dsn;
  bool operator==(const Rcpt&) const = default;
};

struct Data {
  bool operator==(const Data&) const = default;
};

// RFC: 3030 section 2. The chunk's octets follow the line at once.
struct Bdat {
  std::uint64_t octets = 0;
  bool last = false;
  bool operator==(const Bdat&) const = default;
};

// RFC: 4954 section 4.
struct Auth {
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::optional<std::string> initial;  // decoded; "=" is given and empty
  bool operator==(const Auth&) const = default;
};

struct StartTls {
  bool operator==(const StartTls&) const = default;
};
struct Rset {
  bool operator==(const Rset&) const = default;
};
struct Noop {
  bool operator==(const Noop&) const = default;
};
struct Vrfy {
  bool operator==(const Vrfy&) const = default;
};
struct Help {
  bool operator==(const Help&) const = default;
};
struct Quit {
  bool operator==(const Quit&) const = default;
};

using Command =
    std::variant<Hello, Mail, Rcpt, Data, Bdat, Auth, StartTls, Rset, Noop, Vrfy, Help, Quit>;

// What else a line may mean.
struct Refused {
  enum class Then {
    go_on,  // say it and go on
    close,  // what follows can't be told from commands (a chunk of unknown size), or it is no SMTP
  };
  Reply reply;
  Then then = Then::go_on;
};

// What the parser must know of session and server.
struct CommandContext {
  enum class Utf8 { refused, accepted } utf8 = Utf8::refused;  // in RCPT: MAIL said SMTPUTF8
  address::Domain own_domain;                                  // whose postmaster <Postmaster> is
  bool offers_smtputf8 = true;
  bool offers_dsn = true;
  bool offers_require_tls = false;
  bool offers_auth = false;  // otherwise AUTH= is unknown
};

// A line without its CRLF. Refusals carry 500, 501, 502, 504, 553 or 555 with their status.
// RFC: 5321 sections 4.1.1 and 4.2.4, 2034.
std::variant<Command, Refused> parse_command(std::string_view line, const CommandContext& context);

// True if the line is another protocol's first word ("GET ", "Host:", a TLS record): its sender was
// led here by somebody, and gets no answer made of its own words.
bool is_foreign_protocol(std::string_view line);

}  // namespace letterlock::smtp
