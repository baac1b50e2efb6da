// Domains, addresses, accounts: what the agents ask while they talk to a peer.
#include "directory/directory.h"

#include "base/bytes.h"
#include "base/pack.h"
#include "directory/asking.h"
#include "directory/record.h"

namespace letterlock::directory {
namespace {

constexpr std::size_t tenant_names_max = 10'000;
constexpr std::size_t remembered_max = 10'000;
// Of the passwords that wait for a worker, so many may be strangers': whoever signs in where he is
// known waits for no more than these.
constexpr std::size_t strangers_at_once = 64;
constexpr std::size_t owners_at_once = 256;
constexpr std::size_t sign_ins_waiting_max = 2048;  // of each kind
constexpr std::size_t unseen_waiting_max = 4096;
constexpr std::size_t recorded_max = 20'000;  // kinds of sign-ins of accounts

using store::Scope;

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

net::ResultTask<Resolution> resolve_in_tenant(store::Transaction& tx, Address address) {
  CO_TRY(const auto domain, co_await find_domain(tx, address.domain()));
  if (!domain) co_return NotOurs();
  CO_TRY(auto tenant, co_await find_tenant(tx, domain->tenant));
  if (!tenant)
    co_return base::fail(base::ErrorKind::corrupt,
                         "domain " + domain->domain.text() + " has no tenant");
  co_return co_await resolve_within(tx, std::move(*tenant), address);
}

struct SitePostmaster {
  base::TenantId tenant;
  base::AccountId account;
};
net::ResultTask<std::optional<SitePostmaster>> find_site_postmaster(store::Transaction& tx) {
  CO_TRY(const auto octets, co_await tx.get(keys::site_postmaster()));
  if (!octets) co_return std::nullopt;
  base::Unpacker in("site postmaster", *octets);
  SitePostmaster found;
  found.tenant = in.id<base::TenantId>();
  found.account = in.id<base::AccountId>();
  CO_CHECK(in.done(1));
  co_return found;
}

Taker taker_of(const Resolution& resolution) {
  using Kind = Taker::Kind;
  return std::visit(
      Overloaded{[](const ToMailbox& to) {
                   return Taker{Kind::here, to.account.tenant, to.account.id,
                                to.account.quota_octets};
                 },
                 [](const ToTargets& to) { return Taker{Kind::here, to.alias.tenant, {}}; },
                 [](const ToMembers& to) { return Taker{Kind::here, to.group.tenant, {}}; },
                 [](const UnknownUser& of) { return Taker{Kind::unknown_user, of.tenant, {}}; },
                 [](const Suspended& to) { return Taker{Kind::suspended, to.account.tenant, {}}; },
                 [](const NotOurs&) { return Taker(); }},
      resolution);
}

// The account as it stands, not as the session has it: the answer is remembered.
net::ResultTask<bool> may_send_as_now(store::Transaction& tx, base::TenantId tenant,
                                      base::AccountId id, Address address) {
  CO_TRY(auto account, co_await find_account(tx, tenant, id));
  if (!account) co_return false;
  co_return co_await may_send_as(tx, std::move(*account), std::move(address));
}

net::ResultTask<bool> stop_account(store::Transaction& tx, base::TenantId tenant,
                                   base::AccountId id, std::string reason, base::Time now,
                                   Account& stopped) {
  CO_TRY(auto account, co_await find_account(tx, tenant, id));
  if (!account) co_return base::fail(base::ErrorKind::not_found, "no account " + id.text());
  if (account->sending.state == Sending::State::stopped) co_return false;
  account->sending = {Sending::State::stopped, reason, now};
  tx.put(keys::account(tenant, id), encode(*account));
  stopped = std::move(*account);
  co_return true;
}

}  // namespace

Directory::Directory(Environment environment, Options options)
    : environment_(environment),
      options_(options),
      names_key_(environment.random.octets(32)),
      right_passwords_(environment.random, password_kept),
      wrong_passwords_(environment.random, wrong_password_kept),
      strangers_(strangers_at_once, sign_ins_waiting_max),
      owners_(owners_at_once, sign_ins_waiting_max),
      unseen_(1, unseen_waiting_max),
      recorded_(recorded_max),
      changes_(environment.store.watch(keys::is_of_directory)),
      takers_(changes_, remembered_max),
      tenants_(changes_, remembered_max),
      accounts_(changes_, remembered_max),
      senders_(changes_, remembered_max) {}

net::ResultTask<std::optional<base::TenantId>> Directory::is_ours(Domain domain) {
  CO_TRY(const auto found,
         co_await ask<std::optional<DomainRecord>>(
             environment_.store, Scope::site(), [&](auto& tx) { return find_domain(tx, domain); }));
  if (!found) co_return std::nullopt;
  co_return found->tenant;
}

net::ResultTask<std::optional<Tenant>> Directory::tenant(base::TenantId id) {
  auto known = tenants_.find(id.octets());
  if (known.value) co_return std::move(known.value);
  CO_TRY(auto found,
         co_await ask<std::optional<Tenant>>(environment_.store, Scope::site(),
                                             [&](auto& tx) { return find_tenant(tx, id); }));
  if (found) tenants_.keep(id.octets(), *found, known.asked);
  co_return found;
}

net::Task<std::string> Directory::tenant_name(base::TenantId id) {
  {
    const std::scoped_lock lock(names_mutex_);
    if (const auto known = names_.find(id); known != names_.end()) co_return known->second;
  }
  const auto found = co_await tenant(id);
  if (!found || !*found) co_return id.text();
  const std::scoped_lock lock(names_mutex_);
  if (names_.size() >= tenant_names_max) names_.clear();
  names_[id] = (*found)->name;
  co_return (*found)->name;
}

net::ResultTask<std::optional<Account>> Directory::account(base::TenantId tenant,
                                                           base::AccountId id) {
  const auto key = std::string(tenant.octets()).append(id.octets());
  auto known = accounts_.find(key);
  if (known.value) co_return std::move(known.value);
  CO_TRY(auto found, co_await ask<std::optional<Account>>(
                         environment_.store, Scope::tenant(tenant),
                         [&](auto& tx) { return find_account(tx, tenant, id); }));
  if (found) accounts_.keep(key, *found, known.asked);
  co_return found;
}

net::ResultTask<Resolution> Directory::resolve(Address address) {
  CO_TRY(const auto tenant, co_await is_ours(address.domain()));
  if (!tenant) co_return NotOurs();
  CO_TRY(auto resolution,
         co_await ask<Resolution>(environment_.store, Scope::tenant(*tenant),
                                  [&](auto& tx) { return resolve_in_tenant(tx, address); }));
  // RFC 5321 §4.5.1: postmaster leads to somebody, whatever the tenant has set up.
  const bool nobody = std::holds_alternative<UnknownUser>(resolution);
  if (!nobody || !is_required_role(address)) co_return resolution;
  CO_TRY(auto postmaster, co_await site_postmaster());
  if (postmaster) co_return ToMailbox{std::move(*postmaster), ""};
  co_return resolution;
}

net::ResultTask<Taker> Directory::taker(Address address) {
  const auto key = address.key();
  const auto known = takers_.find(key);
  if (known.value) co_return *known.value;
  CO_TRY(const auto resolution, co_await resolve(std::move(address)));
  const auto taker = taker_of(resolution);
  if (taker.kind == Taker::Kind::here) takers_.keep(key, taker, known.asked);
  co_return taker;
}

net::ResultTask<std::optional<Account>> Directory::site_postmaster() {
  CO_TRY(const auto found,
         co_await ask<std::optional<SitePostmaster>>(
             environment_.store, Scope::site(), [](auto& tx) { return find_site_postmaster(tx); }));
  if (!found) co_return std::nullopt;
  CO_TRY(auto account, co_await this->account(found->tenant, found->account));
  if (account && account->state != Account::State::active) account.reset();
  co_return account;
}

net::ResultTask<bool> Directory::may_send_as(Account account, Address address) {
  const auto key = std::string(account.id.octets()).append(address.key());
  const auto known = senders_.find(key);
  if (known.value) co_return *known.value;
  CO_TRY(const auto tenant, co_await is_ours(address.domain()));
  if (!tenant || *tenant != account.tenant) co_return false;
  CO_TRY(const bool may,
         co_await ask<bool>(environment_.store, Scope::tenant(account.tenant), [&](auto& tx) {
           return may_send_as_now(tx, account.tenant, account.id, address);
         }));
  if (may) senders_.keep(key, may, known.asked);
  co_return may;
}

net::ResultTask<> Directory::stop_sending(base::TenantId tenant, base::AccountId account,
                                          std::string reason) {
  const auto now = environment_.clock.now();
  Account stopped;
  CO_TRY(const auto stopped_now,
         co_await change<bool>(environment_.store, Scope::tenant(tenant), [&](auto& tx) {
           return stop_account(tx, tenant, account, reason, now, stopped);
         }));
  if (stopped_now) report_stopped(stopped, reason);
  co_return base::Result<void>();
}

void Directory::report_stopped(const Account& account, std::string_view reason) {
  environment_.events.emit({base::Severity::warning,
                            "account.sending_stopped",
                            {{"account", account.address.text()},
                             {"tenant", account.tenant.text()},
                             {"reason", std::string(reason)}}});
}

}  // namespace letterlock::directory
