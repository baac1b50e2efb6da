// What the directory knows, as values: tenants, their domains, and who may be written to in them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "address/address.h"
#include "base/id.h"
#include "base/time.h"
#include "hop/requirement.h"
#include "sasl/keys.h"

namespace letterlock::directory {

using address::Address;
using address::Domain;

inline constexpr std::size_t more_addresses_max = 50;   // of one account
inline constexpr std::size_t certificates_max = 10;     // of one account
inline constexpr std::size_t alias_targets_max = 100;   // of one alias
inline constexpr std::size_t group_members_max = 1000;  // of one group, and of one expansion
inline constexpr std::size_t text_octets_max = 200;     // a display name, a reason, who did it
inline constexpr std::size_t page_max = 1000;           // a list's page

// Who set something, and when: what a reader of a trace is told.
struct SetBy {
  std::string who;
  base::Time when;
  bool operator==(const SetBy&) const = default;
};

// Recipients that one account may submit to; fixed windows that begin with the first of them.
struct SendingLimits {
  std::uint64_t per_hour = 300;
  std::uint64_t per_day = 2000;
  std::uint64_t failed_per_day = 200;  // refused by the far side: then it looks taken over
  bool operator==(const SendingLimits&) const = default;
};

enum class ClearFetch { refused, allowed };

struct Tenant {
  base::TenantId id;
  std::string name;  // unique; its first domain or a label
  ClearFetch clear_fetch = ClearFetch::refused;
  SetBy clear_fetch_set;
  hop::Requirement requirement;    // for its outgoing mail
  std::string requirement_reason;  // in the setter's words, may be empty
  SendingLimits limits;            // of each of its accounts
  std::optional<base::AccountId> postmaster;
  base::Time created;
  enum class State { active, closing } state = State::active;  // closing: it takes no more mail
  bool operator==(const Tenant&) const = default;
};

// The requirement's source as it stands in records and refusals.
hop::Source requirement_source(const Tenant& tenant);
// The requirement as a tenant says it; parts that ask nothing are as if they weren't said. Errors:
// invalid.
base::Result<hop::Requirement> requirement_of(const Tenant& tenant, std::string_view text);
// What the tenant asks of fetches from its mailboxes: protected, unless it allows clear.
hop::Part<hop::Fetch> fetch_requirement(const Tenant& tenant);
// "birch.example allows clear fetch (set 2026-11-02 by admin@birch.example)", for exposures.
std::string describe_clear_fetch(const Tenant& tenant);

struct DomainRecord {
  enum class State {
    active,
    closing,  // being removed: no new address in it
  };
  Domain domain;
  base::TenantId tenant;
  State state = State::active;
  base::Time created;
  bool operator==(const DomainRecord&) const = default;
};

enum class Accepts {
  any,        // PLAIN and SCRAM
  plus_only,  // SCRAM bound to the channel, or a client certificate; nothing weaker
};

// Whether the account may submit mail. Stopped: with the reason and since when; an operator
// releases it.
struct Sending {
  enum class State { enabled, stopped };
  State state = State::enabled;
  std::string reason;
  base::Time since;
  bool operator==(const Sending&) const = default;
};

struct Account {
  enum class State { active, suspended };
  base::AccountId id;
  base::TenantId tenant;
  Address address;  // also the name to sign in with
  std::string display_name;
  sasl::ScramKeys keys;
  Accepts accepts = Accepts::any;
  base::Time accepts_since;  // when that was last changed
  State state = State::active;
  Sending sending;
  std::uint64_t quota_octets = 0;  // 0: none
  base::Time created;
  base::Time password_changed;
  std::vector<Address> more_addresses;
  // Keys of client certificates that sign in (EXTERNAL): hex SHA-256 of the SubjectPublicKeyInfo,
  // so that a certificate renewed with the same key goes on being known.
  std::vector<std::string> certificates;
  // How often the store had been restored when the password was set (restores.h).
  std::uint64_t restores = 0;
  bool operator==(const Account&) const = default;
};
// Nothing weaker than SCRAM-SHA-256-PLUS was accepted since the password was set. Whether it was
// shown to somebody all the same Directory::password_is_bound() says.
bool accepts_only_bound(const Account& account);
// The key's digest as it is kept: lower case, without colons. Errors: invalid.
base::Result<std::string> certificate_key(std::string_view text);

// Another name: its mail goes to the targets, which may lie anywhere.
struct Alias {
  enum class SendAs { refused, allowed };
  Address address;
  base::TenantId tenant;
  std::vector<Address> targets;
  SendAs send_as = SendAs::refused;  // an account that is its only target may submit under it
  bool operator==(const Alias&) const = default;
};

// A list: traces say `expanded` at it, and don't disclose its members.
struct Group {
  Address address;
  base::TenantId tenant;
  std::string display_name;
  std::vector<Address> members;
  bool operator==(const Group&) const = default;
};

// Who has an address: every address in a tenant is of one thing only.
struct Entry {
  enum class Kind { account, more_address, alias, group };
  Kind kind = Kind::account;
  base::AccountId account;  // of the first two
  bool operator==(const Entry&) const = default;
};

// What an account has sent in the windows that run.
struct SendingCount {
  base::Time hour_began;
  std::uint64_t hour_recipients = 0;
  base::Time day_began;
  std::uint64_t day_recipients = 0;
  std::uint64_t day_failed = 0;
  bool operator==(const SendingCount&) const = default;
};

// Words of the command line and of JSON.
std::string_view name(ClearFetch clear_fetch);     // "refused", "allowed"
std::string_view name(DomainRecord::State state);  // "active", "closing"
std::string_view name(Accepts accepts);            // "any", "plus-only"
std::string_view name(Sending::State state);       // "enabled", "stopped"
std::string_view name(Account::State state);       // "active", "suspended"
std::string_view name(Alias::SendAs send_as);      // "refused", "allowed"

}  // namespace letterlock::directory
