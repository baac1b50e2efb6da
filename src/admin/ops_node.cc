// The node itself.
#include "admin/operation.h"
#include "admin/values.h"

namespace letterlock::admin {
namespace {

using Place = Parameter::Place;
using Kind = Parameter::Kind;

net::ResultTask<json::object> status(const Ports& ports, Arguments) {
  CO_TRY(const auto tenants, co_await ports.tenants());
  auto out = ports.state();
  out["node"] = ports.node;
  out["version"] = ports.version;
  out["time"] = base::to_rfc3339(ports.clock.now());
  out["tenants"] = tenants.size();
  out["sessions"] = ports.admission.sessions();
  out["queue-in-memory"] = ports.dispatcher.in_memory();
  out["queue-partitions"] = ports.leases.count();
  if (const auto free = ports.store.free_octets()) out["disk-free-octets"] = *free;
  co_return out;
}

net::ResultTask<json::object> backup(const Ports& ports, Arguments arguments) {
  auto directory = arguments.text("directory");
  if (!ports.backup)
    co_return base::fail(base::ErrorKind::invalid, "this node keeps nothing that could be saved");
  if (!directory.starts_with('/'))
    co_return base::fail(base::ErrorKind::invalid,
                         "the directory must be an absolute path: the node writes it, not this "
                         "command");
  co_return co_await ports.backup(std::move(directory));
}

}  // namespace

std::vector<Operation> node_operations() {
  return {{"status", "how this node is, what is wrong first; status 1 if something is", {}, status},
          {"backup",
           "a copy of all that the node keeps, while it runs",
           {{"directory", Kind::text, Place::positional, "made by this; it must not be there yet"}},
           backup}};
}

}  // namespace letterlock::admin
