// Accounts, in their tenant's scope.
#include <algorithm>

#include "base/pack.h"
#include "directory/asking.h"
#include "directory/checks.h"
#include "directory/entries.h"
#include "directory/openings.h"
#include "directory/operations.h"
#include "directory/record.h"
#include "directory/restores.h"

namespace letterlock::directory {
namespace {

using base::ErrorKind;
using base::fail;
using store::Scope;

constexpr std::size_t salt_octets = 16;

auto known_to_others(const Address& address) {
  return fail(ErrorKind::invalid,
              "plus-only needs a password that nobody else can have: " + address.text() +
                  " has had this one before, and a sign-in may have shown it; choose a new one");
}

void put(store::Transaction& tx, const Account& account) {
  tx.put(keys::account(account.tenant, account.id), encode(account));
}

net::ResultTask<Account> insert_account(store::Transaction& tx, Account account,
                                        std::vector<FormerPassword::Open> open) {
  CO_CHECK(co_await entries::take(tx, account.tenant, account.address,
                                  {Entry::Kind::account, account.id}));
  CO_CHECK(co_await open_again(tx, account, std::move(open), account.created));
  CO_TRY(account.restores, co_await count_restores(tx));
  put(tx, account);
  co_return account;
}

net::ResultTask<> change_addresses(store::Transaction& tx, Account& account,
                                   const AccountChange& change) {
  for (const auto& address : change.remove_addresses) {
    if (!checks::contains(account.more_addresses, address)) {
      co_return fail(ErrorKind::not_found,
                     address.text() + " is no further address of " + account.address.text());
    }
    entries::give_back(tx, account.tenant, address);
  }
  for (const auto& address : change.add_addresses) {
    CO_CHECK(co_await entries::take(tx, account.tenant, address,
                                    {Entry::Kind::more_address, account.id}));
  }
  CO_TRY(account.more_addresses,
         checks::changed(account.more_addresses, change.add_addresses, change.remove_addresses));
  if (account.more_addresses.size() > more_addresses_max) {
    co_return fail(ErrorKind::full, "an account has at most " + std::to_string(more_addresses_max) +
                                        " further addresses: use aliases");
  }
  co_return base::Result<void>();
}

base::Result<> change_certificates(Account& account, const AccountChange& change) {
  auto& keys = account.certificates;
  for (const auto& text : change.remove_certificates) {
    const auto key = TRY(certificate_key(text));
    if (std::erase(keys, key) == 0)
      return fail(ErrorKind::not_found, key + " is no certificate of " + account.address.text());
  }
  for (const auto& text : change.add_certificates) {
    auto key = TRY(certificate_key(text));
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(std::move(key));
  }
  if (keys.size() > certificates_max)
    return fail(ErrorKind::full,
                "an account has at most " + std::to_string(certificates_max) + " certificates");
  return {};
}

// What was asked for, and when; the keys are of a new password.
struct Asked {
  AccountChange change;
  std::optional<sasl::ScramKeys> keys;
  std::optional<sasl::ScramKeys> same_as;  // the keys that the new password fits: it is no new one
  std::vector<FormerPassword::Open> open = {};  // what is open again by the new password
  base::Time now;
};

net::ResultTask<> change_password(store::Transaction& tx, Account& account, const Asked& asked) {
  if (!asked.keys || asked.same_as == account.keys) co_return base::Result<>();
  // Whoever has the former one gets in no more.
  CO_CHECK(co_await close_openings(tx, account, asked.now));
  account.keys = *asked.keys;
  account.password_changed = asked.now;
  CO_TRY(account.restores, co_await count_restores(tx));
  co_return co_await open_again(tx, account, asked.open, asked.now);
}

void change_sending(store::Transaction& tx, Account& account, const Asked& asked) {
  if (!asked.change.sending || *asked.change.sending == account.sending.state) return;
  account.sending = {*asked.change.sending, asked.change.sending_reason, asked.now};
  if (*asked.change.sending == Sending::State::stopped) return;
  account.sending.reason.clear();
  // Otherwise the counts that stopped it would stop it again at once.
  tx.erase(keys::sending(account.tenant, account.id));
}

net::ResultTask<Account> update_account(store::Transaction& tx, base::TenantId tenant,
                                        Address address, Asked asked) {
  CO_TRY(auto account, co_await entries::account_at(tx, tenant, address));
  const auto& change = asked.change;
  CO_CHECK(co_await change_addresses(tx, account, change));
  CO_CHECK(change_certificates(account, change));
  change_sending(tx, account, asked);
  if (change.display_name) account.display_name = *change.display_name;
  if (change.accepts && *change.accepts != account.accepts) {
    // Read outside, the account took plus-only; another change has come between.
    if (*change.accepts == Accepts::plus_only && (!asked.keys || asked.same_as == account.keys))
      co_return fail(ErrorKind::invalid, "plus-only needs a new password (--password)");
    account.accepts = *change.accepts;
    account.accepts_since = asked.now;
  }
  if (change.state) account.state = *change.state;
  if (change.quota_octets) account.quota_octets = *change.quota_octets;
  CO_CHECK(co_await change_password(tx, account, asked));
  put(tx, account);
  co_return account;
}

net::ResultTask<Account> erase_account(store::Transaction& tx, base::TenantId tenant,
                                       Address address, base::Time now) {
  CO_TRY(auto account, co_await entries::account_at(tx, tenant, address));
  CO_CHECK(co_await close_openings(tx, account, now));
  tx.erase(keys::account(tenant, account.id));
  tx.erase(keys::sending(tenant, account.id));
  entries::give_back(tx, tenant, account.address);
  for (const auto& more : account.more_addresses) entries::give_back(tx, tenant, more);
  co_return account;
}

net::ResultTask<> put_site_postmaster(store::Transaction& tx, base::TenantId tenant,
                                      base::AccountId account) {
  tx.put(keys::site_postmaster(), base::Packer(1).id(tenant).id(account).take());
  co_return base::Result<void>();
}

net::ResultTask<std::vector<Account>> page_of_accounts(store::Transaction& tx,
                                                       base::TenantId tenant, base::AccountId after,
                                                       std::size_t count_max) {
  auto range = store::range_of(keys::accounts(tenant));
  if (!after.is_nil()) range.first = keys::account(tenant, after).append(1, '\0');
  CO_TRY(const auto rows, co_await tx.scan(range, {.count_max = std::min(count_max, page_max)}));
  std::vector<Account> accounts;
  for (const auto& row : rows) {
    CO_TRY(auto account, decode_account(row.second));
    accounts.push_back(std::move(account));
  }
  co_return accounts;
}

}  // namespace

Operations::Operations(Environment environment, Options options)
    : environment_(environment), options_(options) {}

net::ResultTask<base::TenantId> Operations::tenant_of(Domain domain) {
  CO_TRY(const auto record, co_await show_domain(domain));
  co_return record.tenant;
}

net::ResultTask<base::TenantId> Operations::tenant_named(std::string name) {
  CO_TRY(const auto tenant, co_await show_tenant(name));
  co_return tenant.id;
}

net::ResultTask<sasl::ScramKeys> Operations::derive(std::string password, base::Bytes salt,
                                                    unsigned rounds) {
  struct Work {
    std::string password;
    base::Bytes salt;
    unsigned rounds = 0;
    sasl::ScramKeys keys;
  };
  auto work = std::make_shared<Work>();
  CO_TRY(work->password, checks::password(password));
  work->salt = std::move(salt);
  work->rounds = rounds;
  CO_CHECK(co_await environment_.workers.run(
      [work] { work->keys = sasl::derive(work->password, work->salt, work->rounds); }));
  co_return work->keys;
}

// Whether keys that may have another salt are the password's.
net::ResultTask<bool> Operations::is_the_same(std::string password, sasl::ScramKeys chosen,
                                              sasl::ScramKeys keys) {
  if (chosen.salt == keys.salt && chosen.rounds == keys.rounds) co_return sasl::fit(chosen, keys);
  CO_TRY(const auto shown, co_await derive(std::move(password), keys.salt, keys.rounds));
  co_return sasl::fit(shown, keys);
}

// All passwords of an address have the salt of its first, so that one that was shown is known again
// for no more work than a check takes. Whoever steals the store guesses at all of them at once, but
// at one address's only; and nobody sees by the salt that a password has changed.
net::ResultTask<Operations::Chosen> Operations::choose(base::TenantId tenant, Address address,
                                                       std::string password,
                                                       std::optional<sasl::ScramKeys> before) {
  CO_TRY(const auto row,
         co_await ask<Openings>(environment_.store, Scope::tenant(tenant),
                                [&](auto& tx) { return openings_row(tx, tenant, address); }));
  auto like = before;
  if (!like && !row.former.empty()) like = row.former.back().keys;
  const bool fits = like && like->rounds == options_.password_rounds;
  const auto salt = fits ? like->salt : environment_.random.octets(salt_octets);
  Chosen chosen;
  CO_TRY(chosen.keys, co_await derive(password, salt, options_.password_rounds));
  if (before) {
    CO_TRY(chosen.is_the_same, co_await is_the_same(password, chosen.keys, *before));
  }
  for (const auto& former : row.former) {
    if (former.open.empty()) continue;
    CO_TRY(const bool same, co_await is_the_same(password, chosen.keys, former.keys));
    if (same) chosen.open.insert(chosen.open.end(), former.open.begin(), former.open.end());
  }
  co_return chosen;
}

net::ResultTask<std::vector<Opening>> Operations::list_openings(base::TenantId tenant,
                                                                Address address) {
  co_return co_await ask<std::vector<Opening>>(
      environment_.store, Scope::tenant(tenant),
      [&](auto& tx) { return openings(tx, tenant, address); });
}

void Operations::report(std::string_view what, std::string_view name, std::string_view change,
                        std::string_view by) {
  environment_.events.emit({base::Severity::info,
                            "directory.changed",
                            {{"what", std::string(what)},
                             {"name", std::string(name)},
                             {"change", std::string(change)},
                             {"by", std::string(by)}}});
}

net::ResultTask<Account> Operations::add_account(NewAccount from, std::string by) {
  CO_CHECK(checks::who(by));
  CO_CHECK(checks::text("a display name", from.display_name));
  Account account;
  CO_TRY(account.tenant, co_await tenant_of(from.address.domain()));
  CO_TRY(const auto chosen, co_await choose(account.tenant, from.address, from.password, {}));
  if (from.accepts == Accepts::plus_only && !chosen.open.empty())
    co_return known_to_others(from.address);
  account.keys = chosen.keys;
  account.id = os::make_id<base::AccountId>(environment_.clock, environment_.random);
  account.address = from.address;
  account.display_name = from.display_name;
  account.accepts = from.accepts;
  account.quota_octets = from.quota_octets;
  account.created = account.password_changed = account.accepts_since = environment_.clock.now();
  CO_TRY(auto added,
         co_await change<Account>(environment_.store, Scope::tenant(account.tenant), [&](auto& tx) {
           return insert_account(tx, account, chosen.open);
         }));
  report("account", added.address.text(), "added", by);
  co_return added;
}

net::ResultTask<Account> Operations::show_account(Address address) {
  CO_TRY(const auto tenant, co_await tenant_of(address.domain()));
  co_return co_await ask<Account>(environment_.store, Scope::tenant(tenant), [&](auto& tx) {
    return entries::account_at(tx, tenant, address);
  });
}

net::ResultTask<std::vector<Account>> Operations::list_accounts(std::string tenant,
                                                                base::AccountId after,
                                                                std::size_t count_max) {
  CO_TRY(const auto id, co_await tenant_named(tenant));
  co_return co_await ask<std::vector<Account>>(
      environment_.store, Scope::tenant(id),
      [&](auto& tx) { return page_of_accounts(tx, id, after, count_max); });
}

net::ResultTask<Account> Operations::set_account(Address address, AccountChange change,
                                                 std::string by) {
  CO_CHECK(checks::who(by));
  if (change.display_name) CO_CHECK(checks::text("a display name", *change.display_name));
  CO_CHECK(checks::text("the reason of a stop", change.sending_reason));
  CO_TRY(const auto before, co_await show_account(address));
  Asked asked{change, std::nullopt, std::nullopt, {}, environment_.clock.now()};
  const bool becomes_bound =
      change.accepts == Accepts::plus_only && before.accepts != Accepts::plus_only;
  if (becomes_bound && !change.password)
    co_return fail(
        ErrorKind::invalid,
        "plus-only needs a new password (--password): whoever was ever given the one that " +
            before.address.text() + " has could go on signing in");
  if (change.password) {
    CO_TRY(auto chosen,
           co_await choose(before.tenant, before.address, *change.password, before.keys));
    if (becomes_bound && chosen.is_the_same)
      co_return fail(ErrorKind::invalid, "plus-only needs another password than the one in use");
    const bool is_bound = change.accepts.value_or(before.accepts) == Accepts::plus_only;
    if (is_bound && !chosen.is_the_same && !chosen.open.empty())
      co_return known_to_others(before.address);
    if (chosen.is_the_same) asked.same_as = before.keys;
    asked.keys = std::move(chosen.keys);
    asked.open = std::move(chosen.open);
  }
  CO_TRY(auto account, co_await directory::change<Account>(
                           environment_.store, Scope::tenant(before.tenant), [&](auto& tx) {
                             return update_account(tx, before.tenant, before.address, asked);
                           }));
  report("account", account.address.text(), "set", by);
  const bool released = before.sending.state == Sending::State::stopped &&
                        account.sending.state == Sending::State::enabled;
  if (released) {
    environment_.events.emit({base::Severity::info,
                              "account.sending_released",
                              {{"account", account.address.text()}, {"by", by}}});
  }
  co_return account;
}

net::ResultTask<Account> Operations::remove_account(Address address, std::string by) {
  CO_CHECK(checks::who(by));
  CO_TRY(const auto tenant, co_await tenant_of(address.domain()));
  const auto now = environment_.clock.now();
  CO_TRY(auto account,
         co_await change<Account>(environment_.store, Scope::tenant(tenant), [&](auto& tx) {
           return erase_account(tx, tenant, address, now);
         }));
  report("account", account.address.text(), "removed", by);
  co_return account;
}

net::ResultTask<> Operations::set_site_postmaster(Address address, std::string by) {
  CO_CHECK(checks::who(by));
  CO_TRY(const auto account, co_await show_account(address));
  CO_CHECK(co_await environment_.store.transact(Scope::site(), [&](auto& tx) {
    return put_site_postmaster(tx, account.tenant, account.id);
  }));
  report("site postmaster", account.address.text(), "set", by);
  co_return base::Result<void>();
}

}  // namespace letterlock::directory
