// From what the library says to what agents hear: one question's outcome, judged. No I/O.
#pragma once

#include <string>
#include <vector>

#include "dns/rdata.h"

namespace letterlock::dns {

// More records than this in one answer are no honest answer.
inline constexpr std::size_t records_max = 256;
inline constexpr base::Milliseconds time_to_live_max = std::chrono::days(1);

// One question's outcome as libunbound tells it, without libunbound's types.
struct Reply {
  int rcode = 0;  // RFC: 1035 section 4.1.1
  bool name_exists = true;
  bool secure = false;
  bool bogus = false;
  std::string why_bogus;
  std::string canonical_name;  // empty if there was no CNAME
  std::vector<std::string> rdata;
  std::int64_t time_to_live_seconds = 0;
};

// `question` is the name that was asked for. Errors: denied (bogus), unavailable (the servers
// failed; a record is malformed; too many records), invalid (an alias points to no usable name;
// there are records, but none is usable: RFC 5321 §5.1 forbids taking that for "none").
base::Result<Answer<Mx>> mx_answer(const std::string& question, const Reply& reply);
base::Result<Answer<net::IpAddress>> a_answer(const std::string& question, const Reply& reply);
base::Result<Answer<net::IpAddress>> aaaa_answer(const std::string& question, const Reply& reply);
base::Result<Answer<std::string>> txt_answer(const std::string& question, const Reply& reply);
base::Result<Answer<TlsaRecord>> tlsa_answer(const std::string& question, const Reply& reply);
base::Result<Answer<std::string>> ptr_answer(const std::string& question, const Reply& reply);

// A and AAAA as one. A failure of one kind is passed over where the other has records: a server
// that can't speak of IPv6 doesn't make a host unreachable. A bogus half makes the whole denied.
// Secure only if all that was answered is.
base::Result<Answer<net::IpAddress>> join_addresses(base::Result<Answer<net::IpAddress>> a,
                                                    base::Result<Answer<net::IpAddress>> aaaa);

}  // namespace letterlock::dns
