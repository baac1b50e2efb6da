#include "reporter/budget.h"

#include <algorithm>

#include "address/registered.h"

namespace letterlock::reporter {
namespace {

constexpr base::Milliseconds window = std::chrono::hours(1);

}  // namespace

std::array<Budget::Line, 4> Budget::lines_of(const base::TenantId& tenant,
                                             const address::Address& to) const {
  const auto mine = std::string(tenant.octets());
  // Who registered a domain may have any number of names below it, all at one MX host.
  const auto domain = address::registered_domain(to.domain());
  return {Line{mine + to.key(), limits_.of_address}, Line{mine + domain, limits_.of_domain},
          Line{to.key(), limits_.of_address * budget_tenants_factor},
          Line{domain, limits_.of_domain * budget_tenants_factor}};
}

std::optional<base::Time> Budget::spend(const base::TenantId& tenant, const address::Address& to,
                                        For what, base::Time now) {
  const auto lines = lines_of(tenant, to);
  std::optional<base::Time> over_until;
  for (const auto& line : lines) {
    auto& spent = spent_.get(line.key);
    // A clock that went back begins a window anew.
    if (now - spent.began >= window || now < spent.began) spent = {now, 0};
    const auto most = what == For::failure ? line.most : (line.most + 1) / 2;
    if (spent.count >= most) over_until = std::max(over_until.value_or(now), spent.began + window);
  }
  if (over_until) return over_until;
  for (const auto& line : lines) ++spent_.get(line.key).count;
  return std::nullopt;
}

void Budget::give_back(const base::TenantId& tenant, const address::Address& to) {
  for (const auto& line : lines_of(tenant, to)) {
    auto* spent = spent_.find(line.key);
    if (spent != nullptr && spent->count > 0) --spent->count;
  }
}

}  // namespace letterlock::reporter
