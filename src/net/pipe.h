// Two connections joined in memory, on one loop: for tests of whatever speaks over a Connection,
// in real time and without sockets.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "net/connection.h"

namespace letterlock::net {

struct PipeOptions {
  std::size_t octets_max = 64 * 1024;  // under way in each direction; then write() waits
  Endpoint first;                      // local() of the first end
  Endpoint second;
};

// What one end writes the other reads. Ending one end in order (shutdown) lets the other read what
// is under way; close() does too, and fails the other's writes with closed.
std::pair<std::unique_ptr<Connection>, std::unique_ptr<Connection>> make_pipe(
    PipeOptions options = {});

}  // namespace letterlock::net
