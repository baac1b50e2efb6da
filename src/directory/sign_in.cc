// Who signs in. A name that isn't there takes the same steps as one that is, and leads to keys that
// look like any other's.
#include <fmt/format.h>

#include "base/bytes.h"
#include "directory/asking.h"
#include "directory/directory.h"
#include "directory/record.h"

namespace letterlock::directory {
namespace {

using store::Scope;
using Why = SignInRefused::Why;

constexpr std::size_t secret_octets = 32;
// Of the passwords that wait for a worker, so many may be strangers': who signs in from where he is
// known always finds room, and waits for no more than these.
constexpr std::size_t strangers_max = 64;

// Counts one more while it lives.
class Turn {
 public:
  Turn(std::atomic<std::size_t>& count, bool counts) : count_(count), counts_(counts) {
    if (counts_) ++count_;
  }
  ~Turn() {
    if (counts_) --count_;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::atomic<std::size_t>& count_;
  bool counts_;
};

net::ResultTask<base::Bytes> find_or_make_secret(store::Transaction& tx, base::Bytes fresh) {
  CO_TRY(const auto there, co_await tx.get(keys::secret()));
  if (there && there->size() != secret_octets) {
    co_return base::fail(base::ErrorKind::corrupt, "the site's secret has another length");
  }
  if (there) co_return *there;
  tx.put(keys::secret(), fresh);
  co_return fresh;
}

// Two reads, whoever is asked for.
net::ResultTask<std::optional<Account>> find_login(store::Transaction& tx, base::TenantId tenant,
                                                   Address address) {
  CO_TRY(const auto entry, co_await find_entry(tx, tenant, address));
  CO_TRY(auto account,
         co_await find_account(tx, tenant, entry ? entry->account : base::AccountId()));
  if (!entry || entry->kind != Entry::Kind::account) co_return std::nullopt;
  co_return account;
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

net::ResultTask<Credentials> Directory::credentials(std::string login) {
  CO_TRY(const auto site_secret, co_await secret());
  auto parsed = Address::parse(login);
  const auto address = parsed ? *parsed : nobody();
  CO_TRY(const auto tenant, co_await is_ours(address.domain()));
  const auto scope_of = tenant.value_or(base::TenantId());
  CO_TRY(auto account, co_await ask<std::optional<Account>>(
                           environment_.store, Scope::tenant(scope_of),
                           [&](auto& tx) { return find_login(tx, scope_of, address); }));
  auto fake = sasl::fake_keys(site_secret, one_name(login), options_.password_rounds);
  if (!parsed || !account) co_return Credentials{std::move(fake), std::nullopt};
  auto keys = account->keys;
  co_return Credentials{std::move(keys), std::move(account)};
}

net::ResultTask<bool> Directory::password_fits(std::string password, sasl::ScramKeys keys,
                                               From from) {
  if (recent_passwords_.has(keys, password, environment_.clock.steady())) co_return true;
  const Turn turn(strangers_, from == From::elsewhere);
  if (from == From::elsewhere && strangers_ > strangers_max)
    co_return base::fail(base::ErrorKind::full, "too many sign-ins at once");
  // Shared with the worker: a cancelled task leaves it nothing that hangs in the air.
  struct Work {
    std::string password;
    sasl::ScramKeys keys;
    bool fits = false;
  };
  auto work = std::make_shared<Work>(Work{password, keys});
  CO_CHECK(co_await environment_.workers.run(
      [work] { work->fits = sasl::password_matches(work->password, work->keys); }));
  if (work->fits) recent_passwords_.add(keys, password, environment_.clock.steady());
  co_return work->fits;
}

net::ResultTask<SignIn> Directory::check_password(std::string login, std::string password,
                                                  net::IpAddress source) {
  // Before this attempt counts.
  const auto from = throttle_.is_known(one_name(login), source, environment_.clock.steady())
                        ? From::known_place
                        : From::elsewhere;
  const auto wait = begin_sign_in(login, source);
  if (wait > base::Milliseconds(0)) co_return SignInRefused{Why::throttled, wait};
  if (login.size() > sasl::user_octets_max || password.size() > sasl::password_octets_max) {
    note_sign_in(login, source, Attempt::failed);
    co_return SignInRefused{Why::credentials};
  }
  auto credentials_found = co_await credentials(login);
  if (!credentials_found) note_sign_in(login, source, Attempt::undone);
  CO_TRY(auto found, std::move(credentials_found));
  const auto checked = co_await password_fits(password, found.keys, from);
  if (!checked) note_sign_in(login, source, Attempt::undone);
  CO_TRY(const auto fits, checked);
  if (!fits || !found.account) {
    note_sign_in(login, source, Attempt::failed);
    co_return SignInRefused{Why::credentials};
  }
  note_sign_in(login, source, Attempt::succeeded);
  if (found.account->state == Account::State::suspended) co_return SignInRefused{Why::suspended};
  if (found.account->accepts == Accepts::plus_only) co_return SignInRefused{Why::needs_plus};
  co_return std::move(*found.account);
}

base::Event exchange_failed(std::string_view agent, const net::IpAddress& peer,
                            std::string_view login, sasl::Mechanism mechanism,
                            const sasl::Failure& failure) {
  const bool elsewhere = failure.reason == sasl::Failure::Reason::channel_binding;
  return {elsewhere ? base::Severity::warning : base::Severity::info,
          "sign_in.exchange_failed",
          {{"agent", std::string(agent)},
           {"peer", peer.text()},
           {"login", std::string(login.substr(0, text_octets_max))},
           {"mechanism", std::string(sasl::name(mechanism))},
           {"reason", failure.detail}}};
}

base::Milliseconds Directory::begin_sign_in(std::string_view login, const net::IpAddress& source) {
  return throttle_.begin(one_name(login), source, environment_.clock.steady());
}

void Directory::note_sign_in(std::string_view login, const net::IpAddress& source,
                             Attempt attempt) {
  const auto now = environment_.clock.steady();
  if (attempt == Attempt::succeeded) return throttle_.succeeded(one_name(login), source, now);
  if (attempt == Attempt::undone) return throttle_.take_back(one_name(login), source);
  environment_.events.emit({base::Severity::info,
                            "sign_in.failed",
                            {{"login", std::string(login.substr(0, text_octets_max))},
                             {"source", source.text()},
                             {"reason", std::string(name(Why::credentials))}}});
}

sasl::Standing Directory::standing(const Account& account, sasl::Mechanism mechanism) {
  if (account.state != Account::State::active) return sasl::Standing::refused;
  const bool weak = mechanism != sasl::Mechanism::scram_sha_256_plus;
  return account.accepts == Accepts::plus_only && weak ? sasl::Standing::refused
                                                       : sasl::Standing::welcome;
}

}  // namespace letterlock::directory
