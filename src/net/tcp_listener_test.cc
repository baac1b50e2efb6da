// Doors: listening, accepting, spreading over loops, running out of descriptors.
#include <atomic>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tcp_fixture.h"

namespace letterlock::net {
namespace {

using namespace std::chrono_literals;
using namespace test;
using base::ErrorKind;
class TcpDoor : public Tcp {};

TEST_F(TcpDoor, ListenSaysWhy) {
  auto first = network.listen(*Endpoint::parse("127.0.0.1:0"));
  ASSERT_TRUE(first);
  EXPECT_NE((*first)->local().port, 0);
  EXPECT_EQ(network.listen((*first)->local()).error().kind, ErrorKind::exists);
  EXPECT_EQ(network.listen(*Endpoint::parse("192.0.2.1:0")).error().kind, ErrorKind::invalid);
  // A closed door can be opened again at once, and IPv6's leaves IPv4's free.
  const auto at = (*first)->local();
  (*first)->close();
  EXPECT_TRUE(network.listen(at));
  auto six = network.listen(*Endpoint::parse("[::]:0"));
  ASSERT_TRUE(six);
  EXPECT_TRUE(network.listen({IpAddress(), (*six)->local().port}));
}

TEST_F(TcpDoor, AcceptEndsWithCloseAndCancel) {
  for (const bool cancel : {false, true}) {
    auto listener = network.listen(*Endpoint::parse("127.0.0.1:0"));
    std::unique_ptr<Connection> connection;
    std::optional<base::Error> error;
    const auto running = loop.spawn(accept_into(**listener, connection, error));
    loop.poll();
    if (cancel)
      running->cancel();
    else
      (*listener)->close();
    run_until(loop, [&] { return error.has_value(); });
    EXPECT_EQ(error->kind, cancel ? ErrorKind::cancelled : ErrorKind::closed);
  }
}

TEST_F(TcpDoor, AdoptsAListeningSocket) {
  os::Descriptor given(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(given.number(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  EXPECT_EQ(network.adopt_listener(os::Descriptor(dup(given.number()))).error().kind,
            ErrorKind::invalid);
  ASSERT_EQ(listen(given.number(), 5), 0);
  const int number = given.number();
  auto listener = network.adopt_listener(std::move(given));
  ASSERT_TRUE(listener);
  EXPECT_TRUE(fcntl(number, F_GETFD) & FD_CLOEXEC);
  Pair pair;
  std::optional<base::Error> error;
  loop.spawn(accept_into(**listener, pair.server, error));
  loop.spawn(connect_into(network, (*listener)->local(), {}, pair.client, error));
  run_until(loop, [&] { return pair.client && pair.server; });
}

TEST_F(TcpDoor, AcceptorSpreadsOverLoops) {
  std::array<Loop, 3> others;
  std::vector<std::thread> threads;
  for (auto& other : others) threads.emplace_back([&other] { other.run(); });
  std::atomic<unsigned> taken = 0;
  std::array<std::atomic<unsigned>, 3> per_loop{};
  auto listener = network.listen_tcp(*Endpoint::parse("127.0.0.1:0"));
  Acceptor acceptor(std::move(*listener), {&others[0], &others[1], &others[2]},
                    [&](std::size_t index, std::unique_ptr<Connection> connection) {
                      EXPECT_TRUE(others[index].is_this_thread());
                      EXPECT_TRUE(connection);
                      ++per_loop[index];
                      ++taken;
                    });
  bool ended = false;
  loop.spawn(acceptor.run(), [&] { ended = true; });
  std::array<std::unique_ptr<Connection>, 30> clients;
  std::optional<base::Error> error;
  for (auto& client : clients)
    loop.spawn(connect_into(network, acceptor.local(), {}, client, error));
  run_until(loop, [&] { return taken == clients.size(); });
  for (const auto& count : per_loop) EXPECT_EQ(count, 10U);
  acceptor.close();
  run_until(loop, [&] { return ended; });
  for (auto& other : others) other.stop();
  for (auto& thread : threads) thread.join();
}

TEST_F(TcpDoor, Attack53OutOfDescriptors) {
  auto listener = network.listen_tcp(*Endpoint::parse("127.0.0.1:0"));
  std::unique_ptr<Connection> server;
  std::optional<base::Error> error;
  // Clients first: the kernel completes them in the backlog.
  std::array<std::unique_ptr<Connection>, 3> clients;
  for (auto& client : clients)
    loop.spawn(connect_into(network, (*listener)->local(), {}, client, error));
  run_until(loop, [&] { return clients[0] && clients[1] && clients[2]; });
  // Each virtual call of below once before: a sanitizer needs descriptors to look at new types.
  base::EventSink& sink = heard;
  sink.emit({base::Severity::info, "test.before", {}});
  heard.names.clear();
  const auto pair = make_pair();
  bool slept = false;
  const auto sleep = [](bool& done) -> Task<> {
    LoopTimers timers;
    done = (co_await timers.sleep(1ms)).has_value();
  };
  loop.spawn(sleep(slept));
  run_until(loop, [&] { return slept; });
  EXPECT_EQ(connect_error(*Endpoint::parse("127.0.0.1:1")).kind, ErrorKind::unavailable);
  EXPECT_EQ(read(*clients[0], 1ms).error().kind, ErrorKind::timeout);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<os::Descriptor> eaten;
  rlimit small = before;
  small.rlim_cur = 128;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &small), 0);
  while (true) {
    os::Descriptor next(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!next) break;
    eaten.push_back(std::move(next));
  }
  loop.spawn(accept_into(**listener, server, error));
  // The first in line is sent away, and told so by the end of the connection.
  EXPECT_EQ(read(*clients[0], 2s), 0U);
  EXPECT_FALSE(server);
  eaten.clear();
  setrlimit(RLIMIT_NOFILE, &before);
  run_until(loop, [&] { return server != nullptr; });
  EXPECT_FALSE(error);
  EXPECT_EQ(heard.names, std::vector<std::string>{"net.out_of_descriptors"});
}

}  // namespace
}  // namespace letterlock::net
