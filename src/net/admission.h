// How many sessions there may be: in all, for what they came, and from one address, so that neither
// one peer nor one kind of listener can take every place. Counted from when a connection is taken
// until its ticket goes. Any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "net/endpoint.h"
#include "os/clock.h"

namespace letterlock::net {

// What a connection came for. A quarter of all places is kept for each; the last quarter is
// whoever's comes first.
enum class Purpose {
  mail,        // from other operators' MTAs
  submission,  // from people, who sign in
  fetch,       // to people, who sign in
};

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
  struct State;
  // A place; it is free again when the ticket is destroyed.
  class Ticket {
   public:
    Ticket(Ticket&& from) noexcept
        : state_(std::move(from.state_)), who_(from.who_), held_(from.held_) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();
    // Somebody has signed in: the place counts as a stranger's no more, and where it comes from is
    // known for a day.
    void signed_in(os::Steady now);

   private:
    friend class Admission;
    struct Held {
      Purpose purpose = Purpose::mail;
      bool kept = false;      // of the quarter for its purpose
      bool stranger = false;  // of that, of what strangers may have
    };
    Ticket(std::shared_ptr<State> state, IpAddress who, Held held)
        : state_(std::move(state)), who_(who), held_(held) {}
    std::shared_ptr<State> state_;
    IpAddress who_;
    Held held_;
  };
  // Of the places kept for submission and fetch a quarter again is kept for who signed in from
  // there within a day.
  std::optional<Ticket> admit(Purpose purpose, const IpAddress& peer, os::Steady now, Refused& why);
  std::size_t sessions() const;
  std::size_t addresses() const;  // that have one
  // How much of what a stranger may have for this is taken: 0 to 1.
  double taken(Purpose purpose) const;

  // Whoever is turned away may be told so, while no more than last_words_max others are: it holds
  // a descriptor for as long as it takes.
  class LastWords {
   public:
    LastWords(LastWords&&) noexcept = default;
    LastWords& operator=(LastWords&&) = delete;
    ~LastWords();

   private:
    friend class Admission;
    explicit LastWords(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };
  static constexpr std::size_t last_words_max = 200;
  std::optional<LastWords> last_words();

 private:
  std::shared_ptr<State> state_;
};

// What is counted as one peer: the IPv4 address, or the first 64 bits of an IPv6 one.
IpAddress peer_key(const IpAddress& peer);
// And as one network: the first 24 bits, or the first 48.
IpAddress network_key(const IpAddress& peer);
std::string_view name(Admission::Refused why);
std::string_view name(Purpose purpose);

}  // namespace letterlock::net
