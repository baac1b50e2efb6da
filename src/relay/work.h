// The values that one job goes through: what it carries, why a host didn't take it, and what came
// of it in the end.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hop/hop.h"
#include "protection/judge.h"
#include "queue/queue.h"
#include "relay/relay.h"
#include "trace/trace.h"

namespace letterlock::relay {

struct Unwritten;

// What all jobs share.
struct World {
  const Ports& ports;
  const Options& options;
  Pool& pool;

  const Waits& waits(queue::Lane lane) const {
    return lane == queue::Lane::report ? options.report_waits : options.waits;
  }
};

// One message, and those of a job's recipients that still wait.
struct Work {
  queue::Job job;
  std::uint64_t epoch = 0;
  queue::Message message;
  std::vector<queue::Recipient> recipients;
  std::vector<address::Address> addresses;  // of them, in the same order
  protection::Demand demand;
  os::Steady until;  // no further host is begun
  // What came of the message before it on the same way; it goes with this one's intent.
  std::shared_ptr<Unwritten> before;
};

// The job's message, and those of its recipients that still wait, as the store has them; none where
// there is nothing to do any more. Errors: the store's.
net::ResultTask<> read(store::Transaction& transaction, Work& work);

// One host, or one of its addresses, didn't take the message.
struct Trouble {
  enum class Kind {
    network,   // it doesn't answer
    answered,  // it answered, and takes nothing
    judged,    // the judgement doesn't let it
  } kind = Kind::network;
  dsn::Status status;
  std::string sentence;  // names the host
  std::string host;
  hop::Hop hop;  // the attempt, to be recorded
  std::optional<protection::Judgement> judgement;
  enum class Next { address, host } next = Next::address;
};

// What comes of the recipients: written in one transaction.
struct Conclusion {
  std::vector<queue::Outcome> outcomes;  // none: they stay as they are
  std::vector<hop::Hop> attempts;        // ended, not recorded yet
  std::optional<trace::HopRef> intent;   // to be closed
  trace::Closing closing;
  // For the log.
  std::string host;
  std::optional<protection::Judgement> judgement;

  // The host has taken the message for everybody: nothing is owed but the record of it.
  bool is_plain_success() const;
  // No host gave it a session: too many at once, perhaps.
  bool found_no_session() const;
};

// What came of a message, to be written: with the next one's intent, in one transaction, or by
// itself where that is long in coming. Exactly one of them takes it.
struct Unwritten {
  Work work;
  Conclusion conclusion;
  os::Steady since;
  bool is_taken = false;

  bool take() { return !std::exchange(is_taken, true); }
};

// The same for all recipients of the work. `host` says who said it; empty: we.
Conclusion for_all(const Work& work, queue::Step step, dsn::Status status, std::string reply,
                   std::string host = {});

// An attempt at a host that gave nothing, to be completed by whoever knows more. `recipients`:
// indexes into the work's.
hop::Hop attempt_at(const World& world, const Work& work, const std::string& host,
                    const net::IpAddress& address, const std::vector<std::size_t>& recipients);
std::vector<std::size_t> everybody(const Work& work);

}  // namespace letterlock::relay
