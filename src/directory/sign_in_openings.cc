// What a sign-in shows to others than its owner is written down before the session goes on.
#include <algorithm>

#include "base/bytes.h"
#include "directory/asking.h"
#include "directory/directory.h"
#include "directory/openings.h"

namespace letterlock::directory {
namespace {

using base::ErrorKind;

// Of the bell that tells of sign-ins to write: a turn that nothing was rung for does nothing.
constexpr base::Milliseconds look_again = std::chrono::hours(1);
// More than any node has sessions that were told to come later.
constexpr std::size_t unwritten_max = 100'000;

std::string memo_key(const SignInFact& fact, Opening::How how) {
  return std::string(fact.tenant.octets())
      .append(fact.address.key())
      .append(1, '/')
      .append(name(how));
}

// So is one whose password became another one since it was read: of the former nothing is known
// now.
net::ResultTask<bool> is_open_in(store::Transaction& tx, Account account) {
  CO_TRY(const auto now, co_await find_account(tx, account.tenant, account.id));
  if (!now || now->keys != account.keys || !accepts_only_bound(*now)) co_return true;
  CO_TRY(const auto known, co_await openings(tx, account.tenant, account.address));
  co_return is_any_open(known);
}

}  // namespace

// Whether all of it was written lately, for the same password and at least as wide a network.
bool Directory::is_recorded(const SignInFact& fact) {
  const auto now = environment_.clock.steady();
  const std::scoped_lock lock(recorded_mutex_);
  return std::ranges::all_of(fact.hows, [&](Opening::How how) {
    const auto* last = recorded_.find(memo_key(fact, how));
    return last != nullptr && last->stored_key == fact.keys.stored_key &&
           last->network >= fact.network && now - last->when < opening_written_again;
  });
}

net::ResultTask<> Directory::record_opening(SignInFact fact, Asker asker) {
  if (fact.hows.empty() || (fact.was_right && is_recorded(fact))) co_return base::Result<>();
  CO_TRY(const auto first, co_await change<std::vector<Opening::How>>(
                               environment_.store, store::Scope::tenant(fact.tenant),
                               [&](auto& tx) { return record(tx, fact); }));
  if (fact.was_right) {
    const auto now = environment_.clock.steady();
    const std::scoped_lock lock(recorded_mutex_);
    for (const auto how : fact.hows)
      recorded_.get(memo_key(fact, how)) = {fact.keys.stored_key, fact.network, now};
  }
  for (const auto how : first) {
    const bool heard = how == Opening::How::in_clear;
    environment_.events.emit({heard ? base::Severity::warning : base::Severity::info,
                              "account.opened",
                              {{"account", fact.address.text()},
                               {"tenant", co_await tenant_name(fact.tenant)},
                               {"how", std::string(name(how))},
                               {"network", std::string(hop::name(fact.network))},
                               {"agent", asker.agent},
                               {"peer", asker.address.text()}}});
  }
  co_return base::Result<>();
}

SignInFact Directory::fact_of(const Account& account, Shown shown, const Asker& asker) const {
  return {account.tenant,
          account.id,
          account.address,
          account.keys,
          opened_by(asker.road, shown),
          asker.road.network,
          environment_.clock.now()};
}

// A password that came while none is looked at was shown all the same, and may be the right one.
// Nobody may learn by this whether it is: so no memory is asked, the work is always done, and what
// is found is written by somebody else, later.
net::ResultTask<> Directory::look_unseen(Credentials found, std::string password, Asker asker) {
  const auto& owner = found.account ? found.account : found.further;
  const auto place = co_await unseen_.enter();
  if (!place && place.error().kind == ErrorKind::cancelled) co_return base::fail(place.error());
  struct Work {
    std::string password;
    sasl::ScramKeys like;
    std::optional<sasl::ScramKeys> shown;
  };
  auto work = std::make_shared<Work>(
      Work{std::move(password), owner ? owner->keys : found.keys, std::nullopt});
  if (place && work->password.size() <= sasl::password_octets_max) {
    (void)co_await environment_.workers.run(
        [work] { work->shown = sasl::keys_shown(work->password, work->like); });
  }
  if (work->shown) note_wrong(found, *work->shown, asker);
  // Until it is known that it isn't it counts as the right one.
  else if (owner)
    leave_to_write(*owner, std::move(asker));
  co_return base::Result<>();
}

// One that nobody was let in by: the account's all the same, a former one of it, or neither. Which
// of them is found out by whoever writes it, for the cost of a read: all have one salt.
void Directory::note_wrong(const Credentials& found, sasl::ScramKeys shown, const Asker& asker) {
  const auto& owner = found.account ? found.account : found.further;
  if (!owner) return;
  auto fact = fact_of(*owner, Shown::password, asker);
  fact.was_right = sasl::fit(shown, owner->keys);
  fact.keys = std::move(shown);
  leave_to_write(std::move(fact), asker);
}

void Directory::leave_to_write(const Account& account, Asker asker) {
  leave_to_write(fact_of(account, Shown::password, asker), std::move(asker));
}

void Directory::leave_to_write(SignInFact fact, Asker asker) {
  {
    const std::scoped_lock lock(recorded_mutex_);
    // Guesses leave room for what is certain.
    const auto room = fact.was_right ? unwritten_max : unwritten_max / 2;
    if (unwritten_.size() < room) unwritten_.emplace_back(std::move(fact), std::move(asker));
  }
  unwritten_bell_.ring();
}

net::ResultTask<bool> Directory::password_is_bound(Account account) {
  if (!accepts_only_bound(account) || is_unwritten(account)) co_return false;
  CO_TRY(const bool is_open,
         co_await ask<bool>(environment_.store, store::Scope::tenant(account.tenant),
                            [&](auto& tx) { return is_open_in(tx, account); }));
  co_return !is_open;
}

bool Directory::is_unwritten(const Account& account) {
  const std::scoped_lock lock(recorded_mutex_);
  return std::ranges::any_of(unwritten_, [&](const auto& one) {
    return one.first.was_right && one.first.tenant == account.tenant &&
           one.first.account == account.id;
  });
}

net::ResultTask<> Directory::write_openings() {
  while (true) {
    std::optional<std::pair<SignInFact, Asker>> next;
    {
      const std::scoped_lock lock(recorded_mutex_);
      if (unwritten_.empty()) co_return base::Result<>();
      next = unwritten_.front();
    }
    CO_CHECK(co_await record_opening(next->first, next->second));
    const std::scoped_lock lock(recorded_mutex_);
    unwritten_.pop_front();
  }
}

net::Task<> Directory::keep_openings() {
  constexpr base::Milliseconds after_failure = std::chrono::seconds(10);
  while (true) {
    const auto written = co_await write_openings();
    if (!written && written.error().kind == ErrorKind::cancelled) co_return;
    if (!written) {
      environment_.events.emit({base::Severity::error,
                                "directory.failed",
                                {{"agent", "directory"},
                                 {"doing", "recording a sign-in"},
                                 {"reason", written.error().what}}});
      if (!co_await environment_.timers.sleep(after_failure)) co_return;
      continue;
    }
    if (!co_await unwritten_bell_.wait(environment_.timers, look_again)) co_return;
  }
}

}  // namespace letterlock::directory
