#include "queue/served.h"

#include "base/pack.h"
#include "queue/keys.h"

namespace letterlock::queue {

namespace {

constexpr std::uint64_t version = 1;

struct Row {
  std::string until;  // the address up to which a list is served; empty: to its end
  base::TraceId by;   // nil: several, or not to its end
};

net::ResultTask<std::optional<Row>> row_of(store::Transaction& transaction, base::TenantId tenant,
                                           base::TraceId origin, std::string who) {
  CO_TRY(const auto octets, co_await transaction.get(keys::served(tenant, origin, who)));
  if (!octets) co_return std::nullopt;
  base::Unpacker in("who was served", *octets);
  Row row;
  row.until = in.text();
  row.by = in.id<base::TraceId>();
  CO_CHECK(in.done(version));
  co_return row;
}

}  // namespace

net::ResultTask<bool> was_served(store::Transaction& transaction, base::TenantId tenant,
                                 base::TraceId origin, std::string who) {
  CO_TRY(const auto by, co_await served_by(transaction, tenant, origin, std::move(who)));
  co_return by.has_value();
}

net::ResultTask<std::optional<base::TraceId>> served_by(store::Transaction& transaction,
                                                        base::TenantId tenant, base::TraceId origin,
                                                        std::string who) {
  CO_TRY(const auto row, co_await row_of(transaction, tenant, origin, std::move(who)));
  if (!row || !row->until.empty()) co_return std::nullopt;
  co_return row->by;
}

void note_served(store::Transaction& transaction, const base::TenantId& tenant,
                 const base::TraceId& origin, std::string_view who, const base::TraceId& by) {
  transaction.put(keys::served(tenant, origin, who), base::Packer(version).text("").id(by).take());
}

net::ResultTask<std::optional<std::string>> served_until(store::Transaction& transaction,
                                                         base::TenantId tenant,
                                                         base::TraceId origin, std::string who) {
  CO_TRY(auto row, co_await row_of(transaction, tenant, origin, std::move(who)));
  if (!row) co_return std::nullopt;
  co_return std::move(row->until);
}

void note_served_until(store::Transaction& transaction, const base::TenantId& tenant,
                       const base::TraceId& origin, std::string_view who, std::string_view until) {
  transaction.put(keys::served(tenant, origin, who),
                  base::Packer(version).text(until).id(base::TraceId()).take());
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
