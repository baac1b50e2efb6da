// Names as agents see them: typed questions, answers that say whether they were proved. The real
// one is libunbound (unbound.h), the simulated one lives in sim/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "net/task.h"

namespace letterlock::dns {

enum class Security { secure, insecure };  // bogus is an error: nothing of it may be used

// Names here are ASCII (A-labels), lower case, without the last dot.
struct Mx {
  std::uint16_t preference = 0;
  std::string host;  // "." alone is RFC 7505's null MX, told as an empty string
  auto operator<=>(const Mx&) const = default;
};

template <class Record>
struct Answer {
  std::vector<Record> records;  // empty: the name exists without such records, or doesn't exist
  bool name_exists = true;
  Security security = Security::insecure;  // of the whole answer, every CNAME included
  std::string canonical_name;              // after CNAMEs; the name itself if there were none
  base::Milliseconds time_to_live{0};
};

// A TLSA record's fields, as octets; what they mean is dane's.
struct TlsaRecord {
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching = 0;
  base::Bytes data;
  auto operator<=>(const TlsaRecord&) const = default;
};

// Errors of all: timeout and unavailable (SERVFAIL, no server), denied (bogus: a signature
// failed), cancelled, invalid (not a name). Never an empty answer for any of these.
class Resolver {
 public:
  virtual ~Resolver() = default;
  virtual net::ResultTask<Answer<Mx>> mx(std::string name) = 0;
  // A and AAAA asked side by side, IPv6 first in the answer; secure only if both are.
  virtual net::ResultTask<Answer<net::IpAddress>> addresses(std::string name) = 0;
  virtual net::ResultTask<Answer<std::string>> txt(std::string name) = 0;
  virtual net::ResultTask<Answer<TlsaRecord>> tlsa(std::string name) = 0;
  // What whoever has an address calls it: `name` is the address's reverse name (peer_names.h).
  virtual net::ResultTask<Answer<std::string>> ptr(std::string name) = 0;
};

}  // namespace letterlock::dns
