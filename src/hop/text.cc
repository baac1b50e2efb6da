#include "hop/text.h"

#include "base/utf8.h"

namespace letterlock::hop {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::string_view ellipsis = "…";

}  // namespace

std::string bounded_text(std::string_view text, std::size_t octets_max) {
  if (text.size() <= octets_max && base::is_ascii(text)) return std::string(text);
  std::string out;
  std::size_t room_for_ellipsis = 0;  // the longest whole prefix that leaves place for it
  while (!text.empty()) {
    const auto point = base::first_code_point(text);
    const std::string_view character = point ? text.substr(0, point->octets) : replacement;
    if (out.size() + character.size() > octets_max) {
      out.resize(room_for_ellipsis);
      out += ellipsis;
      return out;
    }
    out += character;
    if (out.size() + ellipsis.size() <= octets_max) room_for_ellipsis = out.size();
    text.remove_prefix(point ? point->octets : 1);
  }
  return out;
}

}  // namespace letterlock::hop
