// Tells: bounces, delays and successes back to senders (as reports in the queue), and hops in one
// tenant to the trace's owner in another (as redacted events). Also takes away what has expired.
// Lives on the dispatcher's loop.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/event.h"
#include "custody/custody.h"
#include "directory/directory.h"
#include "net/loop.h"
#include "os/clock.h"
#include "os/random.h"
#include "reporter/budget.h"
#include "reporter/rounds.h"
#include "store/store.h"
#include "trace/trace.h"

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
  BudgetLimits budget;
  trace::TimeDetail told_times = trace::TimeDetail::day;  // of fetches, as their events are put
  std::uint64_t returned_octets_max = 1 << 20;        // a larger original comes back as its header
  base::Milliseconds look = std::chrono::seconds(2);  // for events that nobody rang for
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
  // An event of this tenant's is to be told to another one. From any thread.
  void put_event(base::TenantId tenant);

 private:
  // What a round is about, decided before it begins.
  struct Round {
    base::Time now;
    bool looks_at_all = false;  // at each tenant's notices
    bool looks = false;         // for each tenant's events
    bool cleans = false;
    std::set<base::TenantId> noticed;
    std::set<base::TenantId> rung;
  };
  Round begin_round();
  net::ResultTask<> round();
  enum class Left { nothing, more };  // events that aren't passed yet
  net::ResultTask<Left> serve(base::TenantId tenant, const Round& round);
  void failed(base::TenantId tenant, const base::Error& error, base::Time now);
  net::ResultTask<> tell_all(base::TenantId tenant, base::Time now);
  net::ResultTask<> tell_one(base::TenantId tenant, Resting& resting, base::MessageId id,
                             base::Time now);
  net::ResultTask<Left> pass_events(base::TenantId tenant, base::Time now);
  net::ResultTask<> clean(base::TenantId tenant);
  net::ResultTask<> note_told(base::Time as_of);
  base::Milliseconds until_next() const;

  Ports ports_;
  Options options_;
  Budget budget_;
  net::Bell bell_;
  std::set<base::TenantId> noticed_;
  std::mutex rung_mutex_;
  std::set<base::TenantId> rung_;
  std::map<base::TenantId, Resting> resting_;
  std::map<base::TenantId, base::Time> troubled_;  // until when a tenant is left alone
  bool look_at_all_ = true;                        // at start nobody knows
  bool passed_ = false;                            // events, since note_told() wrote
  base::Time looked_at_all_{};
  base::Time looked_{};
  base::Time noted_{};
  base::Time cleaned_{};
};

}  // namespace letterlock::reporter
