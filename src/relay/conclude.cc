#include "relay/conclude.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "custody/trace_again.h"
#include "directory/sending.h"
#include "queue/keys.h"

namespace letterlock::relay {
namespace {

using base::ErrorKind;

constexpr unsigned tries_max = 4;

bool is_worth_another_try(ErrorKind kind) {
  return kind == ErrorKind::io || kind == ErrorKind::full || base::is_temporary(kind);
}

}  // namespace

net::ResultTask<> OutcomeWriter::transact(
    net::ResultTask<> (OutcomeWriter::*function)(store::Transaction&)) {
  co_return co_await world_.ports.store.transact(
      store::Scope::tenant(tenant()),
      [this, function](store::Transaction& transaction) { return (this->*function)(transaction); });
}

net::ResultTask<> OutcomeWriter::write_alone() {
  auto wait = base::Milliseconds(std::chrono::seconds(1));
  base::Result<> written = base::Result<>();
  for (unsigned i = 1; i <= tries_max; ++i, wait *= 2) {
    written = co_await transact(&OutcomeWriter::write);
    if (written || !is_worth_another_try(written.error().kind) || i == tries_max) break;
    CO_CHECK(co_await world_.ports.timers.sleep(wait));
  }
  if (!written) {
    // Another node has the partition: its queue is its own, but what left here is our evidence.
    if (written.error().kind != ErrorKind::denied || !conclusion_.intent)
      co_return base::fail(written.error());
    const auto given = co_await transact(&OutcomeWriter::write_given);
    if (!given || settled_.recipients.empty()) co_return base::fail(written.error());
    world_.ports.leases.lost(queue::keys::partition_of(work_.message.id));
  }
  co_return base::Result<>();
}

std::vector<std::string> OutcomeWriter::rows() const {
  auto rows = queue::rows_of(tenant(), work_.message.id, work_.recipients);
  if (conclusion_.intent)
    std::ranges::move(trace::rows_for_close(tenant(), *conclusion_.intent),
                      std::back_inserter(rows));
  return rows;
}

net::ResultTask<> OutcomeWriter::write(store::Transaction& transaction) {
  settled_ = {};
  sending_ = {};
  CO_CHECK(co_await queue::check_epoch(transaction, queue::keys::partition_of(work_.message.id),
                                       work_.epoch));
  CO_CHECK(co_await custody::begin_trace_again_if_gone(transaction, work_.message, now(),
                                                       world_.options.keep_trace));
  CO_CHECK(co_await close(transaction));
  CO_CHECK(co_await record_attempts(transaction));
  if (conclusion_.outcomes.empty()) co_return base::Result<>();
  CO_CHECK(co_await settle(transaction, conclusion_.outcomes, work_.epoch));
  CO_CHECK(co_await end_ways(transaction));
  co_return co_await count_failures(transaction);
}

net::ResultTask<> OutcomeWriter::record_attempts(store::Transaction& transaction) {
  for (const auto& attempt : conclusion_.attempts) {
    CO_TRY(const auto ref, co_await trace::record(transaction, tenant(), attempt));
    (void)ref;
  }
  co_return base::Result<>();
}

// Without the lease: whom the peer has taken, nobody need give it again, whoever has the partition
// by now. When to try again is that node's to say, so of all else only the record is written.
net::ResultTask<> OutcomeWriter::write_given(store::Transaction& transaction) {
  settled_ = {};
  CO_CHECK(co_await close(transaction));
  CO_CHECK(co_await record_attempts(transaction));
  auto relayed = conclusion_.outcomes;
  std::erase_if(relayed, [](const auto& outcome) { return outcome.step != queue::Step::relay; });
  if (relayed.empty()) co_return base::Result<>();
  co_return co_await settle(transaction, std::move(relayed), {});
}

net::ResultTask<> OutcomeWriter::close(store::Transaction& transaction) {
  if (!conclusion_.intent || conclusion_.intent->sequence == 0) co_return base::Result<>();
  auto closed =
      co_await trace::close(transaction, tenant(), *conclusion_.intent, conclusion_.closing);
  // Closed already: an earlier try was kept, though the store couldn't say so. Or forgotten, with
  // its trace, while content went out.
  const bool is_known = !closed && (closed.error().kind == ErrorKind::invalid ||
                                    closed.error().kind == ErrorKind::not_found);
  if (!closed && !is_known) co_return base::fail(closed.error());
  co_return base::Result<>();
}

net::ResultTask<> OutcomeWriter::settle(store::Transaction& transaction,
                                        std::vector<queue::Outcome> outcomes,
                                        std::optional<std::uint64_t> epoch) {
  auto settled = co_await queue::settle(transaction, world_.options.schedule, tenant(),
                                        work_.message.id, std::move(outcomes),
                                        {now(), world_.ports.random.below(1'000'000), epoch});
  // Removed by an operator meanwhile: what happened stands in the trace.
  if (!settled && settled.error().kind == ErrorKind::not_found) co_return base::Result<>();
  if (!settled) co_return base::fail(settled.error());
  settled_ = std::move(*settled);
  co_return base::Result<>();
}

// Those whom this transaction has given up, by the word that says why.
net::ResultTask<> OutcomeWriter::end_ways(store::Transaction& transaction) {
  std::map<std::string, std::vector<unsigned>> ends;
  for (const auto& outcome : conclusion_.outcomes) {
    const auto at = std::ranges::find(settled_.recipients, outcome.index, &queue::Recipient::index);
    if (at == settled_.recipients.end() || at->state != queue::State::failed) continue;
    ends[at->status].push_back(at->trace_index);
  }
  for (auto& [status, recipients] : ends) {
    CO_CHECK(co_await trace::end(transaction, tenant(), work_.message.trace, std::move(recipients),
                                 {trace::Ending::Kind::bounced, status, now()}));
  }
  co_return base::Result<>();
}

// Refused by the far side for good: what an account does that was taken over. Where an alias led
// there, its owner chose the address, not the account.
net::ResultTask<> OutcomeWriter::count_failures(store::Transaction& transaction) {
  if (work_.message.account.is_nil()) co_return base::Result<>();
  const auto count = std::ranges::count_if(conclusion_.outcomes, [this](const auto& outcome) {
    if (outcome.step != queue::Step::fail || outcome.host.empty()) return false;
    const auto to = std::ranges::find(work_.recipients, outcome.index, &queue::Recipient::index);
    return to != work_.recipients.end() && to->written_to.empty();
  });
  if (count == 0) co_return base::Result<>();
  CO_TRY(sending_, co_await directory::count_failures(transaction, tenant(), work_.message.account,
                                                      static_cast<std::uint64_t>(count), now()));
  co_return base::Result<>();
}

net::Task<> OutcomeWriter::report_stopped() {
  if (!sending_.stopped_now) co_return;
  const auto account = co_await world_.ports.directory.account(tenant(), work_.message.account);
  if (account && *account) world_.ports.directory.report_stopped(**account, sending_.reason);
}

net::Task<> OutcomeWriter::tell() {
  co_await report_stopped();
  co_await relay::tell(world_, work_, conclusion_, settled_);
  if (settled_.notice_pending && world_.ports.notice) world_.ports.notice(work_.message.tenant);
}

namespace {

net::ResultTask<queue::Settled> write_and_tell(const World& world, const Work& work,
                                               const Conclusion& conclusion) {
  OutcomeWriter writer(world, work, conclusion);
  CO_CHECK(co_await writer.write_alone());
  co_await writer.tell();
  co_return writer.settled();
}

}  // namespace

net::Task<> write_by_itself(const World& world, std::shared_ptr<Unwritten> unwritten) {
  const auto& work = unwritten->work;
  const auto settled =
      co_await to_the_end(world.ports.loop, write_and_tell(world, work, unwritten->conclusion));
  if (settled)
    give_back(world, work.job, *settled);
  else
    give_back(world, work.job, settled.error());
}

void give_back(const World& world, const queue::Job& job, const queue::Settled& settled) {
  world.ports.dispatcher.finish(job, settled.next_try());
}

void give_back(const World& world, const queue::Job& job, const base::Error& error) {
  const bool lost = error.kind == ErrorKind::denied;
  if (lost) world.ports.leases.lost(queue::keys::partition_of(job.message));
  if (error.kind != ErrorKind::cancelled) {
    world.ports.events.emit({lost ? base::Severity::warning : base::Severity::error,
                             "relay.failed",
                             {{"message", job.message.text()}, {"reason", error.what}}});
  }
  world.ports.dispatcher.abandon(job, world.options.trouble_wait);
}

net::ResultTask<> record(const World& world, const Work& work, std::vector<hop::Hop> attempts) {
  Conclusion conclusion;
  conclusion.attempts = std::move(attempts);
  OutcomeWriter writer(world, work, conclusion);
  co_return co_await writer.write_alone();
}

}  // namespace letterlock::relay
