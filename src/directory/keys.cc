#include <algorithm>

#include "base/bytes.h"
#include "directory/record.h"
#include "store/store.h"

namespace letterlock::directory::keys {
namespace {

std::string site(std::string_view rest) {
  return store::site_prefix().append("d/").append(rest);
}

std::string of(const base::TenantId& tenant, char letter, std::string_view rest = {}) {
  auto key = store::tenant_prefix(tenant).append("d/");
  key += letter;
  return key.append(rest);
}

// Names of domains hold no "/".
std::string by_domain(const Address& address) {
  return address.domain().text() + "/" + base::to_lower(address.local_part());
}

}  // namespace

std::string secret() {
  return site("S");
}
std::string site_postmaster() {
  return site("P");
}
std::string backup(std::string_view id) {
  return backups().append(id);
}
std::string backups() {
  return site("B");
}
std::string calendar(std::string_view node) {
  return calendars().append(node);
}
std::string calendars() {
  return site("C");
}
std::string restore(base::Time as_of) {
  return restores().append(base::to_rfc3339(as_of));
}
std::string restores() {
  return site("R");
}
std::string tenant(const base::TenantId& id) {
  return tenants().append(id.octets());
}
std::string tenants() {
  return site("T");
}
std::string tenant_name(std::string_view name) {
  return tenant_names().append(name);
}
std::string tenant_names() {
  return site("N");
}
std::string domain(const Domain& domain) {
  return domains() + domain.text();
}
std::string domains() {
  return site("D");
}
std::string domain_of(const base::TenantId& tenant, const Domain& domain) {
  return domains_of(tenant) + domain.text();
}
std::string domains_of(const base::TenantId& tenant) {
  return site("O").append(tenant.octets());
}

std::string account(const base::TenantId& tenant, const base::AccountId& id) {
  return of(tenant, 'A', id.octets());
}
std::string accounts(const base::TenantId& tenant) {
  return of(tenant, 'A');
}
std::string sending(const base::TenantId& tenant, const base::AccountId& id) {
  return of(tenant, 'C', id.octets());
}
std::string openings(const base::TenantId& tenant, const Address& address) {
  return of(tenant, 'O', by_domain(address));
}
std::string entry(const base::TenantId& tenant, const Address& address) {
  return of(tenant, 'E', by_domain(address));
}
std::string entries_in(const base::TenantId& tenant, const Domain& domain) {
  return of(tenant, 'E', domain.text()) + "/";
}
std::string alias(const base::TenantId& tenant, const Address& address) {
  return of(tenant, 'L', by_domain(address));
}
std::string aliases(const base::TenantId& tenant) {
  return of(tenant, 'L');
}
std::string group(const base::TenantId& tenant, const Address& address) {
  return of(tenant, 'G', by_domain(address));
}
std::string groups(const base::TenantId& tenant) {
  return of(tenant, 'G');
}

bool is_of_directory(std::string_view key) {
  // The calendar is written down every few minutes, and nothing that is remembered depends on it.
  if (key.starts_with(store::site_prefix()))
    return key.substr(2).starts_with("d/") && !key.substr(2).starts_with("d/C");
  constexpr std::size_t scope_octets = 2 + 16 + 1;  // t/, the tenant, /
  const auto rest = key.substr(std::min(key.size(), scope_octets));
  return rest.starts_with("d/") && !rest.starts_with("d/C") && !rest.starts_with("d/O");
}

}  // namespace letterlock::directory::keys
