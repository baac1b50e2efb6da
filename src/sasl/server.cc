#include "sasl/server.h"

#include "sasl/server_machines.h"

namespace letterlock::sasl {

std::unique_ptr<ServerMechanism> make_server(ServerOptions options) {
  switch (options.mechanism) {
    case Mechanism::plain:
      return make_plain_server();
    case Mechanism::scram_sha_256:
    case Mechanism::scram_sha_256_plus:
      return make_scram_server(std::move(options));
    case Mechanism::external:
      return make_external_server(std::move(options));
  }
  return nullptr;
}

}  // namespace letterlock::sasl
