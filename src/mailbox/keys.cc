#include "base/pack.h"
#include "mailbox/record.h"
#include "store/store.h"

namespace letterlock::mailbox {
namespace {

std::string with_account(char letter, const Owner& owner) {
  std::string key = store::tenant_prefix(owner.tenant);
  key += "m/";
  key += letter;
  key += owner.account.octets();
  return key;
}

std::string with_place(char letter, const Place& place) {
  std::string key = with_account(letter, place.owner);
  key += place.mailbox.octets();
  return key;
}

std::string uid_octets(Uid uid) {
  return base::key_number(uid).substr(4);
}

std::string with_change(char letter, const Place& place, Modseq modseq, Uid uid) {
  return with_place(letter, place) + base::key_number(modseq) + uid_octets(uid);
}

base::Result<Uid> uid_at_end(std::string_view key) {
  if (key.size() < 4) return base::fail(base::ErrorKind::corrupt, "a message's key is too short");
  const auto number =
      TRY(base::from_key_number(std::string(4, '\0') + std::string(key.substr(key.size() - 4))));
  return static_cast<Uid>(number);
}

}  // namespace

std::string account_key(const Owner& owner) {
  return with_account('A', owner);
}
std::string names_prefix(const Owner& owner) {
  return with_account('N', owner);
}
std::string subscriptions_prefix(const Owner& owner) {
  return with_account('S', owner);
}
std::string mailbox_key(const Place& place) {
  return with_place('B', place);
}
std::string messages_prefix(const Place& place) {
  return with_place('M', place);
}
std::string message_key(const Place& place, Uid uid) {
  return with_place('M', place) + uid_octets(uid);
}
std::string changes_prefix(const Place& place) {
  return with_place('C', place);
}
std::string change_key(const Place& place, Modseq modseq, Uid uid) {
  return with_change('C', place, modseq, uid);
}
std::string tombstones_prefix(const Place& place) {
  return with_place('X', place);
}
std::string tombstone_key(const Place& place, Modseq modseq, Uid uid) {
  return with_change('X', place, modseq, uid);
}
std::string of_trace_prefix(const base::TenantId& tenant, const base::TraceId& trace) {
  return (store::tenant_prefix(tenant) + "m/T").append(trace.octets());
}
std::string of_trace_key(const Place& place, const base::TraceId& trace, Uid uid) {
  return of_trace_prefix(place.owner.tenant, trace)
      .append(place.owner.account.octets())
      .append(place.mailbox.octets())
      .append(uid_octets(uid));
}
std::string removed_prefix(const base::TenantId& tenant) {
  return store::tenant_prefix(tenant) + "m/D";
}
std::string removed_key(const Place& place) {
  return with_place('D', place);
}

std::vector<std::string> prefixes_of_account(const Owner& owner) {
  std::vector<std::string> prefixes;
  for (const char letter : {'M', 'C', 'X', 'B', 'N', 'S', 'D'})
    prefixes.push_back(with_account(letter, owner));
  return prefixes;
}

base::Result<Uid> uid_from_message_key(std::string_view key) {
  return uid_at_end(key);
}

base::Result<ChangeKey> from_change_key(std::string_view key) {
  if (key.size() < 12) return base::fail(base::ErrorKind::corrupt, "a change's key is too short");
  ChangeKey change;
  change.modseq = TRY(base::from_key_number(key.substr(key.size() - 12, 8)));
  change.uid = TRY(uid_at_end(key));
  return change;
}

base::Result<Place> place_from_removed_key(const base::TenantId& tenant, std::string_view key) {
  const auto prefix = removed_prefix(tenant);
  if (!key.starts_with(prefix) || key.size() != prefix.size() + 32) {
    return base::fail(base::ErrorKind::corrupt, "the key of a removed mailbox has another length");
  }
  Place place;
  place.owner.tenant = tenant;
  place.owner.account = TRY(base::AccountId::from_octets(key.substr(prefix.size(), 16)));
  place.mailbox = TRY(base::MailboxId::from_octets(key.substr(prefix.size() + 16)));
  return place;
}

base::Result<base::AccountId> account_from_trace_key(std::string_view prefix,
                                                     std::string_view key) {
  if (key.size() != prefix.size() + 36)
    return base::fail(base::ErrorKind::corrupt, "the key of a trace's message has another length");
  return base::AccountId::from_octets(key.substr(prefix.size(), 16));
}

base::Result<Place> place_from_message_key(const Owner& owner, std::string_view key) {
  const auto prefix = with_account('M', owner);
  if (!key.starts_with(prefix) || key.size() != prefix.size() + 20) {
    return base::fail(base::ErrorKind::corrupt, "a message's key has another length");
  }
  return Place{owner, TRY(base::MailboxId::from_octets(key.substr(prefix.size(), 16)))};
}

}  // namespace letterlock::mailbox
