#include "directory/throttle.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/digest.h"

namespace letterlock::directory {
namespace {

std::string prefix_of(const net::IpAddress& source, std::size_t v4_octets, std::size_t v6_octets) {
  return std::string(source.octets().substr(0, source.is_v4() ? v4_octets : v6_octets));
}

unsigned at(const std::map<std::string, unsigned, std::less<>>& trying, std::string_view key) {
  const auto found = trying.find(key);
  return found == trying.end() ? 0 : found->second;
}

void take_from(std::map<std::string, unsigned, std::less<>>& trying, std::string_view key) {
  const auto found = trying.find(key);
  if (found != trying.end() && --found->second == 0) trying.erase(found);
}

}  // namespace

Failures* Tally::find(std::string_view key) {
  auto* many = many_kept_.find(key);
  return many != nullptr ? many : few_kept_.find(key);
}

unsigned Tally::count(std::string_view key, os::Steady now) {
  const auto* failures = find(key);
  return failures == nullptr || now - failures->last > failures_kept ? 0 : failures->count;
}

void Tally::add(std::string_view key, os::Steady now) {
  auto* there = find(key);
  auto& failures = there != nullptr ? *there : few_kept_.get(key);
  if (now - failures.last > failures_kept) failures.count = 0;
  failures.count = std::min(failures.count + 1, 1'000'000U);
  failures.last = now;
  if (failures.count < many_ || many_kept_.find(key) != nullptr) return;
  many_kept_.get(key) = failures;
  few_kept_.erase(key);
}

void Tally::at_most(std::string_view key, unsigned count) {
  auto* there = find(key);
  if (there != nullptr) there->count = std::min(there->count, count);
}

// A login is whatever a stranger said: its digest takes as little room as any other.
Throttle::Names Throttle::names_of(std::string_view login, const net::IpAddress& source) {
  Names names{base::sha256(base::to_lower(login)), prefix_of(source, 4, 8), "",
              prefix_of(source, 3, 6)};
  names.pair = names.account + names.place;
  return names;
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

bool Throttle::known(const Names& names, os::Steady now) {
  const auto* places = good_.find(names.account);
  if (places == nullptr) return false;
  return std::ranges::any_of(*places, [&](const Place& place) {
    return place.source == names.place && now - place.last <= success_kept;
  });
}

// A guesser who shares the address with the owner gets no more than one look each known_delay, and
// the owner the next one after those who wait already.
Throttle::Look Throttle::look_where_known(const Names& names, os::Steady now,
                                          base::Milliseconds& wait) {
  const auto failed = pairs_.count(names.pair, now);
  const auto trying = at(trying_pairs_, names.pair);
  if (failed >= account_failures_free) {
    wait = std::max(pairs_.find(names.pair)->next - now, base::Milliseconds(0));
    return wait > known_wait_max ? Look::refused : Look::go;
  }
  return trying > 0 && failed + trying >= account_failures_free ? Look::in_turn : Look::go;
}

Throttle::Look Throttle::look(const Names& names, os::Steady now, base::Milliseconds& wait) {
  wait = base::Milliseconds(0);
  // Whoever has signed in from here lately doesn't wait for others' attempts elsewhere.
  if (known(names, now)) return look_where_known(names, now, wait);
  const auto strangers = accounts_.count(names.account, now);
  const bool attacked = strangers >= attack_failures;
  const unsigned free = attacked ? attack_failures_free : account_failures_free;
  wait = std::max(
      left(pairs_.find(names.pair), free, attacked ? attack_doublings : 0, account_delay_max, now),
      left(sources_.find(names.source), source_failures_free, 0, source_delay_max, now));
  if (wait > base::Milliseconds(0)) return Look::refused;
  // As if all that are under way had failed.
  const auto trying = at(trying_pairs_, names.pair);
  const auto used = pairs_.count(names.pair, now) + trying;
  const auto neighbours = at(trying_sources_, names.source);
  const bool pair_full = trying > 0 && used >= free;
  const bool source_full =
      neighbours > 0 && sources_.count(names.source, now) + neighbours >= source_failures_free;
  const bool may_be_attacked =
      !attacked && strangers + at(trying_accounts_, names.account) >= attack_failures;
  const bool waits = pair_full || source_full || (may_be_attacked && used >= attack_failures_free);
  return waits ? Look::in_turn : Look::go;
}

void Throttle::enter(const Names& names, base::Milliseconds wait, os::Steady now) {
  ++trying_pairs_[names.pair];
  ++trying_sources_[names.source];
  ++trying_accounts_[names.account];
  if (auto* failures = pairs_.find(names.pair)) failures->next = now + wait + known_delay;
}

Throttle::Asked Throttle::begin(std::string_view login, const net::IpAddress& source,
                                os::Steady now) {
  auto names = names_of(login, source);
  const std::scoped_lock lock(mutex_);
  base::Milliseconds wait{0};
  auto answer = look(names, now, wait);
  // Nobody overtakes.
  if (answer == Look::go &&
      std::ranges::any_of(waiters_, [&](const Waiter& w) { return w.names.pair == names.pair; }))
    answer = Look::in_turn;
  if (answer == Look::refused) return Answer{false, wait};
  if (answer == Look::go) {
    enter(names, wait, now);
    return Answer{true, wait};
  }
  if (waiters_.size() >= turns_waiting_max) return Answer{false, known_delay};
  waiters_.push_back({std::move(names), std::make_shared<Turn>()});
  return waiters_.back().turn;
}

// Those who waited for what has ended, in order.
std::vector<std::shared_ptr<Throttle::Turn>> Throttle::let_on(const Names& ended, os::Steady now) {
  std::vector<std::shared_ptr<Turn>> told;
  for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
    const auto& names = waiter->names;
    const bool concerned = names.account == ended.account || names.source == ended.source;
    base::Milliseconds wait{0};
    const auto answer = concerned ? look(names, now, wait) : Look::in_turn;
    if (answer == Look::in_turn) {
      ++waiter;
      continue;
    }
    if (answer == Look::go) enter(names, wait, now);
    waiter->turn->answer = {answer == Look::go, wait};
    told.push_back(std::move(waiter->turn));
    waiter = waiters_.erase(waiter);
  }
  return told;
}

void Throttle::note(const Names& names, Outcome outcome, os::Steady now) {
  const bool here = known(names, now);
  if (outcome == Outcome::failed) {
    pairs_.add(names.pair, now);
    sources_.add(names.source, now);
    if (!here) accounts_.add(names.account, now);
    if (auto* failures = pairs_.find(names.pair))
      failures->next = std::max(failures->next, now + known_delay);
    return;
  }
  if (outcome == Outcome::undone) return;
  // The owner's success doesn't make good what somebody else may have tried from the same address:
  // it is worth one more try.
  pairs_.at_most(names.pair, account_failures_free - 1);
  auto& places = good_.get(names.account);
  auto place = std::ranges::find(places, names.place, &Place::source);
  if (place == places.end()) place = std::ranges::min_element(places, {}, &Place::last);
  *place = {names.place, now};
}

void Throttle::end(std::string_view login, const net::IpAddress& source, Outcome outcome,
                   os::Steady now) {
  const auto names = names_of(login, source);
  std::vector<std::shared_ptr<Turn>> told;
  {
    const std::scoped_lock lock(mutex_);
    take_from(trying_pairs_, names.pair);
    take_from(trying_sources_, names.source);
    take_from(trying_accounts_, names.account);
    note(names, outcome, now);
    told = let_on(names, now);
  }
  for (const auto& turn : told) turn->told.set();
}

void Throttle::leave(const std::shared_ptr<Turn>& turn, std::string_view login,
                     const net::IpAddress& source, os::Steady now) {
  {
    const std::scoped_lock lock(mutex_);
    const auto left =
        std::erase_if(waiters_, [&](const Waiter& waiter) { return waiter.turn == turn; });
    if (left > 0 || !turn->answer.goes) return;
  }
  end(login, source, Outcome::undone, now);
}

base::Milliseconds Throttle::closed(std::string_view login, const net::IpAddress& source,
                                    os::Steady now) {
  const auto names = names_of(login, source);
  const std::scoped_lock lock(mutex_);
  base::Milliseconds wait{0};
  return look(names, now, wait) == Look::refused ? wait : base::Milliseconds(0);
}

bool Throttle::is_known(std::string_view login, const net::IpAddress& source, os::Steady now) {
  const std::scoped_lock lock(mutex_);
  return known(names_of(login, source), now);
}

std::size_t Throttle::entries() const {
  const std::scoped_lock lock(mutex_);
  return pairs_.size() + sources_.size() + accounts_.size() + good_.size() +
         trying_accounts_.size();
}

std::size_t Throttle::waiting() const {
  const std::scoped_lock lock(mutex_);
  return waiters_.size();
}

}  // namespace letterlock::directory
