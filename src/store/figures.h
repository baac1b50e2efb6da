// What the store on disk counts of itself.
#pragma once

#include "base/result.h"
#include "os/metrics.h"

namespace letterlock::store {

// Any thread.
struct Figures {
  explicit Figures(os::Metrics& metrics);

  os::Histogram& commit_seconds;  // one batch, its sync included
  os::Histogram& group;           // transactions in it
  os::Counter& syncs;
  os::Counter& committed;
  os::Counter& conflicts;
  os::Counter& full;
  os::Counter& failed;   // by the disk, or a damaged record
  os::Counter& refused;  // for what they asked
  os::Counter& blob_octets;

  // A transaction that came to nothing.
  void note(const base::Error& error) const;
};

}  // namespace letterlock::store
