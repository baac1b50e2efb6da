// Domains, addresses, accounts: what the agents ask while they talk to a peer.
#include "directory/directory.h"

#include "base/bytes.h"
#include "base/pack.h"
#include "directory/asking.h"
#include "directory/record.h"

namespace letterlock::directory {
namespace {

constexpr std::size_t tenant_names_max = 10'000;
constexpr std::size_t takers_max = 10'000;

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
      Overloaded{[](const ToMailbox& to) { return Taker{Kind::here, to.account.tenant}; },
                 [](const ToTargets& to) { return Taker{Kind::here, to.alias.tenant}; },
                 [](const ToMembers& to) { return Taker{Kind::here, to.group.tenant}; },
                 [](const UnknownUser& of) { return Taker{Kind::unknown_user, of.tenant}; },
                 [](const Suspended& to) { return Taker{Kind::suspended, to.account.tenant}; },
                 [](const NotOurs&) { return Taker(); }},
      resolution);
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
      recent_passwords_(environment.random),
      changes_(environment.store.watch(keys::decides_where_mail_goes)),
      takers_(takers_max) {}

net::ResultTask<std::optional<base::TenantId>> Directory::is_ours(Domain domain) {
  CO_TRY(const auto found,
         co_await ask<std::optional<DomainRecord>>(
             environment_.store, Scope::site(), [&](auto& tx) { return find_domain(tx, domain); }));
  if (!found) co_return std::nullopt;
  co_return found->tenant;
}

net::ResultTask<std::optional<Tenant>> Directory::tenant(base::TenantId id) {
  co_return co_await ask<std::optional<Tenant>>(environment_.store, Scope::site(),
                                                [&](auto& tx) { return find_tenant(tx, id); });
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
  co_return co_await ask<std::optional<Account>>(
      environment_.store, Scope::tenant(tenant),
      [&](auto& tx) { return find_account(tx, tenant, id); });
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

// A stranger's guesses aren't remembered: they would only push out who is here.
net::ResultTask<Taker> Directory::taker(Address address) {
  const auto key = address.key();
  std::uint64_t known = 0;
  {
    const std::scoped_lock lock(takers_mutex_);
    known = changes_->load();
    if (known != takers_known_) {
      takers_ = Recent<Taker>(takers_max);
      takers_known_ = known;
    }
    if (const auto* taker = takers_.find(key)) co_return *taker;
  }
  CO_TRY(const auto resolution, co_await resolve(std::move(address)));
  const auto taker = taker_of(resolution);
  if (taker.kind != Taker::Kind::here) co_return taker;
  const std::scoped_lock lock(takers_mutex_);
  // What was read before a change must not be taken for what came after it.
  if (takers_known_ == known) takers_.get(key) = taker;
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
  CO_TRY(const auto tenant, co_await is_ours(address.domain()));
  if (!tenant || *tenant != account.tenant) co_return false;
  co_return co_await ask<bool>(environment_.store, Scope::tenant(account.tenant), [&](auto& tx) {
    return directory::may_send_as(tx, account, address);
  });
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
