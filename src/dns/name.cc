#include "dns/name.h"

#include <algorithm>

#include "base/bytes.h"

namespace letterlock::dns {

namespace {
// RFC 1123 §2.1 letters, digits and hyphens; the underscore as in _25._tcp (RFC 8552).
bool is_usual(char octet) {
  return (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') || octet == '-' ||
         octet == '_';
}
}  // namespace

base::Result<std::string> parse_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto invalid = [&](std::string_view why) {
    return base::fail(base::ErrorKind::invalid,
                      "\"" + base::printable(text) + "\" is no usable name: " + std::string(why));
  };
  if (text.empty()) return invalid("it is empty");
  if (text.size() > name_octets_max) return invalid("it is longer than 253 octets");
  std::string name = base::to_lower(text);
  std::size_t label = 0;
  for (const char octet : name) {
    if (octet == '.') {
      if (label == 0) return invalid("a label is empty");
      label = 0;
      continue;
    }
    if (!is_usual(octet)) return invalid("it has other octets than letters, digits, hyphens");
    if (++label > label_octets_max) return invalid("a label is longer than 63 octets");
  }
  if (label == 0) return invalid("a label is empty");
  return name;
}

bool is_within(std::string_view name, std::string_view zone) {
  if (zone.empty()) return true;
  if (!name.ends_with(zone)) return false;
  return name.size() == zone.size() || name[name.size() - zone.size() - 1] == '.';
}

}  // namespace letterlock::dns
