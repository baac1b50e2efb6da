// A simulated internet: hosts by address, connections between them, and what goes wrong with
// them by rule. Each node of a platform gets a Host as its net::Network.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "net/connection.h"
#include "sim/line.h"
#include "sim/world.h"

namespace letterlock::sim {

// Something that goes wrong with connections. Rules are asked in the order in which they were
// added, when a connection is made; all that match apply to it for as long as it lives.
struct Rule {
  enum class What {
    refuse,       // nobody listens there, says the machine
    unreachable,  // no way to there, says the network
    silent,       // the attempt is never answered
    divert,       // somebody else answers, at `instead`
    stall,        // after `octets` nothing crosses any more
    cut,          // after `octets` the connection is reset
    corrupt,      // the octet at place `octets`, from 0, is changed
    slow,         // `octets` a second
  };
  // Seen from the host that connects.
  enum class Direction { out, in, both };

  What what = What::refuse;
  std::optional<net::IpAddress> from = {};  // who connects; anybody if it isn't given
  std::optional<net::IpAddress> to = {};
  std::optional<std::uint16_t> port = {};
  Direction direction = Direction::both;  // for stall, cut, corrupt, slow
  std::uint64_t octets = 0;
  net::Endpoint instead = {};                // for divert; its own host isn't diverted
  std::optional<unsigned> connections = {};  // how many more it befalls; all if it isn't given
};

class Host;

class Network {
 public:
  using RuleId = std::size_t;
  using Observer = std::function<void(const Crossing&)>;

  explicit Network(World& world);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // A machine with these addresses, which nobody else has. It lives as long as the network.
  Host& host(std::vector<net::IpAddress> addresses);
  // "192.0.2.1"; the text is a test's own, so a wrong one is a bug.
  Host& host(std::string_view address);

  RuleId add(Rule rule);
  void remove(RuleId rule);
  // Nothing crosses between the two any more, in either direction; what is under way waits and
  // is given up after 15 minutes. Only for addresses, not for loopback.
  void part(const net::IpAddress& a, const net::IpAddress& b);
  void join(const net::IpAddress& a, const net::IpAddress& b);
  // How long octets are under way. Connections within a host take no time.
  void latency(base::Milliseconds min, base::Milliseconds max);
  // Hears every octet of connections made from now on as it is sent: in clear as it is, under
  // sim::Tls as the content of the records, marked as protected.
  void observe(Observer observer);

  struct State;

 private:
  std::shared_ptr<State> state_;
  std::vector<std::unique_ptr<Host>> hosts_;
};

// One machine. Ports under 1024 are free to all here.
class Host final : public net::Network {
 public:
  enum class Crash {
    process,  // its connections are reset, its doors are gone
    power,    // nobody hears anything of it until start()
  };

  net::ResultTask<std::unique_ptr<net::Connection>> connect(net::Endpoint to,
                                                            net::ConnectOptions options) override;
  base::Result<std::unique_ptr<net::Listener>> listen(net::Endpoint at) override;

  const std::vector<net::IpAddress>& addresses() const;
  // Its tasks are the test's to destroy: here only its connections and doors end.
  void crash(Crash how);
  // Power again.
  void start();

  struct State;
  Host(std::shared_ptr<sim::Network::State> network, std::vector<net::IpAddress> addresses);
  ~Host() override;

 private:
  friend class sim::Network;
  std::shared_ptr<sim::Network::State> network_;
  std::shared_ptr<State> state_;
};

}  // namespace letterlock::sim
