// A connection that stands in a figure for as long as it is open.
#pragma once

#include <memory>

#include "net/connection.h"
#include "os/metrics.h"

namespace letterlock::net {

// `open` outlives it. Costs nothing when octets move: each call is the other's.
std::unique_ptr<Connection> counted(std::unique_ptr<Connection> connection, os::Gauge& open);

}  // namespace letterlock::net
