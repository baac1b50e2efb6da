#include "reporter/rounds.h"

#include <algorithm>
#include <array>

namespace letterlock::reporter {
namespace {

using namespace std::chrono_literals;

constexpr std::array<base::Milliseconds, 3> spans{4h, 24h, 72h};

}  // namespace

std::optional<base::Time> next_round(base::Time accepted, base::Time told) {
  for (const auto span : spans) {
    if (accepted + span > told) return accepted + span;
  }
  return std::nullopt;
}

bool Resting::is_ready(const base::MessageId& id, Is is, base::Time now) {
  const auto at = until_.find(id);
  if (at == until_.end()) {
    if (is == Is::final) return true;
    // One that can't be remembered waits for its end: never a report for each recipient.
    if (until_.size() < resting_max) until_.emplace(id, Rest{now + gather_wait, Why::gathers});
    return false;
  }
  const auto& rest = at->second;
  const bool waits_for_others = rest.why == Why::gathers || rest.why == Why::was_told;
  if (is == Is::final && waits_for_others) return true;
  return rest.until <= now;
}

void Resting::rest(const base::MessageId& id, base::Time until, Why why) {
  if (until_.size() < resting_max || until_.contains(id)) until_[id] = {until, why};
}

bool Resting::is_resting(const base::MessageId& id, Why why) const {
  const auto at = until_.find(id);
  return at != until_.end() && at->second.why == why;
}

std::size_t Resting::count(Why why) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(until_, [&](const auto& one) { return one.second.why == why; }));
}

void Resting::tidy(base::Time now) {
  std::erase_if(until_, [&](const auto& one) { return one.second.until <= now; });
}

bool Resting::has_over(base::Time now) const {
  return std::ranges::any_of(until_, [&](const auto& one) { return one.second.until <= now; });
}

std::optional<base::Time> Resting::next(base::Time now) const {
  std::optional<base::Time> next;
  for (const auto& [id, rest] : until_) {
    if (rest.until > now && (!next || rest.until < *next)) next = rest.until;
  }
  return next;
}

}  // namespace letterlock::reporter
