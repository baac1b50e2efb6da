// What is counted beside what it counts: an account's mail against its mailbox's totals, what it
// submits against its limits. A sum that drifts would refuse mail that fits, or let through what
// doesn't.
#pragma once

#include <map>
#include <string>

#include "sim/day/commit.h"
#include "sim/day/findings.h"

namespace letterlock::day {

class Sums {
 public:
  explicit Sums(Findings& findings) : findings_(findings) {}
  void committed(const Commit& commit);
  // The largest that was ever said of the tenant's accounts.
  void allow(const base::TenantId& tenant, std::uint64_t per_hour, std::uint64_t per_day);

 private:
  struct Sum {
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
  };
  struct Limits {
    std::uint64_t per_hour = 0;
    std::uint64_t per_day = 0;
  };
  void count_mail(const Commit& commit);
  void count_sending(const Commit& commit);
  void check_limits(const Commit& commit);

  Findings& findings_;
  std::map<base::AccountId, Sum> mail_;
  std::map<std::string, std::uint64_t> octets_;  // of messages in mailboxes, by their keys
  std::map<base::TenantId, Limits> limits_;
  std::map<base::AccountId, directory::SendingCount> sent_;
  std::map<base::AccountId, std::uint64_t> quotas_;  // the most that each ever had
};

}  // namespace letterlock::day
