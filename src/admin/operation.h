// One typed table of operations: what an operator can ask of a running node. The socket, and the
// command line on top of it, are made of this table; neither knows a single operation by itself.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "directory/calendar.h"
#include "directory/operations.h"
#include "net/admission.h"
#include "net/task.h"
#include "queue/dispatcher.h"
#include "queue/schedule.h"
#include "store/store.h"

namespace letterlock::admin {

namespace json = boost::json;

struct Parameter {
  // certificates: a list of keys' digests; the command line takes files instead.
  enum class Kind { text, number, flag, list, password, certificates };
  std::string_view name;  // "to": --to on the command line
  Kind kind = Kind::text;
  enum class Place { option, required, positional, optional_positional } place = Place::option;
  std::string_view help;
};

// What operations work on. All of it outlives the server.
struct Ports {
  store::Store& store;
  directory::Directory& directory;
  directory::Operations& operations;
  queue::Dispatcher& dispatcher;
  queue::Leases& leases;
  const queue::Schedule& schedule;
  net::Admission& admission;
  os::Clock& clock;
  directory::Calendar& calendar;
  os::Random& random;
  base::EventSink& events;
  std::string node;
  std::string version;
  std::function<net::ResultTask<std::vector<base::TenantId>>()> tenants;
  std::function<void(base::TenantId)> notice;  // something is to be told: wakes the reporter
  // What whoever runs the node knows of it beside; nothing where nobody runs one.
  std::function<json::object()> state = [] { return json::object(); };
  // Writes a backup into this directory, to be kept for so long. Errors: as store::Store's.
  std::function<net::ResultTask<json::object>(std::string, std::optional<base::Milliseconds>)>
      backup = {};
  // What a node that is gone left under way becomes unknown; how many that were.
  std::function<net::ResultTask<std::size_t>(std::string)> forget_node = {};
  base::Milliseconds keep_trace = std::chrono::days(90);  // of a message that has outlived its own
};

// The arguments of one call, checked against the operation's parameters before it runs.
class Arguments {
 public:
  explicit Arguments(json::object values) : values_(std::move(values)) {}
  bool has(std::string_view name) const { return values_.contains(name); }
  std::string text(std::string_view name) const;  // empty if absent
  std::optional<std::string> maybe(std::string_view name) const;
  std::uint64_t number(std::string_view name, std::uint64_t fallback) const;
  bool flag(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;

 private:
  json::object values_;
};

struct Operation {
  std::string_view name;  // "tenant.add"
  std::string_view help;  // one line
  std::vector<Parameter> parameters;
  // The result: an object, or {"rows": […], "next": …} of a list. Errors go to the caller as they
  // are.
  std::function<net::ResultTask<json::object>(const Ports&, Arguments)> run;
};

// All of them, in the order of the help.
const std::vector<Operation>& table();
const Operation* find(std::string_view name);
// Every argument known and of its kind, every required one there. Errors: invalid.
base::Result<> check(const Operation& operation, const json::object& arguments);

// The parts of the table, one file each.
std::vector<Operation> directory_operations();
std::vector<Operation> address_operations();
std::vector<Operation> queue_operations();
std::vector<Operation> trace_operations();
std::vector<Operation> node_operations();
std::vector<Operation> backup_operations();

}  // namespace letterlock::admin
