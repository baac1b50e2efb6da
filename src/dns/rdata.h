// Records' data as it stands in DNS messages, read with distrust: whoever runs the zone wrote it.
// No I/O, no library.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dns/resolver.h"

namespace letterlock::dns {

enum class Type : int { a = 1, ns = 2, soa = 6, ptr = 12, mx = 15, txt = 16, aaaa = 28, tlsa = 52 };
std::string_view name(Type type);

// Each reads the whole of one record's data, names uncompressed. Errors: unavailable (the data is
// malformed: too short, too long, a name that never ends). A record that is well-formed but names a
// host by octets that no host name has is no error: nullopt, unusable alone.
base::Result<std::optional<Mx>> parse_mx(std::string_view rdata);  // RFC: 1035 section 3.3.9
base::Result<std::optional<net::IpAddress>> parse_a(
    std::string_view rdata);  // RFC: 1035 section 3.4.1
base::Result<std::optional<net::IpAddress>> parse_aaaa(
    std::string_view rdata);  // RFC: 3596 section 2.2
// The strings of one record joined, as SPF, MTA-STS and TLSRPT want them. RFC: 1035 section 3.3.14
base::Result<std::optional<std::string>> parse_txt(std::string_view rdata);
base::Result<std::optional<TlsaRecord>> parse_tlsa(
    std::string_view rdata);  // RFC: 6698 section 2.1
base::Result<std::optional<std::string>> parse_ptr(
    std::string_view rdata);  // RFC: 1035 section 3.3.12

}  // namespace letterlock::dns
