// What came of an attempt, written down: the intent's outcome, the attempts, the queue's steps and
// the ends of ways, in one transaction. And then told.
#pragma once

#include <memory>

#include "directory/sending.h"
#include "relay/work.h"

namespace letterlock::relay {

// Runs `task` to its end though the caller is cancelled meanwhile.
template <class T>
net::Task<> keep_result(net::ResultTask<T> task, std::shared_ptr<base::Result<T>> result) {
  *result = co_await std::move(task);
}
template <class T>
net::ResultTask<T> to_the_end(net::Loop& loop, net::ResultTask<T> task) {
  const auto result = std::make_shared<base::Result<T>>(
      base::fail(base::ErrorKind::cancelled, "the task never ran"));
  const auto done = std::make_shared<net::Signal>();
  loop.spawn(keep_result(std::move(task), result), [done] { done->set(); });
  co_await done->wait_to_the_end();
  co_return std::move(*result);
}

// One conclusion's transaction, and what it has found out. All that it refers to outlives it.
class OutcomeWriter {
 public:
  OutcomeWriter(const World& world, const Work& work, const Conclusion& conclusion)
      : world_(world), work_(work), conclusion_(conclusion) {}

  // What write() is going to read: asked for beforehand, it is one read.
  std::vector<std::string> rows() const;
  // Everything, within a transaction that may hold more. Errors: the store's; denied (the lease is
  // lost).
  net::ResultTask<> write(store::Transaction& transaction);
  // In a transaction of its own. Tries again a few times where the store fails: what the peer has
  // answered is not asked twice. Errors: the store's; denied (of the intent the outcome is written
  // all the same).
  net::ResultTask<> write_alone();
  // The log's lines, and whoever is to be woken, after it is written.
  net::Task<> tell();
  const queue::Settled& settled() const { return settled_; }

 private:
  net::ResultTask<> write_given(store::Transaction& transaction);
  net::ResultTask<> close(store::Transaction& transaction);
  net::ResultTask<> record_attempts(store::Transaction& transaction);
  net::ResultTask<> settle(store::Transaction& transaction, std::vector<queue::Outcome> outcomes,
                           std::optional<std::uint64_t> epoch);
  net::ResultTask<> end_ways(store::Transaction& transaction);
  net::ResultTask<> count_failures(store::Transaction& transaction);
  net::ResultTask<> transact(
      net::ResultTask<> (OutcomeWriter::*function)(store::Transaction& transaction));
  net::Task<> report_stopped();
  base::Time now() const { return world_.ports.clock.now(); }
  const base::TenantId& tenant() const { return work_.message.tenant; }

  const World& world_;
  const Work& work_;
  const Conclusion& conclusion_;
  queue::Settled settled_;
  directory::SendingOutcome sending_;
};

// Writes it by itself, tells it, and gives the job back. Cancel: it runs to its end.
net::Task<> write_by_itself(const World& world, std::shared_ptr<Unwritten> unwritten);

// The job goes back to the dispatcher: as it was settled, or to be looked at again.
void give_back(const World& world, const queue::Job& job, const queue::Settled& settled);
void give_back(const World& world, const queue::Job& job, const base::Error& error);

// Attempts that have ended, while there are further hosts to try. Errors: the store's, denied.
net::ResultTask<> record(const World& world, const Work& work, std::vector<hop::Hop> attempts);

// One event for each kind of outcome: hop.relayed, hop.deferred, hop.held, hop.refused, hop.failed.
net::Task<> tell(const World& world, const Work& work, const Conclusion& conclusion,
                 const queue::Settled& settled);

}  // namespace letterlock::relay
