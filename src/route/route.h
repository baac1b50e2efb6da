// Where mail for a domain goes next, and what is known of those hosts before anybody connects.
// Asked by relay, and by everything that explains what relay would do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "address/address.h"
#include "dns/resolver.h"
#include "net/endpoint.h"
#include "os/random.h"

namespace letterlock::route {

// What a domain may make us do: hosts tried, and addresses of each. RFC 5321 §5.1 asks for at
// least two addresses; a domain with more hosts than this is tried at the best ones.
inline constexpr std::size_t hosts_max = 10;
inline constexpr std::size_t addresses_max = 6;

// One next hop.
struct Host {
  std::string name;  // the MX host; of a smart host, its configured name
  std::uint16_t port = 25;
  std::vector<net::IpAddress> addresses;
  dns::Security security = dns::Security::insecure;  // of its addresses
  std::string trouble;                               // why it has no usable address, if it has none
};

struct NextHops {
  enum class Found {
    hosts,         // try them in order
    null_mx,       // RFC 7505: takes no mail, for good
    no_domain,     // it doesn't exist, or has neither MX nor address, for good
    ourselves,     // its best MX is this very site, which doesn't know it: a loop, for good
    no_addresses,  // there are hosts, but none has an address that may be used
  };
  enum class Source { mx, address, smart_host };
  Found found = Found::hosts;
  Source source = Source::mx;
  dns::Security mx_security = dns::Security::insecure;  // of the step from domain to host names
  std::vector<Host> hosts;
  std::string reason;  // one sentence where found isn't hosts
};

struct Options {
  struct SmartHost {
    std::string name;  // a name to resolve, or an address in text
    std::uint16_t port = 25;
  };
  std::optional<SmartHost> smart_host;
  std::uint16_t port = 25;             // of MX hosts; a test's world has another
  std::vector<std::string> own_names;  // this site's MX names, lower case
  std::vector<net::IpAddress> own_addresses;
  // Addresses that aren't of the public internet are used only if the operator names them here.
  std::vector<net::Prefix> special_allowed;
  bool ipv4 = true;
  bool ipv6 = true;
};

// RFC 5321 §5.1, on what was looked up: hosts by preference, equal ones in the order given
// (shuffle before), and from our own preference on nobody. Pure.
std::vector<dns::Mx> usable_hosts(std::vector<dns::Mx> records,
                                  const std::vector<std::string>& own_names);

// May mail go to this address? Nothing, or the reason why not. Pure.
std::optional<std::string> refused(const net::IpAddress& address, const Options& options);

class Router {
 public:
  Router(dns::Resolver& resolver, os::Random& random, Options options)
      : resolver_(resolver), random_(random), options_(std::move(options)) {}

  // Errors: as the resolver's; all of them mean "later". A bogus answer is denied: later, too.
  net::ResultTask<NextHops> find(address::Domain domain);

  const Options& options() const { return options_; }

 private:
  net::ResultTask<NextHops> by_smart_host();
  net::ResultTask<NextHops> by_mx(dns::Answer<dns::Mx> answer);
  net::ResultTask<NextHops> by_address(std::string name);
  net::ResultTask<Host> host(std::string name, std::uint16_t port);
  void shuffle(std::vector<dns::Mx>& records);

  dns::Resolver& resolver_;
  os::Random& random_;
  Options options_;
};

}  // namespace letterlock::route
