// What a crash left open, found by its node and left unknown.
#include "trace/event.h"
#include "trace/keys.h"
#include "trace/records.h"

namespace letterlock::trace {
namespace {

// The mailbox's tenant knows; the sender's learns it as it learns of any fetch.
net::ResultTask<> tell(store::Transaction& tx, base::TenantId tenant, base::TenantId told,
                       HopRef ref, TimeDetail detail) {
  CO_TRY(const auto octets, co_await tx.get(keys::hop(tenant, ref.trace, ref.sequence)));
  if (!octets) co_return base::Result<>();
  CO_TRY(const auto hop, unpack_hop(*octets));
  put_event(tx, tenant, told, ref, hop, detail);
  co_return base::Result<>();
}

}  // namespace

net::ResultTask<OpenPage> open_intents(store::Transaction& tx, base::TenantId tenant,
                                       std::string node, std::string after, std::size_t count_max) {
  const std::string area = keys::opens(tenant);
  auto range = store::range_of(area);
  if (!after.empty()) range.first = after + std::string(1, '\0');
  CO_TRY(const auto found, co_await tx.scan(std::move(range), {.count_max = count_max}));
  OpenPage page;
  for (const auto& [key, value] : found) {
    page.last = key;
    CO_TRY(const auto open, unpack_open(value));
    if (open.node != node) continue;
    const std::string_view name = std::string_view(key).substr(area.size());
    CO_TRY(const auto id, base::TraceId::from_octets(name.substr(0, 16)));
    CO_TRY(const auto sequence, base::from_key_number(name.substr(16)));
    page.intents.push_back({id, sequence, 0, 0});
  }
  page.more = found.size() == count_max;
  co_return page;
}

net::ResultTask<> leave_unknown(store::Transaction& tx, base::TenantId tenant,
                                std::vector<HopRef> intents, base::Time now, TimeDetail detail) {
  for (const auto& ref : intents) {
    CO_TRY(const auto mark, co_await tx.get(keys::open(tenant, ref.trace, ref.sequence)));
    if (!mark) continue;
    CO_TRY(const auto open, unpack_open(*mark));
    Closing closing;
    closing.outcome = hop::Outcome::unknown;
    closing.finished = now;
    CO_CHECK(co_await close(tx, tenant, ref, std::move(closing)));
    if (!open.told.is_nil()) CO_CHECK(co_await tell(tx, tenant, open.told, ref, detail));
  }
  co_return base::Result<>();
}

}  // namespace letterlock::trace
