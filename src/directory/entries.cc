#include "directory/entries.h"

#include "directory/checks.h"
#include "directory/record.h"

namespace letterlock::directory::entries {

net::ResultTask<> take(store::Transaction& tx, base::TenantId tenant, Address address,
                       Entry entry) {
  CO_TRY(const auto domain, co_await find_domain(tx, address.domain()));
  if (!domain || domain->tenant != tenant) co_return checks::no_domain(address.domain());
  if (domain->state == DomainRecord::State::closing) {
    co_return base::fail(base::ErrorKind::unavailable,
                         address.domain().text() + " is being removed");
  }
  CO_TRY(const auto there, co_await find_entry(tx, tenant, address));
  if (there) co_return checks::taken(address, there->kind);
  tx.put(keys::entry(tenant, address), encode(entry));
  co_return base::Result<void>();
}

void give_back(store::Transaction& tx, const base::TenantId& tenant, const Address& address) {
  tx.erase(keys::entry(tenant, address));
}

net::ResultTask<Account> account_at(store::Transaction& tx, base::TenantId tenant,
                                    Address address) {
  CO_TRY(const auto entry, co_await find_entry(tx, tenant, address));
  if (!entry || entry->kind != Entry::Kind::account)
    co_return checks::nobody_at("account", address);
  CO_TRY(auto account, co_await find_account(tx, tenant, entry->account));
  if (!account) co_return checks::nobody_at("account", address);
  co_return std::move(*account);
}

}  // namespace letterlock::directory::entries
