#include "net/admission.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>

namespace letterlock::net {

namespace {
constexpr std::size_t counted_max = 50'000;
// Where somebody has signed in: so many of each half day.
constexpr std::size_t known_max = 20'000;
constexpr base::Milliseconds known_half = std::chrono::hours(12);
constexpr std::size_t purposes = 3;

std::size_t index(Purpose purpose) {
  return static_cast<std::size_t>(purpose);
}
}  // namespace

struct Admission::State {
  explicit State(Limits given)
      : limits(given), kept_max(given.sessions_max / 4), strangers_max(kept_max - kept_max / 4) {}
  std::mutex mutex;
  const Limits limits;
  const std::size_t kept_max;       // for each purpose
  const std::size_t strangers_max;  // of these, for strangers, where people sign in
  std::size_t sessions = 0;
  std::array<std::size_t, purposes> kept{};       // places taken of those kept for each purpose
  std::array<std::size_t, purposes> strangers{};  // by strangers, of these
  std::size_t common = 0;                         // taken of the rest
  std::size_t last_words = 0;
  // Where people signed in from within this half day and the one before.
  std::set<IpAddress> known_now;
  std::set<IpAddress> known_before;
  os::Steady half{};
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

  void turn_halves(os::Steady now) {
    if (now - half < known_half) return;
    // Nothing happened for longer than both halves: nobody is known.
    known_before = now - half < 2 * known_half ? std::move(known_now) : std::set<IpAddress>();
    known_now.clear();
    half = now;
  }
  bool is_known(const IpAddress& who, os::Steady now) {
    turn_halves(now);
    return known_now.contains(who) || known_before.contains(who);
  }
  void know(const IpAddress& who, os::Steady now) {
    turn_halves(now);
    if (known_now.size() < known_max) known_now.insert(who);
  }

  std::size_t strangers_max_of(Purpose purpose) const {
    return purpose == Purpose::mail ? kept_max : strangers_max;
  }
  std::size_t common_max() const { return limits.sessions_max - purposes * kept_max; }

  // A place for this purpose: one that is kept for it, else one of the rest.
  std::optional<Ticket::Held> place(Purpose purpose, bool stranger) {
    const auto at = index(purpose);
    const bool own =
        kept[at] < kept_max && (!stranger || strangers[at] < strangers_max_of(purpose));
    if (!own && common >= common_max()) return std::nullopt;
    if (!own) {
      ++common;
      return Ticket::Held{purpose, false, stranger};
    }
    ++kept[at];
    if (stranger) ++strangers[at];
    return Ticket::Held{purpose, true, stranger};
  }
  void give_back(const Ticket::Held& held) {
    const auto at = index(held.purpose);
    if (!held.kept) {
      --common;
      return;
    }
    --kept[at];
    if (held.stranger) --strangers[at];
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

std::string_view name(Purpose purpose) {
  switch (purpose) {
    case Purpose::mail:
      return "mail";
    case Purpose::submission:
      return "submission";
    case Purpose::fetch:
      return "fetch";
  }
  return "";
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

Admission::Admission(Limits limits) : state_(std::make_shared<State>(limits)) {}

Admission::Ticket::~Ticket() {
  if (!state_) return;
  const std::scoped_lock lock(state_->mutex);
  --state_->sessions;
  state_->give_back(held_);
  State::leave(state_->by_address, who_);
  State::leave(state_->by_network, network_key(who_));
}

void Admission::Ticket::signed_in(os::Steady now) {
  const std::scoped_lock lock(state_->mutex);
  state_->know(who_, now);
  if (!held_.stranger) return;
  // What was a stranger's place, or one of the rest, is free for the next.
  state_->give_back(held_);
  held_.stranger = false;
  if (const auto moved = state_->place(held_.purpose, false)) {
    held_ = *moved;
  } else {
    ++state_->common;
    held_.kept = false;
  }
}

std::optional<Admission::LastWords> Admission::last_words() {
  const std::scoped_lock lock(state_->mutex);
  if (state_->last_words >= last_words_max) return std::nullopt;
  ++state_->last_words;
  return LastWords(state_);
}

Admission::LastWords::~LastWords() {
  if (!state_) return;
  const std::scoped_lock lock(state_->mutex);
  --state_->last_words;
}

double Admission::taken(Purpose purpose) const {
  const std::scoped_lock lock(state_->mutex);
  const auto most = state_->strangers_max_of(purpose) + state_->common_max();
  const auto now = state_->strangers[index(purpose)] + state_->common;
  return static_cast<double>(now) / static_cast<double>(most);
}

std::optional<Admission::Ticket> Admission::admit(Purpose purpose, const IpAddress& peer,
                                                  os::Steady now, Refused& why) {
  const auto key = peer_key(peer);
  const std::scoped_lock lock(state_->mutex);
  if (!peer.is_loopback() && state_->count(key, now) > state_->limits.per_minute_max) {
    why = Refused::too_fast;
    return std::nullopt;
  }
  if (State::in(state_->by_address, key) >= state_->limits.per_address_max) {
    why = Refused::address_full;
    return std::nullopt;
  }
  const auto network = network_key(peer);
  // A network is never let in less than one of its addresses.
  const auto share = std::max(state_->limits.per_network_max, state_->limits.per_address_max);
  if (State::in(state_->by_network, network) >= share) {
    why = Refused::network_full;
    return std::nullopt;
  }
  const bool stranger = purpose == Purpose::mail || !state_->is_known(key, now);
  const auto place = state_->place(purpose, stranger);
  if (!place) {
    why = Refused::full;
    return std::nullopt;
  }
  ++state_->sessions;
  ++state_->by_address[key];
  ++state_->by_network[network];
  return Ticket(state_, key, *place);
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
