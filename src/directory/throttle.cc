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
std::string account_key(std::string_view login) {
  return base::sha256(base::to_lower(login));
}

std::string place_of(const net::IpAddress& source) {
  return prefix_of(source, 4, 8);
}

std::string pair_key(std::string_view login, const net::IpAddress& source) {
  return account_key(login) + place_of(source);
}

std::string source_key(const net::IpAddress& source) {
  return prefix_of(source, 3, 6);
}

}  // namespace

Failures* Tally::at(std::string_view key) {
  auto* many = many_kept_.find(key);
  return many != nullptr ? many : few_kept_.find(key);
}

const Failures* Tally::find(std::string_view key) {
  return at(key);
}

void Tally::add(std::string_view key, os::Steady now) {
  auto* there = at(key);
  auto& failures = there != nullptr ? *there : few_kept_.get(key);
  if (now - failures.last > failures_kept) failures.count = 0;
  failures.count = std::min(failures.count + 1, 1'000'000U);
  failures.last = now;
  if (failures.count < many_ || many_kept_.find(key) != nullptr) return;
  many_kept_.get(key) = failures;
  few_kept_.erase(key);
}

void Tally::take_back(std::string_view key) {
  auto* there = at(key);
  if (there != nullptr && there->count > 0) --there->count;
}

void Tally::forget(std::string_view key) {
  few_kept_.erase(key);
  many_kept_.erase(key);
}

base::Milliseconds Throttle::left(const Failures* failures, unsigned free, unsigned doublings,
                                  base::Milliseconds most, os::Steady now) {
  if (failures == nullptr || failures->count < free) return base::Milliseconds(0);
  const auto passed = now - failures->last;
  if (passed > failures_kept) return base::Milliseconds(0);
  const unsigned power = std::min(failures->count - free + doublings, 20U);
  const auto delay = std::min(base::Milliseconds(1000) * (1 << power), most);
  return std::max(delay - passed, base::Milliseconds(0));
}

bool Throttle::known(std::string_view login, const net::IpAddress& source, os::Steady now) {
  const auto* places = good_.find(account_key(login));
  if (places == nullptr) return false;
  const auto here = place_of(source);
  return std::ranges::any_of(*places, [&](const Place& place) {
    return place.source == here && now - place.last <= success_kept;
  });
}

base::Milliseconds Throttle::wait(std::string_view login, const net::IpAddress& source, bool known,
                                  os::Steady now) {
  const auto* pair = pairs_.find(pair_key(login, source));
  // Who has signed in from here lately doesn't wait for what others try.
  if (known) return left(pair, account_failures_free, 0, account_delay_max, now);
  const auto* account = accounts_.find(account_key(login));
  const bool attacked = account != nullptr && account->count >= attack_failures &&
                        now - account->last <= failures_kept;
  const auto for_pair =
      attacked ? left(pair, attack_failures_free, attack_doublings, account_delay_max, now)
               : left(pair, account_failures_free, 0, account_delay_max, now);
  const auto for_source =
      left(sources_.find(source_key(source)), source_failures_free, 0, source_delay_max, now);
  return std::max(for_pair, for_source);
}

base::Milliseconds Throttle::begin(std::string_view login, const net::IpAddress& source,
                                   os::Steady now) {
  const std::scoped_lock lock(mutex_);
  const bool is_known = known(login, source, now);
  const auto waits = wait(login, source, is_known, now);
  if (waits > base::Milliseconds(0)) return waits;
  pairs_.add(pair_key(login, source), now);
  sources_.add(source_key(source), now);
  if (!is_known) accounts_.add(account_key(login), now);
  return waits;
}

void Throttle::take_back(std::string_view login, const net::IpAddress& source) {
  const std::scoped_lock lock(mutex_);
  pairs_.take_back(pair_key(login, source));
  sources_.take_back(source_key(source));
  accounts_.take_back(account_key(login));
}

void Throttle::succeeded(std::string_view login, const net::IpAddress& source, os::Steady now) {
  const std::scoped_lock lock(mutex_);
  pairs_.forget(pair_key(login, source));
  sources_.take_back(source_key(source));
  if (!known(login, source, now)) accounts_.take_back(account_key(login));
  auto& places = good_.get(account_key(login));
  const auto here = place_of(source);
  auto place = std::ranges::find(places, here, &Place::source);
  if (place == places.end()) place = std::ranges::min_element(places, {}, &Place::last);
  *place = {here, now};
}

bool Throttle::is_known(std::string_view login, const net::IpAddress& source, os::Steady now) {
  const std::scoped_lock lock(mutex_);
  return known(login, source, now);
}

std::size_t Throttle::entries() const {
  const std::scoped_lock lock(mutex_);
  return pairs_.size() + sources_.size() + accounts_.size() + good_.size();
}

}  // namespace letterlock::directory
