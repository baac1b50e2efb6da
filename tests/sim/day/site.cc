#include "sim/day/site.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "directory/record.h"

namespace letterlock::day {
namespace {

using namespace std::chrono_literals;

// Few rounds where nothing asks for more: a day has many sign-ins, and their arithmetic shows
// nothing.
constexpr unsigned rounds_few = 8;
bool proves_by_scram(sim::World& world) {
  return world.random().fork("mechanism").below(16) == 0;
}
unsigned rounds_for(sim::World& world) {
  return proves_by_scram(world) ? sasl::rounds_min : rounds_few;
}
constexpr std::array tenant_names{"acorn.example", "birch.example", "cedar.example"};
constexpr std::array people_names{"alice@acorn.example", "amos@acorn.example",
                                  "bob@birch.example",   "bea@birch.example",
                                  "carol@cedar.example", "leo@cedar.example"};
constexpr std::string_view smart_host_name = "smart.example";

// Addresses that stand for others: in the same tenant, in another, outside, for nobody, for each
// other in a ring.
struct List {
  enum class Kind { alias, group } kind;
  const char* address;
  std::vector<const char*> into;
};
const std::vector<List>& lists_of_the_day() {
  using enum List::Kind;
  static const std::vector<List> all{
      {alias, "sales@acorn.example", {"alice@acorn.example", "amos@acorn.example"}},
      {alias, "away@birch.example", {"friend0@modern.example"}},
      {alias, "both@birch.example", {"bob@birch.example", "carol@cedar.example"}},
      {alias,
       "mixed@cedar.example",
       {"carol@cedar.example", "friend1@twin.example", "friend2@strict.example"}},
      {alias, "chain@acorn.example", {"both@birch.example"}},
      {alias, "ring@acorn.example", {"wheel@acorn.example"}},
      {alias, "round@acorn.example", {"club@acorn.example"}},
      {alias, "wheel@acorn.example", {"ring@acorn.example"}},
      {group,
       "team@birch.example",
       {"bob@birch.example", "bea@birch.example", "alice@acorn.example", "friend1@twin.example",
        "nobody@cedar.example"}},
      {group,
       "all@cedar.example",
       {"carol@cedar.example", "leo@cedar.example", "team@birch.example", "sales@acorn.example"}},
      {group,
       "club@acorn.example",
       {"alice@acorn.example", "round@acorn.example", "friend0@old.example"}}};
  return all;
}

// As several operators at once may leave it: one at a time is refused what closes a circle.
net::ResultTask<> put_list(store::Transaction& tx, const List& list, base::TenantId tenant,
                           address::Address address, std::vector<address::Address> into) {
  using Kind = directory::Entry::Kind;
  const bool is_alias = list.kind == List::Kind::alias;
  tx.put(directory::keys::entry(tenant, address),
         directory::encode(directory::Entry{is_alias ? Kind::alias : Kind::group, {}}));
  if (is_alias)
    tx.put(directory::keys::alias(tenant, address),
           directory::encode(directory::Alias{address, tenant, std::move(into), {}}));
  else
    tx.put(directory::keys::group(tenant, address),
           directory::encode(directory::Group{address, tenant, "", std::move(into)}));
  co_return base::Result<>();
}

// Half of all are careless: of those there is most to be said.
Person::Habit habit_of(std::uint64_t dice) {
  if (dice < 2) return Person::Habit::bound;
  if (dice == 2) return Person::Habit::proving;
  return dice == 3 ? Person::Habit::careful : Person::Habit::careless;
}

// On the internet, and on the platform's own network.
std::vector<net::IpAddress> addresses_of_node(std::size_t number) {
  std::vector<net::IpAddress> addresses;
  for (const auto* text : {"192.0.2.{}", "10.1.0.{}"}) {
    if (const auto one = net::IpAddress::parse(fmt::format(fmt::runtime(text), number + 1)))
      addresses.push_back(*one);
  }
  return addresses;
}

hop::Requirement weaker(hop::Requirement a, const hop::Requirement& b) {
  a.level.value = std::min(a.level.value, b.level.value);
  a.tls_version.value = std::min(a.tls_version.value, b.tls_version.value);
  if (b.network.value == hop::NetworkNeed::any) a.network.value = hop::NetworkNeed::any;
  return a;
}

}  // namespace

Site::Site(sim::World& its_world, Findings& its_findings, NamesKnown& its_names,
           PasswordsSeen& its_passwords, Stranger::Told told)
    : world(its_world),
      findings(its_findings),
      network(world),
      names(world),
      names_known(its_names),
      passwords(its_passwords),
      store({.yields_max = 3, .seed = world.seed(), .recent_keys_max = 20'000}),
      operations({store, world.clock(), world.random(), workers, findings, world.timers()},
                 {rounds_for(world)}),
      client_tls(world, "client"),
      client(network.host("198.51.100.7")),
      inside(network.host("10.1.0.77")),
      impostor(world, network),
      told_(std::move(told)),
      random_(world.random().fork("site")) {
  client_tls.settings.trusted_issuers = {"the CA"};
  client_tls.settings.post_quantum = random_.below(2) == 0;
  is_post_quantum_ = random_.below(2) == 0;
  forgets_soon_ = random_.below(4) == 0;
  bound_tenant_ = random_.below(4);
  if (random_.below(6) == 0) add_smart_host();
  const std::size_t count = random_.below(2) == 0 ? 2 : 1;
  // A node alone waits for nobody's lease to end, and needn't be at it all day.
  const apps::Pace pace{.lease = count == 1 ? 60min : 20min, .look = 10min, .calendar = 20min};
  for (std::size_t i = 0; i < count; ++i) {
    auto& host = network.host(addresses_of_node(i));
    nodes.push_back(std::make_unique<Node>(
        Ground{world, store, names, workers, findings, [this] { trouble(); }}, host, config(i),
        pace, rounds_for(world)));
    nodes.back()->tls().settings.identities = {sim::identity_for(host_name, "the CA")};
    nodes.back()->tls().settings.trusted_issuers = {"the CA"};
    nodes.back()->tls().settings.post_quantum = is_post_quantum_;
  }
  down_until_.resize(count, 0ms);
  add_domain("modern.example", Domain::Kind::usual, 1);
  add_domain("twin.example", Domain::Kind::usual, 2);
  add_domain("strict.example", Domain::Kind::strict, 1);
  add_domain("old.example", Domain::Kind::clear, 1);
  add_domain("elder.example", Domain::Kind::old_tls, 1);
  domains.push_back({"nowhere.example", Domain::Kind::none, {}, dns::Security::insecure});
}

Site::~Site() = default;

apps::Config Site::config(std::size_t number) const {
  apps::Config config;
  config.site.name = "dublin";
  config.site.node = fmt::format("dublin-{}", number + 1);
  config.site.host_name = std::string(host_name);
  // The simulated internet is made of documentation's addresses.
  for (const auto* text : {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"}) {
    if (auto prefix = net::Prefix::parse(text)) {
      config.relay.special_allowed.push_back(*prefix);
      config.site.public_networks.push_back(*prefix);
    }
  }
  if (auto prefix = net::Prefix::parse("10.0.0.0/8"))
    config.site.private_networks.push_back(*prefix);
  if (smart_host != nullptr) {
    config.relay.smart_host = route::Options::SmartHost{std::string(smart_host_name), 25};
    config.relay.smart_host_user = smart_host->customer->user;
    config.relay.smart_host_password = std::string(smart_host_password);
  }
  // Shorter than anybody's, so that a day sees mail expire.
  config.schedule.waits = {1min, 3min, 10min, 30min};
  config.schedule.lifetime = 5h;
  config.schedule.report_lifetime = 3h;
  config.schedule.delay_notice_after = 1h;
  // Whoever wants to hear is told, each of them: what the budget leaves out is tested by itself.
  config.reports = {1'000'000, 1'000'000};
  // Some days see traces forgotten, and begun anew for what is still there.
  if (forgets_soon_) config.trace.keep = 40min;
  return config;
}

void Site::add_domain(std::string name, Domain::Kind kind, unsigned hosts) {
  Domain domain{std::move(name), kind, {}, dns::Security::insecure};
  for (unsigned i = 1; i <= hosts; ++i) {
    auto& host = network.host(fmt::format("203.0.113.{}", strangers.size() + 1));
    strangers.push_back(
        std::make_unique<Stranger>(world, host, fmt::format("mx{}.{}", i, domain.name), told_));
    auto& stranger = *strangers.back();
    stranger.tls().settings.trusted_issuers = {"the CA"};
    stranger.tls().settings.post_quantum = is_post_quantum_ && strangers.size() % 2 == 0;
    if (kind == Domain::Kind::clear) stranger.mood.tls = smtp::Need::none;
    if (kind == Domain::Kind::strict) stranger.mood.tls = smtp::Need::required;
    if (kind == Domain::Kind::old_tls)
      stranger.tls().settings.version_max = hop::TlsVersion::tls1_2;
    domain.hosts.push_back(&stranger);
  }
  names.zone(domain.name, domain.security);
  domains.push_back(std::move(domain));
  publish(domains.back());
}

void Site::add_smart_host() {
  auto& host = network.host("203.0.113.200");
  strangers.push_back(std::make_unique<Stranger>(world, host, std::string(smart_host_name), told_));
  smart_host = strangers.back().get();
  smart_host->tls().settings.trusted_issuers = {"the CA"};
  smart_host->customer = {"letterlock",
                          sasl::derive(smart_host_password, "0123456789abcdef", rounds_for(world))};
  names.zone(smart_host_name, dns::Security::insecure);
  names.address(smart_host_name, "203.0.113.200");
}

void Site::publish(const Domain& domain) {
  if (domain.hosts.empty()) return;
  names.erase(domain.name);
  std::uint16_t preference = 10;
  for (const auto* host : domain.hosts) {
    names.erase(host->name());
    names.address(host->name(), const_cast<Stranger*>(host)->host().addresses().front().text());
    names.mx(domain.name, preference, host->name());
    preference += 10;
  }
}

bool Site::open() {
  for (const auto& stranger : strangers) stranger->open();
  for (const auto& node : nodes) {
    if (const auto started = node->start(); !started) {
      findings.broken("site: " + started.error().what);
      return false;
    }
  }
  if (const auto added = add_tenants(); !added) findings.broken("site: " + added.error().what);
  return findings.all().empty();
}

base::Result<> Site::add_tenants() {
  for (const std::string name : tenant_names) {
    const auto added = TRY(wait(operations.add_tenant(name, "day")));
    tenants.push_back({.name = name, .id = added.id, .clear_fetch = random_.below(4) == 0});
    tenants.back().asked.push_back({{}, now(), {}});
    TRY(wait(operations.add_domain(name, TRY(address::Domain::parse(name)), "day")));
    directory::TenantChange change;
    if (tenants.back().clear_fetch) change.clear_fetch = directory::ClearFetch::allowed;
    if (random_.below(4) == 0) {
      tenants.back().per_hour = random_.between(2, 12);
      tenants.back().per_day = tenants.back().per_hour + random_.below(20);
      change.limits = {tenants.back().per_hour, tenants.back().per_day, 200};
    }
    TRY(wait(operations.set_tenant(name, change, "day")));
  }
  for (const std::string address : people_names) {
    for (std::size_t i = 0; i < tenants.size(); ++i) {
      if (address.ends_with("@" + tenants[i].name)) TRY(add_person(address, i));
    }
  }
  return add_lists();
}

base::Result<> Site::add_lists() {
  for (const auto& list : lists_of_the_day()) {
    const auto address = TRY(address::Address::parse(list.address));
    std::vector<address::Address> into;
    for (const auto* one : list.into) into.push_back(TRY(address::Address::parse(one)));
    const auto tenant = std::ranges::find_if(
        tenants, [&](const Tenant& one) { return address.text().ends_with("@" + one.name); });
    TRY(wait(store.transact(store::Scope::tenant(tenant->id), [&](store::Transaction& tx) {
      return put_list(tx, list, tenant->id, address, into);
    })));
    names_known.add_targets(list.address, {list.into.begin(), list.into.end()});
    lists.emplace_back(list.address);
  }
  return {};
}

base::Result<> Site::add_person(const std::string& address, std::size_t tenant) {
  directory::NewAccount account;
  account.address = TRY(address::Address::parse(address));
  account.password = "tree house of " + address;
  auto habit = habit_of(random_.below(8));
  if (tenant == bound_tenant_) habit = Person::Habit::bound;
  if (habit == Person::Habit::bound) account.accepts = directory::Accepts::plus_only;
  passwords.may_be(address, account.password);
  // One whose mailbox is soon full.
  if (address == people_names[1]) account.quota_octets = 12'000;
  const auto added = TRY(wait(operations.add_account(std::move(account), "day")));
  people.push_back({address, added.id, tenant, "tree house of " + address, {}, habit});
  people.back().may_refuse = address == people_names[1];
  names_known.add_account(added.id, address, tenants[tenant].name);
  if (tenant != 0) return {};
  auto& person = people.back();
  person.more_addresses = {"also." + address};
  names_known.add_address(person.id, person.more_addresses.front());
  directory::AccountChange change;
  change.add_addresses = {TRY(address::Address::parse(person.more_addresses.front()))};
  TRY(wait(operations.set_account(TRY(address::Address::parse(address)), change, "day")));
  return {};
}

void Site::close() {
  for (const auto& node : nodes) node->stop();
}

void Site::power_cut(store::Unsynced unsynced) {
  findings.note(fmt::format("the power goes, what was not synced is {}",
                            unsynced == store::Unsynced::kept      ? "kept"
                            : unsynced == store::Unsynced::dropped ? "gone"
                                                                   : "torn"));
  store.crash(random_.next(), unsynced);
  for (const auto& node : nodes) node->crash();
}

bool Site::needs_care() const {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i]->has_crashed()) return true;
    if (!nodes[i]->is_up() && now() >= down_until_[i]) return true;
  }
  return false;
}

void Site::care() {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    auto& node = *nodes[i];
    if (!node.has_crashed()) continue;
    node.bury();
    down_until_[i] = now() + down_for;
    world.schedule()->after(down_for, [] {});  // so that somebody looks
  }
  const bool all_down = std::ranges::none_of(nodes, [](const auto& node) { return node->is_up(); });
  if (all_down) store.sweep();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    auto& node = *nodes[i];
    if (node.is_up() || node.has_crashed() || now() < down_until_[i]) continue;
    const auto started = node.start();
    findings.note(node.name() + (started ? " is up" : " doesn't start: " + started.error().what));
    if (started) continue;
    down_until_[i] = now() + 10s;
    world.schedule()->after(10s, [] {});
  }
}

hop::Requirement Site::weakest(std::size_t tenant, base::Milliseconds from,
                               base::Milliseconds until) const {
  std::optional<hop::Requirement> weakest;
  for (const auto& asked : tenants[tenant].asked) {
    if (asked.from > until || (asked.until && *asked.until < from)) continue;
    weakest = weakest ? weaker(*weakest, asked.requirement) : asked.requirement;
  }
  return weakest.value_or(hop::Requirement());
}

const Person* Site::person(std::string address) const {
  const auto plus = address.find('+');
  if (plus != std::string::npos) address.erase(plus, address.find('@') - plus);
  const auto at = std::ranges::find_if(people, [&](const Person& person) {
    return person.address == address ||
           std::ranges::find(person.more_addresses, address) != person.more_addresses.end();
  });
  return at == people.end() ? nullptr : &*at;
}

}  // namespace letterlock::day
