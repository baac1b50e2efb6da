#include "net/tcp.h"

#include <atomic>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tcp_fixture.h"

namespace letterlock::net {
namespace {

using namespace std::chrono_literals;
using namespace test;
using base::ErrorKind;

TEST_F(Tcp, CarriesOctetsBothWaysOverBothFamilies) {
  for (const auto* at : {"127.0.0.1:0", "[::1]:0"}) {
    auto pair = make_pair(at);
    EXPECT_EQ(pair.client->peer(), pair.server->local());
    EXPECT_EQ(pair.client->local(), pair.server->peer());
    std::optional<base::Result<>> written;
    loop.spawn(write_into(*pair.client, "EHLO", 1s, written));
    ASSERT_EQ(read(*pair.server, 1s), 4U);
    EXPECT_EQ(std::string_view(buffer.data(), 4), "EHLO");
    EXPECT_TRUE(written && *written);
    bool done = false;
    loop.spawn(shut_down(*pair.server, 1s, done));
    EXPECT_EQ(read(*pair.client, 1s), 0U);
    pair.client->close();
    run_until(loop, [&] { return done; });
  }
}

TEST_F(Tcp, OptionsOfEveryConnection) {
  auto listener = network.listen_tcp(*Endpoint::parse("127.0.0.1:0"));
  ASSERT_TRUE(listener);
  Pair pair;
  std::optional<base::Error> error;
  loop.spawn(connect_into(network, (*listener)->local(), {}, pair.client, error));
  os::Descriptor accepted;
  const auto take = [](TcpListener& from, os::Descriptor& into) -> Task<> {
    auto socket = co_await from.accept_socket();
    if (socket) into = std::move(*socket);
  };
  loop.spawn(take(**listener, accepted));
  run_until(loop, [&] { return pair.client && accepted; });
  for (const auto& [level, option] : {std::pair<int, int>(IPPROTO_TCP, TCP_NODELAY),
                                      std::pair<int, int>(SOL_SOCKET, SO_KEEPALIVE)}) {
    int value = 0;
    socklen_t octets = sizeof value;
    ASSERT_EQ(getsockopt(accepted.number(), level, option, &value, &octets), 0);
    EXPECT_EQ(value, 1);
  }
}

// Every descriptor this process has, but the standard three, is close-on-exec.
TEST_F(Tcp, Attack52NothingIsInherited) {
  const auto pair = make_pair();
  const auto listener = network.listen_tcp(*Endpoint::parse("127.0.0.1:0"));
  ASSERT_TRUE(listener);
  int sockets = 0;
  int others = 0;
  for (int number = 3; number < 1024; ++number) {
    const int flags = fcntl(number, F_GETFD);
    if (flags < 0) continue;
    std::array<char, 64> name{};
    const auto path = "/proc/self/fd/" + std::to_string(number);
    (void)!readlink(path.c_str(), name.data(), name.size() - 1);
    const bool socket = std::string_view(name.data()).starts_with("socket:");
    const bool other = std::string_view(name.data()).starts_with("anon_inode:");
    sockets += socket ? 1 : 0;
    others += other ? 1 : 0;
    if (socket || other) EXPECT_TRUE(flags & FD_CLOEXEC) << number << " " << name.data();
  }
  EXPECT_GE(sockets, 3) << "both ends of the connection, and a listener";
  EXPECT_GE(others, 1) << "the loop's own";
}

TEST_F(Tcp, TimeoutsAreOfTheOperationAlone) {
  auto pair = make_pair();
  const auto before = std::chrono::steady_clock::now();
  const auto late = read(*pair.client, 30ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::timeout);
  EXPECT_GE(std::chrono::steady_clock::now() - before, 29ms);
  // The connection is as good as before: nothing was taken.
  std::optional<base::Result<>> written;
  loop.spawn(write_into(*pair.server, "late", 1s, written));
  EXPECT_EQ(read(*pair.client, 1s), 4U);
}

TEST_F(Tcp, WithoutAWaitOnlyWhatIsThereIsRead) {
  auto pair = make_pair();
  EXPECT_EQ(read(*pair.client, 0ms).error().kind, ErrorKind::timeout);
  std::optional<base::Result<>> written;
  loop.spawn(write_into(*pair.server, "there", 1s, written));
  run_until(loop, [&] { return written.has_value(); });
  EXPECT_EQ(read(*pair.client, 0ms), 5U);
  EXPECT_EQ(read(*pair.client, 0ms).error().kind, ErrorKind::timeout);
  pair.server.reset();
  EXPECT_EQ(read(*pair.client, 1s), 0U);
  EXPECT_EQ(read(*pair.client, 0ms), 0U);
  pair.client->close();
  EXPECT_EQ(read(*pair.client, 0ms).error().kind, ErrorKind::closed);
}

TEST_F(Tcp, WaitsForOctetsWithoutABuffer) {
  auto pair = make_pair();
  std::optional<base::Result<>> waited;
  loop.spawn(wait_into(*pair.server, 20ms, waited));
  run_until(loop, [&] { return waited.has_value(); });
  EXPECT_EQ(waited->error().kind, ErrorKind::timeout);

  waited.reset();
  loop.spawn(wait_into(*pair.server, 10s, waited));
  loop.poll();
  pair.server->wake_reader();
  run_until(loop, [&] { return waited.has_value(); });
  EXPECT_EQ(waited->error().kind, ErrorKind::cancelled);

  waited.reset();
  loop.spawn(wait_into(*pair.server, 10s, waited));
  std::optional<base::Result<>> written;
  loop.spawn(write_into(*pair.client, "NOOP", 1s, written));
  run_until(loop, [&] { return waited.has_value(); });
  EXPECT_TRUE(*waited);
  EXPECT_EQ(read(*pair.server, 0ms), 4U) << "the wait took nothing";
  loop.spawn(write_into(*pair.client, "QUIT", 1s, written));
  run_until(loop, [&] { return written.has_value(); });
  waited.reset();
  loop.spawn(wait_into(*pair.server, 10s, waited));
  run_until(loop, [&] { return waited.has_value(); });
  EXPECT_TRUE(*waited) << "what had come before counts";
}

TEST_F(Tcp, WhoWritesMuchGivesOthersTheirTurn) {
  auto pair = make_pair();
  bool done = false;
  loop.spawn(write_often(*pair.client, 64, std::string(16 * 1024, 'x'), done));
  unsigned turns = 0;
  loop.spawn(count_turns(done, turns));
  run_until(loop, [&] {
    (void)read(*pair.server, 0ms);
    return done;
  });
  EXPECT_GE(turns, 2U);
}

TEST_F(Tcp, ATimedOutReadLeavesTheWriteAlone) {
  auto pair = make_pair();
  std::optional<base::Result<>> written;
  std::optional<base::Result<std::size_t>> result;
  const std::size_t much = 8 << 20;
  loop.spawn(write_into(*pair.client, std::string(much, 'x'), 10s, written));
  loop.spawn(read_into(*pair.client, buffer, 20ms, result));
  run_until(loop, [&] { return result.has_value(); });
  EXPECT_EQ(result->error().kind, ErrorKind::timeout);
  EXPECT_FALSE(written);
  std::size_t seen = 0;
  while (seen < much) {
    const auto octets = read(*pair.server, 1s);
    ASSERT_TRUE(octets);
    seen += *octets;
  }
  run_until(loop, [&] { return written.has_value(); });
  EXPECT_TRUE(*written);
}

TEST_F(Tcp, AWriteToAPeerThatDoesNotReadTimesOut) {
  auto pair = make_pair();
  std::optional<base::Result<>> written;
  loop.spawn(write_into(*pair.client, std::string(32 << 20, 'x'), 50ms, written));
  run_until(loop, [&] { return written.has_value(); });
  ASSERT_FALSE(*written);
  EXPECT_EQ(written->error().kind, ErrorKind::timeout);
}

TEST_F(Tcp, CancelEndsTheReadAndTakesNothing) {
  auto pair = make_pair();
  std::optional<base::Result<std::size_t>> result;
  const auto running = loop.spawn(read_into(*pair.client, buffer, 10s, result));
  loop.poll();
  running->cancel();
  run_until(loop, [&] { return result.has_value(); });
  EXPECT_EQ(result->error().kind, ErrorKind::cancelled);
  std::optional<base::Result<>> written;
  loop.spawn(write_into(*pair.server, "still", 1s, written));
  EXPECT_EQ(read(*pair.client, 1s), 5U);
}

TEST_F(Tcp, CloseAndDestructionWakeWhoWaits) {
  for (const bool destroy : {false, true}) {
    auto pair = make_pair();
    std::optional<base::Result<std::size_t>> result;
    loop.spawn(read_into(*pair.client, buffer, 10s, result));
    loop.poll();
    if (destroy)
      pair.client.reset();
    else
      pair.client->close();
    run_until(loop, [&] { return result.has_value(); });
    EXPECT_EQ(result->error().kind, ErrorKind::closed);
    EXPECT_EQ(read(*pair.server, 1s), 0U);
  }
}

TEST_F(Tcp, AResetIsClosed) {
  auto pair = make_pair();
  std::optional<base::Result<>> written;
  loop.spawn(write_into(*pair.client, "unread", 1s, written));
  run_until(loop, [&] { return written.has_value(); });
  pair.server->close();  // with octets unread: the kernel resets
  const auto result = read(*pair.client, 1s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::closed);
}

// The last words arrive though the peer had sent more than was read.
TEST_F(Tcp, GoodbyeOutlivesUnreadOctets) {
  auto pair = make_pair();
  std::optional<base::Result<>> sent;
  std::optional<base::Result<>> said;
  loop.spawn(write_into(*pair.client, std::string(100000, 'x'), 1s, sent));
  loop.spawn(write_into(*pair.server, "421 too much", 1s, said));
  run_until(loop, [&] { return said && sent; });
  bool done = false;
  loop.spawn(shut_down(*pair.server, 2s, done));
  EXPECT_EQ(read(*pair.client, 1s), 12U);
  EXPECT_EQ(read(*pair.client, 1s), 0U);
  EXPECT_FALSE(done);
  pair.client->close();
  run_until(loop, [&] { return done; });
}

TEST_F(Tcp, AGoodbyeIsNotWaitedForLonger) {
  auto pair = make_pair();
  bool done = false;
  loop.spawn(shut_down(*pair.server, 20ms, done));
  run_until(loop, [&] { return done; });
}

TEST_F(Tcp, ConnectSaysWhy) {
  const auto refused = connect_error(*Endpoint::parse("127.0.0.1:1"));
  EXPECT_EQ(refused.kind, ErrorKind::unavailable);
  EXPECT_EQ(refused.what, "connecting to 127.0.0.1:1: Connection refused");
  EXPECT_EQ(connect_error(*Endpoint::parse("[::1]:1")).kind, ErrorKind::unavailable);
  const auto source =
      connect_error(*Endpoint::parse("127.0.0.1:1"), {.source = *IpAddress::parse("192.0.2.1")});
  EXPECT_EQ(source.kind, ErrorKind::unavailable);
  EXPECT_TRUE(source.what.starts_with("binding the source address 192.0.2.1")) << source.what;
  EXPECT_EQ(
      connect_error(*Endpoint::parse("127.0.0.1:1"), {.source = *IpAddress::parse("::1")}).kind,
      ErrorKind::unavailable);
}

TEST_F(Tcp, ConnectTimesOutAndIsCancelled) {
  // A listener with a full backlog doesn't answer.
  const os::Descriptor deaf(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t octets = sizeof at;
  ASSERT_EQ(bind(deaf.number(), reinterpret_cast<sockaddr*>(&at), octets), 0);
  ASSERT_EQ(listen(deaf.number(), 0), 0);
  getsockname(deaf.number(), reinterpret_cast<sockaddr*>(&at), &octets);
  const Endpoint to{IpAddress::v4({127, 0, 0, 1}), ntohs(at.sin_port)};
  std::vector<std::unique_ptr<Connection>> fillers(4);
  std::optional<base::Error> ignored;
  for (auto& filler : fillers)
    loop.spawn(connect_into(network, to, {.timeout = 5s}, filler, ignored));
  run_until(loop, [&] { return fillers[0] != nullptr; });
  EXPECT_EQ(connect_error(to, {.timeout = 50ms}).kind, ErrorKind::timeout);
  std::unique_ptr<Connection> never;
  std::optional<base::Error> error;
  const auto running = loop.spawn(connect_into(network, to, {}, never, error));
  loop.poll();
  running->cancel();
  run_until(loop, [&] { return error.has_value(); });
  EXPECT_EQ(error->kind, ErrorKind::cancelled);
}

TEST_F(Tcp, SourceAddressIsUsed) {
  auto listener = network.listen(*Endpoint::parse("127.0.0.1:0"));
  Pair pair;
  std::optional<base::Error> error;
  loop.spawn(accept_into(**listener, pair.server, error));
  loop.spawn(connect_into(network, (*listener)->local(), {.source = *IpAddress::parse("127.0.0.9")},
                          pair.client, error));
  run_until(loop, [&] { return pair.client && pair.server; });
  EXPECT_EQ(pair.server->peer().address.text(), "127.0.0.9");
}

}  // namespace
}  // namespace letterlock::net
