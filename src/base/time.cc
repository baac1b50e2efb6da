#include "base/time.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace letterlock::base {
namespace {

struct Parts {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<Milliseconds> clock;
};

Parts split(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  return {std::chrono::year_month_day(day), std::chrono::hh_mm_ss<Milliseconds>(time - day)};
}

// A number of exactly `digits` digits at `text[from]`.
Result<int> number(std::string_view text, std::size_t from, std::size_t digits) {
  if (text.size() < from + digits) return fail(ErrorKind::invalid, "time is too short");
  int value = 0;
  for (const char c : text.substr(from, digits)) {
    if (c < '0' || c > '9') return fail(ErrorKind::invalid, "time has something else than digits");
    value = value * 10 + (c - '0');
  }
  return value;
}

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 5> units{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

}  // namespace

std::string to_rfc3339(Time time) {
  const auto [date, clock] = split(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

Result<Time> from_rfc3339(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorKind::invalid,
                fmt::format("'{}' is not a time like 2026-11-23T03:12:44Z", text));
  };
  if (text.size() < 20 || text.back() != 'Z') return wrong();
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
    return wrong();
  const std::chrono::year_month_day date{
      std::chrono::year(TRY(number(text, 0, 4))),
      std::chrono::month(static_cast<unsigned>(TRY(number(text, 5, 2)))),
      std::chrono::day(static_cast<unsigned>(TRY(number(text, 8, 2))))};
  const int hour = TRY(number(text, 11, 2));
  const int minute = TRY(number(text, 14, 2));
  const int second = TRY(number(text, 17, 2));
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return wrong();
  int milliseconds = 0;
  if (text[19] == '.') {
    const auto fraction = text.substr(20, text.size() - 21);
    if (fraction.empty() || fraction.size() > 9) return wrong();
    int scale = 100;
    for (const char c : fraction) {
      if (c < '0' || c > '9') return wrong();
      milliseconds += (c - '0') * scale;
      scale /= 10;
    }
  } else if (text.size() != 20) {
    return wrong();
  }
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second) + Milliseconds(milliseconds);
}

std::string to_rfc5322(Time time) {
  static constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed",
                                                        "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> months{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto [date, clock] = split(time);
  const std::chrono::weekday weekday{std::chrono::sys_days(date)};
  return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} +0000", days[weekday.c_encoding()],
                     static_cast<unsigned>(date.day()),
                     months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string to_clock(Time time) {
  const auto clock = split(time).clock;
  return fmt::format("{:02}:{:02}:{:02}", clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

Result<Milliseconds> parse_duration(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorKind::invalid,
                fmt::format("'{}' is not a duration like 30s, 15m, 4h or 5d", text));
  };
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count < 0) return wrong();
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::int64_t duration_max = 10LL * 366 * 86'400'000;
  for (const auto& known : units) {
    if (unit != known.name) continue;
    if (count > duration_max / known.milliseconds) return wrong();
    return Milliseconds(count * known.milliseconds);
  }
  return wrong();
}

std::string to_text(Milliseconds duration) {
  const std::int64_t count = duration.count();
  for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
    if (count != 0 && count % unit->milliseconds == 0)
      return fmt::format("{}{}", count / unit->milliseconds, unit->name);
  }
  return "0s";
}

}  // namespace letterlock::base
