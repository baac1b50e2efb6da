#include "directory/throttle.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/digest.h"

namespace letterlock::directory {
namespace {

std::string prefix_of(const net::IpAddress& source, std::size_t v4_octets, std::size_t v6_octets) {
  return std::string(source.octets().substr(0, source.is_v4() ? v4_octets : v6_octets));
}

// A login is whatever a stranger said: its digest takes as little room as any other.
std::string pair_key(std::string_view login, const net::IpAddress& source) {
  return base::sha256(base::to_lower(login)) + prefix_of(source, 4, 8);
}

std::string source_key(const net::IpAddress& source) {
  return prefix_of(source, 3, 6);
}

}  // namespace

void Throttle::add(Failures& failures, os::Steady now) {
  if (now - failures.last > failures_kept) failures.count = 0;
  failures.count = std::min(failures.count + 1, 1'000'000U);
  failures.last = now;
}

base::Milliseconds Throttle::left(const Failures& failures, unsigned free, base::Milliseconds most,
                                  os::Steady now) {
  const auto passed = now - failures.last;
  if (failures.count < free || passed > failures_kept) return base::Milliseconds(0);
  const unsigned doublings = std::min(failures.count - free, 20U);
  const auto delay = std::min(base::Milliseconds(1000) * (1 << doublings), most);
  return std::max(delay - passed, base::Milliseconds(0));
}

base::Milliseconds Throttle::wait(std::string_view login, const net::IpAddress& source,
                                  os::Steady now) {
  const std::scoped_lock lock(mutex_);
  const auto* pair = pairs_.find(pair_key(login, source));
  const auto for_pair = pair ? left(pair->failures, account_failures_free, account_delay_max, now)
                             : base::Milliseconds(0);
  // Who has signed in from here lately doesn't wait for what the neighbours try.
  if (pair && pair->was_good && now - pair->good <= success_kept) return for_pair;
  const auto* all = sources_.find(source_key(source));
  const auto for_source =
      all ? left(*all, source_failures_free, source_delay_max, now) : base::Milliseconds(0);
  return std::max(for_pair, for_source);
}

void Throttle::failed(std::string_view login, const net::IpAddress& source, os::Steady now) {
  const std::scoped_lock lock(mutex_);
  add(pairs_.get(pair_key(login, source)).failures, now);
  add(sources_.get(source_key(source)), now);
}

void Throttle::succeeded(std::string_view login, const net::IpAddress& source, os::Steady now) {
  const std::scoped_lock lock(mutex_);
  pairs_.get(pair_key(login, source)) = {{}, true, now};
}

}  // namespace letterlock::directory
