#include "net/admission.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace letterlock::net {

struct Admission::Ticket::State {
  explicit State(Limits given) : limits(given) {}
  std::mutex mutex;
  Limits limits;
  std::size_t sessions = 0;
  std::map<IpAddress, std::size_t> by_address;  // never more entries than sessions
};

IpAddress peer_key(const IpAddress& peer) {
  if (peer.is_v4()) return peer;
  std::array<std::uint8_t, 16> network{};
  std::copy_n(peer.octets().begin(), 8, network.begin());
  return IpAddress::v6(network);
}

Admission::Admission(Limits limits) : state_(std::make_shared<Ticket::State>(limits)) {}

Admission::Ticket::~Ticket() {
  if (!state_) return;
  const std::scoped_lock lock(state_->mutex);
  --state_->sessions;
  const auto at = state_->by_address.find(who_);
  if (--at->second == 0) state_->by_address.erase(at);
}

std::optional<Admission::Ticket> Admission::admit(const IpAddress& peer, Refused& why) {
  const auto key = peer_key(peer);
  const std::scoped_lock lock(state_->mutex);
  if (state_->sessions >= state_->limits.sessions_max) {
    why = Refused::full;
    return std::nullopt;
  }
  const auto at = state_->by_address.find(key);
  if (at != state_->by_address.end() && at->second >= state_->limits.per_address_max) {
    why = Refused::address_full;
    return std::nullopt;
  }
  ++state_->sessions;
  ++state_->by_address[key];
  return Ticket(state_, key);
}

std::size_t Admission::sessions() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->sessions;
}

}  // namespace letterlock::net
