#include "sim/day/commit.h"

#include "base/pack.h"
#include "directory/record.h"
#include "trace/records.h"

namespace letterlock::day {
namespace {

constexpr std::size_t id_octets = 16;
constexpr std::size_t scope_octets = 2 + id_octets + 1;  // "t/" tenant "/"

using Value = std::optional<std::string>;

// Into an optional of T with `unpack`, nothing for an erased row.
template <class T, class Unpack>
base::Result<std::optional<T>> value_of(const Value& octets, Unpack unpack) {
  if (!octets) return std::optional<T>();
  return std::optional<T>(TRY(unpack(*octets)));
}

base::Result<> read_queue(Commit& commit, const base::TenantId& tenant, std::string_view key,
                          const Value& octets) {
  const auto row = key.substr(4);
  if (key.starts_with("q/m/")) {
    const auto id = TRY(base::MessageId::from_octets(row));
    auto entry = TRY(value_of<queue::Entry>(octets, queue::unpack_message));
    if (!entry) {
      commit.messages.push_back({tenant, id, std::nullopt});
      return {};
    }
    commit.messages.push_back({tenant, id, std::move(entry->message)});
    for (const auto& recipient : entry->recipients)
      commit.recipients.push_back({tenant, id, recipient.index, recipient});
  } else if (key.starts_with("q/r/")) {
    const auto index = static_cast<unsigned>(static_cast<std::uint8_t>(row[id_octets])) << 8 |
                       static_cast<std::uint8_t>(row[id_octets + 1]);
    commit.recipients.push_back({tenant,
                                 TRY(base::MessageId::from_octets(row.substr(0, id_octets))), index,
                                 TRY(value_of<queue::Recipient>(octets, queue::unpack_recipient))});
  }
  return {};
}

base::Result<> read_trace(Commit& commit, const base::TenantId& tenant, std::string_view key,
                          const Value& octets) {
  const auto kind = key.substr(0, 4);
  if (kind != "x/t/" && kind != "x/h/" && kind != "x/w/") return {};
  const auto id = TRY(base::TraceId::from_octets(key.substr(4, id_octets)));
  const auto rest = key.substr(4 + id_octets);
  if (kind == "x/t/") {
    commit.traces.push_back({tenant, id, TRY(value_of<trace::Trace>(octets, trace::unpack_trace))});
    if (!octets) return {};
    if (auto first = TRY(trace::unpack_first_hop(*octets)))
      commit.hops.push_back({tenant, id, 1, std::move(first)});
  } else if (kind == "x/h/") {
    commit.hops.push_back({tenant, id, TRY(base::from_key_number(rest)),
                           TRY(value_of<hop::Hop>(octets, trace::unpack_hop))});
  } else if (octets) {
    commit.endings.push_back({tenant, id, static_cast<unsigned>(TRY(base::from_key_number(rest))),
                              TRY(trace::unpack_ending(*octets)).kind});
  }
  return {};
}

base::Result<> read_mail(Commit& commit, const base::TenantId& tenant, std::string_view whole,
                         std::string_view key, const Value& octets) {
  if (!key.starts_with("m/M") && !key.starts_with("m/A")) return {};
  const auto account = TRY(base::AccountId::from_octets(key.substr(3, id_octets)));
  if (key[2] == 'A') {
    commit.totals.push_back(
        {account, TRY(value_of<mailbox::AccountRecord>(octets, mailbox::decode_account))});
    return {};
  }
  const auto uid = TRY(mailbox::uid_from_message_key(whole));
  commit.mails.push_back({tenant, account, std::string(whole),
                          TRY(value_of<mailbox::Message>(octets, [uid](std::string_view text) {
                            return mailbox::decode_message(uid, text);
                          }))});
  return {};
}

base::Result<> read_directory(Commit& commit, std::string_view key, const Value& octets) {
  if (key.starts_with("d/A")) {
    commit.accounts.push_back(
        {TRY(base::AccountId::from_octets(key.substr(3))),
         TRY(value_of<directory::Account>(octets, directory::decode_account))});
    return {};
  }
  if (!key.starts_with("d/C") || !octets) return {};
  commit.sendings.push_back({TRY(base::AccountId::from_octets(key.substr(3))),
                             TRY(directory::decode_sending_count(*octets))});
  return {};
}

// Who has a partition is written as its own room reads it: a name, then a time.
void read_site(Commit& commit, std::string_view key, const Value& octets) {
  constexpr std::string_view leases = "q/lease/";
  if (!key.starts_with(leases) || key.size() <= leases.size()) return;
  base::Unpacker in("queue lease", octets ? std::string_view(*octets) : std::string_view());
  commit.leases.push_back({static_cast<std::uint8_t>(key[leases.size()]),
                           octets ? std::string(in.text()) : std::string()});
}

}  // namespace

std::optional<base::TenantId> tenant_of_key(std::string_view key) {
  if (!key.starts_with("t/") || key.size() < scope_octets) return std::nullopt;
  const auto id = base::TenantId::from_octets(key.substr(2, id_octets));
  return id ? std::optional(*id) : std::nullopt;
}

std::string_view behind_scope(std::string_view key) {
  return key.starts_with("t/") && key.size() >= scope_octets ? key.substr(scope_octets)
                                                             : key.substr(key.find('/') + 1);
}

base::Result<Commit> read_commit(const store::Changes& changes) {
  Commit commit;
  for (const auto& [whole, octets] : changes.keys) {
    const auto tenant = tenant_of_key(whole);
    const auto key = behind_scope(whole);
    if (!tenant) {
      read_site(commit, key, octets);
      continue;
    }
    if (key.starts_with("d/")) TRY(read_directory(commit, key, octets));
    if (key.starts_with("q/")) TRY(read_queue(commit, *tenant, key, octets));
    if (key.starts_with("x/")) TRY(read_trace(commit, *tenant, key, octets));
    if (key.starts_with("m/")) TRY(read_mail(commit, *tenant, whole, key, octets));
  }
  return commit;
}

}  // namespace letterlock::day
