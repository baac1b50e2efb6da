#include "relay/latecomers.h"

#include <algorithm>

#include "queue/due.h"
#include "queue/keys.h"
#include "relay/conclude.h"

namespace letterlock::relay {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t page_count = 100;
constexpr int rest_factor = 50;
constexpr base::Milliseconds rest_min = 10ms;
constexpr base::Milliseconds rest_max = 10s;

std::vector<std::vector<queue::Due>> by_message(std::vector<queue::Due> items) {
  std::vector<std::vector<queue::Due>> groups;
  for (auto& item : items) {
    const bool belongs = !groups.empty() && groups.back().front().message == item.message &&
                         groups.back().front().destination == item.destination;
    if (!belongs) groups.emplace_back();
    groups.back().push_back(std::move(item));
  }
  return groups;
}

queue::Job job_of(std::vector<queue::Due> items) {
  const auto& first = items.front();
  queue::Job job{first.tenant, first.message, first.lane, first.destination, {}, false};
  job.items = std::move(items);
  return job;
}

// Their last answers stay; nothing was tried.
Conclusion not_tried(const Work& work) {
  Conclusion conclusion;
  for (const auto& recipient : work.recipients) {
    conclusion.outcomes.push_back({.index = recipient.index,
                                   .step = queue::Step::defer,
                                   .status = recipient.status,
                                   .reply =
                                       "no turn came: its destination doesn't answer, or takes "
                                       "less than there is for it",
                                   .counts_as_attempt = false,
                                   .keeps_turn = true});
  }
  return conclusion;
}

}  // namespace

void Latecomers::stop() {
  stopped_ = true;
  stop_bell_.ring();
}

// Errors: cancelled, also where it is stopped.
net::ResultTask<> Latecomers::wait(base::Milliseconds duration) {
  if (!stopped_) CO_CHECK(co_await stop_bell_.wait(world_.ports.timers, duration));
  if (stopped_) co_return base::fail(base::ErrorKind::cancelled, "the relay is stopping");
  co_return base::Result<>();
}

net::Task<> Latecomers::run() {
  while (co_await wait(world_.options.late_again)) {
    const auto walked = co_await walk();
    if (walked) continue;
    if (walked.error().kind == base::ErrorKind::cancelled) co_return;
    world_.ports.events.emit(
        {base::Severity::error,
         "relay.failed",
         {{"doing", "looking for what is late"}, {"reason", walked.error().what}}});
  }
}

net::ResultTask<> Latecomers::walk() {
  CO_TRY(const auto tenants, co_await world_.ports.dispatcher.tenants());
  for (const auto& tenant : tenants) {
    for (const auto lane : {queue::Lane::remote, queue::Lane::report})
      CO_CHECK(co_await walk_lane(tenant, lane));
  }
  co_return base::Result<>();
}

net::ResultTask<> Latecomers::walk_lane(base::TenantId tenant, queue::Lane lane) {
  std::string next;
  do {
    const auto began = world_.ports.clock.steady();
    const auto long_due = world_.ports.clock.now() - world_.options.late_after;
    Page late;
    CO_CHECK(co_await world_.ports.store.read(
        store::Scope::tenant(tenant), [&](store::Transaction& transaction) {
          return find_late(transaction, tenant, {lane, long_due, next, page_count, {}}, next, late);
        }));
    for (auto& items : late) co_await settle(std::move(items));
    const auto took = world_.ports.clock.steady() - began;
    const auto rest = std::chrono::duration_cast<base::Milliseconds>(took * rest_factor);
    CO_CHECK(co_await wait(std::clamp(rest, rest_min, rest_max)));
  } while (!next.empty());
  co_return base::Result<>();
}

net::ResultTask<> Latecomers::find_late(store::Transaction& transaction, base::TenantId tenant,
                                        queue::DueQuery query, std::string& next, Page& late) {
  late.clear();
  CO_TRY(auto page, co_await queue::due(transaction, tenant, std::move(query)));
  std::erase_if(page.items, [this](const queue::Due& item) {
    return !world_.ports.leases.epoch_of(queue::keys::partition_of(item.message));
  });
  for (auto& together : by_message(std::move(page.items))) {
    CO_TRY(const bool is_one, co_await is_late(transaction, job_of(together)));
    if (is_one) late.push_back(std::move(together));
  }
  next = std::move(page.next_key);
  co_return base::Result<>();
}

net::ResultTask<bool> Latecomers::is_late(store::Transaction& transaction, const queue::Job& job) {
  Work work;
  work.job = job;
  const auto found = co_await read(transaction, work);
  // What can't be read is said where it is tried; it stops none of the others.
  if (!found && found.error().kind == base::ErrorKind::corrupt) co_return false;
  if (!found) co_return base::fail(found.error());
  co_return std::ranges::any_of(work.recipients, [&](const queue::Recipient& recipient) {
    return queue::is_late(work.message, recipient, world_.options.schedule,
                          world_.ports.clock.now());
  });
}

// Under a claim, so that no attempt begins meanwhile; one under way says itself what came of it.
net::Task<> Latecomers::settle(std::vector<queue::Due> items) {
  const auto epoch = world_.ports.leases.epoch_of(queue::keys::partition_of(items.front().message));
  if (!epoch) co_return;
  auto job = world_.ports.dispatcher.claim(items);
  if (!job) co_return;
  auto unwritten = std::make_shared<Unwritten>();
  auto& work = unwritten->work;
  work.job = std::move(*job);
  work.epoch = *epoch;
  const auto found = co_await world_.ports.store.read(
      store::Scope::tenant(work.job.tenant),
      [&](store::Transaction& transaction) { return read(transaction, work); });
  if (!found) {
    give_back(world_, work.job, found.error());
    co_return;
  }
  if (work.recipients.empty()) {
    give_back(world_, work.job, queue::Settled());
    co_return;
  }
  unwritten->conclusion = not_tried(work);
  co_await write_by_itself(world_, std::move(unwritten));
}

}  // namespace letterlock::relay
