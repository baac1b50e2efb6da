#include "os/watched_clock.h"

namespace letterlock::os {
namespace {
constexpr std::int64_t noticed_from = 10;   // ms; below base::ordered_from
constexpr std::int64_t looked_again = 250;  // ms
constexpr std::int64_t read_within = 2;     // ms

std::int64_t count(Steady steady) {
  return steady.time_since_epoch().count();
}
}  // namespace

WatchedClock::WatchedClock(const Clock& clock, std::function<void(base::Setback)> told)
    : clock_(clock), told_(std::move(told)) {
  const auto steady = clock_.steady();
  ahead_ = base::to_milliseconds(clock_.now()) - count(steady);
  looked_ = count(steady);
}

base::Time WatchedClock::now() const {
  const auto steady = count(clock_.steady());
  const auto calendar = clock_.now();
  const auto ahead = base::to_milliseconds(calendar) - steady;
  const bool is_as_before = ahead <= ahead_ && ahead_ - ahead < noticed_from;
  if (!is_as_before || steady - looked_ >= looked_again) look();
  return calendar;
}

void WatchedClock::look() const {
  std::optional<base::Setback> found;
  {
    const std::scoped_lock lock(looking_);
    const auto read = read_both();
    if (!read) return;
    const auto [steady, ahead] = *read;
    const auto before = ahead_.load();
    if (before - ahead >= noticed_from) {
      // At some moment since the last look: others may have read it all the while.
      found = {base::from_milliseconds(looked_ + ahead), base::from_milliseconds(steady + before)};
    }
    if (found || ahead > before) ahead_ = ahead;
    looked_ = steady;
  }
  if (found && told_) told_(*found);
}

// The two at nearly one moment; nothing if this thread is stopped between them again and again.
std::optional<WatchedClock::Read> WatchedClock::read_both() const {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const auto steady = count(clock_.steady());
    const auto calendar = base::to_milliseconds(clock_.now());
    if (count(clock_.steady()) - steady <= read_within) return Read{steady, calendar - steady};
  }
  return std::nullopt;
}

}  // namespace letterlock::os
