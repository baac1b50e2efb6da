#include "sim/network.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/assert.h"
#include "sim/connection.h"

namespace letterlock::sim {
using base::ErrorKind;

struct Host::State {
  std::vector<net::IpAddress> addresses;
  std::map<net::Endpoint, std::shared_ptr<Door>> doors;
  std::vector<std::pair<std::weak_ptr<Line>, std::size_t>> lines;
  std::uint16_t next_port = 49152;
  bool on = true;

  bool has(const net::IpAddress& address) const {
    return address.is_loopback() || std::ranges::find(addresses, address) != addresses.end();
  }
  std::uint16_t free_port() {
    if (next_port < 49152) next_port = 49152;
    return next_port++;
  }
  // The door for what comes to `at`, null if there is none.
  std::shared_ptr<Door> door(const net::Endpoint& at) const {
    const auto any = at.address.is_v4() ? net::IpAddress() : net::IpAddress::v6({});
    for (const auto& address : {at.address, any}) {
      const auto found = doors.find({address, at.port});
      if (found != doors.end()) return found->second;
    }
    return nullptr;
  }
  void remember(const std::shared_ptr<Line>& line, std::size_t side) {
    if (lines.size() >= 64 && (lines.size() & (lines.size() - 1)) == 0) {
      std::erase_if(lines, [](const auto& entry) { return entry.first.expired(); });
    }
    lines.emplace_back(line, side);
  }
};

struct Network::State {
  explicit State(World& world)
      : schedule(world.schedule()), random(world.random().fork("network")) {}
  std::shared_ptr<Schedule> schedule;
  Random random;
  std::map<net::IpAddress, std::shared_ptr<Host::State>> by_address;
  std::map<RuleId, Rule> rules;
  RuleId next_rule = 0;
  std::set<std::pair<net::IpAddress, net::IpAddress>> parted;
  base::Milliseconds latency_min{1};
  base::Milliseconds latency_max{20};
  Observer observer;
  std::uint64_t lines = 0;  // that were ever joined

  std::shared_ptr<Host::State> owner(const net::IpAddress& address) const {
    const auto found = by_address.find(address);
    return found == by_address.end() ? nullptr : found->second;
  }
  bool arrives(const net::IpAddress& from, const net::IpAddress& to) const {
    if (to.is_loopback()) return true;
    const auto host = owner(to);
    return host && host->on && !parted.contains(std::minmax(from, to));
  }
  base::Milliseconds one_way() {
    return base::Milliseconds(
        static_cast<std::int64_t>(random.between(static_cast<std::uint64_t>(latency_min.count()),
                                                 static_cast<std::uint64_t>(latency_max.count()))));
  }
  // The rules that befall this connection, each counted.
  std::vector<Rule> befalling(const net::IpAddress& from, const net::Endpoint& to) {
    std::vector<Rule> found;
    for (auto& [id, rule] : rules) {
      if (rule.from && *rule.from != from) continue;
      if (rule.to && *rule.to != to.address) continue;
      if (rule.port && *rule.port != to.port) continue;
      if (rule.what == Rule::What::divert && rule.instead.address == from) continue;
      if (rule.connections && *rule.connections == 0) continue;
      if (rule.connections) --*rule.connections;
      found.push_back(rule);
    }
    return found;
  }
};

namespace {

void apply(const Rule& rule, StreamFaults& faults) {
  switch (rule.what) {
    case Rule::What::stall:
      faults.stall_after = rule.octets;
      break;
    case Rule::What::cut:
      faults.cut_after = rule.octets;
      break;
    case Rule::What::corrupt:
      faults.corrupt_at = rule.octets;
      break;
    case Rule::What::slow:
      faults.octets_per_second = rule.octets;
      break;
    case Rule::What::refuse:
    case Rule::What::unreachable:
    case Rule::What::silent:
    case Rule::What::divert:
      break;
  }
}

// What an attempt to connect meets, decided before it starts.
struct Plan {
  net::Endpoint from;
  net::Endpoint to;       // as the one who connects sees it
  net::Endpoint reached;  // as it is, after diverting
  bool silent = false;
  std::string refused;  // why, empty if it isn't
  std::array<StreamFaults, 2> faults;
};

Plan plan_for(Network::State& network, net::Endpoint from, net::Endpoint to) {
  Plan plan{from, to, to, false, "", {}};
  for (const auto& rule : network.befalling(from.address, to)) {
    if (rule.what == Rule::What::refuse) plan.refused = to.text() + " refused the connection";
    if (rule.what == Rule::What::unreachable) plan.refused = to.text() + " is unreachable";
    if (rule.what == Rule::What::silent) plan.silent = true;
    if (rule.what == Rule::What::divert) plan.reached = rule.instead;
    if (rule.direction != Rule::Direction::in) apply(rule, plan.faults[0]);
    if (rule.direction != Rule::Direction::out) apply(rule, plan.faults[1]);
  }
  return plan;
}

class Listener final : public net::Listener {
 public:
  Listener(std::shared_ptr<Host::State> host, std::shared_ptr<Door> door)
      : host_(std::move(host)), door_(std::move(door)) {}
  ~Listener() override { close(); }

  net::ResultTask<std::unique_ptr<net::Connection>> accept() override {
    const auto door = door_;
    CO_CHECK(co_await check_cancelled());
    while (door->waiting.empty()) {
      if (door->closed)
        co_return base::fail(ErrorKind::closed, door->at.text() + " listens no more");
      CO_TRY([[maybe_unused]] const bool woken, co_await door->wakeup.wait(std::chrono::years(1)));
    }
    auto connection = std::move(door->waiting.front());
    door->waiting.pop_front();
    co_return connection;
  }
  net::Endpoint local() const override { return door_->at; }
  void close() override {
    if (door_->closed) return;
    door_->closed = true;
    door_->waiting.clear();
    host_->doors.erase(door_->at);
    door_->wakeup.wake();
  }

 private:
  std::shared_ptr<Host::State> host_;
  std::shared_ptr<Door> door_;
};

// Both ends of a new connection: the accepting one goes through the door, the other is returned.
std::unique_ptr<net::Connection> join_ends(const std::shared_ptr<Network::State>& network,
                                           const Plan& plan, Host::State& from, Host::State& to,
                                           Door& door) {
  const bool same_host = &from == &to;
  Line::Terms terms{
      {plan.from, plan.to},   plan.faults, {}, {}, {}, network->observer, ++network->lines,
      plan.reached != plan.to};
  terms.latency_min = same_host ? base::Milliseconds(0) : network->latency_min;
  terms.latency_max = same_host ? base::Milliseconds(0) : network->latency_max;
  // The line may outlive the network, whose rules then no longer matter.
  terms.arrives = [weak = std::weak_ptr(network), seen = plan.to, reached = plan.reached](
                      const net::Endpoint& sender, const net::Endpoint& receiver) {
    const auto state = weak.lock();
    const auto real = [&](const net::Endpoint& end) {
      return end == seen ? reached.address : end.address;
    };
    return !state || state->arrives(real(sender), real(receiver));
  };
  const auto line =
      std::make_shared<Line>(network->schedule, Random(network->random.next()), std::move(terms));
  from.remember(line, 0);
  to.remember(line, 1);
  door.waiting.push_back(std::make_unique<Connection>(network->schedule, line, 1));
  door.wakeup.wake();
  return std::make_unique<Connection>(network->schedule, line, 0);
}

net::ResultTask<> pass(std::shared_ptr<Schedule> schedule, base::Milliseconds duration) {
  Wakeup nobody(std::move(schedule));
  const auto passed = co_await nobody.wait(duration);
  if (!passed) co_return base::fail(passed.error());
  co_return base::Result<>();
}

net::ResultTask<std::unique_ptr<net::Connection>> attempt(std::shared_ptr<Network::State> network,
                                                          std::shared_ptr<Host::State> host,
                                                          Plan plan, base::Milliseconds timeout) {
  const bool local = host->has(plan.reached.address);
  const auto there = local ? base::Milliseconds(0) : network->one_way();
  const auto back = local ? base::Milliseconds(0) : network->one_way();
  const bool answered = !plan.silent && (local || !network->owner(plan.reached.address) ||
                                         network->arrives(plan.from.address, plan.reached.address));
  if (!answered || there + back >= timeout) {
    CO_CHECK(co_await pass(network->schedule, timeout));
    co_return base::fail(ErrorKind::timeout,
                         plan.to.text() + " did not answer the connection in time");
  }
  CO_CHECK(co_await pass(network->schedule, there));
  const auto target = local ? host : network->owner(plan.reached.address);
  if (plan.refused.empty() && !target)
    plan.refused = "no host has the address " + plan.to.address.text();
  const auto door = plan.refused.empty() ? target->door(plan.reached) : nullptr;
  if (plan.refused.empty() && (!door || door->waiting.size() >= Door::waiting_max)) {
    plan.refused = plan.to.text() + " refused the connection";
  }
  std::unique_ptr<net::Connection> connection;
  if (plan.refused.empty()) connection = join_ends(network, plan, *host, *target, *door);
  CO_CHECK(co_await pass(network->schedule, back));
  if (!connection) co_return base::fail(ErrorKind::unavailable, plan.refused);
  co_return connection;
}

}  // namespace

net::ResultTask<std::unique_ptr<net::Connection>> Host::connect(net::Endpoint to,
                                                                net::ConnectOptions options) {
  const auto network = network_;
  const auto host = state_;
  CO_CHECK(co_await check_cancelled());
  net::Endpoint from;
  if (options.source) {
    if (!host->has(*options.source))
      co_return base::fail(ErrorKind::unavailable,
                           options.source->text() + " is no address of this host");
    from.address = *options.source;
  } else if (to.address.is_loopback()) {
    from.address = to.address;
  } else {
    const auto found =
        std::ranges::find(host->addresses, to.address.is_v4(), &net::IpAddress::is_v4);
    if (found == host->addresses.end())
      co_return base::fail(ErrorKind::unavailable, "this host has no address from which " +
                                                       to.text() + " could be reached");
    from.address = *found;
  }
  from.port = host->free_port();
  co_return co_await attempt(network, host, plan_for(*network, from, to), options.timeout);
}

base::Result<std::unique_ptr<net::Listener>> Host::listen(net::Endpoint at) {
  if (!at.address.is_unspecified() && !state_->has(at.address)) {
    return base::fail(ErrorKind::invalid, at.address.text() + " is no address of this host");
  }
  if (at.port == 0) at.port = state_->free_port();
  if (state_->doors.contains(at)) return base::fail(ErrorKind::exists, at.text() + " is taken");
  const auto door = std::make_shared<Door>(network_->schedule);
  door->at = at;
  state_->doors[at] = door;
  return std::make_unique<Listener>(state_, door);
}

Host::Host(std::shared_ptr<sim::Network::State> network, std::vector<net::IpAddress> addresses)
    : network_(std::move(network)), state_(std::make_shared<State>()) {
  state_->addresses = std::move(addresses);
}
Host::~Host() = default;

const std::vector<net::IpAddress>& Host::addresses() const {
  return state_->addresses;
}

void Host::crash(Crash how) {
  state_->on = how == Crash::process;
  const auto lines = std::exchange(state_->lines, {});
  for (const auto& [weak, side] : lines) {
    const auto line = weak.lock();
    if (!line) continue;
    if (how == Crash::process)
      line->reset();
    else
      line->forget(side);
  }
  const auto doors = std::exchange(state_->doors, {});
  for (const auto& [at, door] : doors) {
    door->closed = true;
    door->waiting.clear();
    door->wakeup.wake();
  }
}

void Host::start() {
  state_->on = true;
}

Network::Network(World& world) : state_(std::make_shared<State>(world)) {}
Network::~Network() = default;

Host& Network::host(std::vector<net::IpAddress> addresses) {
  auto host = std::make_unique<Host>(state_, std::move(addresses));
  for (const auto& address : host->addresses()) {
    ASSERT(!address.is_loopback() && !address.is_unspecified());
    ASSERT(state_->by_address.emplace(address, host->state_).second);
  }
  hosts_.push_back(std::move(host));
  return *hosts_.back();
}

Host& Network::host(std::string_view address) {
  const auto parsed = net::IpAddress::parse(address);
  ASSERT(parsed.has_value());
  return host(std::vector{*parsed});
}

Network::RuleId Network::add(Rule rule) {
  state_->rules.emplace(state_->next_rule, rule);
  return state_->next_rule++;
}

void Network::remove(RuleId rule) {
  state_->rules.erase(rule);
}

void Network::part(const net::IpAddress& a, const net::IpAddress& b) {
  state_->parted.insert(std::minmax(a, b));
}

void Network::join(const net::IpAddress& a, const net::IpAddress& b) {
  state_->parted.erase(std::minmax(a, b));
}

void Network::latency(base::Milliseconds min, base::Milliseconds max) {
  ASSERT(base::Milliseconds(0) <= min && min <= max);
  state_->latency_min = min;
  state_->latency_max = max;
}

void Network::observe(Observer observer) {
  state_->observer = std::move(observer);
}

}  // namespace letterlock::sim
