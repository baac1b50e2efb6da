#include "net/admission.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace letterlock::net {

namespace {
constexpr std::size_t counted_max = 50'000;
}  // namespace

struct Admission::Ticket::State {
  explicit State(Limits given) : limits(given) {}
  std::mutex mutex;
  Limits limits;
  std::size_t sessions = 0;
  // Never more entries than sessions.
  std::map<IpAddress, std::size_t> by_address;
  std::map<IpAddress, std::size_t> by_network;

  // Of this minute. A new minute forgets them all; a full table counts no further addresses, but
  // forgets none of those that are in it.
  os::Steady minute{};
  std::map<IpAddress, std::size_t> connections;

  std::size_t count(const IpAddress& key, os::Steady now) {
    if (now - minute >= std::chrono::minutes(1)) {
      minute = now;
      connections.clear();
    }
    const auto at = connections.find(key);
    if (at != connections.end()) return ++at->second;
    if (connections.size() < counted_max) connections.emplace(key, 1);
    return 1;
  }

  static std::size_t in(const std::map<IpAddress, std::size_t>& counts, const IpAddress& key) {
    const auto at = counts.find(key);
    return at == counts.end() ? 0 : at->second;
  }
  static void leave(std::map<IpAddress, std::size_t>& counts, const IpAddress& key) {
    const auto at = counts.find(key);
    if (--at->second == 0) counts.erase(at);
  }
};

namespace {
// All but the first octets set to zero.
IpAddress first_of(const IpAddress& peer, std::size_t v4_octets, std::size_t v6_octets) {
  if (peer.is_v4()) {
    std::array<std::uint8_t, 4> network{};
    std::copy_n(peer.octets().begin(), v4_octets, network.begin());
    return IpAddress::v4(network);
  }
  std::array<std::uint8_t, 16> network{};
  std::copy_n(peer.octets().begin(), v6_octets, network.begin());
  return IpAddress::v6(network);
}
}  // namespace

IpAddress peer_key(const IpAddress& peer) {
  return first_of(peer, 4, 8);
}

IpAddress network_key(const IpAddress& peer) {
  return first_of(peer, 3, 6);
}

std::string_view name(Admission::Refused why) {
  switch (why) {
    case Admission::Refused::full:
      return "full";
    case Admission::Refused::address_full:
      return "address_full";
    case Admission::Refused::network_full:
      return "network_full";
    case Admission::Refused::too_fast:
      return "too_fast";
  }
  return "";
}

Admission::Admission(Limits limits) : state_(std::make_shared<Ticket::State>(limits)) {}

Admission::Ticket::~Ticket() {
  if (!state_) return;
  const std::scoped_lock lock(state_->mutex);
  --state_->sessions;
  State::leave(state_->by_address, who_);
  State::leave(state_->by_network, network_key(who_));
}

std::optional<Admission::Ticket> Admission::admit(const IpAddress& peer, os::Steady now,
                                                  Refused& why) {
  const auto key = peer_key(peer);
  const std::scoped_lock lock(state_->mutex);
  if (!peer.is_loopback() && state_->count(key, now) > state_->limits.per_minute_max) {
    why = Refused::too_fast;
    return std::nullopt;
  }
  if (state_->sessions >= state_->limits.sessions_max) {
    why = Refused::full;
    return std::nullopt;
  }
  if (Ticket::State::in(state_->by_address, key) >= state_->limits.per_address_max) {
    why = Refused::address_full;
    return std::nullopt;
  }
  const auto network = network_key(peer);
  // A network is never let in less than one of its addresses.
  const auto share = std::max(state_->limits.per_network_max, state_->limits.per_address_max);
  if (Ticket::State::in(state_->by_network, network) >= share) {
    why = Refused::network_full;
    return std::nullopt;
  }
  ++state_->sessions;
  ++state_->by_address[key];
  ++state_->by_network[network];
  return Ticket(state_, key);
}

std::size_t Admission::addresses() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->by_address.size();
}

std::size_t Admission::sessions() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->sessions;
}

}  // namespace letterlock::net
