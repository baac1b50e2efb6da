// A man in the middle: for a while people's connections end at his machine, and he carries what
// they say to the node and back, over a TLS session of his own on each side. Whoever asks for the
// server's name finds him out; whoever doesn't gives him all that he says and hears.
#pragma once

#include <memory>

#include "sim/network.h"
#include "sim/tls.h"

namespace letterlock::day {

class Impostor {
 public:
  Impostor(sim::World& world, sim::Network& network);

  // His doors. From then on he takes what is led to him.
  void open(const net::IpAddress& node);
  const net::IpAddress& address() const { return host_.addresses().front(); }
  net::Task<> close();

 private:
  struct Ends;
  net::Task<> accept(std::shared_ptr<net::Listener> listener, std::uint16_t port);
  net::Task<> sit_between(std::unique_ptr<net::Connection> client, std::uint16_t port);
  static net::Task<> carry(std::shared_ptr<Ends> ends, bool to_node);

  sim::World& world_;
  sim::Host& host_;
  sim::Tls tls_;
  net::IpAddress node_;
  net::Gate gate_;
  std::vector<std::shared_ptr<net::Listener>> listeners_;
};

}  // namespace letterlock::day
