#include "queue/lease.h"

#include <fmt/format.h>

#include "base/pack.h"

namespace letterlock::queue {
namespace {

std::string pack(const Lease& lease) {
  return base::Packer(1).text(lease.node).time(lease.expires).take();
}

base::Result<Lease> unpack_lease(std::string_view octets) {
  base::Unpacker in("queue lease", octets);
  Lease lease;
  lease.node = in.text();
  lease.expires = in.time();
  TRY(in.done(1));
  return lease;
}

// Of each partition its lease, then its epoch.
std::vector<std::string> all_rows() {
  std::vector<std::string> rows;
  rows.reserve(2UL * keys::partition_count);
  for (unsigned partition = 0; partition < keys::partition_count; ++partition) {
    rows.push_back(keys::lease(partition));
    rows.push_back(keys::epoch(partition));
  }
  return rows;
}

}  // namespace

bool may_take(const std::optional<Lease>& lease, std::string_view node, base::Time now) {
  return !lease || lease->node == node || lease->expires <= now;
}

net::ResultTask<bool> holds_leases(store::Transaction& transaction, std::string node,
                                   base::Time now) {
  for (unsigned partition = 0; partition < keys::partition_count; ++partition) {
    CO_TRY(const auto octets, co_await transaction.get(keys::lease(partition)));
    if (!octets) continue;
    CO_TRY(const auto lease, unpack_lease(*octets));
    if (lease.node == node && lease.expires > now) co_return true;
  }
  co_return false;
}

Leases::Leases(store::Store& store, const os::Clock& clock, base::EventSink& events,
               LeaseOptions options)
    : store_(store), clock_(clock), events_(events), options_(std::move(options)) {}

net::ResultTask<> Leases::take_and_renew() {
  CO_CHECK(co_await store_.transact(store::Scope::site(), [this](store::Transaction& transaction) {
    return take_and_renew_in(transaction);
  }));
  const auto had = count();
  epochs_ = taking_;
  if (const auto have = count(); have != had) {
    events_.emit({have < had ? base::Severity::warning : base::Severity::info,
                  "queue.leases_changed",
                  {{"node", options_.node},
                   {"partitions", std::to_string(have)},
                   {"before", std::to_string(had)}}});
  }
  co_return base::Result<>();
}

net::ResultTask<> Leases::take_and_renew_in(store::Transaction& transaction) {
  taking_ = {};
  const auto now = clock_.now();
  // All at once: it comes round every few seconds.
  CO_TRY(const auto rows, co_await transaction.get_many(all_rows()));
  for (unsigned partition = 0; partition < keys::partition_count; ++partition) {
    const std::size_t row = std::size_t{2} * partition;
    const auto& lease_octets = rows[row];
    const auto& epoch_octets = rows[row + 1];
    std::optional<Lease> lease;
    if (lease_octets) {
      CO_TRY(lease, unpack_lease(*lease_octets));
    }
    if (!may_take(lease, options_.node, now)) continue;
    std::uint64_t epoch = 0;
    if (epoch_octets) {
      CO_TRY(epoch, base::from_key_number(*epoch_octets));
    }
    // Ours and running: the epoch stays. Anything else is a takeover, of ourselves after a restart
    // too.
    const bool renews = lease && lease->node == options_.node && epochs_[partition] == epoch;
    if (!renews) transaction.put(keys::epoch(partition), base::key_number(++epoch));
    transaction.put(keys::lease(partition), pack(Lease{options_.node, now + options_.duration}));
    taking_[partition] = epoch;
  }
  co_return base::Result<>();
}

net::ResultTask<> Leases::give_back() {
  return store_.transact(store::Scope::site(), [this](store::Transaction& transaction) {
    return give_back_in(transaction);
  });
}

net::ResultTask<> Leases::give_back_in(store::Transaction& transaction) {
  for (unsigned partition = 0; partition < keys::partition_count; ++partition) {
    if (!epochs_[partition]) continue;
    CO_TRY(const auto octets, co_await transaction.get(keys::epoch(partition)));
    if (!octets || *octets != base::key_number(*epochs_[partition])) continue;
    transaction.put(keys::epoch(partition), base::key_number(*epochs_[partition] + 1));
    transaction.erase(keys::lease(partition));
  }
  co_return base::Result<>();
}

void Leases::lost(unsigned partition) {
  if (!epochs_[partition]) return;
  epochs_[partition].reset();
  events_.emit({base::Severity::warning,
                "queue.lease_lost",
                {{"node", options_.node}, {"partition", std::to_string(partition)}}});
}

std::optional<std::uint64_t> Leases::epoch_of(unsigned partition) const {
  return epochs_[partition];
}

std::size_t Leases::count() const {
  std::size_t count = 0;
  for (const auto& epoch : epochs_) count += epoch.has_value() ? 1 : 0;
  return count;
}

}  // namespace letterlock::queue
