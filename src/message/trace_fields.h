// Fields that a mail system writes itself: Received, Message-ID, Date; and reading those that a
// message came with. What a stranger said of itself is cleaned before it is written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "address/address.h"
#include "base/time.h"
#include "message/header.h"

namespace letterlock::message {

// How a message came in, for the "with" clause.
struct With {
  bool extended = true;  // EHLO, not HELO
  bool tls = false;
  bool auth = false;
  bool smtputf8 = false;  // the message used it
};
// "ESMTPSA". RFC: 3848, 6531 section 4.3.
std::string_view with_keyword(With with);

// One reception, as Received tells it. RFC: 5321 section 4.4.
struct Reception {
  struct Client {
    std::string ehlo_name;   // as the client said
    std::string ip_address;  // "192.0.2.1", "2001:db8::1"
    std::string dns_name;    // what DNS calls the address, proved both ways; may be empty
  };
  // Nothing at submission: RFC 5321 §4.4 deviation: where a person writes from is nobody's
  // business.
  std::optional<Client> client;
  std::string by;  // our host's name
  With with;
  std::string tls_cipher;  // IANA's name; empty without TLS. RFC: 8314 section 4.3
  std::string tls_group;   // may be empty
  std::string id;          // ours for this message: the trace id
  std::optional<address::Address> recipient;  // for the "for" clause, only if there is a single one
  base::Time time;
};
// Folded under 78 columns where words are short enough.
Field received_field(const Reception& reception);

// "<unique@domain>". `unique` must hold letters and digits alone. RFC: 5322 section 3.6.4.
std::string make_message_id(std::string_view unique, const address::Domain& domain);
Field date_field(base::Time time);

// The first Message-ID with its brackets, if it is printable, without blanks and at most 998 octets
// long. What stands inside isn't judged: it is a name, and many are ill-formed.
std::optional<std::string> message_id(const Header& header);
// The subject for people: decoded, one line, empty if there is none.
std::string subject(const Header& header);

}  // namespace letterlock::message
