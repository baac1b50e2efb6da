#include "store/conflict.h"

#include <algorithm>
#include <ranges>

namespace letterlock::store {
namespace {

// Sorted, those that touch made one: so a key lies in the one that begins last before it, or in
// none.
std::vector<Range> in_order(std::vector<Range> ranges) {
  std::ranges::sort(ranges, {}, &Range::first);
  std::vector<Range> apart;
  for (auto& range : ranges) {
    if (!apart.empty() && range.first <= apart.back().end) {
      if (apart.back().end < range.end) apart.back().end = std::move(range.end);
    } else {
      apart.push_back(std::move(range));
    }
  }
  return apart;
}

bool covers(const std::vector<Range>& apart, std::string_view key) {
  const auto behind = std::ranges::upper_bound(apart, key, {}, &Range::first);
  return behind != apart.begin() && key < std::prev(behind)->end;
}

}  // namespace

std::size_t RecentCommits::place_of(std::string_view key) {
  return std::hash<std::string_view>()(key) % places_count;
}

bool RecentCommits::conflicts(const Reads& reads, Sequence begun) const {
  if (reads.empty()) return false;
  if (begun < forgotten_) return true;
  return std::ranges::any_of(reads.keys,
                             [&](const auto& key) { return has_changed(key, begun); }) ||
         (!reads.ranges.empty() && any_changed(reads.ranges, begun));
}

bool RecentCommits::has_changed(std::string_view key, Sequence begun) const {
  if ((*places_)[place_of(key)] <= begun) return false;
  for (const auto& commit : std::views::reverse(commits_)) {
    if (commit.sequence <= begun) return false;
    if (std::ranges::find(commit.keys, key) != commit.keys.end()) return true;
  }
  return false;
}

bool RecentCommits::any_changed(const std::vector<Range>& ranges, Sequence begun) const {
  const auto apart = in_order(ranges);
  for (const auto& commit : std::views::reverse(commits_)) {
    if (commit.sequence <= begun) return false;
    if (std::ranges::any_of(commit.keys, [&](const auto& key) { return covers(apart, key); }))
      return true;
  }
  return false;
}

Sequence RecentCommits::add(std::vector<std::string> keys) {
  ++last_;
  if (keys.empty()) return last_;
  for (const auto& key : keys) (*places_)[place_of(key)] = last_;
  keys_ += keys.size();
  commits_.push_back({last_, std::move(keys)});
  while (keys_ > keys_max_) forget_first();
  return last_;
}

void RecentCommits::forget_until(Sequence oldest) {
  while (!commits_.empty() && commits_.front().sequence <= oldest) forget_first();
}

void RecentCommits::forget_first() {
  forgotten_ = commits_.front().sequence;
  keys_ -= commits_.front().keys.size();
  commits_.pop_front();
}

}  // namespace letterlock::store
