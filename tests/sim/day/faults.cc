#include "sim/day/faults.h"

#include <algorithm>

#include <fmt/format.h>

namespace letterlock::day {

using namespace std::chrono_literals;

namespace {
store::Unsynced unsynced(sim::Random& random) {
  static constexpr std::array all{store::Unsynced::kept, store::Unsynced::dropped,
                                  store::Unsynced::torn};
  return all[random.below(all.size())];
}
}  // namespace

Faults::Faults(Site& site)
    : site_(site), random_(site.world.random().fork("faults")), gate_(site.world.loop()) {
  // Some days know one trouble alone, so that each is seen without the others hiding it.
  static constexpr std::array<Trouble, 20> all{&Faults::stall_at_a_commit,
                                               &Faults::impersonate,
                                               &Faults::break_connections,
                                               &Faults::break_connections,
                                               &Faults::break_connections,
                                               &Faults::part,
                                               &Faults::slow_down,
                                               &Faults::change_mood,
                                               &Faults::change_mood,
                                               &Faults::stop_a_stranger,
                                               &Faults::change_a_certificate,
                                               &Faults::fail_names,
                                               &Faults::lie_in_names,
                                               &Faults::cut_power,
                                               &Faults::cut_power_at_a_commit,
                                               &Faults::crash_a_node,
                                               &Faults::stall_a_node,
                                               &Faults::fail_commits,
                                               &Faults::fail_reads,
                                               &Faults::fill_the_disk};
  static constexpr std::array<unsigned, 4> in_thousand{100, 300, 600, 1000};
  const auto chance = in_thousand[random_.below(in_thousand.size())];
  for (const auto trouble : all) {
    if (random_.chance(chance)) menu_.push_back(trouble);
  }
  if (random_.below(4) == 0) menu_.push_back(&Faults::jump_the_clock);
  every_ = base::Milliseconds(static_cast<std::int64_t>(random_.between(30'000, 1'200'000)));
}

void Faults::begin(base::Milliseconds span) {
  end_ = site_.now() + span;
  if (!menu_.empty() && random_.below(20) != 0) gate_.start(come());
}

net::Task<> Faults::come() {
  while (true) {
    const auto wait = random_.below(static_cast<std::uint64_t>(2 * every_.count()));
    if (!co_await site_.world.timers().sleep(base::Milliseconds(static_cast<std::int64_t>(wait))))
      co_return;
    if (site_.now() >= end_) co_return;
    (this->*menu_[random_.below(menu_.size())])();
  }
}

void Faults::until(base::Milliseconds duration, std::function<void()> undo) {
  auto shared = std::make_shared<std::function<void()>>(std::move(undo));
  undo_.push_back(shared);
  site_.world.schedule()->after(duration, [shared] {
    if (const auto mend = std::exchange(*shared, {})) mend();
  });
}

void Faults::end() {
  for (const auto& shared : undo_) {
    if (const auto mend = std::exchange(*shared, {})) mend();
  }
  undo_.clear();
  site_.store.on_commit({});
  site_.store.forget_faults();
  site_.names.fail_sometimes(0);
  for (auto& domain : site_.domains) site_.publish(domain);
  for (const auto& stranger : site_.strangers) {
    const auto tls = stranger->mood.tls;
    stranger->mood = {};
    stranger->mood.tls = tls;
    stranger->open();
  }
  site_.findings.note("everything is mended");
}

Stranger& Faults::any_stranger() {
  return *site_.strangers[random_.below(site_.strangers.size())];
}
Node& Faults::any_node() {
  return *site_.nodes[random_.below(site_.nodes.size())];
}
Domain& Faults::any_domain() {
  return site_.domains[random_.below(site_.domains.size())];
}
base::Milliseconds Faults::a_while(base::Milliseconds max) {
  return base::Milliseconds(
      static_cast<std::int64_t>(random_.between(1000, static_cast<std::uint64_t>(max.count()))));
}

// ---- the network ----

void Faults::break_connections() {
  using What = sim::Rule::What;
  static constexpr std::array all{What::refuse, What::unreachable, What::silent,  What::stall,
                                  What::cut,    What::cut,         What::corrupt, What::slow};
  using Direction = sim::Rule::Direction;
  static constexpr std::array directions{Direction::in, Direction::out, Direction::both};
  static constexpr std::array<std::uint64_t, 5> octets_max{40, 200, 1000, 4000, 40'000};
  sim::Rule rule;
  rule.what = all[random_.below(all.size())];
  rule.direction = directions[random_.below(directions.size())];
  rule.octets = random_.below(octets_max[random_.below(octets_max.size())]);
  if (rule.what == What::slow) rule.octets += 50;
  if (random_.below(3) > 0) rule.connections = static_cast<unsigned>(random_.between(1, 4));
  auto& stranger = any_stranger();
  switch (random_.below(3)) {
    case 0:  // people and their node
      rule.from = site_.client.addresses().front();
      break;
    case 1:  // mail going out
      rule.to = stranger.host().addresses().front();
      break;
    default:  // mail coming in
      rule.from = stranger.host().addresses().front();
  }
  // An octet that is changed where nothing protects it is nobody's fault here: only on roads that
  // carry nothing in clear, people's by their own choice.
  if (rule.what == What::corrupt) {
    if (rule.from == site_.client.addresses().front()) {
      rule.port = random_.below(2) == 0 ? 465 : 995;
    } else if (stranger.mood.tls != smtp::Need::required) {
      rule.what = What::cut;
    }
  }
  site_.findings.note(
      fmt::format("connections from {} to {}: trouble {} at octet {}, {}",
                  rule.from ? rule.from->text() : "anybody", rule.to ? rule.to->text() : "anybody",
                  static_cast<int>(rule.what), rule.octets, rule.connections ? "a few" : "all"));
  const auto id = site_.network.add(rule);
  until(a_while(30min), [this, id] { site_.network.remove(id); });
}

void Faults::part() {
  const auto a = any_node().host().addresses().front();
  const auto b = random_.below(4) == 0 ? site_.client.addresses().front()
                                       : any_stranger().host().addresses().front();
  site_.findings.note(fmt::format("{} and {} are parted", a.text(), b.text()));
  site_.network.part(a, b);
  until(a_while(40min), [this, a, b] { site_.network.join(a, b); });
}

void Faults::slow_down() {
  const auto max = base::Milliseconds(static_cast<std::int64_t>(random_.between(20, 30'000)));
  site_.findings.note(fmt::format("octets take up to {} ms", max.count()));
  site_.network.latency(1ms, max);
  until(a_while(20min), [this] { site_.network.latency(1ms, 20ms); });
}

// People of the internet end at him instead of at this node.
void Faults::impersonate() {
  static constexpr std::array<std::uint16_t, 3> doors{465, 995, 110};
  const auto& node = any_node().host().addresses().front();
  sim::Rule rule;
  rule.what = sim::Rule::What::divert;
  rule.from = site_.client.addresses().front();
  rule.to = node;
  rule.port = doors[random_.below(doors.size())];
  rule.instead = {site_.impostor.address(), *rule.port};
  site_.impostor.open(node);
  site_.findings.note(fmt::format("somebody sits before {} at {}", node.text(), *rule.port));
  const auto id = site_.network.add(rule);
  until(a_while(40min), [this, id] { site_.network.remove(id); });
}

// ---- others ----

void Faults::change_mood() {
  auto& stranger = any_stranger();
  const auto before = stranger.mood;
  auto& mood = stranger.mood;
  const auto rate = [this](unsigned max) {
    return random_.below(2) == 0 ? 0U : static_cast<unsigned>(random_.below(max));
  };
  mood.later = rate(600);
  mood.never = rate(200);
  mood.slow = rate(500);
  mood.garbage = rate(1000);
  mood.pause_max = a_while(15min);
  // Whoever stands between takes STARTTLS away.
  if (before.tls == smtp::Need::offered && random_.below(3) == 0) mood.tls = smtp::Need::none;
  site_.findings.note(fmt::format("{} is in a mood: {} later, {} never, {} slow, {} garbage, {}",
                                  stranger.name(), mood.later, mood.never, mood.slow, mood.garbage,
                                  mood.tls == smtp::Need::none ? "no TLS" : "TLS"));
  until(a_while(90min), [&stranger, before] { stranger.mood = before; });
}

void Faults::stop_a_stranger() {
  auto& stranger = any_stranger();
  site_.findings.note(stranger.name() + " dies");
  stranger.crash();
  until(a_while(60min), [&stranger] { stranger.open(); });
}

void Faults::change_a_certificate() {
  auto& stranger = any_stranger();
  const auto before = stranger.tls().settings;
  auto& settings = stranger.tls().settings;
  switch (random_.below(4)) {
    case 0:
      settings.identities.front().expired = true;
      break;
    case 1:
      settings.identities = {sim::identity_for("mx.evil.example", "nobody")};
      break;
    case 2:
      settings.refuses = true;
      break;
    default:
      settings.version_max = hop::TlsVersion::tls1_2;
  }
  site_.findings.note(stranger.name() + " shows another TLS");
  until(a_while(90min), [&stranger, before] { stranger.tls().settings = before; });
}

// ---- names ----

void Faults::fail_names() {
  using Failure = sim::Names::Failure;
  static constexpr std::array all{Failure::timeout, Failure::servfail, Failure::bogus};
  if (random_.below(3) == 0) {
    site_.findings.note("names fail now and then");
    site_.names.fail_sometimes(static_cast<unsigned>(random_.between(50, 600)));
    until(a_while(40min), [this] { site_.names.fail_sometimes(0); });
    return;
  }
  const auto& domain = any_domain();
  const auto name =
      domain.hosts.empty() || random_.below(2) == 0 ? domain.name : domain.hosts.front()->name();
  site_.findings.note("questions for " + name + " fail");
  site_.names.fail(name, {}, all[random_.below(all.size())]);
  until(a_while(60min), [this, name] { site_.names.fail(name, {}, {}); });
}

void Faults::lie_in_names() {
  auto& domain = any_domain();
  if (domain.hosts.empty()) return;
  domain.was_lied_about = true;
  auto& liar = any_stranger();
  switch (random_.below(4)) {
    case 0:
      site_.names.erase(domain.name);
      site_.findings.note(domain.name + " is gone from DNS");
      break;
    case 1:
      site_.names.erase(domain.name);
      site_.names.mx(domain.name, 10, ".");
      site_.findings.note(domain.name + " takes no mail, says DNS");
      break;
    case 2:
      site_.names.mx(domain.name, 1, liar.name());
      site_.findings.note(domain.name + " is at " + liar.name() + ", says DNS");
      break;
    default:
      site_.names.erase(domain.hosts.front()->name());
      site_.names.address(domain.hosts.front()->name(), liar.host().addresses().front().text());
      site_.findings.note(domain.hosts.front()->name() + " has another address, says DNS");
  }
  until(a_while(60min), [this, &domain] { site_.publish(domain); });
}

// ---- the store and the nodes ----

void Faults::cut_power() {
  site_.down_for = a_while(5min);
  site_.power_cut(unsynced(random_));
}

void Faults::cut_power_at_a_commit() {
  site_.down_for = a_while(2min);
  crash_after_commits_ = static_cast<unsigned>(random_.below(12));
  crash_stage_ = random_.below(2) == 0 ? store::CommitStage::before : store::CommitStage::durable;
  const auto what = unsynced(random_);
  const bool is_process = random_.below(4) == 0;
  site_.findings.note(fmt::format("a crash after {} commits", crash_after_commits_));
  site_.store.on_commit([this, what, is_process](store::CommitStage stage) {
    if (stage != crash_stage_ || crash_after_commits_-- > 0) return;
    crash_after_commits_ = ~0U;
    if (is_process)
      any_node().crash();
    else
      site_.power_cut(what);
  });
}

void Faults::crash_a_node() {
  site_.down_for = a_while(20min);
  auto& node = any_node();
  site_.findings.note(node.name() + " crashes");
  node.crash();
}

// Long enough, at times, for its leases to end and another to take over.
void Faults::stall_a_node() {
  auto& node = any_node();
  const auto duration = a_while(50min);
  site_.findings.note(fmt::format("{} stalls for {}", node.name(), base::to_text(duration)));
  node.stall(site_.now() + duration);
}

// In the middle of its work, for so long that another node takes over what it was at.
void Faults::stall_at_a_commit() {
  auto& node = any_node();
  const auto duration = 21min + a_while(20min);
  site_.findings.note(
      fmt::format("{} is about to stall for {}", node.name(), base::to_text(duration)));
  site_.store.on_commit(
      [this, &node, duration, left = random_.below(12)](store::CommitStage) mutable {
        if (left == 0) return;  // it has, or never will
        --left;
        if (left > 0) return;
        node.stall(site_.now() + duration);
      });
}

void Faults::fail_commits() {
  const auto count = random_.between(1, random_.below(4) == 0 ? 30 : 3);
  const auto kind = random_.below(3) == 0 ? base::ErrorKind::full : base::ErrorKind::io;
  site_.findings.note(fmt::format("{} commits fail", count));
  site_.trouble();
  for (std::uint64_t i = 0; i < count; ++i) {
    const bool is_applied = kind == base::ErrorKind::io && random_.below(3) == 0;
    site_.store.fail_next_commit(
        kind, is_applied ? store::Outcome::applied : store::Outcome::rolled_back);
  }
}

void Faults::fail_reads() {
  const auto count = random_.between(1, 10);
  site_.findings.note(fmt::format("{} reads fail", count));
  site_.trouble();
  for (std::uint64_t i = 0; i < count; ++i) site_.store.fail_next_read(base::ErrorKind::io);
}

void Faults::fill_the_disk() {
  const auto octets = random_.below(2 * 1024 * 1024);
  site_.findings.note(fmt::format("{} octets are free on the disk", octets));
  site_.trouble();
  site_.store.set_disk_free_octets(octets);
  until(a_while(30min), [this] { site_.store.set_disk_free_octets(std::uint64_t{1} << 40); });
}

void Faults::jump_the_clock() {
  const auto by = random_.below(2) == 0 ? a_while(3h) : -a_while(2h);
  site_.findings.note(fmt::format("the clock jumps by {} s", by.count() / 1000));
  site_.world.clock().jump(by);
}

}  // namespace letterlock::day
