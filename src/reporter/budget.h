// How many reports go to addresses that nothing authenticates: whoever wrote to us from outside may
// have written any sender's name, and the reports would strike that one. Kept in memory, bounded.
// Lives on the reporter's loop.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "address/address.h"
#include "base/id.h"
#include "base/time.h"
#include "directory/recent.h"
#include "dsn/report.h"

namespace letterlock::reporter {

// In an hour, from the first one on, about one tenant's mail. Reports of success and delay have
// half of it, so that failures have the rest.
struct BudgetLimits {
  std::size_t of_address = 10;
  std::size_t of_domain = 100;  // and all names below the one that is registered
  // Whatever the address. Who forges a thousand senders has successes for the asking: they are
  // counted alone, and have all of theirs.
  std::size_t of_tenant = 1'000;
  std::size_t successes_of_tenant = 100;
};
// To one address or domain, about all tenants' mail together: so many times one tenant's.
inline constexpr std::size_t budget_tenants_factor = 3;
// Where that is spent, a tenant that has told fewer failures than these there in its hour still
// tells them, so that some tenants can't silence the others. Of these there are so many times one
// tenant's limit: 15 such tenants to an address, 150 to a domain.
inline constexpr std::size_t budget_few = 2;
inline constexpr std::size_t budget_kept_factor = 3;
// Addresses, domains and their tenants that are remembered; those touched longest ago go first.
inline constexpr std::size_t budget_entries_max = 50'000;

class Budget {
 public:
  explicit Budget(BudgetLimits limits) : limits_(limits), spent_(budget_entries_max) {}

  enum class For { failure, delay, success };
  static For what_for(dsn::Action worst);

  // Nothing: it was there, and is spent. Else: when there is one again, at the latest.
  std::optional<base::Time> spend(const base::TenantId& tenant, const address::Address& to,
                                  For what, base::Time now);

  // The report that it was for didn't come about.
  void give_back(const base::TenantId& tenant, const address::Address& to, For what);

 private:
  struct Line {
    std::string key;
    std::size_t most = 0;
    std::size_t kept = 0;  // beyond it, for a tenant that has spent few
    std::string own_key;   // that tenant's line, where something is kept
  };
  struct Window {
    base::Time began{};
    std::size_t count = 0;
    std::size_t failures = 0;  // of them
  };
  std::array<Line, 5> lines_of(const base::TenantId& tenant, const address::Address& to,
                               For what) const;
  Window spent_of(const std::string& key, base::Time now);
  std::size_t most_of(const Line& line, base::Time now);

  BudgetLimits limits_;
  directory::Recent<Window> spent_;
};

}  // namespace letterlock::reporter
