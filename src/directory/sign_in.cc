// Who signs in. A name that isn't there takes the same steps as one that is, and leads to keys that
// look like any other's.
#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "directory/asking.h"
#include "directory/directory.h"
#include "directory/record.h"

namespace letterlock::directory {
namespace {

using store::Scope;
using Why = SignInRefused::Why;

constexpr std::size_t secret_octets = 32;
constexpr std::size_t name_digest_octets = 4;  // in the log

net::ResultTask<base::Bytes> find_or_make_secret(store::Transaction& tx, base::Bytes fresh) {
  CO_TRY(const auto there, co_await tx.get(keys::secret()));
  if (there && there->size() != secret_octets) {
    co_return base::fail(base::ErrorKind::corrupt, "the site's secret has another length");
  }
  if (there) co_return *there;
  tx.put(keys::secret(), fresh);
  co_return fresh;
}

// One name for all the ways to write it ("alice"@…, upper case, an IDN's two forms), so that a
// guesser doesn't get tries anew for each, and can't tell by them whether there is such a name.
std::string one_name(std::string_view login) {
  const auto address = Address::parse(login);
  return base::to_lower(address ? address->text() : login);
}

// What is looked up for a name that is no address, and thrown away.
Address nobody() {
  auto domain = Domain::parse("login.invalid");
  return Address::make("nobody", std::move(domain).value()).value();
}

}  // namespace

std::string_view name(SignInRefused::Why why) {
  switch (why) {
    case Why::credentials:
      return "credentials";
    case Why::suspended:
      return "suspended";
    case Why::needs_plus:
      return "needs_plus";
    case Why::throttled:
      return "throttled";
  }
  return "";
}

net::ResultTask<base::Bytes> Directory::secret() {
  {
    const std::scoped_lock lock(secret_mutex_);
    if (!secret_.empty()) co_return secret_;
  }
  const auto fresh = environment_.random.octets(secret_octets);
  CO_TRY(auto found, co_await change<base::Bytes>(environment_.store, Scope::site(), [&](auto& tx) {
           return find_or_make_secret(tx, fresh);
         }));
  const std::scoped_lock lock(secret_mutex_);
  secret_ = found;
  co_return found;
}

// Two reads, whoever is asked for; of a name with a "+" three.
net::ResultTask<Directory::Login> Directory::find_login(store::Transaction& tx,
                                                        base::TenantId tenant, Address address) {
  CO_TRY(auto entry, co_await find_entry(tx, tenant, address));
  bool is_further = entry && entry->kind == Entry::Kind::more_address;
  if (const auto split = split_detail(address)) {
    CO_TRY(const auto user, co_await find_entry(tx, tenant, split->address));
    is_further = is_further || !entry;
    if (!entry) entry = user;
  }
  CO_TRY(auto account,
         co_await find_account(tx, tenant, entry ? entry->account : base::AccountId()));
  if (!entry || !account) co_return Login();
  co_return Login{std::move(account), is_further};
}

net::ResultTask<Directory::Login> Directory::account_of(Address login) {
  CO_TRY(const auto tenant, co_await is_ours(login.domain()));
  const auto scope_of = tenant.value_or(base::TenantId());
  co_return co_await ask<Login>(environment_.store, Scope::tenant(scope_of),
                                [&](auto& tx) { return find_login(tx, scope_of, login); });
}

net::ResultTask<std::optional<Account>> Directory::certificate_owner(
    std::string key, std::vector<std::string> addresses) {
  if (key.empty()) co_return std::nullopt;
  for (const auto& text : addresses) {
    const auto address = Address::parse(text);
    if (!address) continue;
    CO_TRY(auto login, co_await account_of(*address));
    auto& account = login.account;
    if (!account || login.is_further) continue;
    if (std::ranges::find(account->certificates, key) != account->certificates.end())
      co_return std::move(account);
  }
  co_return std::nullopt;
}

std::string Directory::told_of(std::string_view login, const std::optional<Account>& account,
                               std::optional<Domain> our_domain) const {
  if (account) return account->address.text();
  const auto digest =
      base::to_hex(base::hmac_sha256(names_key_, one_name(login)).substr(0, name_digest_octets));
  if (our_domain) return fmt::format("(no account at {}) #{}", our_domain->text(), digest);
  return fmt::format("(not an account) #{}", digest);
}

net::ResultTask<Credentials> Directory::credentials(std::string login) {
  CO_TRY(const auto site_secret, co_await secret());
  auto parsed = login.size() <= sasl::user_octets_max ? Address::parse(login) : nobody();
  const auto address = parsed ? *parsed : nobody();
  CO_TRY(const auto tenant, co_await is_ours(address.domain()));
  CO_TRY(auto found, co_await account_of(address));
  std::optional<Account> account;
  std::optional<Account> further;
  if (parsed) (found.is_further ? further : account) = std::move(found.account);
  std::optional<Domain> our_domain;
  if (tenant) our_domain = address.domain();
  auto told = told_of(login, account, std::move(our_domain));
  auto fake = sasl::fake_keys(site_secret, one_name(login), options_.password_rounds);
  if (!account)
    co_return Credentials{std::move(fake), std::nullopt, std::move(further), std::move(told)};
  auto keys = account->keys;
  co_return Credentials{std::move(keys), std::move(account), std::nullopt, std::move(told)};
}

net::ResultTask<sasl::ScramKeys> Directory::keys_shown(std::string password, sasl::ScramKeys keys,
                                                       From from) {
  if (right_passwords_.has(keys, password, environment_.clock.steady())) co_return keys;
  CO_TRY(const auto place, co_await (from == From::elsewhere ? strangers_ : owners_).enter());
  // While this one waited the same password may have been checked for another session.
  if (right_passwords_.has(keys, password, environment_.clock.steady())) co_return keys;
  // Shared with the worker: a cancelled task leaves it nothing that hangs in the air.
  struct Work {
    std::string password;
    sasl::ScramKeys like;
    sasl::ScramKeys shown;
  };
  auto work = std::make_shared<Work>(Work{password, keys, {}});
  CO_CHECK(co_await environment_.workers.run(
      [work] { work->shown = sasl::keys_shown(work->password, work->like); }));
  if (sasl::fit(work->shown, keys))
    right_passwords_.add(keys, password, environment_.clock.steady());
  co_return work->shown;
}

// One attempt as the throttle counts it: undone unless it is said how it ended.
class Directory::Attempt {
 public:
  Attempt(Directory& directory, std::string_view login, net::IpAddress source)
      : directory_(directory), login_(one_name(login)), source_(source) {}
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() { end(Throttle::Outcome::undone); }

  // True when it is this attempt's turn; false if it isn't looked at, and for how long none is.
  // Errors: cancelled.
  net::ResultTask<bool> may_go() {
    const auto asked = directory_.throttle_.begin(login_, source_, now());
    if (const auto* answer = std::get_if<Throttle::Answer>(&asked)) {
      answer_ = *answer;
    } else {
      const auto& turn = std::get<std::shared_ptr<Throttle::Turn>>(asked);
      const auto waited = co_await turn->told.wait();
      if (!waited) {
        directory_.throttle_.leave(turn, login_, source_, now());
        co_return base::fail(waited.error());
      }
      answer_ = turn->answer;
    }
    began_ = answer_.goes;
    if (answer_.goes && answer_.wait > base::Milliseconds(0)) {
      CO_CHECK(co_await directory_.environment_.timers.sleep(answer_.wait));
    }
    co_return answer_.goes;
  }
  base::Milliseconds retry_after() const { return answer_.wait; }
  void end(Throttle::Outcome outcome) {
    if (std::exchange(began_, false)) directory_.throttle_.end(login_, source_, outcome, now());
  }

 private:
  os::Steady now() const { return directory_.environment_.clock.steady(); }

  Directory& directory_;
  std::string login_;
  net::IpAddress source_;
  Throttle::Answer answer_;
  bool began_ = false;
};

net::ResultTask<SignIn> Directory::check_password(std::string login, std::string password,
                                                  Asker asker) {
  const auto from = throttle_.is_known(one_name(login), asker.address, environment_.clock.steady())
                        ? From::known_place
                        : From::elsewhere;
  CO_TRY(auto found, co_await credentials(login));
  Attempt attempt(*this, login, asker.address);
  CO_TRY(const bool goes, co_await attempt.may_go());
  if (!goes) {
    tell("sign_in.throttled", base::Severity::warning, asker, found.told, name(Why::throttled));
    CO_CHECK(co_await look_unseen(std::move(found), std::move(password), std::move(asker)));
    co_return SignInRefused{Why::throttled, attempt.retry_after()};
  }
  const bool too_long =
      login.size() > sasl::user_octets_max || password.size() > sasl::password_octets_max;
  bool fits = false;
  if (!too_long) {
    const auto& owner = found.account ? found.account : found.further;
    const auto& keys = owner ? owner->keys : found.keys;
    const auto shown = co_await keys_shown(password, keys, from);
    // It was shown, and nobody knows whether it is the right one.
    if (!shown && owner) leave_to_write(*owner, asker);
    CO_CHECK(shown);
    fits = found.account && sasl::fit(*shown, keys);
    if (!fits) note_wrong(found, *shown, asker);
  }
  const auto refuse = [&](Why why) {
    tell("sign_in.failed", base::Severity::info, asker, found.told, name(why));
    return SignInRefused{why};
  };
  if (!fits) {
    // The same wrong password again is no new guess.
    const auto now = environment_.clock.steady();
    if (!wrong_passwords_.has(found.keys, password, now)) attempt.end(Throttle::Outcome::failed);
    wrong_passwords_.add(found.keys, password, now);
    co_return refuse(Why::credentials);
  }
  attempt.end(Throttle::Outcome::succeeded);
  const auto recorded =
      co_await record_opening(fact_of(*found.account, Shown::password, asker), asker);
  // Nobody goes on by it, but it was shown.
  if (!recorded) leave_to_write(*found.account, asker);
  CO_CHECK(recorded);
  if (found.account->state == Account::State::suspended) co_return refuse(Why::suspended);
  if (found.account->accepts == Accepts::plus_only) co_return refuse(Why::needs_plus);
  co_return std::move(*found.account);
}

net::ResultTask<> Directory::count_proof(Proof proof, Asker asker) {
  Attempt attempt(*this, proof.login, asker.address);
  CO_TRY(const bool goes, co_await attempt.may_go());
  if (!goes) {
    tell("sign_in.throttled", base::Severity::warning, asker, proof.told, name(Why::throttled));
    co_return base::fail(base::ErrorKind::unavailable, "too many failed sign-ins");
  }
  attempt.end(proof.fits ? Throttle::Outcome::succeeded : Throttle::Outcome::failed);
  const bool is_let_in = proof.fits && proof.account &&
                         standing(*proof.account, proof.mechanism) == sasl::Standing::welcome;
  if (!is_let_in) co_return base::Result<>();
  // Whoever else has the password can stand between, and be bound to both channels.
  if (proof.mechanism == sasl::Mechanism::scram_sha_256_plus) {
    CO_TRY(const bool is_bound, co_await password_is_bound(*proof.account));
    if (is_bound) co_return base::Result<>();
  }
  co_return co_await record_opening(fact_of(*proof.account, Shown::session, asker), asker);
}

net::ResultTask<> Directory::note_shown(std::string login, std::string password, Asker asker) {
  CO_TRY(auto found, co_await credentials(std::move(login)));
  co_return co_await look_unseen(std::move(found), std::move(password), std::move(asker));
}

bool Directory::is_closed(std::string_view login, std::string_view told, const Asker& asker) {
  const auto wait = throttle_.closed(one_name(login), asker.address, environment_.clock.steady());
  if (wait == base::Milliseconds(0)) return false;
  tell("sign_in.throttled", base::Severity::warning, asker, told, name(Why::throttled));
  return true;
}

void Directory::tell(std::string_view event, base::Severity severity, const Asker& asker,
                     std::string_view told, std::string_view reason) {
  environment_.events.emit({severity,
                            event,
                            {{"agent", asker.agent},
                             {"peer", asker.address.text()},
                             {"login", std::string(told)},
                             {"reason", std::string(reason)}}});
}

base::Event exchange_failed(const Asker& asker, std::string_view told, sasl::Mechanism mechanism,
                            const sasl::Failure& failure) {
  const bool elsewhere = failure.reason == sasl::Failure::Reason::channel_binding;
  return {elsewhere ? base::Severity::warning : base::Severity::info,
          "sign_in.exchange_failed",
          {{"agent", asker.agent},
           {"peer", asker.address.text()},
           {"login", std::string(told)},
           {"mechanism", std::string(sasl::name(mechanism))},
           {"reason", failure.detail}}};
}

sasl::Standing Directory::standing(const Account& account, sasl::Mechanism mechanism) {
  if (account.state != Account::State::active) return sasl::Standing::refused;
  const bool weak =
      mechanism == sasl::Mechanism::plain || mechanism == sasl::Mechanism::scram_sha_256;
  return account.accepts == Accepts::plus_only && weak ? sasl::Standing::refused
                                                       : sasl::Standing::welcome;
}

}  // namespace letterlock::directory
