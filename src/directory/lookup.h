// Questions to the directory inside a transaction, so that an answer and what follows from it
// commit together. A tenant's transaction may read the site's keys too, so each of these works in
// it.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "directory/types.h"
#include "net/task.h"
#include "store/store.h"

namespace letterlock::directory {

// Errors of all: the store's, corrupt.
net::ResultTask<std::optional<DomainRecord>> find_domain(store::Transaction& tx, Domain domain);
net::ResultTask<std::optional<Tenant>> find_tenant(store::Transaction& tx, base::TenantId id);
net::ResultTask<std::optional<Tenant>> find_tenant_by_name(store::Transaction& tx,
                                                           std::string name);
// In the tenant's scope.
net::ResultTask<std::optional<Entry>> find_entry(store::Transaction& tx, base::TenantId tenant,
                                                 Address address);
net::ResultTask<std::optional<Account>> find_account(store::Transaction& tx, base::TenantId tenant,
                                                     base::AccountId id);
net::ResultTask<std::optional<Alias>> find_alias(store::Transaction& tx, base::TenantId tenant,
                                                 Address address);
net::ResultTask<std::optional<Group>> find_group(store::Transaction& tx, base::TenantId tenant,
                                                 Address address);

// What an address leads to.
struct ToMailbox {
  Account account;
  std::string detail;  // of user+detail; may be empty. RFC: 5233
};
struct ToTargets {
  Alias alias;
};
struct ToMembers {
  Group group;
};
struct UnknownUser {
  base::TenantId tenant;
};
struct NotOurs {};
struct Suspended {
  Account account;
};
using Resolution = std::variant<ToMailbox, ToTargets, ToMembers, UnknownUser, NotOurs, Suspended>;

// In the tenant's scope, for an address in one of its domains. The whole local part first, then
// without "+detail". postmaster and abuse always lead to somebody, if the tenant has an active
// account (RFC 5321 §4.5.1, RFC 2142 §4). Never NotOurs.
net::ResultTask<Resolution> resolve_within(store::Transaction& tx, Tenant tenant, Address address);
// The tenant's postmaster account, or its first active one.
net::ResultTask<std::optional<Account>> postmaster_of(store::Transaction& tx, Tenant tenant);
bool is_required_role(const Address& address);  // postmaster@, abuse@

// Whether the account may submit under this address: its own, one more of its own, either with
// "+detail", an alias that leads to it alone and allows it. In the tenant's scope.
net::ResultTask<bool> may_send_as(store::Transaction& tx, Account account, Address address);

// "alice+lists" is "alice" with "lists"; nullopt without a "+" behind something.
struct Subaddress {
  Address address;
  std::string detail;
};
std::optional<Subaddress> split_detail(const Address& address);

}  // namespace letterlock::directory
