// What the world itself knows of each letter, whatever the platform says of it: over which links
// its octets went, in clear or under which TLS, whether the client of that session had made sure of
// its server, in which mailboxes it lay and from when to when. An eavesdropper at every place: he
// looks for the letter's mark in the octets.
//
// It is on nobody's side: where it can't tell to which of two traces an octet belonged, it lays it
// at neither's door, but at that of the letter.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/day/custody.h"
#include "sim/day/passwords_seen.h"
#include "sim/day/transfers.h"
#include "sim/network.h"

namespace letterlock::day {

// A trace as it lies in its owner's tenant: one message for two tenants is two of them.
struct Owned {
  base::TenantId owner;
  base::TraceId trace;
  auto operator<=>(const Owned&) const = default;
};

// One crossing of a letter's octets.
struct Crossed {
  enum class Kind { submission, reception, relay, fetch };
  Kind kind = Kind::relay;
  base::Milliseconds at{0};
  hop::Network network = hop::Network::public_;
  bool in_clear = false;
  bool server_verified = false;  // in a way that nobody could have forged
  bool post_quantum = false;
  bool is_content = false;     // else the subject alone: in a report that returns the header
  std::optional<Owned> trace;  // that it belonged to, where that is certain
  std::optional<base::AccountId> mailbox;  // of a fetch
};

// The letter, or what holds its content, in a mailbox.
struct Stay {
  base::AccountId account;
  base::TenantId tenant;  // of the account
  Owned trace;
  bool is_content = true;  // a report may hold the header alone
  base::Milliseconds from{0};
  std::optional<base::Milliseconds> until;
};

class Witness {
 public:
  struct World {
    std::set<net::IpAddress> nodes = {};
    std::set<net::IpAddress> people = {};  // machines whose clients know the server's name
    std::optional<net::IpAddress> smart_host = {};
    std::function<base::Milliseconds()> now;
    std::function<void(std::string)> broken;
  };
  Witness(World world, const Custody& custody, const Transfers& transfers, const NamesKnown& names,
          PasswordsSeen& passwords)
      : world_(std::move(world)),
        custody_(custody),
        transfers_(transfers),
        names_(names),
        passwords_(passwords) {}

  void add_node(const net::IpAddress& address) { world_.nodes.insert(address); }
  void add_people(const net::IpAddress& address) { world_.people.insert(address); }
  void expect_smart_host(const net::IpAddress& address) { world_.smart_host = address; }
  // Whose client connects from there.
  void client_is(const net::Endpoint& from, const base::AccountId& account, bool binds);
  void crossed(const sim::Crossing& crossing);
  void committed(const Commit& commit);
  // Whether this report's content was looked at, and held lines of the letter.
  void report_holds(const base::TraceId& report, bool content);

  const std::vector<Crossed>& crossings_of(unsigned letter) const;
  const std::vector<const Stay*>& stays_of(unsigned letter) const;
  const PasswordsSeen& passwords() const { return passwords_; }

 private:
  struct Client {
    base::AccountId account;
    bool binds = false;  // its proof is bound to the channel: nobody sits in between
  };
  struct Conversation {
    std::array<std::string, 2> tails;  // by who sends
    std::string command;               // of the client, what makes no whole line yet
    std::optional<std::string> proof;  // that waits for its answer; empty: not a password itself
    base::Milliseconds proved{0};
    std::set<std::tuple<unsigned, bool, std::optional<Owned>>> known;
  };

  Crossed road(const sim::Crossing& crossing, Crossed::Kind kind) const;
  void marked(const sim::Crossing& crossing, Conversation& talk, const Mark& mark);
  void attribute(const sim::Crossing& crossing, unsigned letter, Crossed& crossed) const;
  void commands(Conversation& talk, std::string_view octets);
  void answered(const sim::Crossing& crossing, Conversation& talk);
  const Client* client_at(const net::Endpoint& end) const;

  World world_;
  const Custody& custody_;
  const Transfers& transfers_;
  const NamesKnown& names_;
  PasswordsSeen& passwords_;
  std::map<net::Endpoint, Client> clients_;
  std::map<std::uint64_t, Conversation> talks_;
  std::map<unsigned, std::vector<Crossed>> crossings_;
  std::deque<Stay> stays_;
  std::map<unsigned, std::vector<const Stay*>> stays_of_;
  std::map<std::string, Stay*> there_;  // by the key of the mailbox's row
  std::map<base::TraceId, bool> reports_;
};

}  // namespace letterlock::day
