// The directory's values as stored records with a version, and the keys they lie under. The
// layout is written down in docs/storage.md.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "directory/types.h"

namespace letterlock::directory {

std::string encode(const Tenant& tenant);
std::string encode(const DomainRecord& record);
std::string encode(const Account& account);
std::string encode(const Alias& alias);
std::string encode(const Group& group);
std::string encode(const Entry& entry);
std::string encode(const SendingCount& count);
// Errors of all: corrupt.
base::Result<Tenant> decode_tenant(std::string_view octets);
base::Result<DomainRecord> decode_domain(std::string_view octets);
base::Result<Account> decode_account(std::string_view octets);
base::Result<Alias> decode_alias(std::string_view octets);
base::Result<Group> decode_group(std::string_view octets);
base::Result<Entry> decode_entry(std::string_view octets);
base::Result<SendingCount> decode_sending_count(std::string_view octets);

namespace keys {
// The site's.
std::string secret();
std::string site_postmaster();
std::string backup(std::string_view id);  // its 16 octets
std::string backups();
std::string calendar(std::string_view node);
std::string calendars();
std::string restore(base::Time as_of);
std::string restores();
std::string tenant(const base::TenantId& id);
std::string tenants();  // the prefix of all
std::string tenant_name(std::string_view name);
std::string tenant_names();
std::string domain(const Domain& domain);
std::string domains();
std::string domain_of(const base::TenantId& tenant, const Domain& domain);
std::string domains_of(const base::TenantId& tenant);
// A tenant's.
std::string account(const base::TenantId& tenant, const base::AccountId& id);
std::string accounts(const base::TenantId& tenant);
std::string sending(const base::TenantId& tenant, const base::AccountId& id);
// By the address, so that it outlives the account.
std::string openings(const base::TenantId& tenant, const Address& address);
// By domain, then local part in lower case: who looks an address up knows no case.
std::string entry(const base::TenantId& tenant, const Address& address);
std::string entries_in(const base::TenantId& tenant, const Domain& domain);
std::string alias(const base::TenantId& tenant, const Address& address);
std::string aliases(const base::TenantId& tenant);
std::string group(const base::TenantId& tenant, const Address& address);
std::string groups(const base::TenantId& tenant);
// All of these but those that change with each message or sign-in: counts of what was sent, and
// openings.
bool is_of_directory(std::string_view key);
}  // namespace keys

}  // namespace letterlock::directory
