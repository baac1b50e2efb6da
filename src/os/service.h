// What systemd and the server tell each other, without its library: readiness over a datagram
// socket, and sockets that listen already.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "os/descriptor.h"

namespace letterlock::os {

// "READY=1", "STOPPING=1", "STATUS=…"; lines by '\n'. Nothing happens where no service manager
// asked (NOTIFY_SOCKET isn't set). Errors: io.
base::Result<> notify_service(std::string_view state);

// Where descriptors begin that are neither input, output nor error.
inline constexpr int first_inherited = 3;

// How often the service manager wants to hear WATCHDOG=1 (WATCHDOG_USEC); nothing: it doesn't.
std::optional<base::Milliseconds> watchdog_interval();

struct GivenListener {
  std::string name;  // FileDescriptorName= of the socket unit; empty if it has none
  Descriptor socket;
};

// The sockets that the service manager opened for this process (LISTEN_FDS), once: they are taken,
// made close-on-exec, and the environment no longer names them. Call it before threads start.
std::vector<GivenListener> take_given_listeners();

}  // namespace letterlock::os
