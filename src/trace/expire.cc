// Forgetting: traces go when their time has come, with everything that points to them.
#include <algorithm>

#include "trace/keys.h"
#include "trace/records.h"
#include "trace/trace.h"

namespace letterlock::trace {
namespace {

constexpr std::size_t batch_keys_max = 2000;

// Erases up to `left` keys of the range, and takes them off it.
net::ResultTask<> erase_some(store::Transaction& tx, std::string prefix, std::size_t& left) {
  if (left == 0) co_return base::Result<>();
  CO_TRY(const auto found, co_await tx.scan(store::range_of(prefix), {.count_max = left}));
  for (const auto& [key, value] : found) tx.erase(key);
  left -= found.size();
  co_return base::Result<>();
}

// Content is on its way under it: whoever gives it closes it, or the node's next start does.
net::ResultTask<bool> has_open_intents(store::Transaction& tx, base::TenantId tenant,
                                       base::TraceId id) {
  const std::string prefix = keys::opens(tenant) + std::string(id.octets());
  CO_TRY(const auto found, co_await tx.scan(store::range_of(prefix), {.count_max = 1}));
  co_return !found.empty();
}

// How many keys that were.
net::ResultTask<std::size_t> erase_head(store::Transaction& tx, base::TenantId tenant,
                                        base::TraceId id) {
  CO_TRY(const auto octets, co_await tx.get(keys::trace(tenant, id)));
  tx.erase(keys::state(tenant, id));
  tx.erase(keys::trace(tenant, id));
  if (!octets) co_return std::size_t{2};
  CO_TRY(const Trace trace, unpack_trace(*octets));
  const auto erase = [&](keys::Index which, std::string_view name) {
    tx.erase(keys::index(tenant, which, name) + std::string(id.octets()));
  };
  erase(keys::Index::message_id, trace.message_id);
  erase(keys::Index::from, trace.mail_from);
  erase(keys::Index::from, trace.header_from);
  for (const Recipient& recipient : trace.recipients) erase(keys::Index::to, recipient.address);
  co_return trace.recipients.size() + 5;
}

}  // namespace

net::ResultTask<Expired> expire(store::Transaction& tx, base::TenantId tenant, base::Time now,
                                std::size_t traces_max) {
  const std::string area = keys::area(tenant, "e");
  const store::Range due{area, keys::expiry(tenant, now + base::Milliseconds(1), base::TraceId())};
  CO_TRY(const auto found, co_await tx.scan(due, {.count_max = traces_max}));
  Expired expired;
  std::size_t left = batch_keys_max;
  std::size_t waiting = 0;
  for (const auto& [key, value] : found) {
    CO_TRY(const auto id,
           base::TraceId::from_octets(std::string_view(key).substr(area.size() + 8)));
    CO_TRY(const bool is_open, co_await has_open_intents(tx, tenant, id));
    if (is_open) {
      ++waiting;
      continue;
    }
    for (const std::string& prefix :
         {keys::hops(tenant, id), keys::lasts(tenant, id), keys::endings(tenant, id),
          keys::links(tenant, id), keys::lefts(tenant, id), keys::of(tenant, "d", id),
          keys::of(tenant, "a", id), keys::of(tenant, "p", id)}) {
      CO_CHECK(co_await erase_some(tx, prefix, left));
    }
    // The head goes last, and with it the entry that led here.
    if (left == 0) break;
    CO_TRY(const std::size_t erased, co_await erase_head(tx, tenant, id));
    left -= std::min(left, erased);
    tx.erase(key);
    ++expired.traces;
    if (left == 0) break;
  }
  // Those that wait for an intent's end are looked at again the next time, not at once.
  const bool all_seen = expired.traces + waiting == found.size();
  expired.more = !all_seen || (found.size() == traces_max && expired.traces > 0);
  co_return expired;
}

}  // namespace letterlock::trace
