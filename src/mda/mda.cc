#include "mda/mda.h"

#include <algorithm>

#include "mda/delivery.h"
#include "queue/keys.h"

namespace letterlock::mda {
namespace {

net::ResultTask<> find_in(store::Transaction& transaction, base::TenantId tenant,
                          base::MessageId message, std::optional<Envelope>& envelope) {
  envelope.reset();
  CO_TRY(auto entry, co_await queue::find(transaction, tenant, message));
  if (entry) envelope.emplace(std::move(*entry));
  co_return base::Result<>();
}

// Whether the message's other recipients fare no better now: the store is in trouble, the node
// stops, or another one has the queue's partition.
bool concerns_all(const base::Error& error) {
  switch (error.kind) {
    case base::ErrorKind::corrupt:
    case base::ErrorKind::invalid:
    case base::ErrorKind::not_found:
      return false;
    default:
      return true;
  }
}

}  // namespace

Mda::Mda(Ports ports, Options options)
    : ports_(std::move(ports)), options_(std::move(options)), gate_(ports_.loop) {}

net::Task<> Mda::run() {
  while (true) {
    auto job = co_await ports_.dispatcher.take(queue::Lane::local);
    if (!job) break;
    if (!gate_.start(handle(std::move(*job)))) break;
  }
  co_await gate_.close(ports_.timers, std::chrono::seconds(5));
}

net::Task<> Mda::handle(queue::Job job) {
  const auto id = job.message;
  const auto [at, is_first] = under_way_.try_emplace(id);
  auto& jobs = at->second;
  jobs.push_back(std::move(job));
  if (!is_first) co_return;
  while (!jobs.empty()) {
    auto next = std::move(jobs.front());
    jobs.pop_front();
    co_await serve(std::move(next));
  }
  under_way_.erase(id);
}

// Whatever is wrong with one recipient costs the others nothing.
net::Task<> Mda::serve(queue::Job job) {
  std::optional<base::Time> next_try;
  std::vector<queue::Due> left;
  std::optional<Envelope> envelope;
  const auto found = co_await read(job, envelope);
  if (!found) tell_failed(job.message, "", found.error());
  bool goes_on = found.has_value();
  for (const auto& item : job.items) {
    if (!goes_on) left.push_back(item);
    if (!goes_on || !envelope) continue;
    const auto settled = co_await serve(item, *envelope);
    if (!settled) {
      left.push_back(item);
      goes_on = !concerns_all(settled.error());
      continue;
    }
    if (!*settled) continue;
    if (const auto next = (*settled)->next_try(); next && (!next_try || *next < *next_try))
      next_try = next;
    if ((*settled)->notice_pending && ports_.notice) ports_.notice(job.tenant);
  }
  give_back(std::move(job), std::move(left), next_try);
}

net::ResultTask<> Mda::read(queue::Job job, std::optional<Envelope>& envelope) {
  co_return co_await ports_.store.read(
      store::Scope::tenant(job.tenant), [&](store::Transaction& transaction) {
        return find_in(transaction, job.tenant, job.message, envelope);
      });
}

net::ResultTask<std::optional<queue::Settled>> Mda::serve(queue::Due item, Envelope& envelope) {
  Delivery delivery(ports_, options_, item, envelope, followed_);
  auto settled = co_await delivery.run();
  if (!delivery.due().empty()) ports_.dispatcher.offer(delivery.due());
  if (settled) co_return settled;
  const auto* recipient = envelope.waiting(item.recipient);
  tell_failed(item.message, recipient != nullptr ? recipient->address : "", settled.error());
  const auto kind = settled.error().kind;
  if (kind == base::ErrorKind::denied || kind == base::ErrorKind::cancelled) co_return settled;
  co_return co_await delivery.put_off();
}

void Mda::tell_failed(const base::MessageId& message, const std::string& recipient,
                      const base::Error& error) {
  const bool lost = error.kind == base::ErrorKind::denied;
  if (lost) ports_.leases.lost(queue::keys::partition_of(message));
  if (error.kind == base::ErrorKind::cancelled) return;
  ports_.events.emit(
      {lost ? base::Severity::warning : base::Severity::error,
       "mda.failed",
       {{"message", message.text()}, {"recipient", recipient}, {"reason", error.what}}});
}

// `left`: what couldn't be settled stays due as it is, and is looked at again.
void Mda::give_back(queue::Job job, std::vector<queue::Due> left,
                    std::optional<base::Time> next_try) {
  if (left.empty()) return ports_.dispatcher.finish(job, next_try);
  std::erase_if(job.items, [&](const queue::Due& item) {
    return std::ranges::find(left, item) != left.end();
  });
  auto later = job;
  later.items = std::move(left);
  if (!job.items.empty()) {
    ports_.dispatcher.finish(job, next_try);
    later.has_place = false;
  }
  ports_.dispatcher.abandon(std::move(later), options_.trouble_wait);
}

}  // namespace letterlock::mda
