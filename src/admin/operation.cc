#include "admin/operation.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>

namespace letterlock::admin {
namespace {

using base::ErrorKind;
using base::fail;

bool fits(const json::value& value, Parameter::Kind kind) {
  switch (kind) {
    case Parameter::Kind::text:
    case Parameter::Kind::password:
      return value.is_string();
    case Parameter::Kind::number:
      return value.is_int64() || value.is_uint64();
    case Parameter::Kind::flag:
      return value.is_bool();
    case Parameter::Kind::list:
    case Parameter::Kind::certificates:
      return value.is_array() && std::ranges::all_of(value.get_array(), [](const json::value& one) {
               return one.is_string();
             });
  }
  return false;
}

std::string_view words(Parameter::Kind kind) {
  switch (kind) {
    case Parameter::Kind::text:
    case Parameter::Kind::password:
      return "a text";
    case Parameter::Kind::number:
      return "a whole number";
    case Parameter::Kind::flag:
      return "true or false";
    case Parameter::Kind::list:
    case Parameter::Kind::certificates:
      return "a list of texts";
  }
  return "";
}

}  // namespace

std::string Arguments::text(std::string_view name) const {
  return maybe(name).value_or("");
}

std::optional<std::string> Arguments::maybe(std::string_view name) const {
  const auto* value = values_.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

std::uint64_t Arguments::number(std::string_view name, std::uint64_t fallback) const {
  const auto* value = values_.if_contains(name);
  if (value == nullptr) return fallback;
  if (value->is_uint64()) return value->get_uint64();
  return value->is_int64() && value->get_int64() >= 0
             ? static_cast<std::uint64_t>(value->get_int64())
             : fallback;
}

bool Arguments::flag(std::string_view name) const {
  const auto* value = values_.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::vector<std::string> Arguments::list(std::string_view name) const {
  std::vector<std::string> out;
  const auto* value = values_.if_contains(name);
  if (value == nullptr || !value->is_array()) return out;
  for (const auto& one : value->get_array()) out.emplace_back(one.get_string());
  return out;
}

const std::vector<Operation>& table() {
  static const std::vector<Operation> all = [] {
    std::vector<Operation> out;
    for (auto part : {directory_operations(), address_operations(), queue_operations(),
                      trace_operations(), node_operations(), backup_operations()}) {
      out.insert(out.end(), std::make_move_iterator(part.begin()),
                 std::make_move_iterator(part.end()));
    }
    return out;
  }();
  return all;
}

const Operation* find(std::string_view name) {
  const auto at = std::ranges::find(table(), name, &Operation::name);
  return at == table().end() ? nullptr : &*at;
}

base::Result<> check(const Operation& operation, const json::object& arguments) {
  for (const auto& pair : arguments) {
    const std::string_view name = pair.key();
    const auto parameter = std::ranges::find(operation.parameters, name, &Parameter::name);
    if (parameter == operation.parameters.end())
      return fail(ErrorKind::invalid, fmt::format("{} has no argument '{}'", operation.name, name));
    if (!fits(pair.value(), parameter->kind))
      return fail(ErrorKind::invalid,
                  fmt::format("{} of {} must be {}", name, operation.name, words(parameter->kind)));
  }
  for (const auto& parameter : operation.parameters) {
    const bool needed = parameter.place == Parameter::Place::required ||
                        parameter.place == Parameter::Place::positional;
    if (needed && !arguments.contains(parameter.name))
      return fail(ErrorKind::invalid,
                  fmt::format("{} needs '{}': {}", operation.name, parameter.name, parameter.help));
  }
  return {};
}

}  // namespace letterlock::admin
