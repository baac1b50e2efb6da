// What make_server() chooses from. For this room's own files.
#pragma once

#include "sasl/server.h"

namespace letterlock::sasl {

std::unique_ptr<ServerMechanism> make_plain_server();
std::unique_ptr<ServerMechanism> make_scram_server(ServerOptions options);
std::unique_ptr<ServerMechanism> make_external_server(ServerOptions options);

}  // namespace letterlock::sasl
