#include "mailbox/name.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/utf8.h"

namespace letterlock::mailbox {
namespace {

using base::ErrorKind;
using base::fail;

// RFC 9051 §5.1: no controls, also none of C1, no line and paragraph separators.
bool may_stand_in_name(char32_t character) {
  if (character < 0x20 || character == 0x7f) return false;
  if (character >= 0x80 && character < 0xa0) return false;
  if (character == 0x2028 || character == 0x2029) return false;
  return character != '*' && character != '%';
}

}  // namespace

base::Result<std::string> canonical_name(std::string_view name) {
  if (name.empty()) return fail(ErrorKind::invalid, "a mailbox's name is empty");
  if (name.size() > name_octets_max)
    return fail(ErrorKind::invalid, "a mailbox's name is longer than 255 octets");
  for (auto rest = name; !rest.empty();) {
    const auto character = base::first_code_point(rest);
    if (!character || !may_stand_in_name(character->value)) {
      return fail(ErrorKind::invalid,
                  "a mailbox's name holds a control, a wildcard or what isn't UTF-8: " +
                      base::printable(name, 80));
    }
    rest.remove_prefix(character->octets);
  }
  const bool empty_level = name.front() == separator || name.back() == separator ||
                           name.find("//") != std::string_view::npos;
  if (empty_level) return fail(ErrorKind::invalid, "a mailbox's name has an empty level");
  if (std::ranges::count(name, separator) >= static_cast<std::ptrdiff_t>(name_levels_max)) {
    return fail(ErrorKind::invalid, "a mailbox's name has more than 10 levels");
  }
  std::string kept(name);
  const auto first = name.substr(0, name.find(separator));
  if (base::equal_ignoring_case(first, inbox)) kept.replace(0, inbox.size(), inbox);
  return kept;
}

std::vector<std::string> names_above(std::string_view name) {
  std::vector<std::string> above;
  for (auto at = name.find(separator); at != std::string_view::npos;
       at = name.find(separator, at + 1)) {
    above.emplace_back(name.substr(0, at));
  }
  return above;
}

}  // namespace letterlock::mailbox
