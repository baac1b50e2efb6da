// The real network: TCP over IPv4 and IPv6. A connection lives on one loop and keeps no buffer of
// its own: an idle one costs a descriptor and some hundred octets. One timer a connection stands
// for all its timeouts; it is moved only when it fires.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/event.h"
#include "net/connection.h"
#include "net/loop.h"
#include "os/descriptor.h"

namespace letterlock::net {

// A connected stream socket becomes a connection of `loop`. From any thread; it is used on the
// loop's alone. An accepted peer may be gone already: its first read says so.
std::unique_ptr<Connection> adopt_connection(Loop& loop, os::Descriptor socket);

// Lives on the loop whose task calls accept() first.
class TcpListener final : public Listener {
 public:
  TcpListener(os::Descriptor socket, base::EventSink& events);
  ~TcpListener() override;
  ResultTask<std::unique_ptr<Connection>> accept() override;
  Endpoint local() const override;
  void close() override;

  // As accept(), for a connection that is to live on another loop: adopt_connection() there.
  // Never fails for want of descriptors: it tells the peer so by closing, waits a moment and goes
  // on. Errors: cancelled, closed.
  ResultTask<os::Descriptor> accept_socket();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Accepts on one loop and hands each connection to the next of `loops` in turn, where the
// session then stays.
class Acceptor {
 public:
  // On the loop with that index. From then on the connection is the function's.
  using Take = std::function<void(std::size_t loop, std::unique_ptr<Connection> connection)>;
  // The loops outlive the acceptor, and run until what was handed to them is over.
  Acceptor(std::unique_ptr<TcpListener> listener, std::vector<Loop*> loops, Take take);
  // Until close() or cancel. The acceptor outlives it.
  Task<> run();
  // From the loop that runs it: no connection is taken any more, the port is free.
  void close();
  Endpoint local() const { return local_; }

 private:
  std::unique_ptr<TcpListener> listener_;
  std::vector<Loop*> loops_;
  Take take_;
  Endpoint local_;
  std::size_t next_ = 0;
};

class TcpNetwork final : public Network {
 public:
  // `events` outlives the network, its listeners too.
  explicit TcpNetwork(base::EventSink& events) : events_(events) {}

  ResultTask<std::unique_ptr<Connection>> connect(Endpoint to, ConnectOptions options) override;
  base::Result<std::unique_ptr<Listener>> listen(Endpoint at) override;
  // As listen(), for an Acceptor.
  base::Result<std::unique_ptr<TcpListener>> listen_tcp(Endpoint at);
  // The socket alone, for adopt_listener(): before there is a log, and while there is still root.
  // Errors: as listen().
  static base::Result<os::Descriptor> open_port(const Endpoint& at);
  // A socket that listens already, as systemd hands it over (os::take_given_listeners()).
  // Errors: invalid (no stream socket, or it doesn't listen).
  base::Result<std::unique_ptr<TcpListener>> adopt_listener(os::Descriptor socket);

 private:
  base::EventSink& events_;
};

}  // namespace letterlock::net
