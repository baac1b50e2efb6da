// Whose a connection is where a proxy says it.
#include "net/proxied.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "net/loop.h"
#include "net/pipe.h"
#include "net/proxy_header.h"

namespace letterlock::net {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using base::ErrorKind;

const auto signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string length(std::size_t octets) {
  return {static_cast<char>(octets >> 8U), static_cast<char>(octets & 0xffU)};
}
// 198.51.100.7:50000 came to 192.0.2.1:25.
const auto v4_ends = "\xc6\x33\x64\x07\xc0\x00\x02\x01\xc3\x50\x00\x19"s;
const auto v6_ends = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"s +
                     "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s + "\xc3\x50\x00\x19"s;
const auto tlv = "\x03\x00\x04\xfd\x16\x9e\xe3"s;

std::string header(char command, char family, const std::string& rest) {
  return signature + command + family + length(rest.size()) + rest;
}
const auto v4 = header(0x21, 0x11, v4_ends);
const auto v6 = header(0x21, 0x21, v6_ends);

// What the session behind the header finds.
struct Found {
  std::string peer;
  std::string local;
  std::string proxy;
  std::string read;
  ErrorKind error = ErrorKind::exists;  // no error
};

Task<> take(std::unique_ptr<Connection> connection, const os::Clock& clock, Found& found,
            bool& done) {
  auto taken = co_await take_proxied(std::move(connection), clock, 50ms);
  if (!taken) {
    found.error = taken.error().kind;
  } else {
    found.peer = (*taken)->peer().text();
    found.local = (*taken)->local().text();
    if (const auto proxy = (*taken)->proxy())
      found.proxy = proxy->peer.text() + " " + proxy->local.text();
    std::array<char, 64> buffer{};
    if (const auto count = co_await (*taken)->read_some(buffer, 20ms))
      found.read.assign(buffer.data(), *count);
  }
  done = true;
}

Task<> say(Connection& connection, std::string octets, std::size_t step) {
  for (std::size_t at = 0; at < octets.size(); at += step)
    if (!co_await connection.write(std::string_view(octets).substr(at, step), 1s)) co_return;
}

Found found_after(const std::string& octets, std::size_t step = 1000) {
  Loop loop;
  const os::SystemClock clock;
  auto ends = make_pipe(
      {.first = *Endpoint::parse("10.0.0.9:4000"), .second = *Endpoint::parse("10.0.0.1:2525")});
  Found found;
  bool done = false;
  loop.spawn(say(*ends.first, octets, step));
  loop.spawn(take(std::move(ends.second), clock, found, done));
  const auto until = std::chrono::steady_clock::now() + 5s;
  while (!done && std::chrono::steady_clock::now() < until) loop.poll();
  EXPECT_TRUE(done);
  return found;
}

TEST(Proxied, TheClientsEndsCountAndNothingBehindTheHeaderIsTaken) {
  for (const std::size_t step : {1U, 3U, 1000U}) {
    const auto found = found_after(v4 + "EHLO me\r\n", step);
    EXPECT_EQ(found.peer, "198.51.100.7:50000");
    EXPECT_EQ(found.local, "192.0.2.1:25");
    EXPECT_EQ(found.proxy, "10.0.0.9:4000 10.0.0.1:2525") << "the road that the octets came by";
    EXPECT_TRUE(std::string_view("EHLO me\r\n").starts_with(found.read)) << found.read;
    EXPECT_FALSE(found.read.empty());
  }
  EXPECT_EQ(found_after(v6).peer, "[2001:db8::7]:50000");
  EXPECT_EQ(found_after(v6).local, "[2001:db8::1]:25");
}

TEST(Proxied, TlvsAreSkipped) {
  const auto found = found_after(header(0x21, 0x11, v4_ends + tlv) + "NOOP");
  EXPECT_EQ(found.peer, "198.51.100.7:50000");
  EXPECT_EQ(found.read, "NOOP");
  EXPECT_EQ(found_after(header(0x21, 0x11, v4_ends + std::string(4096 - 12, 'x')) + "NOOP").read,
            "NOOP");
}

// The proxy asks for itself whether we are there: its own ends are its own.
TEST(Proxied, LocalIsTheProxyItself) {
  for (const auto& rest : {""s, v4_ends, v4_ends + tlv}) {
    for (const char family : {'\x00', '\x11', '\x21'}) {
      const auto found = found_after(header(0x20, family, rest) + "NOOP");
      EXPECT_EQ(found.peer, "10.0.0.9:4000");
      EXPECT_EQ(found.local, "10.0.0.1:2525");
      EXPECT_EQ(found.proxy, "");
      EXPECT_EQ(found.read, "NOOP");
    }
  }
}

TEST(Attack16, WhatIsNoHeaderEndsTheConnection) {
  const std::string table[] = {
      "EHLO client.example\r\n",
      "PROXY TCP4 198.51.100.7 192.0.2.1 50000 25\r\n",
      "PROXY UNKNOWN\r\n\0\0\0"s,
      std::string(16, '\0'),
      "\r\n\r\n\0\r\nQUIT\r"s + v4,
      header(0x11, 0x11, v4_ends),                // version 1 in version 2's dress
      header(0x31, 0x11, v4_ends),                // version 3
      header(0x22, 0x11, v4_ends),                // a command that isn't
      header(0x21, 0x00, v4_ends),                // AF_UNSPEC: whose is it?
      header(0x21, 0x00, ""),                     //
      header(0x21, 0x12, v4_ends),                // UDP
      header(0x21, 0x31, std::string(216, 'x')),  // a socket's path
      header(0x21, 0x41, v4_ends),
      header(0x21, 0x11, v4_ends.substr(1)),  // too short for IPv4
      header(0x21, 0x11, ""),
      header(0x21, 0x21, v4_ends),  // and for IPv6
      header(0x21, 0x11, v4_ends + std::string(4096 - 11, 'x')),
      header(0x20, 0x00, std::string(65535, 'x')),
      header(0x21, 0x11, "\0\0\0\0"s + v4_ends.substr(4)),         // from nowhere
      header(0x21, 0x11, v4_ends.substr(0, 8) + "\0\0\x00\x19"s),  // from port 0
      header(0x21, 0x11, v4_ends.substr(0, 10) + "\0\0"s),         // to port 0
      header(0x21, 0x21, std::string(16, '\0') + v6_ends.substr(16)),
  };
  for (const auto& octets : table) {
    const auto found = found_after(octets);
    EXPECT_EQ(found.error, ErrorKind::protocol) << base::printable(octets.substr(0, 40));
    EXPECT_EQ(found.read, "");
  }
}

// Cut anywhere, it is waited for, and no longer than that.
TEST(Attack16, AHeaderThatDoesntEndIsWaitedForShortly) {
  for (std::size_t octets = 0; octets < v4.size(); octets += 5)
    EXPECT_EQ(found_after(v4.substr(0, octets)).error, ErrorKind::timeout) << octets;
}

// A mapped IPv4 address is the IPv4 address: no second name for one peer.
TEST(Attack16, AMappedAddressIsTheIpv4One) {
  const auto mapped = "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\x07"s;
  EXPECT_EQ(found_after(header(0x21, 0x21, mapped + v6_ends.substr(16))).peer,
            "198.51.100.7:50000");
}

}  // namespace
}  // namespace letterlock::net
