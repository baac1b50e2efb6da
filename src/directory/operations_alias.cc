// Aliases and groups: both an address, a row of its own, and an entry that takes the address.
#include <algorithm>

#include "directory/asking.h"
#include "directory/checks.h"
#include "directory/entries.h"
#include "directory/operations.h"
#include "directory/record.h"
#include "directory/ways.h"

namespace letterlock::directory {
namespace {

using store::Scope;

// What the two have in common, so that each function stands here once.
struct Aliases {
  using Value = Alias;
  using Change = AliasChange;
  static constexpr auto kind = Entry::Kind::alias;
  static constexpr std::string_view word = "alias";
  static std::string key(const base::TenantId& tenant, const Address& address) {
    return keys::alias(tenant, address);
  }
  static std::string prefix(const base::TenantId& tenant) { return keys::aliases(tenant); }
  static base::Result<Alias> decode(std::string_view octets) { return decode_alias(octets); }
  static base::Result<void> check(const Alias& alias) { return checks::alias(alias); }
  static const std::vector<Address>& stands_for(const Alias& alias) { return alias.targets; }
  static base::Result<void> apply(Alias& alias, const AliasChange& change) {
    alias.targets = TRY(checks::changed(alias.targets, change.add_targets, change.remove_targets));
    if (change.send_as) alias.send_as = *change.send_as;
    return {};
  }
  // Each target once.
  static base::Result<void> tidy(Alias& alias) {
    alias.targets = TRY(checks::changed({}, alias.targets, {}));
    return {};
  }
};

struct Groups {
  using Value = Group;
  using Change = GroupChange;
  static constexpr auto kind = Entry::Kind::group;
  static constexpr std::string_view word = "group";
  static std::string key(const base::TenantId& tenant, const Address& address) {
    return keys::group(tenant, address);
  }
  static std::string prefix(const base::TenantId& tenant) { return keys::groups(tenant); }
  static base::Result<Group> decode(std::string_view octets) { return decode_group(octets); }
  static base::Result<void> check(const Group& group) { return checks::group(group); }
  static const std::vector<Address>& stands_for(const Group& group) { return group.members; }
  static base::Result<void> apply(Group& group, const GroupChange& change) {
    group.members = TRY(checks::changed(group.members, change.add_members, change.remove_members));
    if (change.display_name) group.display_name = *change.display_name;
    return {};
  }
  static base::Result<void> tidy(Group& group) {
    group.members = TRY(checks::changed({}, group.members, {}));
    return {};
  }
};

template <class Kind>
net::ResultTask<typename Kind::Value> find(store::Transaction& tx, base::TenantId tenant,
                                           Address address) {
  CO_TRY(const auto octets, co_await tx.get(Kind::key(tenant, address)));
  if (!octets) co_return checks::nobody_at(Kind::word, address);
  co_return Kind::decode(*octets);
}

template <class Kind>
net::ResultTask<typename Kind::Value> insert(store::Transaction& tx, typename Kind::Value value) {
  CO_CHECK(co_await entries::take(tx, value.tenant, value.address, {Kind::kind, {}}));
  tx.put(Kind::key(value.tenant, value.address), encode(value));
  co_return value;
}

template <class Kind>
net::ResultTask<typename Kind::Value> update(store::Transaction& tx, base::TenantId tenant,
                                             Address address, typename Kind::Change change) {
  CO_TRY(auto value, co_await find<Kind>(tx, tenant, address));
  CO_CHECK(Kind::apply(value, change));
  CO_CHECK(Kind::check(value));
  tx.put(Kind::key(tenant, address), encode(value));
  co_return value;
}

// Before the change: where it would lead is looked up in other tenants, too.
template <class Kind>
net::ResultTask<> check_ways(store::Store& store, base::TenantId tenant, Address address,
                             typename Kind::Change change) {
  CO_TRY(auto value,
         co_await ask<typename Kind::Value>(store, Scope::tenant(tenant), [&](auto& tx) {
           return find<Kind>(tx, tenant, address);
         }));
  CO_CHECK(Kind::apply(value, change));
  CO_CHECK(Kind::check(value));
  co_return co_await ways::check(store, tenant, value.address, Kind::stands_for(value));
}

template <class Kind>
net::ResultTask<typename Kind::Value> take_away(store::Transaction& tx, base::TenantId tenant,
                                                Address address) {
  CO_TRY(auto value, co_await find<Kind>(tx, tenant, address));
  tx.erase(Kind::key(tenant, address));
  entries::give_back(tx, tenant, address);
  co_return value;
}

template <class Kind>
net::ResultTask<std::vector<typename Kind::Value>> page(store::Transaction& tx,
                                                        base::TenantId tenant,
                                                        std::optional<Address> after,
                                                        std::size_t count_max) {
  auto range = store::range_of(Kind::prefix(tenant));
  if (after) range.first = Kind::key(tenant, *after).append(1, '\0');
  CO_TRY(const auto rows, co_await tx.scan(range, {.count_max = std::min(count_max, page_max)}));
  std::vector<typename Kind::Value> values;
  for (const auto& row : rows) {
    CO_TRY(auto value, Kind::decode(row.second));
    values.push_back(std::move(value));
  }
  co_return values;
}

}  // namespace

net::ResultTask<Alias> Operations::add_alias(Alias alias, std::string by) {
  CO_CHECK(checks::who(by));
  CO_CHECK(Aliases::tidy(alias));
  CO_CHECK(checks::alias(alias));
  CO_TRY(alias.tenant, co_await tenant_of(alias.address.domain()));
  CO_CHECK(co_await ways::check(environment_.store, alias.tenant, alias.address, alias.targets));
  CO_TRY(auto added, co_await change<Alias>(environment_.store, Scope::tenant(alias.tenant),
                                            [&](auto& tx) { return insert<Aliases>(tx, alias); }));
  report("alias", added.address.text(), "added", by);
  co_return added;
}

net::ResultTask<Alias> Operations::show_alias(Address address) {
  CO_TRY(const auto tenant, co_await tenant_of(address.domain()));
  co_return co_await ask<Alias>(environment_.store, Scope::tenant(tenant),
                                [&](auto& tx) { return find<Aliases>(tx, tenant, address); });
}

net::ResultTask<std::vector<Alias>> Operations::list_aliases(std::string tenant,
                                                             std::optional<Address> after,
                                                             std::size_t count_max) {
  CO_TRY(const auto id, co_await tenant_named(tenant));
  co_return co_await ask<std::vector<Alias>>(environment_.store, Scope::tenant(id), [&](auto& tx) {
    return page<Aliases>(tx, id, after, count_max);
  });
}

net::ResultTask<Alias> Operations::set_alias(Address address, AliasChange asked, std::string by) {
  CO_CHECK(checks::who(by));
  CO_TRY(const auto tenant, co_await tenant_of(address.domain()));
  CO_CHECK(co_await check_ways<Aliases>(environment_.store, tenant, address, asked));
  CO_TRY(auto alias,
         co_await change<Alias>(environment_.store, Scope::tenant(tenant), [&](auto& tx) {
           return update<Aliases>(tx, tenant, address, asked);
         }));
  report("alias", alias.address.text(), "set", by);
  co_return alias;
}

net::ResultTask<> Operations::remove_alias(Address address, std::string by) {
  CO_CHECK(checks::who(by));
  CO_TRY(const auto tenant, co_await tenant_of(address.domain()));
  CO_TRY(const auto gone,
         co_await change<Alias>(environment_.store, Scope::tenant(tenant),
                                [&](auto& tx) { return take_away<Aliases>(tx, tenant, address); }));
  report("alias", gone.address.text(), "removed", by);
  co_return base::Result<void>();
}

net::ResultTask<Group> Operations::add_group(Group group, std::string by) {
  CO_CHECK(checks::who(by));
  CO_CHECK(Groups::tidy(group));
  CO_CHECK(checks::group(group));
  CO_TRY(group.tenant, co_await tenant_of(group.address.domain()));
  CO_CHECK(co_await ways::check(environment_.store, group.tenant, group.address, group.members));
  CO_TRY(auto added, co_await change<Group>(environment_.store, Scope::tenant(group.tenant),
                                            [&](auto& tx) { return insert<Groups>(tx, group); }));
  report("group", added.address.text(), "added", by);
  co_return added;
}

net::ResultTask<Group> Operations::show_group(Address address) {
  CO_TRY(const auto tenant, co_await tenant_of(address.domain()));
  co_return co_await ask<Group>(environment_.store, Scope::tenant(tenant),
                                [&](auto& tx) { return find<Groups>(tx, tenant, address); });
}

net::ResultTask<std::vector<Group>> Operations::list_groups(std::string tenant,
                                                            std::optional<Address> after,
                                                            std::size_t count_max) {
  CO_TRY(const auto id, co_await tenant_named(tenant));
  co_return co_await ask<std::vector<Group>>(environment_.store, Scope::tenant(id), [&](auto& tx) {
    return page<Groups>(tx, id, after, count_max);
  });
}

net::ResultTask<Group> Operations::set_group(Address address, GroupChange asked, std::string by) {
  CO_CHECK(checks::who(by));
  CO_TRY(const auto tenant, co_await tenant_of(address.domain()));
  CO_CHECK(co_await check_ways<Groups>(environment_.store, tenant, address, asked));
  CO_TRY(auto group,
         co_await change<Group>(environment_.store, Scope::tenant(tenant), [&](auto& tx) {
           return update<Groups>(tx, tenant, address, asked);
         }));
  report("group", group.address.text(), "set", by);
  co_return group;
}

net::ResultTask<> Operations::remove_group(Address address, std::string by) {
  CO_CHECK(checks::who(by));
  CO_TRY(const auto tenant, co_await tenant_of(address.domain()));
  CO_TRY(const auto gone,
         co_await change<Group>(environment_.store, Scope::tenant(tenant),
                                [&](auto& tx) { return take_away<Groups>(tx, tenant, address); }));
  report("group", gone.address.text(), "removed", by);
  co_return base::Result<void>();
}

}  // namespace letterlock::directory
