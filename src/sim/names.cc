#include "sim/names.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "dns/name.h"
#include "dns/peer_names.h"

namespace letterlock::sim {
using base::ErrorKind;
using dns::Security;

namespace {
constexpr base::Milliseconds patience = std::chrono::seconds(30);
constexpr unsigned cname_max = 8;

std::string key(std::string_view name) {
  auto parsed = dns::parse_name(name);
  ASSERT(parsed.has_value());
  return *parsed;
}

base::Error error_of(Names::Failure failure, const std::string& name) {
  switch (failure) {
    case Names::Failure::timeout:
      return {ErrorKind::timeout, "no name server answered about " + name};
    case Names::Failure::servfail:
      return {ErrorKind::unavailable, "the name servers could not answer about " + name};
    case Names::Failure::bogus:
      return {ErrorKind::denied, "the answer about " + name + " is bogus: a signature is wrong"};
  }
  return {};
}
}  // namespace

Names::Names(World& world) : schedule_(world.schedule()), random_(world.random().fork("names")) {}

void Names::zone(std::string_view name, Security security) {
  zones_[key(name)] = security;
}

Names::Node& Names::node(std::string_view name) {
  return nodes_[key(name)];
}

void Names::mx(std::string_view name, std::uint16_t preference, std::string_view host) {
  node(name).mx.push_back({preference, host == "." ? "" : key(host)});
}

void Names::address(std::string_view name, std::string_view address) {
  const auto parsed = net::IpAddress::parse(address);
  ASSERT(parsed.has_value());
  node(name).addresses.push_back(*parsed);
}

void Names::txt(std::string_view name, std::string_view text) {
  node(name).txt.emplace_back(text);
}
void Names::tlsa(std::string_view name, dns::TlsaRecord record) {
  node(name).tlsa.push_back(std::move(record));
}
void Names::cname(std::string_view name, std::string_view target) {
  node(name).cname = key(target);
}
void Names::reverse(std::string_view address, std::string_view name) {
  const auto parsed = net::IpAddress::parse(address);
  ASSERT(parsed.has_value());
  node(dns::reverse_name(*parsed)).ptr.push_back(key(name));
}
void Names::erase(std::string_view name) {
  nodes_.erase(key(name));
}

void Names::fail(std::string_view name, std::optional<Type> type, std::optional<Failure> failure) {
  if (failure)
    failures_[{key(name), type}] = *failure;
  else
    failures_.erase({key(name), type});
}

Security Names::security(std::string_view name) const {
  const std::string* best = nullptr;
  Security security = Security::insecure;
  for (const auto& [zone, of_zone] : zones_) {
    if (!dns::is_within(name, zone) || (best && best->size() > zone.size())) continue;
    best = &zone;
    security = of_zone;
  }
  return security;
}

// RFC 8020 §2: a name exists if anything below it does.
bool Names::exists(const std::string& name) const {
  if (nodes_.contains(name) || zones_.contains(name)) return true;
  return std::ranges::any_of(nodes_,
                             [&](const auto& entry) { return dns::is_within(entry.first, name); });
}

template <class Record>
base::Result<dns::Answer<Record>> Names::look_up(std::string name,
                                                 std::vector<Record> Node::* records) const {
  dns::Answer<Record> answer;
  answer.security = security(name);
  answer.time_to_live = time_to_live_;
  for (unsigned links = 0;; ++links) {
    if (security(name) == Security::insecure) answer.security = Security::insecure;
    const auto found = nodes_.find(name);
    answer.canonical_name = name;
    answer.name_exists = exists(name);
    if (found == nodes_.end()) return answer;
    answer.records = found->second.*records;
    if (found->second.cname.empty()) return answer;
    if (links == cname_max)
      return base::fail(ErrorKind::unavailable, "too many CNAMEs from " + name);
    name = found->second.cname;
  }
}

template <class Record>
net::ResultTask<dns::Answer<Record>> Names::ask(std::string name, Type type,
                                                std::vector<Record> Node::* records) {
  CO_TRY(name, dns::parse_name(name));
  ++questions_;
  const bool unlucky = fail_in_thousand_ > 0 && random_.chance(fail_in_thousand_);
  const auto luck = static_cast<Failure>(unlucky ? random_.below(2) : 0);
  const auto latency = base::Milliseconds(static_cast<std::int64_t>(random_.between(1, 30)));
  CO_CHECK(co_await Timers(schedule_).sleep(latency));
  auto failing = failures_.find({name, type});
  if (failing == failures_.end()) failing = failures_.find({name, std::nullopt});
  if (failing != failures_.end() || unlucky) {
    const auto failure = failing != failures_.end() ? failing->second : luck;
    if (failure == Failure::timeout) CO_CHECK(co_await Timers(schedule_).sleep(patience));
    co_return base::fail(error_of(failure, name));
  }
  co_return look_up(name, records);
}

net::ResultTask<dns::Answer<dns::Mx>> Names::mx(std::string name) {
  CO_TRY(auto answer, co_await ask(std::move(name), Type::mx, &Node::mx));
  // No two seeds may rely on an order that DNS doesn't promise.
  for (std::size_t i = answer.records.size(); i > 1; --i)
    std::swap(answer.records[i - 1], answer.records[random_.below(i)]);
  co_return answer;
}

net::ResultTask<dns::Answer<net::IpAddress>> Names::addresses(std::string name) {
  CO_TRY(auto answer, co_await ask(std::move(name), Type::addresses, &Node::addresses));
  std::ranges::sort(answer.records, [](const net::IpAddress& a, const net::IpAddress& b) {
    return a.is_v6() != b.is_v6() ? a.is_v6() : a < b;
  });
  co_return answer;
}

net::ResultTask<dns::Answer<std::string>> Names::txt(std::string name) {
  return ask(std::move(name), Type::txt, &Node::txt);
}

net::ResultTask<dns::Answer<dns::TlsaRecord>> Names::tlsa(std::string name) {
  return ask(std::move(name), Type::tlsa, &Node::tlsa);
}

net::ResultTask<dns::Answer<std::string>> Names::ptr(std::string name) {
  return ask(std::move(name), Type::ptr, &Node::ptr);
}

}  // namespace letterlock::sim
