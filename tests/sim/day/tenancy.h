// Invariant 4: a transaction reads and writes the keys of one tenant, but for delivery into
// another's mailbox, which touches nothing of the other's beside mailbox and trace; and what comes
// to lie with another tenant names nobody else's address.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "sim/day/commit.h"
#include "sim/day/findings.h"

namespace letterlock::day {

class Tenancy {
 public:
  using TenantOf = std::function<std::optional<base::TenantId>(const std::string& address)>;
  Tenancy(TenantOf tenant_of, Findings& findings)
      : tenant_of_(std::move(tenant_of)), findings_(findings) {}

  void touched(const store::Reads& reads, const store::Changes& changes);
  void committed(const Commit& commit);

 private:
  TenantOf tenant_of_;
  Findings& findings_;
};

}  // namespace letterlock::day
