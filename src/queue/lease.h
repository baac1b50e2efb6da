// Who may work on which of the site's 64 partitions. A partition is leased with an epoch, which
// every step of an agent reads in its transaction: a node that was taken over can't change
// anything any more, whatever it still believes. Lives on its loop.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/event.h"
#include "net/loop.h"
#include "os/clock.h"
#include "queue/keys.h"
#include "store/store.h"

namespace letterlock::queue {

struct LeaseOptions {
  std::string node;                                        // unique in the site
  base::Milliseconds duration = std::chrono::seconds(30);  // of a lease that isn't renewed
};

// Decides which partitions may be taken. Pure: `holder` and `expires` as they stand in the store.
struct Lease {
  std::string node;
  base::Time expires;
};
bool may_take(const std::optional<Lease>& lease, std::string_view node, base::Time now);

// Whether this node holds a partition as of now: it lives, or has died within a lease's duration.
net::ResultTask<bool> holds_leases(store::Transaction& transaction, std::string node,
                                   base::Time now);

class Leases {
 public:
  Leases(store::Store& store, const os::Clock& clock, base::EventSink& events,
         LeaseOptions options);

  // Takes every partition that is free, expired or was this node's before a restart; renews those
  // it has. Call it at start and at a third of the duration. Errors: as Store::transact.
  net::ResultTask<> take_and_renew();
  // Gives all back, for a clean stop: another node needn't wait.
  net::ResultTask<> give_back();
  // Called when a transaction said that the epoch isn't ours any more.
  void lost(unsigned partition);

  // The epoch to name in transactions; nothing: not ours.
  std::optional<std::uint64_t> epoch_of(unsigned partition) const;
  std::size_t count() const;

 private:
  net::ResultTask<> take_and_renew_in(store::Transaction& transaction);
  net::ResultTask<> give_back_in(store::Transaction& transaction);

  store::Store& store_;
  const os::Clock& clock_;
  base::EventSink& events_;
  LeaseOptions options_;
  std::array<std::optional<std::uint64_t>, keys::partition_count> epochs_;
  std::array<std::optional<std::uint64_t>, keys::partition_count> taking_;  // of the try under way
};

}  // namespace letterlock::queue
