// Every octet that anybody sends, looked at as it is sent: lines of letters, and the platform's
// 250. It keeps invariant 2 (no line of a letter crosses below what was required of it), the first
// half of invariant 3 (nor without its intent), and that a 250 is said of nothing that isn't
// durable.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "sim/day/custody.h"
#include "sim/day/transfers.h"
#include "sim/network.h"

namespace letterlock::day {

class Wire {
 public:
  struct World {
    std::set<net::IpAddress> nodes;
    // What may be asked of this letter's hops: the weakest that was in force when it was accepted.
    std::function<hop::Requirement(const Letter&)> required;
    // And what those ask whose it has become since, on the way that this intent begins.
    std::function<hop::Requirement(const Letter&, const Transfers::Intent&)> required_on;
    // Whether the tenant of this address lets its people fetch in clear.
    std::function<bool(const std::string& address)> clear_fetch;
    // Where everything that leaves goes, if somewhere: it must prove its name.
    std::optional<net::IpAddress> smart_host;
  };
  Wire(World world, const Letters& letters, Custody& custody, const Transfers& transfers,
       Findings& findings)
      : world_(std::move(world)),
        letters_(letters),
        custody_(custody),
        transfers_(transfers),
        findings_(findings) {}

  void add_node(const net::IpAddress& address) { world_.nodes.insert(address); }
  void expect_smart_host(const net::IpAddress& address) { world_.smart_host = address; }
  void crossed(const sim::Crossing& crossing);
  // Lines of letters came to a far MTA over this session.
  void received(std::string_view octets, const hop::TlsFacts& tls);

 private:
  void left(const sim::Crossing& crossing, const Mark& mark);
  void fetched(const sim::Crossing& crossing, const Mark& mark);
  void acknowledged(std::string_view octets);

  World world_;
  const Letters& letters_;
  Custody& custody_;
  const Transfers& transfers_;
  Findings& findings_;
  // The last octets of each stream, for marks that stand across two writes.
  std::map<std::pair<net::Endpoint, net::Endpoint>, std::string> tails_;
  std::set<std::string> said_;  // one finding for one thing
};

}  // namespace letterlock::day
