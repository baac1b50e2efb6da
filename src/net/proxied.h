// Connections that come through a proxy, which says whose they are (proxy_header.h).
#pragma once

#include <memory>

#include "net/connection.h"
#include "os/clock.h"

namespace letterlock::net {

// Reads the header, and nothing behind it. What comes back says the client's ends for its own, and
// the proxy's as proxy();
// where the proxy connects for itself it is the connection as it was. On failure the connection is
// closed. Errors: protocol (no such header), timeout (none within `timeout`), closed, cancelled.
ResultTask<std::unique_ptr<Connection>> take_proxied(std::unique_ptr<Connection> connection,
                                                     const os::Clock& clock,
                                                     base::Milliseconds timeout);

}  // namespace letterlock::net
