#include "reporter/budget.h"

#include <algorithm>

#include "address/registered.h"

namespace letterlock::reporter {
namespace {

constexpr base::Milliseconds window = std::chrono::hours(1);

}  // namespace

Budget::For Budget::what_for(dsn::Action worst) {
  switch (worst) {
    case dsn::Action::failed:
      return For::failure;
    case dsn::Action::delayed:
      return For::delay;
    case dsn::Action::delivered:
    case dsn::Action::relayed:
    case dsn::Action::expanded:
      return For::success;
  }
  return For::failure;
}

std::array<Budget::Line, 5> Budget::lines_of(const base::TenantId& tenant,
                                             const address::Address& to, For what) const {
  const auto mine = std::string(tenant.octets());
  // Who registered a domain may have any number of names below it, all at one MX host.
  const auto domain = address::registered_domain(to.domain());
  const auto most = [&](std::size_t limit) {
    return what == For::failure ? limit : (limit + 1) / 2;
  };
  const auto own = [&](const std::string& key, std::size_t limit) {
    return Line{mine + key, most(limit), 0, {}};
  };
  const auto of_all = [&](const std::string& key, std::size_t limit) {
    return Line{key, most(limit * budget_tenants_factor),
                what == For::failure ? limit * budget_kept_factor : 0, mine + key};
  };
  // Neither an address nor a domain.
  const auto total = what == For::success
                         ? Line{mine + "!successes", limits_.successes_of_tenant, 0, {}}
                         : own("!others", limits_.of_tenant);
  return {own(to.key(), limits_.of_address), own(domain, limits_.of_domain),
          of_all(to.key(), limits_.of_address), of_all(domain, limits_.of_domain), total};
}

// Makes none, so that what is refused makes nothing forgotten.
Budget::Window Budget::spent_of(const std::string& key, base::Time now) {
  const auto* spent = spent_.find(key);
  // A clock that went back begins a window anew.
  if (spent == nullptr || now - spent->began >= window || now < spent->began) return {now, 0, 0};
  return *spent;
}

std::size_t Budget::most_of(const Line& line, base::Time now) {
  if (line.kept == 0) return line.most;
  return line.most + (spent_of(line.own_key, now).failures < budget_few ? line.kept : 0);
}

std::optional<base::Time> Budget::spend(const base::TenantId& tenant, const address::Address& to,
                                        For what, base::Time now) {
  const auto lines = lines_of(tenant, to, what);
  std::optional<base::Time> over_until;
  for (const auto& line : lines) {
    const auto spent = spent_of(line.key, now);
    if (spent.count >= most_of(line, now))
      over_until = std::max(over_until.value_or(now), spent.began + window);
  }
  if (over_until) return over_until;
  for (const auto& line : lines) {
    auto spent = spent_of(line.key, now);
    ++spent.count;
    if (what == For::failure) ++spent.failures;
    spent_.get(line.key) = spent;
  }
  return std::nullopt;
}

void Budget::give_back(const base::TenantId& tenant, const address::Address& to, For what) {
  for (const auto& line : lines_of(tenant, to, what)) {
    auto* spent = spent_.find(line.key);
    if (spent == nullptr || spent->count == 0) continue;
    --spent->count;
    if (what == For::failure && spent->failures > 0) --spent->failures;
  }
}

}  // namespace letterlock::reporter
