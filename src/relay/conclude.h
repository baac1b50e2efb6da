// What came of an attempt, written down: the intent's outcome, the attempts, the queue's steps and
// the ends of ways, in one transaction. And then told.
#pragma once

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

// Tries again a few times where the store fails: what the peer has answered is not asked twice.
// Errors: the store's; denied (the lease is lost: of the intent the outcome is written all the
// same). Cancel: it runs to its end.
net::ResultTask<queue::Settled> conclude(const World& world, const Work& work,
                                         Conclusion conclusion);

// Attempts that have ended, while there are further hosts to try. Errors: as conclude().
net::ResultTask<> record(const World& world, const Work& work, std::vector<hop::Hop> attempts);

// One event for each kind of outcome: hop.relayed, hop.deferred, hop.held, hop.refused, hop.failed.
net::Task<> tell(const World& world, const Work& work, const Conclusion& conclusion,
                 const queue::Settled& settled);

}  // namespace letterlock::relay
