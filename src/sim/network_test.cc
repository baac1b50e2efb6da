#include "sim/network.h"

#include <set>

#include <gtest/gtest.h>

#include "base/digest.h"
#include "sim/events.h"

namespace letterlock::sim {
namespace {

using namespace std::chrono_literals;
using net::Connection;

net::Endpoint at(std::string_view text) {
  return net::Endpoint::parse(text).value();
}
net::IpAddress address(std::string_view text) {
  return net::IpAddress::parse(text).value();
}

// What an end of a conversation saw, in words that tests compare.
struct Log {
  std::vector<std::string> lines;
  std::string octets;
  bool done = false;
};

net::Task<> echo_one(Connection& connection) {
  std::array<char, 700> buffer;
  while (true) {
    const auto count = co_await connection.read_some(buffer, 1h);
    if (!count || *count == 0) break;
    if (!co_await connection.write({buffer.data(), *count}, 1h)) break;
  }
  co_await connection.shutdown(1s);
}

net::Task<> echo(std::unique_ptr<net::Listener> listener) {
  while (true) {
    auto connection = co_await listener->accept();
    if (!connection) co_return;
    co_await echo_one(**connection);
  }
}

// Accepts one connection and then only holds it.
net::Task<> hold(std::unique_ptr<net::Listener> listener, std::unique_ptr<Connection>& held) {
  auto connection = co_await listener->accept();
  if (connection) held = std::move(*connection);
}

net::ResultTask<> read_octets(Connection& connection, std::size_t count, base::Milliseconds timeout,
                              Log& log) {
  std::array<char, 999> buffer;
  for (std::size_t got = 0; got < count;) {
    CO_TRY(const auto more,
           co_await connection.read_some(
               std::span(buffer).first(std::min(buffer.size(), count - got)), timeout));
    if (more == 0) co_return base::fail(base::ErrorKind::closed, "ended");
    log.octets.append(buffer.data(), more);
    got += more;
  }
  co_return base::Result<>();
}

void note(Log& log, std::string what, const base::Result<>& result) {
  log.lines.push_back(what + ": " + (result ? "ok" : std::string(base::name(result.error().kind))));
}

net::Task<> call(Host& host, net::Endpoint to, std::string octets, base::Milliseconds timeout,
                 Log& log) {
  auto connected = co_await host.connect(to, {.source = {}, .timeout = timeout});
  if (!connected) {
    log.lines.push_back("connect: " + std::string(base::name(connected.error().kind)));
    log.done = true;
    co_return;
  }
  auto& connection = **connected;
  note(log, "write", co_await connection.write(octets, timeout));
  note(log, "read", co_await read_octets(connection, octets.size(), timeout, log));
  log.done = true;
}

class SimNetwork : public testing::Test {
 protected:
  Log call_with(std::vector<Rule> rules, std::string octets = "hello",
                base::Milliseconds timeout = 30s) {
    for (auto& rule : rules) network.add(rule);
    Log log;
    world.loop().spawn(call(client, at("192.0.2.2:25"), std::move(octets), timeout, log));
    EXPECT_TRUE(world.run_until([&] { return log.done; }, 24h));
    return log;
  }
  void serve() { world.loop().spawn(echo(server.listen(at("192.0.2.2:25")).value())); }

  World world{42};
  Network network{world};
  Host& client = network.host("192.0.2.1");
  Host& server = network.host("192.0.2.2");
};

using Lines = std::vector<std::string>;
using What = Rule::What;

TEST_F(SimNetwork, CarriesOctetsBothWays) {
  serve();
  const std::string octets(200'000, 'x');
  const auto log = call_with({}, octets, 10min);
  // The echo stops reading while nobody reads it: 200,000 octets don't fit into four windows' worth
  // of a writer that doesn't read, so this caller's write waits until it times out.
  EXPECT_EQ(log.lines.front(), "write: timeout");
  const auto small = call_with({}, std::string(60'000, 'y'));
  EXPECT_EQ(small.lines, (Lines{"write: ok", "read: ok"}));
  EXPECT_EQ(small.octets, std::string(60'000, 'y'));
}

TEST_F(SimNetwork, ConnectionsFailAsTheRulesSay) {
  EXPECT_EQ(call_with({}).lines, Lines{"connect: unavailable"});  // nobody listens
  serve();
  EXPECT_EQ(call_with({{.what = What::refuse, .connections = 1}}).lines,
            Lines{"connect: unavailable"});
  EXPECT_EQ(
      call_with({{.what = What::unreachable, .to = address("192.0.2.2"), .connections = 1}}).lines,
      Lines{"connect: unavailable"});
  const auto before = world.schedule()->now();
  EXPECT_EQ(call_with({{.what = What::silent, .port = 25, .connections = 1}}).lines,
            Lines{"connect: timeout"});
  EXPECT_EQ(world.schedule()->now() - before, 30s);
  EXPECT_EQ(call_with({{.what = What::refuse, .from = address("192.0.2.9")}}).lines.size(), 2U);
  EXPECT_EQ(call_with({{.what = What::refuse, .port = 26}}).lines.size(), 2U);
}

TEST_F(SimNetwork, StalledStreamsTimeOut) {
  serve();
  const auto log =
      call_with({{.what = What::stall, .direction = Rule::Direction::in, .octets = 3}});
  EXPECT_EQ(log.lines, (Lines{"write: ok", "read: timeout"}));
  EXPECT_EQ(log.octets, "hel");
}

TEST_F(SimNetwork, AStalledStreamFillsItsWindowAndNoMore) {
  serve();
  const auto log =
      call_with({{.what = What::stall, .octets = 10}}, std::string(window_octets + 11, 'x'));
  EXPECT_EQ(log.lines.front(), "write: timeout");
}

TEST_F(SimNetwork, AStalledStreamTakesItsWindow) {
  serve();
  const auto log =
      call_with({{.what = What::stall, .octets = 10}}, std::string(window_octets + 10, 'x'));
  EXPECT_EQ(log.lines.front(), "write: ok");
}

TEST_F(SimNetwork, CutStreamsAreReset) {
  serve();
  const auto log = call_with({{.what = What::cut, .direction = Rule::Direction::in, .octets = 3}});
  EXPECT_EQ(log.lines, (Lines{"write: ok", "read: closed"}));
  EXPECT_EQ(log.octets, "hel");
  EXPECT_EQ(call_with({{.what = What::cut}}).lines, (Lines{"write: ok", "read: closed"}));
}

TEST_F(SimNetwork, OneOctetIsChanged) {
  serve();
  const auto log =
      call_with({{.what = What::corrupt, .direction = Rule::Direction::out, .octets = 2}}, "aaaaa");
  ASSERT_EQ(log.octets.size(), 5U);
  EXPECT_EQ(log.octets.substr(0, 2) + log.octets.substr(3), "aaaa");
  EXPECT_NE(log.octets[2], 'a');
}

TEST_F(SimNetwork, SlowStreamsTakeTheirTime) {
  serve();
  const auto before = world.schedule()->now();
  const auto log =
      call_with({{.what = What::slow, .direction = Rule::Direction::out, .octets = 100}},
                std::string(1000, 'x'));
  EXPECT_EQ(log.lines.back(), "read: ok");
  EXPECT_GE(world.schedule()->now() - before, 10s);
  EXPECT_LE(world.schedule()->now() - before, 20s);
}

TEST_F(SimNetwork, AMiddleManMayStandInTheWay) {
  Host& middle = network.host("203.0.113.66");
  world.loop().spawn(echo(middle.listen(at("203.0.113.66:2525")).value()));
  const auto log = call_with(
      {{.what = What::divert, .to = address("192.0.2.2"), .instead = at("203.0.113.66:2525")}});
  EXPECT_EQ(log.octets, "hello");
  // His own connections go where they say: nobody listens there.
  Log own;
  world.loop().spawn(call(middle, at("192.0.2.2:25"), "x", 30s, own));
  world.run_until([&] { return own.done; }, 1h);
  EXPECT_EQ(own.lines, Lines{"connect: unavailable"});
}

TEST_F(SimNetwork, PartedHostsWaitAndGiveUp) {
  serve();
  network.part(address("192.0.2.2"), address("192.0.2.1"));
  EXPECT_EQ(call_with({}).lines, Lines{"connect: timeout"});
  network.join(address("192.0.2.1"), address("192.0.2.2"));
  EXPECT_EQ(call_with({}).lines.back(), "read: ok");

  std::unique_ptr<Connection> held;
  Log log;
  world.loop().spawn(hold(server.listen(at("192.0.2.2:26")).value(), held));
  world.loop().spawn(call(client, at("192.0.2.2:26"), "x", 2h, log));
  world.run_until([&] { return held && !log.lines.empty(); }, 1h);
  network.part(address("192.0.2.1"), address("192.0.2.2"));
  const auto before = world.schedule()->now();
  world.run_until([&] { return log.done; }, 3h);
  EXPECT_EQ(log.lines.back(), "read: closed");
  EXPECT_GE(world.schedule()->now() - before, 15min);
  EXPECT_LE(world.schedule()->now() - before, 17min);
}

net::Task<> say_and_close(std::unique_ptr<net::Listener> listener, bool in_order) {
  auto connection = co_await listener->accept();
  (void)co_await (*connection)->write("bye", 1s);
  if (in_order)
    co_await (*connection)->shutdown(1s);
  else
    (*connection)->close();
}

net::Task<> listen_to(Host& host, net::Endpoint to, base::Milliseconds silence, World& world,
                      Log& log) {
  auto connection = co_await host.connect(to, {});
  (void)co_await world.timers().sleep(silence);
  note(log, "read", co_await read_octets(**connection, 3, 1s, log));
  std::array<char, 10> buffer;
  const auto end = co_await (*connection)->read_some(buffer, 1s);
  log.lines.push_back(end ? std::to_string(*end) : std::string(base::name(end.error().kind)));
  note(log, "write", co_await (*connection)->write("too late", 1s));
  (void)co_await world.timers().sleep(1s);
  note(log, "write", co_await (*connection)->write("too late", 1s));
  log.done = true;
}

TEST_F(SimNetwork, TheEndComesBehindWhatWasWrittenAndLaterOctetsAreReset) {
  for (const bool in_order : {true, false}) {
    Log log;
    world.loop().spawn(say_and_close(server.listen(at("0.0.0.0:99")).value(), in_order));
    world.loop().spawn(listen_to(client, at("192.0.2.2:99"), 1s, world, log));
    EXPECT_TRUE(world.run_until([&] { return log.done; }, 1h));
    EXPECT_EQ(log.octets, "bye");
    EXPECT_EQ(log.lines, (Lines{"read: ok", "0", "write: ok", "write: closed"}));
  }
}

TEST_F(SimNetwork, ClosingWithUnreadOctetsResets) {
  std::unique_ptr<Connection> held;
  Log log;
  world.loop().spawn(hold(server.listen(at("192.0.2.2:26")).value(), held));
  world.loop().spawn(call(client, at("192.0.2.2:26"), "unread", 1h, log));
  world.advance(1min);
  ASSERT_TRUE(held);
  held->close();
  world.run_until([&] { return log.done; }, 1h);
  EXPECT_EQ(log.lines, (Lines{"write: ok", "read: closed"}));
}

TEST_F(SimNetwork, CrashedProcessesResetAndDeadMachinesAreSilent) {
  for (const auto how : {Host::Crash::process, Host::Crash::power}) {
    std::unique_ptr<Connection> held;
    Log log;
    world.loop().spawn(hold(server.listen(at("192.0.2.2:26")).value(), held));
    world.loop().spawn(call(client, at("192.0.2.2:26"), "x", 1h, log));
    world.run_until([&] { return log.lines.size() == 1; }, 1h);
    world.advance(1s);
    server.crash(how);
    const auto before = world.schedule()->now();
    world.run_until([&] { return log.done; }, 3h);
    const bool power = how == Host::Crash::power;
    EXPECT_EQ(log.lines.back(), power ? "read: timeout" : "read: closed");
    EXPECT_EQ(world.schedule()->now() - before > 30min, power);
    held.reset();
    EXPECT_EQ(call_with({}).lines, Lines{power ? "connect: timeout" : "connect: unavailable"});
    server.start();
  }
}

TEST_F(SimNetwork, DoorsAreExclusiveAndBelongToTheHost) {
  auto door = server.listen(at("192.0.2.2:25"));
  ASSERT_TRUE(door);
  EXPECT_EQ(server.listen(at("192.0.2.2:25")).error().kind, base::ErrorKind::exists);
  EXPECT_EQ(server.listen(at("192.0.2.1:25")).error().kind, base::ErrorKind::invalid);
  EXPECT_TRUE(server.listen(at("127.0.0.1:25")));
  const auto any = server.listen(at("192.0.2.2:0")).value();
  EXPECT_GE(any->local().port, 49152);
  door->reset();
  EXPECT_TRUE(server.listen(at("192.0.2.2:25")));
}

TEST_F(SimNetwork, LoopbackStaysOnTheHostAndTakesNoTime) {
  world.loop().spawn(echo(client.listen(at("127.0.0.1:7")).value()));
  Log log;
  world.loop().spawn(call(client, at("127.0.0.1:7"), "hello", 1s, log));
  world.run_until([&] { return log.done; }, 1h);
  EXPECT_EQ(log.octets, "hello");
  EXPECT_EQ(world.schedule()->now(), 0ms);
  Log other;
  world.loop().spawn(call(server, at("127.0.0.1:7"), "hello", 1s, other));
  world.run_until([&] { return other.done; }, 1h);
  EXPECT_EQ(other.lines, Lines{"connect: unavailable"});
}

TEST_F(SimNetwork, TheObserverHearsWhatCrosses) {
  std::string out, in;
  network.observe([&](const Crossing& crossing) {
    EXPECT_FALSE(crossing.is_protected);
    (crossing.to == at("192.0.2.2:25") ? out : in) += crossing.octets;
  });
  serve();
  call_with({}, "hello");
  EXPECT_EQ(out, "hello");
  EXPECT_EQ(in, "hello");
}

net::Task<> wait_for_peer(std::unique_ptr<net::Listener> listener, Log& log) {
  const auto accepted = co_await listener->accept();
  log.lines.push_back("accept: " +
                      std::string(accepted ? "ok" : base::name(accepted.error().kind)));
}

TEST_F(SimNetwork, EveryWaitCanBeCancelled) {
  std::unique_ptr<Connection> held;
  Log connecting, reading, writing, accepting;
  network.add({.what = What::silent, .port = 99});
  auto first = server.listen(at("192.0.2.2:26"));
  std::vector<std::shared_ptr<net::Running>> running;
  running.push_back(world.loop().spawn(call(client, at("192.0.2.2:99"), "x", 1h, connecting)));
  running.push_back(world.loop().spawn(call(client, at("192.0.2.2:26"), "x", 1h, reading)));
  running.push_back(
      world.loop().spawn(call(client, at("192.0.2.2:26"), std::string(100'000, 'x'), 1h, writing)));
  running.push_back(
      world.loop().spawn(wait_for_peer(server.listen(at("192.0.2.2:27")).value(), accepting)));
  world.advance(1min);
  for (const auto& task : running) task->cancel();
  world.settle();
  EXPECT_EQ(connecting.lines, Lines{"connect: cancelled"});
  EXPECT_EQ(reading.lines, (Lines{"write: ok", "read: cancelled"}));
  EXPECT_EQ(writing.lines, (Lines{"write: cancelled", "read: cancelled"}));
  EXPECT_EQ(accepting.lines, Lines{"accept: cancelled"});
}

// A cancelled read has taken nothing.
net::Task<> read_later(Connection& connection, Log& log) {
  note(log, "read", co_await read_octets(connection, 1, 1h, log));
}

TEST_F(SimNetwork, ACancelledReadTakesNothing) {
  std::unique_ptr<Connection> held;
  Log log, first, second;
  world.loop().spawn(hold(server.listen(at("192.0.2.2:26")).value(), held));
  world.loop().spawn(call(client, at("192.0.2.2:26"), "x", 1h, log));
  world.run_until([&] { return held != nullptr; }, 1min);
  world.loop().spawn(read_later(*held, first))->cancel();
  world.settle();
  EXPECT_EQ(first.lines, Lines{"read: cancelled"});
  world.loop().spawn(read_later(*held, second));
  world.advance(1min);
  EXPECT_EQ(second.octets, "x");
}

// A conversation with every kind of fault, told as events with their times.
std::string story(std::uint64_t seed) {
  World world(seed);
  Network network(world);
  Events events(world.clock());
  Host& client = network.host("192.0.2.1");
  Host& server = network.host("192.0.2.2");
  network.observe([&](const Crossing& crossing) {
    events.emit({base::Severity::debug,
                 "net.crossed",
                 {{"to", crossing.to.text()}, {"octets", std::to_string(crossing.octets.size())}}});
  });
  world.loop().spawn(echo(server.listen(at("192.0.2.2:25")).value()));
  std::vector<Log> logs(8);
  for (std::size_t i = 0; i < logs.size(); ++i) {
    network.add(
        {.what = static_cast<What>(i), .octets = 1 + world.random().below(5000), .connections = 1});
    world.loop().spawn(call(client, at("192.0.2.2:25"),
                            std::string(world.random().below(9000), 'x'), 10min, logs[i]));
    world.advance(5ms);
  }
  world.advance(2h);
  for (const auto& log : logs) {
    for (const auto& line : log.lines)
      events.emit({base::Severity::info, "test.line", {{"line", line}}});
    events.emit({base::Severity::info,
                 "test.octets",
                 {{"digest", base::to_hex(base::sha256(log.octets))}}});
  }
  return events.text() + events.trace_digest() + std::to_string(world.steps());
}

TEST(SimSeeds, TheSameSeedTellsTheSameStory) {
  std::set<std::string> stories;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto told = story(seed);
    EXPECT_EQ(told, story(seed)) << seed;
    stories.insert(told);
  }
  EXPECT_EQ(stories.size(), 20U);
}

}  // namespace
}  // namespace letterlock::sim
