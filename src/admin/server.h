// The operations behind a local socket that only its owner can open. One JSON object a line, each
// way:
//   {"operation": "tenant.add", "arguments": {"name": "acorn.example"}}
//   {"result": {…}}   or   {"error": {"kind": "exists", "what": "…"}}
// Lives on the dispatcher's loop.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "admin/operation.h"
#include "net/loop.h"
#include "net/tcp.h"

namespace letterlock::admin {

inline constexpr std::size_t line_octets_max = 1 << 20;

// One call: text in, text out, without the line's end. Never fails: what is wrong is in the answer.
net::Task<std::string> answer(const Ports& ports, std::string line);

class Server {
 public:
  Server(const Ports& ports, net::Loop& loop, net::Timers& timers)
      : ports_(ports), timers_(timers), gate_(loop) {}

  // Until cancelled or the listener is closed.
  net::Task<> run(std::shared_ptr<net::TcpListener> listener);

 private:
  net::Task<> serve(std::unique_ptr<net::Connection> connection);

  const Ports& ports_;
  net::Timers& timers_;
  net::Gate gate_;
};

}  // namespace letterlock::admin
