#include "mailbox/flags.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"

namespace letterlock::mailbox {
namespace {

constexpr std::uint8_t all_system = 31;
constexpr std::array<std::pair<SystemFlag, std::string_view>, 5> system_names{{
    {SystemFlag::seen, "\\Seen"},
    {SystemFlag::answered, "\\Answered"},
    {SystemFlag::flagged, "\\Flagged"},
    {SystemFlag::deleted, "\\Deleted"},
    {SystemFlag::draft, "\\Draft"},
}};

// RFC 9051 §9: flag-keyword is an atom: no specials, no controls, 7 bit.
bool is_atom(std::string_view text) {
  constexpr std::string_view specials = "(){ %*\"\\]";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return c > 0x20 && c < 0x7f && specials.find(c) == std::string_view::npos;
  });
}

std::vector<std::string>::const_iterator place_of(const std::vector<std::string>& sorted,
                                                  std::string_view lower) {
  return std::ranges::lower_bound(sorted, lower, {},
                                  [](const auto& word) { return base::to_lower(word); });
}

bool contains(const std::vector<std::string>& sorted, std::string_view word) {
  const auto at = place_of(sorted, base::to_lower(word));
  return at != sorted.end() && base::equal_ignoring_case(*at, word);
}

base::Result<void> insert(std::vector<std::string>& sorted, std::string_view word,
                          std::size_t count_max) {
  const auto at = place_of(sorted, base::to_lower(word));
  if (at != sorted.end() && base::equal_ignoring_case(*at, word)) return {};
  if (sorted.size() >= count_max) {
    return base::fail(base::ErrorKind::full,
                      "too many keywords: at most " + std::to_string(count_max));
  }
  sorted.emplace(at, word);
  return {};
}

}  // namespace

base::Result<Flags> Flags::make(std::uint8_t system, const std::vector<std::string>& keywords) {
  if ((system & ~all_system) != 0)
    return base::fail(base::ErrorKind::invalid, "unknown system flags");
  Flags flags;
  flags.system_ = system;
  for (const auto& keyword : keywords) {
    if (keyword.starts_with('\\')) {
      return base::fail(base::ErrorKind::invalid, "a keyword begins with a backslash");
    }
    TRY(flags.add(keyword));
  }
  return flags;
}

bool Flags::has_keyword(std::string_view keyword) const {
  return contains(keywords_, keyword);
}

base::Result<void> Flags::add(std::string_view name) {
  if (name.starts_with('\\')) {
    for (const auto& [flag, text] : system_names) {
      if (!base::equal_ignoring_case(name, text)) continue;
      set(flag);
      return {};
    }
    return base::fail(base::ErrorKind::invalid, "unknown flag " + base::printable(name, 60));
  }
  if (!is_atom(name) || name.size() > keyword_octets_max) {
    return base::fail(base::ErrorKind::invalid,
                      "not a keyword (an atom of at most 50 octets): " + base::printable(name, 60));
  }
  return insert(keywords_, name, keywords_per_message_max);
}

void Flags::remove(const Flags& others) {
  system_ &= static_cast<std::uint8_t>(~others.system_);
  std::erase_if(keywords_, [&](const auto& word) { return others.has_keyword(word); });
}

std::vector<std::string> Flags::names() const {
  std::vector<std::string> all;
  for (const auto& [flag, text] : system_names) {
    if (has(flag)) all.emplace_back(text);
  }
  all.insert(all.end(), keywords_.begin(), keywords_.end());
  return all;
}

base::Result<Flags> changed(const Flags& before, FlagMode mode, const Flags& flags) {
  Flags after = before;
  switch (mode) {
    case FlagMode::replace:
      return flags;
    case FlagMode::remove:
      after.remove(flags);
      return after;
    case FlagMode::add:
      for (const auto& name : flags.names()) TRY(after.add(name));
      return after;
  }
  return after;
}

base::Result<void> remember_keywords(std::vector<std::string>& known, const Flags& flags) {
  for (const auto& word : flags.keywords()) TRY(insert(known, word, keywords_per_mailbox_max));
  return {};
}

}  // namespace letterlock::mailbox
