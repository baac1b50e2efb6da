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

namespace letterlock::reporter {

// In an hour, from the first one on, about one tenant's mail. Over all tenants together three
// times as many. Reports of success and delay have half of it, so that failures have the rest.
struct BudgetLimits {
  std::size_t of_address = 10;
  std::size_t of_domain = 100;  // and all names below the one that is registered
};
inline constexpr std::size_t budget_tenants_factor = 3;
// Addresses, domains and their tenants that are remembered; those touched longest ago go first.
inline constexpr std::size_t budget_entries_max = 50'000;

class Budget {
 public:
  explicit Budget(BudgetLimits limits) : limits_(limits), spent_(budget_entries_max) {}

  enum class For { failure, other };
  // Nothing: it was there, and is spent. Else: when there is one again, at the latest.
  std::optional<base::Time> spend(const base::TenantId& tenant, const address::Address& to,
                                  For what, base::Time now);

  // The report that it was for didn't come about.
  void give_back(const base::TenantId& tenant, const address::Address& to);

 private:
  struct Line {
    std::string key;
    std::size_t most = 0;
  };
  std::array<Line, 4> lines_of(const base::TenantId& tenant, const address::Address& to) const;
  struct Window {
    base::Time began{};
    std::size_t count = 0;
  };
  BudgetLimits limits_;
  directory::Recent<Window> spent_;
};

}  // namespace letterlock::reporter
