#include "directory/restores.h"

#include <algorithm>

#include "base/pack.h"
#include "directory/calendar.h"
#include "directory/record.h"

namespace letterlock::directory {
namespace {

constexpr std::uint64_t version = 1;

net::ResultTask<> begin_in(store::Transaction& tx, base::Time now) {
  CO_TRY(auto restores, co_await list_restores(tx));
  const auto is_new = [](const RestoreRecord& restore) { return restore.number == 0; };
  if (std::ranges::none_of(restores, is_new)) co_return base::Result<>();
  CO_TRY(const auto latest, co_await latest_recorded(tx));
  std::uint64_t number = 0;
  for (const auto& restore : restores) number = std::max(number, restore.number);
  for (auto& restore : restores) {
    if (!is_new(restore)) continue;
    restore.restored = std::max({now, latest, restore.as_of});
    restore.number = ++number;
    tx.put(keys::restore(restore.as_of), encode(restore));
  }
  co_return base::Result<>();
}

base::Time end_of(const RestoreRecord& restore) {
  return restore.restored.value_or(restore.as_of);
}

}  // namespace

std::string encode(const RestoreRecord& restore) {
  base::Packer out(version);
  out.time(restore.as_of).flag(restore.restored.has_value());
  out.time(restore.restored.value_or(base::Time())).number(restore.number);
  return out.take();
}

base::Result<RestoreRecord> decode_restore(std::string_view octets) {
  base::Unpacker in("restore", octets);
  RestoreRecord restore;
  restore.as_of = in.time();
  const bool has_started = in.flag();
  const auto when = in.time();
  if (has_started) restore.restored = when;
  restore.number = in.number();
  TRY(in.done(version));
  return restore;
}

std::pair<std::string, std::string> restored_row(base::Time as_of) {
  return {keys::restore(as_of), encode(RestoreRecord{.as_of = as_of, .restored = {}, .number = 0})};
}

net::ResultTask<> begin_restored(store::Store& store, const os::Clock& clock) {
  return store.transact(store::Scope::site(),
                        [&clock](store::Transaction& tx) { return begin_in(tx, clock.now()); });
}

net::ResultTask<std::vector<RestoreRecord>> list_restores(store::Transaction& tx) {
  std::vector<RestoreRecord> all;
  auto range = store::range_of(keys::restores());
  while (true) {
    CO_TRY(const auto rows, co_await tx.scan(range, {.count_max = page_max}));
    for (const auto& row : rows) {
      CO_TRY(auto restore, decode_restore(row.second));
      all.push_back(restore);
    }
    if (rows.size() < page_max) co_return all;
    range.first = rows.back().first + '\0';
  }
}

net::ResultTask<std::uint64_t> count_restores(store::Transaction& tx) {
  CO_TRY(const auto all, co_await list_restores(tx));
  std::uint64_t count = 0;
  for (const auto& restore : all) count = std::max(count, restore.number);
  co_return count;
}

net::ResultTask<std::vector<protection::Opening>> unrecorded(store::Transaction& tx,
                                                             std::uint64_t restores_before) {
  CO_TRY(const auto all, co_await list_restores(tx));
  std::vector<protection::Opening> found;
  for (const auto& restore : all) {
    if (restore.number != 0 && restore.number <= restores_before) continue;
    found.push_back({.how = protection::Opening::How::unrecorded,
                     .network = hop::Network::public_,
                     .first = restore.as_of,
                     .last = end_of(restore)});
  }
  co_return found;
}

net::ResultTask<std::vector<protection::Lost>> lost_since(store::Transaction& tx,
                                                          base::Time accepted) {
  CO_TRY(const auto all, co_await list_restores(tx));
  std::vector<protection::Lost> lost;
  for (const auto& restore : all)
    if (!restore.restored || accepted <= *restore.restored)
      lost.push_back({restore.as_of, end_of(restore)});
  co_return lost;
}

}  // namespace letterlock::directory
