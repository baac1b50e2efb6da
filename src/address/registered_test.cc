#include "address/registered.h"

#include <gtest/gtest.h>

namespace letterlock::address {
namespace {

TEST(RegisteredDomain, WhatLiesBelowItIsItsOwners) {
  const auto of = [](std::string_view text) {
    return registered_domain(Domain::parse(text).value());
  };
  EXPECT_EQ(of("bank.com"), "bank.com");
  EXPECT_EQ(of("S17.mail.Bank.com"), "bank.com");
  EXPECT_EQ(of("a.b.bank.co.uk"), "bank.co.uk");
  EXPECT_EQ(of("victim.example"), "victim.example");
  EXPECT_EQ(of("s1.victim.example"), "victim.example");
  EXPECT_EQ(of("co.uk"), "co.uk") << "a suffix itself";
  EXPECT_EQ(of("localhost"), "localhost");
  EXPECT_EQ(of("[192.0.2.1]"), "[192.0.2.1]");
  EXPECT_EQ(of("x.bücher.de"), "xn--bcher-kva.de");
}

}  // namespace
}  // namespace letterlock::address
