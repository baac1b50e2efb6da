// The node itself.
#include "admin/operation.h"
#include "admin/values.h"

namespace letterlock::admin {
namespace {

net::ResultTask<json::object> status(const Ports& ports, Arguments) {
  CO_TRY(const auto tenants, co_await ports.tenants());
  const auto free = ports.store.free_octets();
  json::object out{{"node", ports.node},
                   {"version", ports.version},
                   {"time", base::to_rfc3339(ports.clock.now())},
                   {"tenants", tenants.size()},
                   {"sessions", ports.admission.sessions()},
                   {"queue-in-memory", ports.dispatcher.in_memory()},
                   {"queue-partitions", ports.leases.count()}};
  if (free) out["disk-free-octets"] = *free;
  co_return out;
}

}  // namespace

std::vector<Operation> node_operations() {
  return {{"status", "how this node is", {}, status}};
}

}  // namespace letterlock::admin
