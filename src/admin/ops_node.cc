// The node itself.
#include "admin/operation.h"
#include "admin/values.h"
#include "queue/lease.h"

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

net::ResultTask<> look_at_leases(store::Transaction& transaction, std::string node, base::Time now,
                                 bool& lives) {
  CO_TRY(lives, co_await queue::holds_leases(transaction, std::move(node), now));
  co_return base::Result<>();
}

// Its transfers under way become unknown. Asked only of a node that is gone: one that lives closes
// its own.
net::ResultTask<json::object> node_forget(const Ports& ports, Arguments arguments) {
  const auto name = arguments.text("name");
  const auto now = ports.clock.now();
  if (name == ports.node)
    co_return base::fail(base::ErrorKind::invalid,
                         name + " is the node that answers this: it closes its own at each start");
  if (name.empty())
    co_return base::fail(base::ErrorKind::invalid, "name a node, as site.node was there");
  bool lives = false;
  CO_CHECK(co_await ports.store.read(store::Scope::site(), [&](store::Transaction& transaction) {
    return look_at_leases(transaction, name, now, lives);
  }));
  if (lives)
    co_return base::fail(
        base::ErrorKind::conflict,
        name + " has partitions of the queue: it lives, or has died within the last 30 seconds");
  if (!ports.forget_node) co_return base::fail(base::ErrorKind::invalid, "nobody runs a node here");
  CO_TRY(const auto count, co_await ports.forget_node(name));
  co_return json::object{{"node", name}, {"unknown", count}};
}

}  // namespace

std::vector<Operation> node_operations() {
  return {{"status", "how this node is, what is wrong first; status 1 if something is", {}, status},
          {"node.forget",
           "what a node that never comes back has left under way becomes unknown",
           {{"name", Kind::text, Place::positional, "its site.node"}},
           node_forget}};
}

}  // namespace letterlock::admin
