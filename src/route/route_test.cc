#include "route/route.h"

#include <set>

#include <gtest/gtest.h>

#include "sim/names.h"
#include "sim/world.h"

namespace letterlock::route {
namespace {

using Found = NextHops::Found;

net::Task<> keep(net::ResultTask<NextHops> task, std::optional<base::Result<NextHops>>& out) {
  out = co_await std::move(task);
}

class RouteTest : public ::testing::Test {
 protected:
  RouteTest() {
    names_.zone("example", dns::Security::insecure);
    names_.zone("signed.example", dns::Security::secure);
  }
  base::Result<NextHops> find(const std::string& domain, Options options = {}) {
    Router router(names_, world_.random(), std::move(options));
    std::optional<base::Result<NextHops>> out;
    world_.loop().spawn(keep(router.find(*address::Domain::parse(domain)), out));
    EXPECT_TRUE(world_.run_until([&] { return out.has_value(); }, std::chrono::minutes(5)));
    return *out;
  }
  static std::vector<std::string> hosts(const base::Result<NextHops>& hops) {
    std::vector<std::string> out;
    for (const auto& host : hops->hosts) out.push_back(host.name);
    return out;
  }

  sim::World world_{1};
  sim::Names names_{world_};
};

TEST_F(RouteTest, HostsByPreference) {
  names_.mx("modern.example", 20, "mx2.modern.example");
  names_.mx("modern.example", 10, "mx1.modern.example");
  names_.address("mx1.modern.example", "8.8.8.1");
  names_.address("mx2.modern.example", "2001:4860:4860::8888");
  const auto hops = find("modern.example");
  EXPECT_EQ(hosts(hops), (std::vector<std::string>{"mx1.modern.example", "mx2.modern.example"}));
  EXPECT_EQ(hops->mx_security, dns::Security::insecure);
  EXPECT_EQ(hops->hosts[0].port, 25);
}

// RFC 5321 §5.1.
TEST_F(RouteTest, EqualPreferencesAreSpread) {
  for (const auto* host : {"a.example", "b.example", "c.example"}) {
    names_.mx("many.example", 10, host);
    names_.address(host, "8.8.8.1");
  }
  std::set<std::string> first;
  for (int i = 0; i < 60; ++i) first.insert(hosts(find("many.example"))[0]);
  EXPECT_EQ(first.size(), 3U);
}

TEST_F(RouteTest, WithoutMxTheDomainItself) {
  names_.address("plain.example", "8.8.8.1");
  const auto hops = find("plain.example");
  EXPECT_EQ(hops->source, NextHops::Source::address);
  EXPECT_EQ(hosts(hops), std::vector<std::string>{"plain.example"});
}

TEST_F(RouteTest, NoSuchDomainAndNeitherMxNorAddress) {
  EXPECT_EQ(find("nowhere.example")->found, Found::no_domain);
  names_.txt("text.example", "only text");
  EXPECT_EQ(find("text.example")->found, Found::no_domain);
}

// RFC 7505 §3.
TEST_F(RouteTest, NullMx) {
  names_.mx("null.example", 0, ".");
  EXPECT_EQ(find("null.example")->found, Found::null_mx);
  names_.mx("null.example", 10, "mx.null.example");
  names_.address("mx.null.example", "8.8.8.1");
  EXPECT_EQ(find("null.example")->found, Found::hosts);
}

// RFC 5321 §5.1: everything from our own preference on is thrown away. ATTACKS 14: no loop.
TEST_F(RouteTest, Attack14OurselvesAreNoNextHop) {
  names_.mx("b.example", 10, "other.example");
  names_.mx("b.example", 20, "us.example");
  names_.mx("b.example", 30, "third.example");
  for (const auto* host : {"other.example", "us.example", "third.example"})
    names_.address(host, "8.8.8.1");
  Options options;
  options.own_names = {"us.example"};
  EXPECT_EQ(hosts(find("b.example", options)), std::vector<std::string>{"other.example"});
  names_.mx("ours.example", 10, "us.example");
  EXPECT_EQ(find("ours.example", options)->found, Found::ourselves);
  // Under another name, by address.
  names_.mx("disguised.example", 10, "alias.example");
  names_.address("alias.example", "8.8.8.9");
  options.own_addresses = {*net::IpAddress::parse("8.8.8.9")};
  const auto hops = find("disguised.example", options);
  EXPECT_EQ(hops->found, Found::no_addresses);
  EXPECT_NE(hops->reason.find("this site itself"), std::string::npos);
}

// ATTACKS 14, 45: a stranger's DNS must not make us talk to our own neighbours.
TEST_F(RouteTest, Attack45SpecialAddressesAreRefusedUnlessNamed) {
  for (const auto* address : {"127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.1.1", "::1",
                              "fd00::1", "64:ff9b::7f00:1", "0.0.0.0", "224.0.0.1"}) {
    names_.erase("mx.bad.example");
    names_.erase("bad.example");
    names_.mx("bad.example", 10, "mx.bad.example");
    names_.address("mx.bad.example", address);
    const auto hops = find("bad.example");
    EXPECT_EQ(hops->found, Found::no_addresses) << address;
    EXPECT_NE(hops->reason.find("mx.bad.example"), std::string::npos) << hops->reason;
  }
  names_.erase("mx.bad.example");
  names_.address("mx.bad.example", "10.1.2.3");
  names_.address("mx.bad.example", "10.2.2.3");
  Options options;
  options.special_allowed = {*net::Prefix::parse("10.1.0.0/16")};
  EXPECT_EQ(find("bad.example", options)->hosts[0].addresses,
            std::vector{*net::IpAddress::parse("10.1.2.3")});
  EXPECT_EQ(find("[127.0.0.1]")->found, Found::no_addresses);
}

TEST_F(RouteTest, WhatFailsIsAnErrorNotAnEmptyAnswer) {
  names_.mx("f.example", 10, "mx.f.example");
  names_.address("mx.f.example", "8.8.8.1");
  names_.fail("f.example", sim::Names::Type::mx, sim::Names::Failure::bogus);
  EXPECT_EQ(find("f.example").error().kind, base::ErrorKind::denied);
  names_.fail("f.example", sim::Names::Type::mx, std::nullopt);
  names_.fail("mx.f.example", std::nullopt, sim::Names::Failure::servfail);
  EXPECT_EQ(find("f.example").error().kind, base::ErrorKind::unavailable);
  // One host's failure leaves the others.
  names_.mx("f.example", 20, "mx2.f.example");
  names_.address("mx2.f.example", "8.8.8.2");
  EXPECT_EQ(hosts(find("f.example")), std::vector<std::string>{"mx2.f.example"});
}

TEST_F(RouteTest, SecurityIsOfEachStep) {
  names_.mx("signed.example", 10, "mx.signed.example");
  names_.mx("signed.example", 20, "mx.unsigned.example");
  names_.address("mx.signed.example", "8.8.8.1");
  names_.address("mx.unsigned.example", "8.8.8.2");
  const auto hops = find("signed.example");
  EXPECT_EQ(hops->mx_security, dns::Security::secure);
  EXPECT_EQ(hops->hosts[0].security, dns::Security::secure);
  EXPECT_EQ(hops->hosts[1].security, dns::Security::insecure);
}

TEST_F(RouteTest, ManyHostsAreBounded) {
  for (int i = 0; i < 100; ++i) {
    const auto host = "h" + std::to_string(i) + ".example";
    names_.mx("big.example", static_cast<std::uint16_t>(i), host);
    for (int k = 1; k < 50; ++k) names_.address(host, "8.8.8." + std::to_string(k));
  }
  const auto hops = find("big.example");
  EXPECT_EQ(hops->hosts.size(), hosts_max);
  EXPECT_EQ(hops->hosts[0].name, "h0.example");
  EXPECT_EQ(hops->hosts[0].addresses.size(), addresses_max);
}

TEST_F(RouteTest, SmartHostTakesAll) {
  Options options;
  options.smart_host = {"smart.example", 587};
  names_.address("smart.example", "8.8.8.7");
  const auto hops = find("anything.example", options);
  EXPECT_EQ(hops->source, NextHops::Source::smart_host);
  EXPECT_EQ(hops->hosts[0].port, 587);
  options.smart_host = {"127.0.0.1", 2525};  // named by the operator
  EXPECT_EQ(find("anything.example", options)->hosts[0].addresses[0].text(), "127.0.0.1");
}

}  // namespace
}  // namespace letterlock::route
