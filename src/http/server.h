// A small HTTP server for machines that ask how a node is: GET and HEAD, one request a connection,
// everything bounded. Lives on one loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "http/request.h"
#include "net/connection.h"
#include "net/loop.h"
#include "os/clock.h"

namespace letterlock::http {

struct Limits {
  std::size_t connections_max = 32;  // at once; more are closed without a word
  base::Milliseconds request_wait = std::chrono::seconds(10);  // for the whole of a head
  base::Milliseconds write_wait = std::chrono::seconds(10);
};

class Server {
 public:
  // What is asked for, by its path alone; nothing: there is no such thing (404). On the loop; it
  // must not block.
  using Answer = std::function<std::optional<Response>(std::string_view path)>;
  Server(net::Loop& loop, net::Timers& timers, const os::Clock& clock, Answer answer,
         Limits limits = {});

  // Takes what the listener accepts, until it is closed or this task cancelled. May run for several
  // listeners.
  net::Task<> run(std::shared_ptr<net::Listener> listener);
  // Ends what runs.
  net::Task<> close();

 private:
  net::Task<> serve(std::unique_ptr<net::Connection> connection);
  Response respond(const base::Result<std::optional<Request>>& request) const;

  net::Timers& timers_;
  const os::Clock& clock_;
  Answer answer_;
  Limits limits_;
  net::Gate gate_;
};

}  // namespace letterlock::http
