#include "directory/lookup.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/pack.h"
#include "directory/record.h"

namespace letterlock::directory {
namespace {

// How many accounts are looked at in search of an active one.
constexpr std::size_t postmaster_candidates = 50;

// One row, decoded.
template <class Value>
net::ResultTask<std::optional<Value>> row(store::Transaction& tx, std::string key,
                                          base::Result<Value> (*decode)(std::string_view)) {
  CO_TRY(const auto octets, co_await tx.get(std::move(key)));
  if (!octets) co_return std::nullopt;
  CO_TRY(auto value, decode(*octets));
  co_return value;
}

bool is_same(const Address& a, const Address& b) {
  return a.key() == b.key();
}

bool is_own(const Account& account, const Address& address) {
  return is_same(account.address, address) ||
         std::ranges::any_of(account.more_addresses,
                             [&](const auto& more) { return is_same(more, address); });
}

Resolution to_account(Account account, std::string detail) {
  if (account.state == Account::State::suspended) return Suspended{std::move(account)};
  return ToMailbox{std::move(account), std::move(detail)};
}

std::unexpected<base::Error> dangling(const Address& address) {
  return base::fail(base::ErrorKind::corrupt, "the directory's entry for " +
                                                  base::printable(address.text()) +
                                                  " leads to what isn't there");
}

// nullopt: nobody has exactly this address.
net::ResultTask<std::optional<Resolution>> resolve_entry(store::Transaction& tx,
                                                         base::TenantId tenant, Address address,
                                                         std::string detail) {
  CO_TRY(const auto entry, co_await find_entry(tx, tenant, address));
  if (!entry) co_return std::nullopt;
  switch (entry->kind) {
    case Entry::Kind::account:
    case Entry::Kind::more_address: {
      CO_TRY(auto account, co_await find_account(tx, tenant, entry->account));
      if (!account) co_return dangling(address);
      co_return to_account(std::move(*account), std::move(detail));
    }
    case Entry::Kind::alias: {
      CO_TRY(auto alias, co_await find_alias(tx, tenant, address));
      if (!alias) co_return dangling(address);
      co_return ToTargets{std::move(*alias)};
    }
    case Entry::Kind::group: {
      CO_TRY(auto group, co_await find_group(tx, tenant, address));
      if (!group) co_return dangling(address);
      co_return ToMembers{std::move(*group)};
    }
  }
  co_return std::nullopt;
}

}  // namespace

net::ResultTask<std::optional<DomainRecord>> find_domain(store::Transaction& tx, Domain domain) {
  return row<DomainRecord>(tx, keys::domain(domain), decode_domain);
}

net::ResultTask<std::optional<Tenant>> find_tenant(store::Transaction& tx, base::TenantId id) {
  return row<Tenant>(tx, keys::tenant(id), decode_tenant);
}

net::ResultTask<std::optional<Tenant>> find_tenant_by_name(store::Transaction& tx,
                                                           std::string name) {
  CO_TRY(const auto octets, co_await tx.get(keys::tenant_name(name)));
  if (!octets) co_return std::nullopt;
  base::Unpacker in("tenant name", *octets);
  const auto id = in.id<base::TenantId>();
  CO_CHECK(in.done(1));
  co_return co_await find_tenant(tx, id);
}

net::ResultTask<std::optional<Entry>> find_entry(store::Transaction& tx, base::TenantId tenant,
                                                 Address address) {
  return row<Entry>(tx, keys::entry(tenant, address), decode_entry);
}

net::ResultTask<std::optional<Account>> find_account(store::Transaction& tx, base::TenantId tenant,
                                                     base::AccountId id) {
  return row<Account>(tx, keys::account(tenant, id), decode_account);
}

net::ResultTask<std::optional<Alias>> find_alias(store::Transaction& tx, base::TenantId tenant,
                                                 Address address) {
  return row<Alias>(tx, keys::alias(tenant, address), decode_alias);
}

net::ResultTask<std::optional<Group>> find_group(store::Transaction& tx, base::TenantId tenant,
                                                 Address address) {
  return row<Group>(tx, keys::group(tenant, address), decode_group);
}

net::ResultTask<Resolution> resolve_within(store::Transaction& tx, Tenant tenant, Address address) {
  CO_TRY(auto exact, co_await resolve_entry(tx, tenant.id, address, ""));
  if (exact) co_return std::move(*exact);
  if (const auto split = split_detail(address)) {
    CO_TRY(auto user, co_await resolve_entry(tx, tenant.id, split->address, split->detail));
    if (user) co_return std::move(*user);
  }
  if (is_required_role(address)) {
    CO_TRY(auto postmaster, co_await postmaster_of(tx, tenant));
    if (postmaster) co_return ToMailbox{std::move(*postmaster), ""};
  }
  co_return UnknownUser{tenant.id};
}

net::ResultTask<std::optional<Account>> postmaster_of(store::Transaction& tx, Tenant tenant) {
  if (tenant.postmaster) {
    CO_TRY(auto account, co_await find_account(tx, tenant.id, *tenant.postmaster));
    if (account && account->state == Account::State::active) co_return std::move(account);
  }
  const auto all = store::range_of(keys::accounts(tenant.id));
  CO_TRY(const auto rows, co_await tx.scan(all, {.count_max = postmaster_candidates}));
  for (const auto& [key, octets] : rows) {
    CO_TRY(auto account, decode_account(octets));
    if (account.state == Account::State::active) co_return std::move(account);
  }
  co_return std::nullopt;
}

// RFC 5321 §4.5.1: in any mix of cases.
bool is_required_role(const Address& address) {
  return base::equal_ignoring_case(address.local_part(), "postmaster") ||
         base::equal_ignoring_case(address.local_part(), "abuse");
}

net::ResultTask<bool> may_send_as(store::Transaction& tx, Account account, Address address) {
  CO_TRY(const auto entry, co_await find_entry(tx, account.tenant, address));
  if (entry && (entry->kind == Entry::Kind::account || entry->kind == Entry::Kind::more_address)) {
    co_return entry->account == account.id;
  }
  if (entry && entry->kind == Entry::Kind::alias) {
    CO_TRY(const auto alias, co_await find_alias(tx, account.tenant, address));
    if (!alias) co_return dangling(address);
    const bool alone = alias->targets.size() == 1 && is_own(account, alias->targets.front());
    co_return alone && alias->send_as == Alias::SendAs::allowed;
  }
  if (entry) co_return false;
  // Nobody has it as it stands, so its detail is the account's own business.
  const auto split = split_detail(address);
  co_return split&& is_own(account, split->address);
}

std::optional<Subaddress> split_detail(const Address& address) {
  const auto& local = address.local_part();
  const auto plus = local.find('+');
  if (plus == std::string::npos || plus == 0) return std::nullopt;
  auto user = Address::make(std::string_view(local).substr(0, plus), address.domain());
  if (!user) return std::nullopt;
  return Subaddress{std::move(*user), local.substr(plus + 1)};
}

}  // namespace letterlock::directory
