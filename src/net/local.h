// A door for this machine alone: a socket in the file system that only its owner can use. The
// connections are like TCP's, their endpoints are 0.0.0.0:0.
#pragma once

#include <string>

#include "net/tcp.h"

namespace letterlock::net {

// Mode 0600 from its first moment. A socket that a crash left behind is replaced.
// Errors: exists (somebody listens there, or it is no socket), denied, not_found (the folder),
// invalid (a path over 107 octets).
base::Result<std::unique_ptr<TcpListener>> listen_local(const std::string& path,
                                                        base::EventSink& events);

// Errors: not_found (no server), denied, unavailable, full, cancelled.
ResultTask<std::unique_ptr<Connection>> connect_local(std::string path);

}  // namespace letterlock::net
