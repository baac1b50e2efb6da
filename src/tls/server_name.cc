#include "tls/server_name.h"

#include "base/bytes.h"
#include "base/limits.h"

namespace letterlock::tls {
namespace {

constexpr std::size_t label_octets_max = 63;

// A number of two octets and what it counts; `text` goes on behind it. False: too short.
bool take_counted(std::string_view& text, std::string_view& counted) {
  if (text.size() < 2) return false;
  const auto count = static_cast<std::size_t>(static_cast<unsigned char>(text[0]) << 8 |
                                              static_cast<unsigned char>(text[1]));
  if (text.size() - 2 < count) return false;
  counted = text.substr(2, count);
  text.remove_prefix(2 + count);
  return true;
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > base::limits::domain_octets_max) return false;
  std::size_t label = 0;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!letter && (c != '.' || label == 0)) return false;
    label = letter ? label + 1 : 0;
    if (label > label_octets_max) return false;
  }
  return label > 0;
}

}  // namespace

std::string parse_server_name(std::string_view extension) {
  std::string_view list;
  if (!take_counted(extension, list) || !extension.empty()) return {};
  // RFC 6066 §3: one name of each type; only host_name (0) exists.
  if (list.empty() || list.front() != 0) return {};
  list.remove_prefix(1);
  std::string_view name;
  if (!take_counted(list, name) || !is_host_name(name)) return {};
  return base::to_lower(name);
}

}  // namespace letterlock::tls
