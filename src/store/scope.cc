#include "base/assert.h"
#include "store/store.h"

namespace letterlock::store {

std::string site_prefix() {
  return "s/";
}

std::string tenant_prefix(const base::TenantId& tenant) {
  std::string prefix = "t/";
  prefix += tenant.octets();
  prefix += '/';
  return prefix;
}

Scope Scope::site() {
  Scope scope;
  scope.prefixes_ = {site_prefix()};
  return scope;
}

Scope Scope::tenant(const base::TenantId& tenant) {
  Scope scope;
  scope.prefixes_ = {tenant_prefix(tenant)};
  return scope;
}

Scope Scope::delivery(const base::TenantId& from, const base::TenantId& into) {
  Scope scope;
  scope.prefixes_ = {tenant_prefix(from), tenant_prefix(into)};
  return scope;
}

Scope Scope::tenants(const std::vector<base::TenantId>& tenants) {
  ASSERT(!tenants.empty());
  Scope scope;
  for (const auto& tenant : tenants) scope.prefixes_.push_back(tenant_prefix(tenant));
  return scope;
}

bool Scope::covers(std::string_view key) const {
  for (const auto& prefix : prefixes_) {
    if (key.starts_with(prefix)) return true;
  }
  return false;
}

bool Scope::covers_read(std::string_view key) const {
  return covers(key) || key.starts_with(site_prefix());
}

bool Scope::covers_read(const Range& range) const {
  const auto lies_within = [&](std::string_view prefix) {
    return range.first.starts_with(prefix) && range.end <= range_of(prefix).end;
  };
  for (const auto& prefix : prefixes_) {
    if (lies_within(prefix)) return true;
  }
  return lies_within(site_prefix());
}

std::string Scope::holder_key(std::string_view holder) const {
  return covers(holder) ? std::string(holder) : prefix() + std::string(holder);
}

// The end of a prefix is the prefix with its last octet one higher; 0xFF octets carry.
Range range_of(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFF) end.pop_back();
  ASSERT(!end.empty());
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return {std::string(prefix), std::move(end)};
}

}  // namespace letterlock::store
