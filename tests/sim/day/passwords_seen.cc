#include "sim/day/passwords_seen.h"

#include <algorithm>
#include <ranges>

#include "sasl/keys.h"

namespace letterlock::day {

void PasswordsSeen::may_be(const std::string& address, std::string text) {
  candidates_[address].push_back(std::move(text));
}

// The keys say which of those it may be it is.
void PasswordsSeen::committed(const Commit& commit, base::Milliseconds now) {
  for (const auto& row : commit.accounts) {
    if (!row.value) continue;
    auto& keys = keys_[row.account];
    if (keys == row.value->keys) continue;
    keys = row.value->keys;
    const auto& candidates = candidates_[row.value->address.text()];
    const auto it = std::ranges::find_if(
        candidates | std::views::reverse,
        [&](const std::string& text) { return sasl::password_matches(text, keys); });
    auto& periods = periods_[row.account];
    const std::string text = it == std::ranges::rend(candidates) ? "" : *it;
    if (periods.empty() || periods.back().text != text) periods.push_back({text, now});
  }
}

void PasswordsSeen::shown(const base::AccountId& account, Shown shown) {
  auto& all = shown_[account];
  const bool is_known = !shown.text.empty() && std::ranges::any_of(all, [&](const Shown& other) {
    return other.to == shown.to && other.text == shown.text && other.network == shown.network;
  });
  if (!is_known) all.push_back(std::move(shown));
}

bool PasswordsSeen::was_since(const base::AccountId& account, std::string_view text,
                              base::Milliseconds from) const {
  const auto at = periods_.find(account);
  if (at == periods_.end()) return false;
  const auto& periods = at->second;
  for (std::size_t i = 0; i < periods.size(); ++i) {
    const bool is_over = i + 1 < periods.size() && periods[i + 1].from < from;
    if (!is_over && periods[i].text == text) return true;
  }
  return false;
}

bool PasswordsSeen::Open::meets(base::Milliseconds began,
                                std::optional<base::Milliseconds> ended) const {
  if (shown.text.empty()) return began < from && (!ended || *ended > *until);
  const auto first = std::max(began, from);
  return (!ended || first < *ended) && (!until || first < *until);
}

std::vector<PasswordsSeen::Open> PasswordsSeen::opened(const base::AccountId& account) const {
  std::vector<Open> found;
  const auto at = shown_.find(account);
  const auto known = periods_.find(account);
  if (at == shown_.end() || known == periods_.end()) return found;
  for (const auto& shown : at->second) {
    if (shown.text.empty()) {
      found.push_back({shown, shown.asked, shown.at});
      continue;
    }
    const auto& periods = known->second;
    for (std::size_t i = 0; i < periods.size(); ++i) {
      if (periods[i].text != shown.text) continue;
      Open open{shown, std::max(periods[i].from, shown.at), std::nullopt};
      if (i + 1 < periods.size()) open.until = periods[i + 1].from;
      if (!open.until || *open.until > open.from) found.push_back(std::move(open));
    }
  }
  return found;
}

}  // namespace letterlock::day
