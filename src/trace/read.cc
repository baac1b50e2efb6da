#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "trace/event.h"
#include "trace/fetches.h"
#include "trace/keys.h"
#include "trace/records.h"
#include "trace/trace.h"
#include "trace/write.h"

namespace letterlock::trace {
namespace {

using base::ErrorKind;
using hop::Hop;

constexpr std::size_t page_count = 500;
constexpr std::size_t found_max = 100;
constexpr std::size_t looked_at_max = 1000;

// The key after `key`: where the next page begins.
std::string behind(std::string key) {
  key.push_back('\0');
  return key;
}

net::ResultTask<> load_hops(store::Transaction& tx, base::TenantId tenant, const std::string& head,
                            LoadedTrace& loaded) {
  CO_TRY(auto first, unpack_first_hop(head));
  if (first) loaded.hops.push_back(std::move(*first));
  store::Range range = store::range_of(keys::hops(tenant, loaded.trace.id));
  while (loaded.hops.size() < loaded_hops_max) {
    CO_TRY(const auto page, co_await tx.scan(range, {.count_max = page_count}));
    for (const auto& [key, value] : page) {
      CO_TRY(Hop hop, unpack_hop(value));
      loaded.hops.push_back(std::move(hop));
    }
    if (page.size() < page_count) co_return base::Result<>();
    range.first = behind(page.back().first);
  }
  loaded.complete = false;
  co_return base::Result<>();
}

}  // namespace

void lay_out_ways(LoadedTrace& loaded) {
  std::map<unsigned, std::vector<std::size_t>> of_recipient;
  std::vector<std::size_t> of_all;
  for (std::size_t i = 0; i < loaded.hops.size(); ++i) {
    if (loaded.hops[i].recipients.empty()) of_all.push_back(i);
    for (const unsigned recipient : loaded.hops[i].recipients) of_recipient[recipient].push_back(i);
  }
  if (loaded.ways.empty()) {
    for (const Recipient& recipient : loaded.trace.recipients)
      loaded.ways.push_back({recipient, {}, std::nullopt});
  }
  for (Way& way : loaded.ways) {
    way.hops = of_all;
    const auto& own = of_recipient[way.recipient.index];
    way.hops.insert(way.hops.end(), own.begin(), own.end());
    std::ranges::sort(way.hops, [&](std::size_t a, std::size_t b) {
      return std::pair(loaded.hops[a].number, a) < std::pair(loaded.hops[b].number, b);
    });
  }
}

namespace {

net::ResultTask<> load_endings(store::Transaction& tx, base::TenantId tenant, LoadedTrace& loaded) {
  const std::string prefix = keys::endings(tenant, loaded.trace.id);
  CO_TRY(const auto found,
         co_await tx.scan(store::range_of(prefix), {.count_max = recipients_max}));
  std::map<std::uint64_t, Ending> endings;
  for (const auto& [key, value] : found) {
    CO_TRY(const auto index, base::from_key_number(std::string_view(key).substr(prefix.size())));
    CO_TRY(endings[index], unpack_ending(value));
  }
  for (Way& way : loaded.ways) {
    const auto ending = endings.find(way.recipient.index);
    if (ending != endings.end()) way.ending = ending->second;
  }
  co_return base::Result<>();
}

net::ResultTask<> load_links(store::Transaction& tx, base::TenantId tenant, LoadedTrace& loaded) {
  const auto range = store::range_of(keys::links(tenant, loaded.trace.id));
  CO_TRY(const auto found, co_await tx.scan(range, {.count_max = loaded_links_max}));
  for (const auto& [key, value] : found) {
    CO_TRY(auto link, unpack_link(value));
    loaded.links.push_back(std::move(link));
  }
  loaded.has_all_links = found.size() < loaded_links_max;
  co_return base::Result<>();
}

net::ResultTask<> load_lefts(store::Transaction& tx, base::TenantId tenant, LoadedTrace& loaded) {
  const std::string prefix = keys::lefts(tenant, loaded.trace.id);
  CO_TRY(const auto found,
         co_await tx.scan(store::range_of(prefix), {.count_max = recipients_max}));
  for (const auto& [key, value] : found) {
    CO_TRY(const auto account,
           base::AccountId::from_octets(std::string_view(key).substr(prefix.size())));
    CO_TRY(const auto when, unpack_left(value));
    loaded.left.emplace_back(account, when);
  }
  co_return base::Result<>();
}

std::string bare_address(std::string_view text) {
  return base::to_lower(base::trim(text));
}

bool matches(const Trace& trace, const Query& query) {
  const auto is = [](const std::optional<std::string>& wanted, const std::string& address) {
    return wanted && bare_address(*wanted) == base::to_lower(address);
  };
  if (query.message_id &&
      keys::bare_message_id(*query.message_id) != keys::bare_message_id(trace.message_id)) {
    return false;
  }
  if (query.from && !is(query.from, trace.mail_from) && !is(query.from, trace.header_from)) {
    return false;
  }
  return !query.to || std::ranges::any_of(trace.recipients, [&](const Recipient& recipient) {
    return is(query.to, recipient.address);
  });
}

// The index that narrows the most; all traces where nothing is asked for.
std::string prefix_of(const base::TenantId& tenant, const Query& query) {
  using enum keys::Index;
  if (query.message_id) return keys::index(tenant, message_id, *query.message_id);
  if (query.to) return keys::index(tenant, to, base::trim(*query.to));
  if (query.from) return keys::index(tenant, from, base::trim(*query.from));
  return keys::area(tenant, "t");
}

// Trace ids begin with their time, so every index is in the order of time.
store::Range between(const std::string& prefix, const Query& query) {
  store::Range range = store::range_of(prefix);
  const auto at = [&](base::Time time) {
    return prefix + std::string(base::TraceId::make(time, {}).octets());
  };
  if (query.since) range.first = at(std::max(*query.since, base::Time()));
  if (query.until) range.end = at(std::max(*query.until, base::Time()) + base::Milliseconds(1));
  return range;
}

// The recipient that was asked for, or else the first that may be seen; hidden ones aren't counted
// where they may not be.
Summary summary_of(const Trace& trace, const base::TenantId& tenant, const Query& query) {
  Summary summary{.id = trace.id,
                  .accepted = trace.accepted,
                  .subject = trace.subject,
                  .mail_from = trace.mail_from};
  const bool shows_all = shows_hidden(trace, tenant);
  const bool is_asked_for = query.to.has_value();
  for (const Recipient& recipient : trace.recipients) {
    const bool fits = is_asked_for && bare_address(*query.to) == base::to_lower(recipient.address);
    if (recipient.hidden && !shows_all && !fits) continue;
    ++summary.recipients;
    if (fits || (!is_asked_for && summary.first_recipient.empty()))
      summary.first_recipient = recipient.address;
  }
  return summary;
}

net::ResultTask<std::string> head_of(store::Transaction& tx, base::TenantId tenant,
                                     base::TraceId id) {
  CO_TRY(auto octets, co_await tx.get(keys::trace(tenant, id)));
  if (!octets) {
    co_return base::fail(ErrorKind::not_found, fmt::format("there is no trace {}", id.text()));
  }
  co_return std::move(*octets);
}

}  // namespace

std::vector<Hop> LoadedTrace::hops_of(const Way& way) const {
  std::vector<Hop> found;
  found.reserve(way.hops.size());
  for (const std::size_t at : way.hops) found.push_back(hops[at]);
  return found;
}

net::ResultTask<bool> exists(store::Transaction& tx, base::TenantId tenant, base::TraceId id) {
  CO_TRY(const auto octets, co_await tx.get(keys::trace(tenant, id)));
  co_return octets.has_value();
}

net::ResultTask<Trace> find(store::Transaction& tx, base::TenantId tenant, base::TraceId id) {
  CO_TRY(const auto head, co_await head_of(tx, tenant, id));
  co_return unpack_trace(head);
}

net::ResultTask<LoadedTrace> load(store::Transaction& tx, base::TenantId tenant, base::TraceId id) {
  LoadedTrace loaded;
  CO_TRY(const auto head, co_await head_of(tx, tenant, id));
  CO_TRY(loaded.trace, unpack_trace(head));
  CO_TRY(const State state, co_await state_of(tx, tenant, id));
  loaded.quiet_attempts_not_kept = state.quiet_not_kept;
  CO_CHECK(co_await load_hops(tx, tenant, head, loaded));
  lay_out_ways(loaded);
  CO_CHECK(co_await load_endings(tx, tenant, loaded));
  CO_CHECK(co_await load_links(tx, tenant, loaded));
  CO_CHECK(co_await load_lefts(tx, tenant, loaded));
  CO_CHECK(co_await load_fetches(tx, tenant, loaded));
  CO_TRY(loaded.told_as_of, co_await told_as_of(tx));
  co_return loaded;
}

net::ResultTask<Found> find(store::Transaction& tx, base::TenantId tenant, Query query) {
  const std::size_t count_max = std::min(query.count_max, found_max);
  const std::string prefix = prefix_of(tenant, query);
  store::Range range = between(prefix, query);
  Found found;
  std::size_t looked_at = 0;
  // In small pages: a trace with a thousand recipients is 300 KiB.
  constexpr std::size_t entries_count = 20;
  while (range.first < range.end) {
    CO_TRY(const auto page, co_await tx.scan(range, {.count_max = entries_count, .reverse = true}));
    for (const auto& [key, value] : page) {
      if (found.traces.size() == count_max || looked_at == looked_at_max) {
        found.more = true;
        co_return found;
      }
      ++looked_at;
      CO_TRY(const auto id,
             base::TraceId::from_octets(std::string_view(key).substr(prefix.size())));
      CO_TRY(const Trace trace, co_await find(tx, tenant, id));
      if (matches(trace, query)) found.traces.push_back(summary_of(trace, tenant, query));
    }
    if (page.size() < entries_count) break;
    range.end = page.back().first;
  }
  co_return found;
}

}  // namespace letterlock::trace
