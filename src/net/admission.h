// How many sessions there may be: in all, and from one address, so that one peer can't take every
// place. Counted from when a connection is taken until its ticket goes. Any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "net/endpoint.h"
#include "os/clock.h"

namespace letterlock::net {

class Admission {
 public:
  struct Limits {
    std::size_t sessions_max = 20'000;
    std::size_t per_address_max =
        50;  // of one IPv4 address, or one IPv6 /64: what one customer has
    std::size_t per_network_max = 500;  // of one IPv4 /24, or one IPv6 /48: what one site has
    // Connections of one address, or /64, within a minute; this machine's own are not counted.
    std::size_t per_minute_max = 1200;
  };
  explicit Admission(Limits limits);

  enum class Refused { full, address_full, network_full, too_fast };
  // A place; it is free again when the ticket is destroyed.
  class Ticket {
   public:
    Ticket(Ticket&&) noexcept = default;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

   private:
    friend class Admission;
    struct State;
    Ticket(std::shared_ptr<State> state, IpAddress who) : state_(std::move(state)), who_(who) {}
    std::shared_ptr<State> state_;
    IpAddress who_;
  };
  std::optional<Ticket> admit(const IpAddress& peer, os::Steady now, Refused& why);
  std::size_t sessions() const;
  std::size_t addresses() const;  // that have one

 private:
  std::shared_ptr<Ticket::State> state_;
};

// What is counted as one peer: the IPv4 address, or the first 64 bits of an IPv6 one.
IpAddress peer_key(const IpAddress& peer);
// And as one network: the first 24 bits, or the first 48.
IpAddress network_key(const IpAddress& peer);
std::string_view name(Admission::Refused why);

}  // namespace letterlock::net
