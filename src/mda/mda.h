// Delivers into the mailboxes that are here: takes local jobs from the queue, follows aliases and
// groups, and changes queue, mailbox and trace in one transaction. Lives on the dispatcher's loop.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

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

class Envelope;

class Mda {
 public:
  Mda(Ports ports, Options options);

  // Takes jobs until it is cancelled; then lets those under way end.
  net::Task<> run();

 private:
  // One message's jobs, one after the other: side by side each would change what the others have
  // read, its trace above all.
  net::Task<> handle(queue::Job job);
  net::Task<> serve(queue::Job job);
  net::ResultTask<> read(queue::Job job, std::optional<Envelope>& envelope);
  net::ResultTask<std::optional<queue::Settled>> serve(queue::Due item, Envelope& envelope);
  void tell_failed(const base::MessageId& message, const std::string& recipient,
                   const base::Error& error);
  void give_back(queue::Job job, std::vector<queue::Due> left, std::optional<base::Time> next_try);

  Ports ports_;
  Options options_;
  net::Gate gate_;
  // Messages that a task works on, each with the jobs that wait for it.
  std::map<base::MessageId, std::deque<queue::Job>> under_way_;
  std::set<std::string> followed_;  // lists that are being followed, each with whose content
};

}  // namespace letterlock::mda
