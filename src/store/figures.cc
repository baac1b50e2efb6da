#include "store/figures.h"

#include "base/result.h"

namespace letterlock::store {
namespace {

os::Counter& transactions(os::Metrics& metrics, const char* outcome) {
  return metrics.counter("letterlock_store_transactions_total",
                         "Changes of the store by what came of them; a conflict is tried again.",
                         {{"outcome", outcome}});
}

}  // namespace

Figures::Figures(os::Metrics& metrics)
    : commit_seconds(metrics.times("letterlock_store_commit_seconds",
                                   "How long it took to write a group of transactions and sync it.",
                                   os::short_times())),
      group(metrics.sizes("letterlock_store_group_transactions",
                          "How many transactions shared one sync.",
                          {1, 2, 4, 8, 16, 32, 64, 128, 256})),
      syncs(
          metrics.counter("letterlock_store_syncs_total", "Groups that were written and synced.")),
      committed(transactions(metrics, "committed")),
      conflicts(transactions(metrics, "conflict")),
      full(transactions(metrics, "full")),
      failed(transactions(metrics, "failed")),
      refused(transactions(metrics, "refused")),
      blob_octets(metrics.counter("letterlock_store_blob_octets_total",
                                  "Octets of content that were written.")) {}

void Figures::note(const base::Error& error) const {
  switch (error.kind) {
    case base::ErrorKind::conflict:
      return conflicts.add();
    case base::ErrorKind::full:
      return full.add();
    case base::ErrorKind::io:
    case base::ErrorKind::corrupt:
    case base::ErrorKind::closed:
    case base::ErrorKind::unavailable:
      return failed.add();
    default:
      return refused.add();
  }
}

}  // namespace letterlock::store
