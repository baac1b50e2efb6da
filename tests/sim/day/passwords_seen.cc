#include "sim/day/passwords_seen.h"

#include <algorithm>
#include <ranges>

#include "sasl/testing.h"

namespace letterlock::day {
namespace {
constexpr base::Milliseconds settles_after = std::chrono::minutes(1);
}

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

void PasswordsSeen::shown_in_vain(const base::AccountId& account, Shown shown) {
  if (!has_trouble_) in_vain_[account].push_back(std::move(shown));
}

void PasswordsSeen::trouble(base::Milliseconds now) {
  has_trouble_ = true;
  for (auto& [account, all] : in_vain_)
    std::erase_if(all, [&](const Shown& shown) { return shown.at + settles_after > now; });
}

std::vector<PasswordsSeen::Open> PasswordsSeen::opened(const base::AccountId& account,
                                                       base::Milliseconds now) const {
  std::vector<Open> found;
  const auto known = periods_.find(account);
  if (known == periods_.end()) return found;
  if (const auto at = shown_.find(account); at != shown_.end()) {
    for (const auto& shown : at->second) add_open(shown, known->second, found);
  }
  if (const auto at = in_vain_.find(account); at != in_vain_.end()) {
    for (const auto& shown : at->second) {
      if (shown.at + settles_after <= now) add_open(shown, known->second, found);
    }
  }
  return found;
}

void PasswordsSeen::add_open(const Shown& shown, const std::vector<Period>& periods,
                             std::vector<Open>& found) {
  if (shown.text.empty()) {
    found.push_back({shown, shown.asked, shown.at});
    return;
  }
  for (std::size_t i = 0; i < periods.size(); ++i) {
    if (periods[i].text != shown.text) continue;
    Open open{shown, std::max(periods[i].from, shown.at), std::nullopt};
    if (i + 1 < periods.size()) open.until = periods[i + 1].from;
    if (!open.until || *open.until > open.from) found.push_back(std::move(open));
  }
}

}  // namespace letterlock::day
