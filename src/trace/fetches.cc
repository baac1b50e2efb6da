#include "trace/fetches.h"

#include <algorithm>
#include <map>

#include "trace/keys.h"

namespace letterlock::trace {
namespace {

using Shown = Fetches::Shown;

constexpr std::size_t rows_max = 10'000;  // one a mailbox that a recipient's message lies in

Shown shown_by(const hop::Hop& hop) {
  return {hop.protection.level, hop.protection.network, hop.protection.tls.post_quantum,
          hop.password_in_clear, hop.outcome == hop::Outcome::completed};
}

bool is_same_way(const Shown& a, const Shown& b) {
  return a.level == b.level && a.network == b.network && a.post_quantum == b.post_quantum &&
         a.password_in_clear == b.password_in_clear;
}

// Whoever could read the second could read the first: each part by itself, and all in one fetch. A
// clear one within the house and a protected one over the internet don't make a clear one over the
// internet.
bool is_as_bad(const Shown& a, const Shown& b) {
  return a.level <= b.level && a.network >= b.network && (!a.post_quantum || b.post_quantum) &&
         (a.password_in_clear || !b.password_in_clear);
}

void remember(Fetches& fetches, const Shown& shown) {
  const auto known = std::ranges::find_if(
      fetches.shown, [&](const Shown& one) { return is_same_way(one, shown); });
  if (known == fetches.shown.end())
    fetches.shown.push_back(shown);
  else
    known->completed = known->completed || shown.completed;
}

std::string key_of(const base::TenantId& tenant, const hop::Hop& hop) {
  const unsigned recipient = hop.recipients.empty() ? 0 : hop.recipients.front();
  return keys::fetches(tenant, hop.trace, recipient, hop.from.who);
}

net::ResultTask<Fetches> fetches_at(store::Transaction& tx, std::string key) {
  CO_TRY(const auto octets, co_await tx.get(std::move(key)));
  if (!octets) co_return Fetches();
  co_return unpack_fetches(*octets);
}

}  // namespace

bool keeps(Fetches& fetches, const hop::Hop& hop, std::uint64_t kept_in_trace) {
  const auto shown = shown_by(hop);
  const auto as_bad = [&](const Shown& one) { return is_as_bad(one, shown); };
  const bool is_worse = std::ranges::none_of(fetches.shown, as_bad);
  const bool is_first_whole = std::ranges::none_of(
      fetches.shown, [&](const Shown& one) { return one.completed && as_bad(one); });
  const bool has_room = kept_in_trace < fetches_of_trace_max;
  const bool kept =
      is_worse || (has_room && (fetches.kept < fetches_max ||
                                (is_first_whole && fetches.kept < fetched_parts_max)));
  if (kept) {
    ++fetches.kept;
    remember(fetches, shown);
  } else {
    ++fetches.not_kept;
  }
  return kept;
}

net::ResultTask<bool> count_fetch(store::Transaction& tx, base::TenantId tenant, hop::Hop hop,
                                  std::uint64_t kept_in_trace) {
  auto key = key_of(tenant, hop);
  CO_TRY(auto fetches, co_await fetches_at(tx, key));
  const bool kept = keeps(fetches, hop, kept_in_trace);
  tx.put(std::move(key), pack(fetches));
  co_return kept;
}

net::ResultTask<> note_completed(store::Transaction& tx, base::TenantId tenant, hop::Hop hop) {
  if (hop.outcome != hop::Outcome::completed) co_return base::Result<>();
  auto key = key_of(tenant, hop);
  CO_TRY(auto fetches, co_await fetches_at(tx, key));
  const auto before = fetches;
  remember(fetches, shown_by(hop));
  if (fetches != before) tx.put(std::move(key), pack(fetches));
  co_return base::Result<>();
}

net::ResultTask<> load_fetches(store::Transaction& tx, base::TenantId tenant, LoadedTrace& loaded) {
  const std::string prefix = keys::fetches_of_all(tenant, loaded.trace.id);
  CO_TRY(const auto found, co_await tx.scan(store::range_of(prefix), {.count_max = rows_max}));
  std::map<std::uint64_t, std::uint64_t> not_kept;
  for (const auto& [key, value] : found) {
    const auto index = base::from_key_number(std::string_view(key).substr(prefix.size(), 8));
    if (!index) co_return base::fail(index.error());
    CO_TRY(const auto fetches, unpack_fetches(value));
    not_kept[*index] += fetches.not_kept;
    loaded.fetches_not_kept += fetches.not_kept;
  }
  for (Way& way : loaded.ways) {
    const auto of = not_kept.find(way.recipient.index);
    if (of != not_kept.end()) way.fetches_not_kept = of->second;
  }
  co_return base::Result<>();
}

}  // namespace letterlock::trace
