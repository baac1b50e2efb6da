// The sending side's words: what a server offers, and commands written as the receiving side reads
// them. The driver of a client is drive's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/command.h"
#include "smtp/reply.h"

namespace letterlock::smtp {

// What a server's answer to EHLO says. Keywords that aren't known here are kept as they came.
struct Offered {
  std::string host;  // the name it gives itself, proves nothing
  bool pipelining = false;
  bool starttls = false;
  bool chunking = false;
  bool eight_bit_mime = false;
  bool smtputf8 = false;
  bool dsn = false;
  bool enhanced_status_codes = false;
  bool require_tls = false;
  bool size = false;
  std::uint64_t size_octets_max = 0;   // 0: not told
  std::uint64_t recipients_max = 0;    // RFC 9422; 0: not told
  std::uint64_t transactions_max = 0;  // the same
  std::vector<sasl::Mechanism> mechanisms;
  std::vector<std::string> others;  // whole lines
  bool operator==(const Offered&) const = default;
};

// Of a positive answer to EHLO; of one to HELO nothing but the host. RFC: 5321 section 4.1.1.1.
// Never fails: a keyword that can't be read isn't offered.
Offered parse_offered(const Reply& reply);

// A command as it goes over the wire, with CRLF. Parameters are written where they are set: fit()
// says first whether the server takes them.
std::string to_line(const Command& command);

// Why an envelope can't be given to this server.
struct Unfit {
  dsn::Status status;
  std::string why;
  bool operator==(const Unfit&) const = default;
};

// Makes the commands fit what is offered: drops what may be dropped (SIZE, DSN parameters, AUTH=,
// BODY=7BIT) and refuses what may not be (SMTPUTF8: RFC 6531 §3.2; BODY=8BITMIME: RFC 6152 §3;
// REQUIRETLS: RFC 8689 §4.2.1; a size over the limit: RFC 1870 §5).
std::optional<Unfit> fit(const Offered& offered, Mail& mail, std::vector<Rcpt>& recipients);

}  // namespace letterlock::smtp
