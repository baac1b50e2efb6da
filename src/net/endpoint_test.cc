#include "net/endpoint.h"

#include <gtest/gtest.h>

namespace letterlock::net {
namespace {

TEST(IpAddress, WritesWhatItReads) {
  for (const auto* text :
       {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
  EXPECT_EQ(IpAddress::parse("2001:DB8:0:0::1")->text(), "2001:db8::1");
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1"), IpAddress::v4({192, 0, 2, 1}));
  EXPECT_EQ(IpAddress::parse("192.0.2.1")->octets(), std::string_view("\xc0\x00\x02\x01", 4));
  EXPECT_EQ(IpAddress::parse("::1")->octets().size(), 16U);
}

TEST(IpAddress, RefusesOtherForms) {
  using namespace std::string_view_literals;
  for (const auto text :
       {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "01.2.3.4"sv, "0x7f.1.1.1"sv, "256.1.1.1"sv, "1.2.3.4 "sv,
        " ::1"sv, "[::1]"sv, "fe80::1%eth0"sv, "1.2.3.4\0"sv, "::1\0x"sv, ":::"sv,
        "1:2:3:4:5:6:7:8:9"sv, "::ffff:1.2.3.4.5"sv, "a"sv,
        "0000:0000:0000:0000:0000:0000:255.255.255.2550000"sv}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(Attack45, SpecialAddresses) {
  for (const auto* text : {"0.1.2.3",
                           "10.1.2.3",
                           "100.64.0.1",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.0.1",
                           "169.254.1.1",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.8",
                           "192.0.2.77",
                           "192.88.99.1",
                           "192.168.0.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "198.51.100.1",
                           "203.0.113.9",
                           "224.0.0.1",
                           "239.1.1.1",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::8.8.8.8",
                           "::ffff:10.0.0.1",
                           "::ffff:0:8.8.8.8",
                           "64:ff9b::10.0.0.1",
                           "64:ff9b::127.0.0.1",
                           "64:ff9b:1::8.8.8.8",
                           "100::1",
                           "2001::1",
                           "2001:20::1",
                           "2001:db8::1",
                           "2002:808:808::1",
                           "2620:4f:8000::1",
                           "3fff::1",
                           "5f00::1",
                           "fc00::1",
                           "fdff::1",
                           "fe80::1",
                           "fec0::1",
                           "ff02::1"}) {
    EXPECT_TRUE(IpAddress::parse(text)->is_special()) << text;
  }
  for (const auto* text :
       {"8.8.8.8", "9.255.255.255", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1",
        "192.0.1.1", "198.20.0.1", "223.255.255.255", "64:ff9b::8.8.8.8", "2001:200::1",
        "2001:4860:4860::8888", "2606:4700::1", "2a00:1450::1"}) {
    EXPECT_FALSE(IpAddress::parse(text)->is_special()) << text;
  }
}

TEST(IpAddress, LoopbackAndUnspecified) {
  EXPECT_TRUE(IpAddress::parse("127.3.2.1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::ffff:127.0.0.1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("::2")->is_loopback());
  EXPECT_TRUE(IpAddress().is_unspecified());
  EXPECT_TRUE(IpAddress::parse("::")->is_unspecified());
  EXPECT_FALSE(IpAddress::parse("0.0.0.1")->is_unspecified());
  EXPECT_NE(IpAddress::parse("0.0.0.0"), IpAddress::parse("::"));
}

TEST(Prefix, Contains) {
  const auto in = [](const char* prefix, const char* address) {
    return Prefix::parse(prefix)->contains(*IpAddress::parse(address));
  };
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(in("172.16.0.0/12", "172.31.0.1"));
  EXPECT_FALSE(in("172.16.0.0/12", "172.32.0.1"));
  EXPECT_TRUE(in("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(in("0.0.0.0/0", "::1"));
  EXPECT_TRUE(in("192.0.2.1/32", "192.0.2.1"));
  EXPECT_TRUE(in("fd00::/8", "fd12::1"));
  EXPECT_TRUE(in("::/0", "2001:db8::1"));
  EXPECT_FALSE(in("::/0", "::ffff:1.2.3.4"));
  EXPECT_EQ(Prefix::parse("fd00::/8")->text(), "fd00::/8");
  for (const auto* text : {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/08",
                           "10.0.0.0/-1", "10.0.0.0/8/8", "fd00::/129", "/8", ""}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

TEST(Endpoint, WritesWhatItReads) {
  for (const auto* text : {"192.0.2.1:25", "[2001:db8::1]:465", "0.0.0.0:0", "[::]:65535"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->text(), text);
  }
  for (const auto* text :
       {"192.0.2.1", "192.0.2.1:", ":25", "::1:25", "[::1]", "[::1]25", "[192.0.2.1]:25",
        "1.2.3.4:65536", "1.2.3.4:025", "1.2.3.4:+5", "[]:25", "["}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
}

}  // namespace
}  // namespace letterlock::net
