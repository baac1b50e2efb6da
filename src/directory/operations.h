// What an operator does to the directory: the functions behind `letterlock
// tenant|domain|account|alias`. Each checks its input, answers with an Error that says what to do,
// and emits `directory.changed`. `by` names who asks: "operator", "admin@birch.example".
#pragma once

#include "directory/backups.h"
#include "directory/directory.h"

namespace letterlock::directory {

inline constexpr std::size_t password_characters_min = 8;

struct TenantChange {
  std::optional<ClearFetch> clear_fetch;
  std::optional<std::string> requirement;  // as hop::requirement_from reads it; "" asks nothing
  std::optional<std::string> requirement_reason;
  std::optional<SendingLimits> limits;
  std::optional<Address> postmaster;  // an account of the tenant's
};

struct NewAccount {
  Address address;
  std::string display_name;
  std::string password;
  Accepts accepts = Accepts::any;
  std::uint64_t quota_octets = 0;
};
struct AccountChange {
  std::optional<std::string> display_name;
  std::optional<std::string> password;
  // plus_only needs a new password with it: one that was good for less may be anybody's by now.
  std::optional<Accepts> accepts;
  std::optional<Account::State> state;
  std::optional<Sending::State> sending;  // enabled releases a stop, and its counts begin anew
  std::string sending_reason;             // of a stop
  std::optional<std::uint64_t> quota_octets;
  std::vector<Address> add_addresses;
  std::vector<Address> remove_addresses;
  std::vector<std::string> add_certificates;  // as certificate_key() reads them
  std::vector<std::string> remove_certificates;
};
struct AliasChange {
  std::vector<Address> add_targets;
  std::vector<Address> remove_targets;
  std::optional<Alias::SendAs> send_as;
};
struct GroupChange {
  std::optional<std::string> display_name;
  std::vector<Address> add_members;
  std::vector<Address> remove_members;
};

// Errors of all, beside what they say: invalid (with what would be right), denied (`by` is empty or
// too long), the store's. Lists: at most `count_max` and page_max, those after `after`, in order.
class Operations {
 public:
  explicit Operations(Environment environment, Options options = {});

  // Errors: exists. The name is a label or a domain's; the domain is added by itself.
  net::ResultTask<Tenant> add_tenant(std::string name, std::string by);
  // Errors: not_found.
  net::ResultTask<Tenant> show_tenant(std::string name);
  net::ResultTask<std::vector<Tenant>> list_tenants(std::string after, std::size_t count_max);
  // Errors: not_found (tenant, or postmaster's account).
  net::ResultTask<Tenant> set_tenant(std::string name, TenantChange change, std::string by);
  // What of the tenant has to end before it can go ("mail in its queue"); "": nothing.
  using Left = std::function<net::ResultTask<std::string>(store::Transaction&, base::TenantId)>;
  // From the first call on it takes no more mail; a domain that is added makes it active again.
  // Its traces go with it. Errors: not_found, denied (it still has domains, or what `left` says).
  net::ResultTask<> remove_tenant(std::string name, Left left, std::string by);

  // Errors: not_found (tenant), exists, invalid (an address literal).
  net::ResultTask<DomainRecord> add_domain(std::string tenant, Domain domain, std::string by);
  net::ResultTask<DomainRecord> show_domain(Domain domain);
  // Of one tenant, or of all where `tenant` is "".
  net::ResultTask<std::vector<DomainRecord>> list_domains(std::string tenant, std::string after,
                                                          std::size_t count_max);
  // Errors: not_found, denied (it still has addresses).
  net::ResultTask<> remove_domain(Domain domain, std::string by);

  // Errors: not_found (domain), exists, unavailable (the domain is being removed), full (workers).
  net::ResultTask<Account> add_account(NewAccount account, std::string by);
  net::ResultTask<Account> show_account(Address address);
  // Sign-ins that opened the address's mailbox to others than its owner, oldest first.
  net::ResultTask<std::vector<Opening>> list_openings(base::TenantId tenant, Address address);
  // By age, those made after `after`.
  net::ResultTask<std::vector<Account>> list_accounts(std::string tenant, base::AccountId after,
                                                      std::size_t count_max);
  // A password that is the account's already changes nothing. Errors: not_found (also a certificate
  // to remove), exists (an address to add), full (too many addresses or certificates).
  net::ResultTask<Account> set_account(Address address, AccountChange change, std::string by);
  // The account as it was: its mail is still there, and the caller removes it
  // (mailbox::remove_account). Aliases and groups that name it lead to an unknown user from now on.
  // Errors: not_found.
  net::ResultTask<Account> remove_account(Address address, std::string by);

  // Errors of aliases and groups: not_found (domain, or the address), exists, unavailable; invalid
  // (no target, too many; it would lead back to itself, or stand in a chain of more than
  // expansion_depth_max).
  net::ResultTask<Alias> add_alias(Alias alias, std::string by);
  net::ResultTask<Alias> show_alias(Address address);
  net::ResultTask<std::vector<Alias>> list_aliases(std::string tenant, std::optional<Address> after,
                                                   std::size_t count_max);
  net::ResultTask<Alias> set_alias(Address address, AliasChange change, std::string by);
  net::ResultTask<> remove_alias(Address address, std::string by);

  net::ResultTask<Group> add_group(Group group, std::string by);
  net::ResultTask<Group> show_group(Address address);
  net::ResultTask<std::vector<Group>> list_groups(std::string tenant, std::optional<Address> after,
                                                  std::size_t count_max);
  net::ResultTask<Group> set_group(Address address, GroupChange change, std::string by);
  net::ResultTask<> remove_group(Address address, std::string by);

  // Who gets mail to the bare <postmaster>. Errors: not_found.
  net::ResultTask<> set_site_postmaster(Address address, std::string by);

  // Before the first octet of a copy of the store is written; `keep`: none if its end isn't known.
  net::ResultTask<BackupRecord> begin_backup(std::string directory, std::string node,
                                             std::optional<base::Milliseconds> keep);
  enum class BackupEnd { whole, failed, nothing_written };
  // Errors: not_found.
  net::ResultTask<> end_backup(BackupId id, BackupEnd end);
  // Oldest first, those made after `after`.
  net::ResultTask<std::vector<BackupRecord>> list_backups(BackupId after, std::size_t count_max);
  // The operator says that it is destroyed; it stays in the list. Errors: not_found.
  net::ResultTask<BackupRecord> forget_backup(BackupId id, std::string by);

 private:
  net::ResultTask<base::TenantId> tenant_of(Domain domain);
  net::ResultTask<base::TenantId> tenant_named(std::string name);
  // A password that is to be set, and what is known of it.
  struct Chosen {
    sasl::ScramKeys keys;
    bool is_the_same = false;                // as the account has
    std::vector<FormerPassword::Open> open;  // who can have it from before
  };
  // `before`: nothing of an account that is made.
  net::ResultTask<Chosen> choose(base::TenantId tenant, Address address, std::string password,
                                 std::optional<sasl::ScramKeys> before);
  net::ResultTask<bool> is_the_same(std::string password, sasl::ScramKeys chosen,
                                    sasl::ScramKeys keys);
  net::ResultTask<sasl::ScramKeys> derive(std::string password, base::Bytes salt, unsigned rounds);
  void report(std::string_view what, std::string_view name, std::string_view change,
              std::string_view by);

  Environment environment_;
  Options options_;
};

}  // namespace letterlock::directory
