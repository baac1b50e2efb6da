#include "directory/backups.h"

#include <algorithm>

#include "base/pack.h"
#include "directory/record.h"

namespace letterlock::directory {
namespace {

constexpr std::uint64_t version = 1;
// store::BackupOptions::time_max: no backup takes longer.
constexpr base::Milliseconds taken_max = std::chrono::hours(6);

bool counts(const BackupRecord& backup, base::Time from, base::Time to, const base::Order& order) {
  if (backup.forgotten) return false;
  const auto ended = backup.ended.value_or(backup.began + taken_max);
  return !order.is_before(to, backup.began) && !order.is_before(ended, from);
}

void pack(base::Packer& out, const std::optional<base::Time>& time) {
  out.flag(time.has_value()).time(time.value_or(base::Time()));
}
std::optional<base::Time> unpack_time(base::Unpacker& in) {
  const bool there = in.flag();
  const auto time = in.time();
  return there ? std::optional(time) : std::nullopt;
}

}  // namespace

bool is_overdue(const BackupRecord& backup, base::Time now) {
  return !backup.forgotten && backup.kept_until && *backup.kept_until < now;
}

std::string_view name(BackupRecord::State state) {
  switch (state) {
    case BackupRecord::State::begun:
      return "begun";
    case BackupRecord::State::whole:
      return "whole";
    case BackupRecord::State::failed:
      return "failed";
  }
  return "";
}

std::string encode(const BackupRecord& backup) {
  base::Packer out(version);
  out.id(backup.id).number(static_cast<std::uint64_t>(backup.state));
  out.text(backup.directory).text(backup.node).time(backup.began);
  pack(out, backup.ended);
  pack(out, backup.kept_until);
  out.flag(backup.forgotten.has_value());
  const auto forgotten = backup.forgotten.value_or(SetBy());
  out.text(forgotten.who).time(forgotten.when);
  return out.take();
}

base::Result<BackupRecord> decode_backup(std::string_view octets) {
  base::Unpacker in("backup", octets);
  BackupRecord backup;
  backup.id = in.id<BackupId>();
  const auto state = in.number();
  backup.directory = in.text();
  backup.node = in.text();
  backup.began = in.time();
  backup.ended = unpack_time(in);
  backup.kept_until = unpack_time(in);
  const bool forgotten = in.flag();
  SetBy by;
  by.who = in.text();
  by.when = in.time();
  TRY(in.done(version));
  if (state > static_cast<std::uint64_t>(BackupRecord::State::failed))
    return base::fail(base::ErrorKind::corrupt, "a stored backup holds a value out of range");
  backup.state = static_cast<BackupRecord::State>(state);
  if (forgotten) backup.forgotten = std::move(by);
  return backup;
}

void put_backup(store::Transaction& tx, const BackupRecord& backup) {
  tx.put(keys::backup(backup.id.octets()), encode(backup));
}

net::ResultTask<BackupRecord> find_backup(store::Transaction& tx, BackupId id) {
  CO_TRY(const auto octets, co_await tx.get(keys::backup(id.octets())));
  if (!octets) co_return base::fail(base::ErrorKind::not_found, "no backup " + id.text());
  CO_TRY(auto backup, decode_backup(*octets));
  co_return backup;
}

net::ResultTask<std::vector<BackupRecord>> list_backups(store::Transaction& tx, BackupId after,
                                                        std::size_t count_max) {
  auto range = store::range_of(keys::backups());
  if (!after.is_nil()) range.first = keys::backup(after.octets()).append(1, '\0');
  CO_TRY(const auto rows, co_await tx.scan(range, {.count_max = std::min(count_max, page_max)}));
  std::vector<BackupRecord> backups;
  for (const auto& row : rows) {
    CO_TRY(auto backup, decode_backup(row.second));
    backups.push_back(std::move(backup));
  }
  co_return backups;
}

net::ResultTask<std::vector<protection::Backup>> backups_between(store::Transaction& tx,
                                                                 base::Time from, base::Time to,
                                                                 base::Time now,
                                                                 base::Order order) {
  std::vector<protection::Backup> held;
  BackupId after;
  while (true) {
    CO_TRY(const auto page, co_await list_backups(tx, after, page_max));
    for (const auto& backup : page)
      if (counts(backup, from, to, order))
        held.push_back({backup.began, backup.kept_until, is_overdue(backup, now)});
    if (page.size() < page_max) co_return held;
    after = page.back().id;
  }
}

}  // namespace letterlock::directory
