// Tells: bounces, delays and successes back to senders (as reports in the queue), and hops in one
// tenant to the trace's owner in another (as redacted events). Also takes away what has expired.
// Lives on the dispatcher's loop.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/event.h"
#include "custody/custody.h"
#include "directory/directory.h"
#include "net/loop.h"
#include "os/clock.h"
#include "os/random.h"
#include "store/store.h"

namespace letterlock::reporter {

struct Ports {
  store::Store& store;
  directory::Directory& directory;
  custody::Custody& custody;
  net::Timers& timers;
  os::Clock& clock;
  os::Random& random;
  base::EventSink& events;
  std::function<net::ResultTask<std::vector<base::TenantId>>()> tenants;
};

struct Options {
  std::string node;
  std::string host_name;  // Reporting-MTA, and whose postmaster reports come from
  std::uint64_t returned_octets_max = 1 << 20;        // a larger original comes back as its header
  base::Milliseconds look = std::chrono::seconds(2);  // for events between tenants
  base::Milliseconds look_at_all = std::chrono::minutes(5);  // for notices that nobody spoke of
  base::Milliseconds clean = std::chrono::minutes(10);       // for what has expired
};

class Reporter {
 public:
  Reporter(Ports ports, Options options);

  // Until it is cancelled.
  net::Task<> run();
  // This tenant's queue has something to tell. From the same loop.
  void notice(base::TenantId tenant);

 private:
  net::ResultTask<> round();
  net::ResultTask<> tell_all(base::TenantId tenant);
  net::ResultTask<> pass_events(base::TenantId tenant);
  net::ResultTask<> clean(base::TenantId tenant);

  Ports ports_;
  Options options_;
  net::Bell bell_;
  std::set<base::TenantId> noticed_;
  bool look_at_all_ = true;  // at start nobody knows
  base::Time looked_{};
  base::Time cleaned_{};
};

}  // namespace letterlock::reporter
