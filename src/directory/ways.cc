#include "directory/ways.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include <fmt/format.h>

#include "directory/asking.h"
#include "directory/directory.h"
#include "directory/record.h"

namespace letterlock::directory::ways {
namespace {

constexpr std::size_t looked_at_max = 2 * group_members_max;

net::ResultTask<std::vector<Address>> next_within(store::Transaction& tx, base::TenantId tenant,
                                                  Address address) {
  CO_TRY(auto entry, co_await find_entry(tx, tenant, address));
  if (const auto split = split_detail(address); !entry && split) {
    address = split->address;
    CO_TRY(entry, co_await find_entry(tx, tenant, address));
  }
  if (entry && entry->kind == Entry::Kind::alias) {
    CO_TRY(const auto alias, co_await find_alias(tx, tenant, address));
    if (alias) co_return alias->targets;
  }
  if (entry && entry->kind == Entry::Kind::group) {
    CO_TRY(const auto group, co_await find_group(tx, tenant, address));
    if (group) co_return group->members;
  }
  co_return std::vector<Address>();
}

// Those for whom it stands; none: it is no list.
net::ResultTask<std::vector<Address>> next(store::Store& store, Address address) {
  CO_TRY(const auto domain,
         co_await ask<std::optional<DomainRecord>>(store, store::Scope::site(), [&](auto& tx) {
           return find_domain(tx, address.domain());
         }));
  if (!domain) co_return std::vector<Address>();
  co_return co_await ask<std::vector<Address>>(
      store, store::Scope::tenant(domain->tenant),
      [&](auto& tx) { return next_within(tx, domain->tenant, address); });
}

// Without its detail: a list has all of its details.
std::string key_of(const Address& address) {
  const auto split = split_detail(address);
  return split ? split->address.key() : address.key();
}

struct Step {
  Address address;
  std::size_t lists;  // that a message has come through, the one that is set included
  Address by;         // the target of it that led here
};

std::unexpected<base::Error> back_to_itself(const Address& list, const Address& by) {
  return base::fail(base::ErrorKind::invalid,
                    fmt::format("{} would lead back to itself by {}", list.text(), by.text()));
}
std::unexpected<base::Error> too_long(const Address& list, const Address& by) {
  return base::fail(
      base::ErrorKind::invalid,
      fmt::format("{} would stand in a chain of more than {} aliases and groups by {}", list.text(),
                  expansion_depth_max, by.text()));
}

// Which of a tenant's lists lead to an address, by its key.
using Above = std::map<std::string, std::vector<Address>>;

net::ResultTask<Above> above_within(store::Transaction& tx, base::TenantId tenant) {
  Above above;
  CO_TRY(const auto aliases,
         co_await tx.scan(store::range_of(keys::aliases(tenant)), {.count_max = page_max}));
  for (const auto& [key, octets] : aliases) {
    CO_TRY(const auto alias, decode_alias(octets));
    for (const auto& to : alias.targets) above[key_of(to)].push_back(alias.address);
  }
  CO_TRY(const auto groups,
         co_await tx.scan(store::range_of(keys::groups(tenant)), {.count_max = page_max}));
  for (const auto& [key, octets] : groups) {
    CO_TRY(const auto group, decode_group(octets));
    for (const auto& to : group.members) above[key_of(to)].push_back(group.address);
  }
  co_return above;
}

// The longest of the shortest chains that lead to it, itself not included.
std::size_t height(const Above& above, const Address& list) {
  std::set<std::string> seen{key_of(list)};
  std::vector<std::string> level{key_of(list)};
  std::size_t height = 0;
  while (true) {
    std::vector<std::string> next;
    for (const auto& key : level) {
      const auto at = above.find(key);
      if (at == above.end()) continue;
      for (const auto& one : at->second) {
        if (seen.insert(key_of(one)).second) next.push_back(key_of(one));
      }
    }
    if (next.empty()) return height;
    ++height;
    level = std::move(next);
  }
}

}  // namespace

net::ResultTask<> check(store::Store& store, base::TenantId tenant, Address list,
                        std::vector<Address> stands_for) {
  std::set<std::string> seen;
  std::deque<Step> ahead;
  for (const auto& to : stands_for) {
    if (seen.insert(key_of(to)).second) ahead.push_back({to, 1, to});
  }
  if (ahead.empty()) co_return base::Result<>();
  Step deepest{list, 1, ahead.front().address};
  for (std::size_t looked_at = 0; !ahead.empty() && looked_at < looked_at_max; ++looked_at) {
    const auto step = std::move(ahead.front());
    ahead.pop_front();
    if (key_of(step.address) == key_of(list)) co_return back_to_itself(list, step.by);
    CO_TRY(const auto targets, co_await next(store, step.address));
    if (targets.empty()) continue;
    if (step.lists >= expansion_depth_max) co_return too_long(list, step.by);
    if (step.lists + 1 > deepest.lists) deepest = {step.address, step.lists + 1, step.by};
    for (const auto& to : targets) {
      if (seen.insert(key_of(to)).second) ahead.push_back({to, step.lists + 1, step.by});
    }
  }
  CO_TRY(const auto above, co_await ask<Above>(store, store::Scope::tenant(tenant),
                                               [&](auto& tx) { return above_within(tx, tenant); }));
  if (height(above, list) + deepest.lists > expansion_depth_max)
    co_return too_long(list, deepest.by);
  co_return base::Result<>();
}

}  // namespace letterlock::directory::ways
