#include "directory/sending.h"

#include <chrono>

#include <fmt/format.h>

#include "directory/record.h"

namespace letterlock::directory {
namespace {

using Kind = SendingOutcome::Kind;

// A window that has passed begins anew. One that lies ahead (the clock was set back) begins now,
// with what it has counted, so that neither way of setting a clock gives anything away for long.
void turn(base::Time& began, base::Milliseconds length, base::Time now,
          std::initializer_list<std::uint64_t*> counts) {
  if (began > now) began = now;
  if (now - began < length) return;
  began = now;
  for (auto* count : counts) *count = 0;
}

void turn_windows(SendingCount& count, base::Time now) {
  turn(count.hour_began, std::chrono::hours(1), now, {&count.hour_recipients});
  turn(count.day_began, std::chrono::hours(24), now, {&count.day_recipients, &count.day_failed});
}

// Without overflow.
bool is_over(std::uint64_t counted, std::uint64_t more, std::uint64_t limit) {
  return more > limit || counted > limit - more;
}

net::ResultTask<SendingCount> count_of(store::Transaction& tx, base::TenantId tenant,
                                       base::AccountId account) {
  CO_TRY(const auto octets, co_await tx.get(keys::sending(tenant, account)));
  if (!octets) co_return SendingCount();
  co_return decode_sending_count(*octets);
}

SendingOutcome stop(store::Transaction& tx, Account account, Kind kind, std::string reason,
                    base::Time now) {
  account.sending = {Sending::State::stopped, reason, now};
  tx.put(keys::account(account.tenant, account.id), encode(account));
  return {kind, std::move(reason), true};
}

}  // namespace

net::ResultTask<SendingOutcome> count_sending(store::Transaction& tx, base::TenantId tenant,
                                              base::AccountId account, std::uint64_t recipients,
                                              base::Time now) {
  CO_CHECK(co_await tx.get_many(
      {keys::account(tenant, account), keys::tenant(tenant), keys::sending(tenant, account)}));
  CO_TRY(const auto who, co_await find_account(tx, tenant, account));
  CO_TRY(const auto settings, co_await find_tenant(tx, tenant));
  if (!who || !settings)
    co_return base::fail(base::ErrorKind::not_found, "no account " + account.text());
  if (who->sending.state == Sending::State::stopped) {
    co_return SendingOutcome{Kind::stopped, who->sending.reason, false};
  }
  CO_TRY(auto count, co_await count_of(tx, tenant, account));
  turn_windows(count, now);
  const auto& limits = settings->limits;
  if (is_over(count.day_recipients, recipients, limits.per_day)) {
    co_return stop(tx, *who, Kind::over_day,
                   fmt::format("more than {} recipients in a day", limits.per_day), now);
  }
  if (is_over(count.hour_recipients, recipients, limits.per_hour)) {
    co_return SendingOutcome{
        Kind::over_hour, fmt::format("more than {} recipients in an hour", limits.per_hour), false};
  }
  count.hour_recipients += recipients;
  count.day_recipients += recipients;
  tx.put(keys::sending(tenant, account), encode(count));
  co_return SendingOutcome();
}

net::ResultTask<SendingOutcome> count_failures(store::Transaction& tx, base::TenantId tenant,
                                               base::AccountId account, std::uint64_t failures,
                                               base::Time now) {
  CO_TRY(const auto who, co_await find_account(tx, tenant, account));
  CO_TRY(const auto settings, co_await find_tenant(tx, tenant));
  if (!who || !settings) co_return SendingOutcome();
  CO_TRY(auto count, co_await count_of(tx, tenant, account));
  turn_windows(count, now);
  const bool over = is_over(count.day_failed, failures, settings->limits.failed_per_day);
  // Once over it stays over: the sum need not grow.
  count.day_failed = over ? settings->limits.failed_per_day : count.day_failed + failures;
  tx.put(keys::sending(tenant, account), encode(count));
  if (who->sending.state == Sending::State::stopped)
    co_return SendingOutcome{Kind::stopped, who->sending.reason, false};
  if (!over) co_return SendingOutcome();
  co_return stop(
      tx, *who, Kind::stopped,
      fmt::format("more than {} recipients refused in a day", settings->limits.failed_per_day),
      now);
}

}  // namespace letterlock::directory
