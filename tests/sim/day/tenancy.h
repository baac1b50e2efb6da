// Invariant 4: a transaction reads and writes the keys of one tenant, but for delivery into
// another's mailbox or a group's queue, which touches nothing else of the other's but the trace;
// and what comes to lie with another tenant names nobody else's address.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "sim/day/commit.h"
#include "sim/day/findings.h"

namespace letterlock::day {

class Tenancy {
 public:
  // Whether the address is one of the tenant's people's, or stands for one.
  using Concerns = std::function<bool(const std::string& address, const base::TenantId& tenant)>;
  Tenancy(Concerns concerns, Findings& findings)
      : concerns_(std::move(concerns)), findings_(findings) {}

  void touched(const store::Reads& reads, const store::Changes& changes);
  void committed(const Commit& commit);

 private:
  Concerns concerns_;
  Findings& findings_;
};

}  // namespace letterlock::day
