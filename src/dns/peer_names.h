// What DNS calls an address, proved both ways: its own zone gives the name, and the name's zone
// gives the address. Whoever holds an address may write any name into its zone, so without the
// second half the name proves nothing.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "dns/resolver.h"
#include "net/loop.h"
#include "os/clock.h"

namespace letterlock::dns {

// "7.100.51.198.in-addr.arpa". RFC: 1035 section 3.5, 3596 section 2.5
std::string reverse_name(const net::IpAddress& address);

// The address's name, the first that is proved both ways; nothing: it has none, or none that the
// other direction bears out, or no server would say. Limits: looks at `names_tried_max` names.
inline constexpr std::size_t names_tried_max = 4;
net::Task<std::optional<std::string>> verified_name(Resolver& resolver, net::IpAddress address);

// Names of peers, looked up beside their sessions and remembered. Any thread; the lookups live on
// one loop, and nobody waits for them: what isn't known when it is asked for isn't used.
class PeerNames {
 public:
  static constexpr std::size_t remembered_max = 10'000;
  static constexpr std::size_t under_way_max = 64;
  static constexpr base::Milliseconds remembered_for = std::chrono::hours(1);
  static constexpr base::Milliseconds nothing_remembered_for = std::chrono::minutes(5);

  // All outlive it.
  PeerNames(Resolver& resolver, net::Loop& loop, const os::Clock& clock);

  // Begins to look the name up, if it isn't known.
  void begin(const net::IpAddress& address);
  // Nothing: it isn't known, or not yet.
  std::optional<std::string> known(const net::IpAddress& address) const;
  // Lookups under way are cancelled and waited for. On the loop.
  net::Task<> close(net::Timers& timers);

 private:
  struct Entry {
    bool is_under_way = true;
    os::Steady until;  // remembered so long
    std::optional<std::string> name;
  };
  net::Task<> look_up(net::IpAddress address);
  void make_room();

  Resolver& resolver_;
  net::Loop& loop_;
  const os::Clock& clock_;
  net::Gate gate_;
  mutable std::mutex mutex_;  // what follows
  std::map<net::IpAddress, Entry> entries_;
  std::size_t under_way_ = 0;
  bool closing_ = false;
};

}  // namespace letterlock::dns
