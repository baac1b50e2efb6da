#include "route/route.h"

#include <algorithm>

#include <fmt/format.h>

namespace letterlock::route {
namespace {

NextHops none(NextHops::Found found, std::string reason) {
  NextHops hops;
  hops.found = found;
  hops.reason = std::move(reason);
  return hops;
}

// Hosts without an address are no use; if that leaves nobody, their troubles are the reason.
NextHops with_usable(NextHops hops) {
  std::string troubles;
  for (const auto& host : hops.hosts) {
    if (!host.trouble.empty()) troubles += (troubles.empty() ? "" : "; ") + host.trouble;
  }
  std::erase_if(hops.hosts, [](const Host& host) { return host.addresses.empty(); });
  if (hops.hosts.empty()) {
    hops.found = NextHops::Found::no_addresses;
    hops.reason = troubles.empty() ? "no host has an address" : troubles;
  }
  return hops;
}

}  // namespace

std::vector<dns::Mx> usable_hosts(std::vector<dns::Mx> records,
                                  const std::vector<std::string>& own_names) {
  std::ranges::sort(records, {},
                    &dns::Mx::preference);  // equal ones in any order: they were shuffled
  const auto own = std::ranges::find_if(records, [&](const dns::Mx& mx) {
    return std::ranges::find(own_names, mx.host) != own_names.end();
  });
  if (own != records.end()) {
    // RFC 5321 §5.1: all at our own preference or behind it MUST be thrown away.
    const auto preference = own->preference;
    std::erase_if(records, [&](const dns::Mx& mx) { return mx.preference >= preference; });
  }
  if (records.size() > hosts_max) records.resize(hosts_max);
  return records;
}

std::optional<std::string> refused(const net::IpAddress& address, const Options& options) {
  if (address.is_v4() ? !options.ipv4 : !options.ipv6)
    return fmt::format("{}: {} is switched off here", address.text(),
                       address.is_v4() ? "IPv4" : "IPv6");
  if (!address.is_special()) return std::nullopt;
  const bool allowed = std::ranges::any_of(
      options.special_allowed, [&](const net::Prefix& prefix) { return prefix.contains(address); });
  if (allowed) return std::nullopt;
  return fmt::format(
      "{} is not an address of the public internet, and not allowed in the configuration",
      address.text());
}

net::ResultTask<NextHops> Router::find(address::Domain domain) {
  if (options_.smart_host) co_return co_await by_smart_host();
  if (domain.is_literal()) {
    CO_TRY(const auto address, net::IpAddress::parse(std::string(domain.ip_text())));
    NextHops hops;
    hops.source = NextHops::Source::address;
    Host literal{domain.text(), options_.port, {}, dns::Security::insecure, {}};
    if (auto why = refused(address, options_))
      literal.trouble = std::move(*why);
    else
      literal.addresses.push_back(address);
    hops.hosts.push_back(std::move(literal));
    co_return with_usable(std::move(hops));
  }
  CO_TRY(auto answer, co_await resolver_.mx(domain.text()));
  if (!answer.records.empty()) co_return co_await by_mx(std::move(answer));
  if (!answer.name_exists)
    co_return none(NextHops::Found::no_domain,
                   fmt::format("the domain {} does not exist", domain.text()));
  // RFC 5321 §5.1: no MX: the domain itself is its host.
  CO_TRY(auto hops, co_await by_address(domain.text()));
  hops.mx_security = answer.security;
  co_return hops;
}

net::ResultTask<NextHops> Router::by_smart_host() {
  NextHops hops;
  hops.source = NextHops::Source::smart_host;
  const auto& smart_host = *options_.smart_host;
  if (const auto address = net::IpAddress::parse(smart_host.name)) {
    // The operator named it: no further leave is asked.
    hops.hosts.push_back({smart_host.name, smart_host.port, {*address}, dns::Security::secure, {}});
    co_return hops;
  }
  CO_TRY(auto found, co_await host(smart_host.name, smart_host.port));
  hops.mx_security = dns::Security::secure;  // the name comes from the configuration, not from DNS
  hops.hosts.push_back(std::move(found));
  co_return with_usable(std::move(hops));
}

net::ResultTask<NextHops> Router::by_mx(dns::Answer<dns::Mx> answer) {
  // RFC 7505 §3: a single MX to "." takes no mail; beside others it is to be ignored.
  std::erase_if(answer.records, [](const dns::Mx& mx) { return mx.host.empty(); });
  if (answer.records.empty())
    co_return none(NextHops::Found::null_mx, "the domain says that it takes no mail (null MX)");
  shuffle(answer.records);
  const auto usable = usable_hosts(std::move(answer.records), options_.own_names);
  if (usable.empty())
    co_return none(NextHops::Found::ourselves,
                   "the domain's best MX is this site, which has no such domain");
  NextHops hops;
  hops.mx_security = answer.security;
  std::optional<base::Error> trouble;
  for (const auto& mx : usable) {
    auto found = co_await host(mx.host, options_.port);
    if (!found && found.error().kind == base::ErrorKind::cancelled)
      co_return base::fail(found.error());
    if (!found)
      trouble = found.error();  // its addresses are unknown for now: the others may do
    else
      hops.hosts.push_back(std::move(*found));
  }
  const bool nobody =
      std::ranges::all_of(hops.hosts, [](const Host& one) { return one.addresses.empty(); });
  if (nobody && trouble) co_return base::fail(*trouble);
  co_return with_usable(std::move(hops));
}

net::ResultTask<NextHops> Router::by_address(std::string name) {
  NextHops hops;
  hops.source = NextHops::Source::address;
  CO_TRY(auto itself, co_await host(name, options_.port));
  if (itself.addresses.empty() && itself.trouble.starts_with("no address")) {
    co_return none(NextHops::Found::no_domain,
                   fmt::format("the domain {} has neither MX nor address", name));
  }
  hops.hosts.push_back(std::move(itself));
  co_return with_usable(std::move(hops));
}

net::ResultTask<Host> Router::host(std::string name, std::uint16_t port) {
  CO_TRY(auto answer, co_await resolver_.addresses(name));
  Host found{name, port, {}, answer.security, {}};
  if (answer.records.empty()) found.trouble = fmt::format("no address for {}", name);
  for (const auto& address : answer.records) {
    if (std::ranges::find(options_.own_addresses, address) != options_.own_addresses.end() &&
        port == options_.port) {
      found.trouble = fmt::format("{} is this site itself ({})", name, address.text());
      found.addresses.clear();
      break;
    }
    if (auto why = refused(address, options_)) {
      found.trouble = fmt::format("{}: {}", name, *why);
      continue;
    }
    if (found.addresses.size() < addresses_max) found.addresses.push_back(address);
  }
  co_return found;
}

// RFC 5321 §5.1: hosts of equal preference MUST be tried in random order.
void Router::shuffle(std::vector<dns::Mx>& records) {
  for (std::size_t left = records.size(); left > 1; --left) {
    std::swap(records[left - 1], records[static_cast<std::size_t>(random_.below(left))]);
  }
}

}  // namespace letterlock::route
