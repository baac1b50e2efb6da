#include "sim/day/sums.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace letterlock::day {

void Sums::allow(const base::TenantId& tenant, std::uint64_t per_hour, std::uint64_t per_day) {
  auto& limits = limits_[tenant];
  limits.per_hour = std::max(limits.per_hour, per_hour);
  limits.per_day = std::max(limits.per_day, per_day);
}

void Sums::committed(const Commit& commit) {
  for (const auto& row : commit.accounts) {
    if (!row.value) continue;
    constexpr auto none = std::numeric_limits<std::uint64_t>::max();
    const auto quota = row.value->quota_octets == 0 ? none : row.value->quota_octets;
    auto& most = quotas_[row.account];
    most = std::max(most, quota);
  }
  count_mail(commit);
  count_sending(commit);
  check_limits(commit);
}

void Sums::count_mail(const Commit& commit) {
  for (const auto& row : commit.mails) {
    auto& sum = mail_[row.account];
    const auto known = octets_.find(row.key);
    if (row.value && known == octets_.end()) {
      ++sum.messages;
      sum.octets += row.value->octets();
      const auto quota = quotas_.find(row.account);
      if (quota != quotas_.end() && sum.octets > quota->second)
        findings_.broken(fmt::format("sums: account {} has {} octets, and may keep {} at most",
                                     row.account.text(), sum.octets, quota->second));
      octets_[row.key] = row.value->octets();
    } else if (!row.value && known != octets_.end()) {
      --sum.messages;
      sum.octets -= known->second;
      octets_.erase(known);
    }
  }
  for (const auto& row : commit.totals) {
    if (!row.value || row.value->removing) continue;
    const auto& sum = mail_[row.account];
    if (row.value->messages != sum.messages || row.value->octets != sum.octets)
      findings_.broken(fmt::format(
          "sums: {} messages of {} octets lie with account {}, its record says {} of {}",
          sum.messages, sum.octets, row.account.text(), row.value->messages, row.value->octets));
  }
}

// Counted in the commit that takes it, once, and never above what was ever allowed.
void Sums::count_sending(const Commit& commit) {
  std::map<base::AccountId, std::uint64_t> submitted;
  for (const auto& message : commit.messages) {
    if (!message.value || message.value->account.is_nil()) continue;
    // An alias's copy is the same mail again.
    const bool is_copy = std::ranges::any_of(commit.recipients,
                                             [&](const auto& row) { return row.id != message.id; });
    if (is_copy) continue;
    submitted[message.value->account] += static_cast<std::uint64_t>(
        std::ranges::count(commit.recipients, message.id, &Commit::QueueRecipient::id));
  }
  for (const auto& row : commit.sendings) {
    auto& before = sent_[row.account];
    const auto& now = row.value;
    const auto more = submitted[row.account];
    submitted.erase(row.account);
    const bool same_day = now.day_began == before.day_began;
    if (same_day && now.day_recipients != before.day_recipients + more)
      findings_.broken(
          fmt::format("sums: account {} had sent {}, sends {}, and is said to have "
                      "sent {}",
                      row.account.text(), before.day_recipients, more, now.day_recipients));
    before = now;
  }
  for (const auto& [account, count] : submitted) {
    if (count > 0)
      findings_.broken(
          fmt::format("sums: account {} sends {}, and nobody counts it", account.text(), count));
  }
}

void Sums::check_limits(const Commit& commit) {
  for (const auto& message : commit.messages) {
    if (!message.value || message.value->account.is_nil()) continue;
    const auto& sent = sent_[message.value->account];
    const auto limits = limits_.find(message.tenant);
    if (limits == limits_.end()) continue;
    if (sent.day_recipients > limits->second.per_day ||
        sent.hour_recipients > limits->second.per_hour)
      findings_.broken(
          fmt::format("sums: account {} has sent more than it may", message.value->account.text()));
  }
}

}  // namespace letterlock::day
