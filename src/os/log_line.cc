#include <algorithm>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/bytes.h"
#include "base/time.h"
#include "os/log.h"

namespace letterlock::os {
namespace {

constexpr std::size_t value_octets_max = 1000;
constexpr std::string_view plain_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:,/@+<>[]()*;!?%&#$~^|{}";

bool is_plain(std::string_view value) {
  return !value.empty() && value.find_first_not_of(plain_characters) == std::string_view::npos;
}

// Between quotes, where a backslash or a quote of the value's own can't end it.
std::string quoted(std::string_view value) {
  const bool cut = value.size() > value_octets_max;
  value = value.substr(0, value_octets_max);
  std::string out = "\"";
  while (!value.empty()) {
    const auto end = std::min(value.find_first_of("\"\\"), value.size());
    out += base::printable(value.substr(0, end), 4 * value_octets_max + 4);
    if (end < value.size()) out.append({'\\', value[end]});
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return out + (cut ? "…\"" : "\"");
}

}  // namespace

std::string log_line(const base::Event& event, base::Time time) {
  auto line = base::to_rfc3339(time) + " " + std::string(base::name(event.severity)) + " " +
              std::string(event.name);
  for (const auto& [key, value] : event.fields) {
    line += " " + std::string(key) + "=";
    line += is_plain(value) && value.size() <= value_octets_max ? value : quoted(value);
  }
  return line;
}

std::string log_json(const base::Event& event, base::Time time) {
  boost::json::object object;
  object["time"] = base::to_rfc3339(time);
  object["severity"] = base::name(event.severity);
  object["event"] = event.name;
  for (const auto& [key, value] : event.fields)
    object[key] = base::printable(value, value_octets_max);
  return boost::json::serialize(object);
}

}  // namespace letterlock::os
