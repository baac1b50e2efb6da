#include "queue/served.h"

#include "base/pack.h"
#include "queue/keys.h"

namespace letterlock::queue {

net::ResultTask<bool> was_served(store::Transaction& transaction, base::TenantId tenant,
                                 base::TraceId origin, std::string who) {
  CO_TRY(const auto row, co_await transaction.get(keys::served(tenant, origin, who)));
  co_return row.has_value();
}

void note_served(store::Transaction& transaction, const base::TenantId& tenant,
                 const base::TraceId& origin, std::string_view who) {
  transaction.put(keys::served(tenant, origin, who), base::Packer(1).take());
}

// An id begins with its time, so rows stand in the order in which contents came in.
net::ResultTask<bool> forget_served(store::Transaction& transaction, base::TenantId tenant,
                                    base::Time before, std::size_t count_max) {
  const auto end = base::TraceId::make(before, {});
  store::Transaction::ScanOptions options;
  options.count_max = count_max;
  const store::Range range{keys::served(tenant), keys::served(tenant, end, "")};
  CO_TRY(const auto rows, co_await transaction.scan(range, options));
  for (const auto& [key, value] : rows) transaction.erase(key);
  co_return rows.size() == count_max;
}

}  // namespace letterlock::queue
