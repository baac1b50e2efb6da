#include "directory/record.h"

#include "base/pack.h"

namespace letterlock::directory {
namespace {

using base::ErrorKind;
using base::fail;
using base::Packer;
using base::Unpacker;

constexpr std::uint64_t version = 1;  // of each record, until one of them changes

std::unexpected<base::Error> corrupt(std::string_view what) {
  return fail(ErrorKind::corrupt, "a stored " + std::string(what) + " holds a value out of range");
}

// A number that must be one of an enum's, `last` being its last.
template <class Enum>
base::Result<Enum> one_of(std::uint64_t number, Enum last, std::string_view what) {
  if (number > static_cast<std::uint64_t>(last)) return corrupt(what);
  return static_cast<Enum>(number);
}

base::Result<Address> address_from(std::string_view text, std::string_view what) {
  auto address = Address::parse(text);
  if (!address) return corrupt(what);
  return address;
}

void pack(Packer& out, const std::vector<Address>& addresses) {
  out.number(addresses.size());
  for (const auto& address : addresses) out.text(address.text());
}

std::vector<std::string_view> unpack_texts(Unpacker& in) {
  std::vector<std::string_view> texts;
  for (auto left = in.count(); left > 0 && !in.bad(); --left) texts.push_back(in.text());
  return texts;
}

base::Result<std::vector<Address>> addresses_from(const std::vector<std::string_view>& texts,
                                                  std::size_t count_max, std::string_view what) {
  if (texts.size() > count_max) return corrupt(what);
  std::vector<Address> addresses;
  for (const auto text : texts) addresses.push_back(TRY(address_from(text, what)));
  return addresses;
}

}  // namespace

std::string encode(const Tenant& tenant) {
  Packer out(version);
  out.id(tenant.id).text(tenant.name);
  out.number(static_cast<std::uint64_t>(tenant.clear_fetch));
  out.text(tenant.clear_fetch_set.who).time(tenant.clear_fetch_set.when);
  out.text(hop::to_text(tenant.requirement)).text(tenant.requirement_reason);
  out.number(tenant.limits.per_hour)
      .number(tenant.limits.per_day)
      .number(tenant.limits.failed_per_day);
  out.flag(tenant.postmaster.has_value()).id(tenant.postmaster.value_or(base::AccountId()));
  out.time(tenant.created).number(static_cast<std::uint64_t>(tenant.state));
  return out.take();
}

base::Result<Tenant> decode_tenant(std::string_view octets) {
  Unpacker in("tenant", octets);
  Tenant tenant;
  tenant.id = in.id<base::TenantId>();
  tenant.name = in.text();
  const auto clear_fetch = in.number();
  tenant.clear_fetch_set.who = in.text();
  tenant.clear_fetch_set.when = in.time();
  const auto requirement = in.text();
  tenant.requirement_reason = in.text();
  tenant.limits.per_hour = in.number();
  tenant.limits.per_day = in.number();
  tenant.limits.failed_per_day = in.number();
  const bool has_postmaster = in.flag();
  const auto postmaster = in.id<base::AccountId>();
  tenant.created = in.time();
  const auto state = in.number();
  TRY(in.done(version));
  tenant.state = TRY(one_of(state, Tenant::State::closing, "tenant"));
  tenant.clear_fetch = TRY(one_of(clear_fetch, ClearFetch::allowed, "tenant"));
  if (has_postmaster) tenant.postmaster = postmaster;
  auto parts = requirement_of(tenant, requirement);
  if (!parts) return corrupt("tenant");
  tenant.requirement = std::move(*parts);
  return tenant;
}

std::string encode(const DomainRecord& record) {
  Packer out(version);
  out.text(record.domain.text()).id(record.tenant);
  out.number(static_cast<std::uint64_t>(record.state)).time(record.created);
  return out.take();
}

base::Result<DomainRecord> decode_domain(std::string_view octets) {
  Unpacker in("domain", octets);
  DomainRecord record;
  const auto text = in.text();
  record.tenant = in.id<base::TenantId>();
  const auto state = in.number();
  record.created = in.time();
  TRY(in.done(version));
  record.state = TRY(one_of(state, DomainRecord::State::closing, "domain"));
  auto domain = Domain::parse(text);
  if (!domain) return corrupt("domain");
  record.domain = std::move(*domain);
  return record;
}

std::string encode(const Account& account) {
  Packer out(version);
  out.id(account.id).id(account.tenant).text(account.address.text()).text(account.display_name);
  out.text(sasl::to_text(account.keys));
  out.number(static_cast<std::uint64_t>(account.accepts));
  out.number(static_cast<std::uint64_t>(account.state));
  out.number(static_cast<std::uint64_t>(account.sending.state));
  out.text(account.sending.reason).time(account.sending.since);
  out.number(account.quota_octets).time(account.created).time(account.password_changed);
  pack(out, account.more_addresses);
  out.time(account.accepts_since);
  out.number(account.certificates.size());
  for (const auto& key : account.certificates) out.text(key);
  out.number(account.restores);
  return out.take();
}

base::Result<Account> decode_account(std::string_view octets) {
  Unpacker in("account", octets);
  Account account;
  account.id = in.id<base::AccountId>();
  account.tenant = in.id<base::TenantId>();
  const auto address = in.text();
  account.display_name = in.text();
  const auto keys = in.text();
  const auto accepts = in.number();
  const auto state = in.number();
  const auto sending = in.number();
  account.sending.reason = in.text();
  account.sending.since = in.time();
  account.quota_octets = in.number();
  account.created = in.time();
  account.password_changed = in.time();
  const auto more = unpack_texts(in);
  account.accepts_since = in.time();
  const auto certificates = unpack_texts(in);
  account.restores = in.number();
  TRY(in.done(version));
  if (certificates.size() > certificates_max) return corrupt("account");
  for (const auto key : certificates) {
    if (certificate_key(key).value_or("") != key) return corrupt("account");
    account.certificates.emplace_back(key);
  }
  account.address = TRY(address_from(address, "account"));
  account.keys = TRY(sasl::keys_from_text(keys));
  account.accepts = TRY(one_of(accepts, Accepts::plus_only, "account"));
  account.state = TRY(one_of(state, Account::State::suspended, "account"));
  account.sending.state = TRY(one_of(sending, Sending::State::stopped, "account"));
  account.more_addresses = TRY(addresses_from(more, more_addresses_max, "account"));
  return account;
}

std::string encode(const Alias& alias) {
  Packer out(version);
  out.text(alias.address.text()).id(alias.tenant);
  out.number(static_cast<std::uint64_t>(alias.send_as));
  pack(out, alias.targets);
  return out.take();
}

base::Result<Alias> decode_alias(std::string_view octets) {
  Unpacker in("alias", octets);
  Alias alias;
  const auto address = in.text();
  alias.tenant = in.id<base::TenantId>();
  const auto send_as = in.number();
  const auto targets = unpack_texts(in);
  TRY(in.done(version));
  alias.address = TRY(address_from(address, "alias"));
  alias.send_as = TRY(one_of(send_as, Alias::SendAs::allowed, "alias"));
  alias.targets = TRY(addresses_from(targets, alias_targets_max, "alias"));
  return alias;
}

std::string encode(const Group& group) {
  Packer out(version);
  out.text(group.address.text()).id(group.tenant).text(group.display_name);
  pack(out, group.members);
  return out.take();
}

base::Result<Group> decode_group(std::string_view octets) {
  Unpacker in("group", octets);
  Group group;
  const auto address = in.text();
  group.tenant = in.id<base::TenantId>();
  group.display_name = in.text();
  const auto members = unpack_texts(in);
  TRY(in.done(version));
  group.address = TRY(address_from(address, "group"));
  group.members = TRY(addresses_from(members, group_members_max, "group"));
  return group;
}

std::string encode(const Entry& entry) {
  Packer out(version);
  out.number(static_cast<std::uint64_t>(entry.kind)).id(entry.account);
  return out.take();
}

base::Result<Entry> decode_entry(std::string_view octets) {
  Unpacker in("directory entry", octets);
  Entry entry;
  const auto kind = in.number();
  entry.account = in.id<base::AccountId>();
  TRY(in.done(version));
  entry.kind = TRY(one_of(kind, Entry::Kind::group, "directory entry"));
  return entry;
}

std::string encode(const SendingCount& count) {
  Packer out(version);
  out.time(count.hour_began).number(count.hour_recipients);
  out.time(count.day_began).number(count.day_recipients).number(count.day_failed);
  return out.take();
}

base::Result<SendingCount> decode_sending_count(std::string_view octets) {
  Unpacker in("sending count", octets);
  SendingCount count;
  count.hour_began = in.time();
  count.hour_recipients = in.number();
  count.day_began = in.time();
  count.day_recipients = in.number();
  count.day_failed = in.number();
  TRY(in.done(version));
  return count;
}

}  // namespace letterlock::directory
