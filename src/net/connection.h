// The network as agents see it: octets to and from one peer, a door where peers come in, and a
// way out. The real one is TCP (tcp.h), the simulated one lives in sim/.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/time.h"
#include "net/endpoint.h"
#include "net/task.h"

namespace letterlock::net {

// One connection. Lives on its loop; one read and one write at a time may wait.
// Cancel: a cancelled read has taken nothing; a cancelled or failed write leaves an unknown part
// of the octets sent, and the connection fit only for close().
class Connection {
 public:
  virtual ~Connection() = default;  // closes at once

  // At least one octet, at most buffer.size(); 0 when the peer has ended its side in order.
  // Timeout 0: what is there already. Errors: timeout, closed (reset), cancelled, protocol (TLS
  // broken).
  virtual ResultTask<std::size_t> read_some(std::span<char> buffer, base::Milliseconds timeout) = 0;
  // Waits, as a read, until one is worth its buffer: octets, an end, something broken. Where that
  // can't be told it returns at once, and the read waits. Errors: as read_some.
  virtual ResultTask<> wait_readable(base::Milliseconds timeout) {
    (void)timeout;
    co_return base::Result<>();
  }
  // All of `octets`, which must live until it returns.
  // Errors: as read_some. The timeout is for the whole of it.
  virtual ResultTask<> write(std::string_view octets, base::Milliseconds timeout) = 0;
  // Ends both directions now, without a goodbye; waiting reads and writes fail with closed.
  virtual void close() = 0;
  // A read that waits fails with cancelled, having taken nothing, and the connection goes on as
  // before; where none waits, nothing happens. For whoever has to say something to a silent peer.
  virtual void wake_reader() = 0;
  // Says goodbye (TLS close_notify, TCP FIN) as far as that needs no waiting beyond `timeout`, then
  // closes.
  virtual Task<> shutdown(base::Milliseconds timeout) = 0;

  virtual Endpoint local() const = 0;
  virtual Endpoint peer() const = 0;
  // Where a proxy stands before the peer: its own connection to us.
  struct Ends {
    Endpoint local;
    Endpoint peer;
  };
  virtual std::optional<Ends> proxy() const { return std::nullopt; }
};

class Listener {
 public:
  virtual ~Listener() = default;
  // Errors: cancelled and closed (stop accepting), others pass (out of descriptors): try again
  // later.
  virtual ResultTask<std::unique_ptr<Connection>> accept() = 0;
  virtual Endpoint local() const = 0;
  // Waiting accepts fail with closed.
  virtual void close() = 0;
};

struct ConnectOptions {
  std::optional<IpAddress> source;  // bind to it first
  base::Milliseconds timeout = std::chrono::seconds(30);
};

class Network {
 public:
  virtual ~Network() = default;
  // On the calling task's loop. Errors: timeout, unavailable (refused, unreachable), cancelled,
  // full.
  virtual ResultTask<std::unique_ptr<Connection>> connect(Endpoint to, ConnectOptions options) = 0;
  // Port 0: any free one, told by local(). Errors: denied (a port under 1024), exists (taken),
  // invalid (no such address here).
  virtual base::Result<std::unique_ptr<Listener>> listen(Endpoint at) = 0;
};

}  // namespace letterlock::net
