// Delivers into the mailboxes that are here: takes local jobs from the queue, follows aliases and
// groups, and changes queue, mailbox and trace in one transaction. Lives on the dispatcher's loop.
#pragma once

#include <functional>
#include <string>

#include "base/event.h"
#include "directory/directory.h"
#include "net/loop.h"
#include "os/clock.h"
#include "os/random.h"
#include "queue/dispatcher.h"
#include "queue/schedule.h"
#include "store/store.h"

namespace letterlock::mda {

struct Ports {
  store::Store& store;
  directory::Directory& directory;
  queue::Dispatcher& dispatcher;
  queue::Leases& leases;
  net::Loop& loop;
  net::Timers& timers;
  os::Clock& clock;
  os::Random& random;
  base::EventSink& events;
  std::function<void(base::TenantId)> notice;  // something is to be told: wakes the reporter
};

struct Options {
  std::string node;
  queue::Schedule schedule;
  base::Milliseconds keep_trace = std::chrono::days(90);
  base::Milliseconds trouble_wait = std::chrono::seconds(30);  // after the store failed
};

class Mda {
 public:
  Mda(Ports ports, Options options);

  // Takes jobs until it is cancelled; then lets those under way end.
  net::Task<> run();

 private:
  net::Task<> handle(queue::Job job);

  Ports ports_;
  Options options_;
  net::Gate gate_;
};

}  // namespace letterlock::mda
