// The server name in a ClientHello, before OpenSSL has looked at it: the choice of certificate and
// of the tickets' scope stands before everything else.
#pragma once

#include <string>
#include <string_view>

namespace letterlock::tls {

// From the content of the server_name extension. Lower case; empty where there is none or where
// what is there is no host name (other characters than letters, digits, '-', '_', '.'; empty or
// over-long labels). RFC: 6066 section 3.
std::string parse_server_name(std::string_view extension);

}  // namespace letterlock::tls
