// For this room's tests of TCP: both ends of a connection over loopback, and tasks that put down
// what became of an operation.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "net/tcp.h"

namespace letterlock::net::test {

inline void run_until(Loop& loop, const std::function<bool()>& done) {
  for (int i = 0; i < 5000 && !done(); ++i) {
    if (loop.poll() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(done());
}

struct Heard final : base::EventSink {
  void emit(const base::Event& event) override { names.emplace_back(event.name); }
  std::vector<std::string> names;
};

// Both ends of one connection over loopback.
struct Pair {
  std::unique_ptr<Connection> client;
  std::unique_ptr<Connection> server;
};

inline Task<> accept_into(Listener& listener, std::unique_ptr<Connection>& into,
                          std::optional<base::Error>& error) {
  auto accepted = co_await listener.accept();
  if (accepted)
    into = std::move(*accepted);
  else
    error = accepted.error();
}

inline Task<> connect_into(Network& network, Endpoint to, ConnectOptions options,
                           std::unique_ptr<Connection>& into, std::optional<base::Error>& error) {
  auto connected = co_await network.connect(to, options);
  if (connected)
    into = std::move(*connected);
  else
    error = connected.error();
}

inline Task<> read_into(Connection& connection, std::span<char> buffer, base::Milliseconds timeout,
                        std::optional<base::Result<std::size_t>>& result) {
  result = co_await connection.read_some(buffer, timeout);
}

inline Task<> wait_into(Connection& connection, base::Milliseconds timeout,
                        std::optional<base::Result<>>& result) {
  result = co_await connection.wait_readable(timeout);
}

inline Task<> write_often(Connection& connection, int times, std::string octets, bool& done) {
  for (int i = 0; i < times; ++i) (void)co_await connection.write(octets, std::chrono::seconds(10));
  done = true;
}

inline Task<> count_turns(const bool& done, unsigned& turns) {
  for (; !done && turns < 1000; ++turns) co_await yield();
}

inline Task<> write_into(Connection& connection, std::string octets, base::Milliseconds timeout,
                         std::optional<base::Result<>>& result) {
  result = co_await connection.write(octets, timeout);
}

inline Task<> shut_down(Connection& connection, base::Milliseconds timeout, bool& done) {
  co_await connection.shutdown(timeout);
  done = true;
}

class Tcp : public ::testing::Test {
 protected:
  Pair make_pair(const char* at = "127.0.0.1:0") {
    auto listener = network.listen(*Endpoint::parse(at));
    EXPECT_TRUE(listener) << listener.error().what;
    Pair pair;
    std::optional<base::Error> error;
    loop.spawn(accept_into(**listener, pair.server, error));
    loop.spawn(connect_into(network, (*listener)->local(), {}, pair.client, error));
    run_until(loop, [&] { return pair.client && pair.server; });
    return pair;
  }
  base::Error connect_error(Endpoint to, ConnectOptions options = {}) {
    std::unique_ptr<Connection> connection;
    std::optional<base::Error> error;
    loop.spawn(connect_into(network, to, options, connection, error));
    run_until(loop, [&] { return error || connection; });
    return error.value_or(base::Error{base::ErrorKind::exists, "connected"});
  }
  base::Result<std::size_t> read(Connection& connection, base::Milliseconds timeout) {
    std::optional<base::Result<std::size_t>> result;
    loop.spawn(read_into(connection, buffer, timeout, result));
    run_until(loop, [&] { return result.has_value(); });
    return *result;
  }

  Heard heard;
  Loop loop;
  TcpNetwork network{heard};
  std::array<char, 4096> buffer{};
};

}  // namespace letterlock::net::test
