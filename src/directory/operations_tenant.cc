// Tenants and domains: all of it in the site's scope.
#include <algorithm>

#include "base/pack.h"
#include "directory/asking.h"
#include "directory/checks.h"
#include "directory/entries.h"
#include "directory/operations.h"
#include "directory/record.h"

namespace letterlock::directory {
namespace {

using base::ErrorKind;
using base::fail;
using store::Scope;

// Behind `after` within `prefix`; from the beginning where it is "".
store::Range behind(const std::string& prefix, std::string_view after) {
  auto range = store::range_of(prefix);
  if (!after.empty()) range.first = (prefix + std::string(after)).append(1, '\0');
  return range;
}

net::ResultTask<Tenant> tenant_at(store::Transaction& tx, std::string name) {
  CO_TRY(auto tenant, co_await find_tenant_by_name(tx, name));
  if (!tenant) co_return checks::no_tenant(name);
  co_return std::move(*tenant);
}

net::ResultTask<Tenant> insert_tenant(store::Transaction& tx, Tenant tenant) {
  CO_TRY(const auto there, co_await find_tenant_by_name(tx, tenant.name));
  if (there) co_return fail(ErrorKind::exists, "there is a tenant " + tenant.name + " already");
  tx.put(keys::tenant(tenant.id), encode(tenant));
  tx.put(keys::tenant_name(tenant.name), base::Packer(1).id(tenant.id).take());
  co_return tenant;
}

base::Result<void> apply(Tenant& tenant, const TenantChange& change, const SetBy& by) {
  if (change.requirement_reason) tenant.requirement_reason = *change.requirement_reason;
  // Read again in any case: its parts name the reason.
  const auto text = change.requirement.value_or(hop::to_text(tenant.requirement));
  tenant.requirement = TRY(requirement_of(tenant, text));
  if (change.limits) tenant.limits = *change.limits;
  if (!change.clear_fetch) return {};
  tenant.clear_fetch = *change.clear_fetch;
  tenant.clear_fetch_set = by;
  return {};
}

net::ResultTask<Tenant> update_tenant(store::Transaction& tx, std::string name, TenantChange change,
                                      SetBy by, std::optional<base::AccountId> postmaster) {
  CO_TRY(auto tenant, co_await tenant_at(tx, name));
  CO_CHECK(apply(tenant, change, by));
  if (postmaster) tenant.postmaster = postmaster;
  tx.put(keys::tenant(tenant.id), encode(tenant));
  co_return tenant;
}

net::ResultTask<> has_no_domains(store::Transaction& tx, const Tenant& tenant) {
  CO_TRY(const auto domains,
         co_await tx.scan(store::range_of(keys::domains_of(tenant.id)), {.count_max = 1}));
  if (!domains.empty()) {
    co_return fail(ErrorKind::denied,
                   "tenant " + tenant.name +
                       " still has domains: remove them first (\"letterlock domain list --tenant " +
                       tenant.name + "\")");
  }
  co_return base::Result<void>();
}

net::ResultTask<Tenant> begin_to_close(store::Transaction& tx, std::string name) {
  CO_TRY(auto tenant, co_await tenant_at(tx, name));
  CO_CHECK(co_await has_no_domains(tx, tenant));
  tenant.state = Tenant::State::closing;
  tx.put(keys::tenant(tenant.id), encode(tenant));
  co_return tenant;
}

// So many of a tenant's rows at once: the largest of them together are within what a scan may read.
constexpr std::size_t erased_at_once = 100;

// Some of what the tenant still has; true when there is more.
net::ResultTask<bool> erase_some(store::Transaction& tx, base::TenantId id) {
  CO_TRY(const auto rows, co_await tx.scan(store::range_of(store::tenant_prefix(id)),
                                           {.count_max = erased_at_once}));
  for (const auto& row : rows) tx.erase(row.first);
  co_return rows.size() == erased_at_once;
}

net::ResultTask<> erase_tenant(store::Transaction& tx, std::string name) {
  CO_TRY(const auto tenant, co_await tenant_at(tx, name));
  CO_CHECK(co_await has_no_domains(tx, tenant));
  tx.erase(keys::tenant(tenant.id));
  tx.erase(keys::tenant_name(name));
  co_return base::Result<void>();
}

net::ResultTask<DomainRecord> insert_domain(store::Transaction& tx, std::string tenant_name,
                                            DomainRecord record) {
  CO_TRY(auto tenant, co_await tenant_at(tx, tenant_name));
  CO_TRY(const auto there, co_await find_domain(tx, record.domain));
  if (there) {
    CO_TRY(const auto whose, co_await find_tenant(tx, there->tenant));
    co_return fail(ErrorKind::exists, record.domain.text() + " is a domain of tenant " +
                                          (whose ? whose->name : "?") + " already");
  }
  record.tenant = tenant.id;
  tenant.state = Tenant::State::active;
  tx.put(keys::tenant(tenant.id), encode(tenant));
  tx.put(keys::domain(record.domain), encode(record));
  tx.put(keys::domain_of(tenant.id, record.domain), base::Packer(1).take());
  co_return record;
}

net::ResultTask<DomainRecord> mark_domain(store::Transaction& tx, Domain domain,
                                          DomainRecord::State state) {
  CO_TRY(auto record, co_await find_domain(tx, domain));
  if (!record) co_return checks::no_domain(domain);
  record->state = state;
  tx.put(keys::domain(domain), encode(*record));
  co_return std::move(*record);
}

net::ResultTask<> erase_domain(store::Transaction& tx, Domain domain) {
  CO_TRY(const auto record, co_await find_domain(tx, domain));
  if (!record) co_return checks::no_domain(domain);
  if (record->state != DomainRecord::State::closing) {
    co_return fail(ErrorKind::conflict,
                   domain.text() + " was set to active meanwhile: remove it again");
  }
  tx.erase(keys::domain(domain));
  tx.erase(keys::domain_of(record->tenant, domain));
  co_return base::Result<void>();
}

net::ResultTask<bool> has_addresses(store::Transaction& tx, base::TenantId tenant, Domain domain) {
  CO_TRY(const auto found,
         co_await tx.scan(store::range_of(keys::entries_in(tenant, domain)), {.count_max = 1}));
  co_return !found.empty();
}

net::ResultTask<std::vector<Tenant>> page_of_tenants(store::Transaction& tx, std::string after,
                                                     std::size_t count_max) {
  CO_TRY(const auto rows, co_await tx.scan(behind(keys::tenant_names(), after),
                                           {.count_max = std::min(count_max, page_max)}));
  std::vector<std::string> wanted;
  for (const auto& [key, octets] : rows) {
    base::Unpacker in("tenant name", octets);
    const auto id = in.id<base::TenantId>();
    CO_CHECK(in.done(1));
    wanted.push_back(keys::tenant(id));
  }
  CO_TRY(const auto values, co_await tx.get_many(std::move(wanted)));
  std::vector<Tenant> tenants;
  for (const auto& value : values) {
    if (!value) co_return fail(ErrorKind::corrupt, "a tenant's name leads to no tenant");
    CO_TRY(auto tenant, decode_tenant(*value));
    tenants.push_back(std::move(tenant));
  }
  co_return tenants;
}

net::ResultTask<std::vector<DomainRecord>> page_of_domains(store::Transaction& tx,
                                                           std::string tenant_name,
                                                           std::string after,
                                                           std::size_t count_max) {
  std::string prefix = keys::domains();
  if (!tenant_name.empty()) {
    CO_TRY(const auto tenant, co_await tenant_at(tx, tenant_name));
    prefix = keys::domains_of(tenant.id);
  }
  CO_TRY(const auto rows,
         co_await tx.scan(behind(prefix, after), {.count_max = std::min(count_max, page_max)}));
  std::vector<std::string> wanted;
  for (const auto& row : rows) wanted.push_back(keys::domains() + row.first.substr(prefix.size()));
  CO_TRY(const auto values, co_await tx.get_many(std::move(wanted)));
  std::vector<DomainRecord> domains;
  for (const auto& value : values) {
    if (!value) co_return fail(ErrorKind::corrupt, "a tenant's domain has no record");
    CO_TRY(auto record, decode_domain(*value));
    domains.push_back(std::move(record));
  }
  co_return domains;
}

}  // namespace

net::ResultTask<Tenant> Operations::add_tenant(std::string name, std::string by) {
  CO_CHECK(checks::who(by));
  Tenant tenant;
  CO_TRY(tenant.name, checks::tenant_name(name));
  tenant.id = os::make_id<base::TenantId>(environment_.clock, environment_.random);
  tenant.created = environment_.clock.now();
  CO_TRY(auto added, co_await change<Tenant>(environment_.store, Scope::site(),
                                             [&](auto& tx) { return insert_tenant(tx, tenant); }));
  report("tenant", added.name, "added", by);
  co_return added;
}

net::ResultTask<Tenant> Operations::show_tenant(std::string name) {
  CO_TRY(const auto kept, checks::tenant_name(name));
  co_return co_await ask<Tenant>(environment_.store, Scope::site(),
                                 [&](auto& tx) { return tenant_at(tx, kept); });
}

net::ResultTask<std::vector<Tenant>> Operations::list_tenants(std::string after,
                                                              std::size_t count_max) {
  co_return co_await ask<std::vector<Tenant>>(environment_.store, Scope::site(), [&](auto& tx) {
    return page_of_tenants(tx, after, count_max);
  });
}

net::ResultTask<Tenant> Operations::set_tenant(std::string name, TenantChange change,
                                               std::string by) {
  CO_CHECK(checks::who(by));
  if (change.requirement_reason)
    CO_CHECK(checks::text("a requirement's reason", *change.requirement_reason));
  if (change.limits) CO_CHECK(checks::limits(*change.limits));
  CO_TRY(const auto before, co_await show_tenant(name));
  std::optional<base::AccountId> postmaster;
  if (change.postmaster) {
    CO_TRY(const auto account, co_await show_account(*change.postmaster));
    if (account.tenant != before.id)
      co_return checks::nobody_at("account of tenant " + before.name + ",", *change.postmaster);
    postmaster = account.id;
  }
  const SetBy set_by{by, environment_.clock.now()};
  CO_TRY(auto tenant,
         co_await directory::change<Tenant>(environment_.store, Scope::site(), [&](auto& tx) {
           return update_tenant(tx, before.name, change, set_by, postmaster);
         }));
  report("tenant", tenant.name, "set", by);
  co_return tenant;
}

net::ResultTask<> Operations::remove_tenant(std::string name, Left left, std::string by) {
  CO_CHECK(checks::who(by));
  CO_TRY(const auto kept, checks::tenant_name(name));
  CO_TRY(const auto tenant,
         co_await directory::change<Tenant>(environment_.store, Scope::site(),
                                            [&](auto& tx) { return begin_to_close(tx, kept); }));
  // Nothing comes any more, so what isn't there now never is.
  const auto scope = Scope::tenant(tenant.id);
  CO_TRY(const auto what, co_await ask<std::string>(environment_.store, scope,
                                                    [&](auto& tx) { return left(tx, tenant.id); }));
  if (!what.empty())
    co_return fail(ErrorKind::denied, "tenant " + kept + " still has " + what +
                                          "; it takes no more, so remove it again later");
  for (bool more = true; more;) {
    CO_TRY(more, co_await directory::change<bool>(environment_.store, scope, [&](auto& tx) {
             return erase_some(tx, tenant.id);
           }));
  }
  CO_CHECK(co_await environment_.store.transact(Scope::site(),
                                                [&](auto& tx) { return erase_tenant(tx, kept); }));
  report("tenant", kept, "removed", by);
  co_return base::Result<void>();
}

net::ResultTask<DomainRecord> Operations::add_domain(std::string tenant, Domain domain,
                                                     std::string by) {
  CO_CHECK(checks::who(by));
  CO_TRY(const auto tenant_name, checks::tenant_name(tenant));
  if (domain.is_empty() || domain.is_literal()) {
    co_return fail(ErrorKind::invalid,
                   "a domain is a name, as acorn.example, no address in brackets");
  }
  const DomainRecord record{domain, {}, DomainRecord::State::active, environment_.clock.now()};
  CO_TRY(auto added,
         co_await change<DomainRecord>(environment_.store, Scope::site(), [&](auto& tx) {
           return insert_domain(tx, tenant_name, record);
         }));
  report("domain", domain.text(), "added", by);
  co_return added;
}

net::ResultTask<DomainRecord> Operations::show_domain(Domain domain) {
  CO_TRY(auto found,
         co_await ask<std::optional<DomainRecord>>(
             environment_.store, Scope::site(), [&](auto& tx) { return find_domain(tx, domain); }));
  if (!found) co_return checks::no_domain(domain);
  co_return std::move(*found);
}

net::ResultTask<std::vector<DomainRecord>> Operations::list_domains(std::string tenant,
                                                                    std::string after,
                                                                    std::size_t count_max) {
  co_return co_await ask<std::vector<DomainRecord>>(
      environment_.store, Scope::site(),
      [&](auto& tx) { return page_of_domains(tx, tenant, after, count_max); });
}

// Its row is the site's, its addresses are the tenant's, so no one transaction sees both. First the
// domain closes: whoever takes an address reads that, or conflicts. What is there after that stays
// there.
net::ResultTask<> Operations::remove_domain(Domain domain, std::string by) {
  CO_CHECK(checks::who(by));
  const auto mark = [this, &domain](DomainRecord::State state) {
    return change<DomainRecord>(environment_.store, Scope::site(), [&domain, state](auto& tx) {
      return mark_domain(tx, domain, state);
    });
  };
  CO_TRY(const auto record, co_await mark(DomainRecord::State::closing));
  CO_TRY(const auto in_use,
         co_await ask<bool>(environment_.store, Scope::tenant(record.tenant),
                            [&](auto& tx) { return has_addresses(tx, record.tenant, domain); }));
  if (in_use) {
    CO_TRY(const auto again, co_await mark(DomainRecord::State::active));
    co_return fail(ErrorKind::denied,
                   domain.text() + " still has accounts, aliases or groups: remove them first");
  }
  CO_CHECK(co_await environment_.store.transact(
      Scope::site(), [&](auto& tx) { return erase_domain(tx, domain); }));
  report("domain", domain.text(), "removed", by);
  co_return base::Result<void>();
}

}  // namespace letterlock::directory
