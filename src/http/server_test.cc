#include "http/server.h"

#include <array>

#include <gmock/gmock.h>

#include "sim/network.h"
#include "sim/world.h"

namespace letterlock::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

std::optional<Response> answer(std::string_view path) {
  if (path != "/live") return std::nullopt;
  return Response{200, "text/plain", "yes\n"};
}

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    listener = host.listen({host.addresses().front(), 9464}).value();
    world.loop().spawn(server.run(listener));
  }
  ~HttpServerTest() override {
    listener->close();
    bool closed = false;
    world.loop().spawn(server.close(), [&] { closed = true; });
    EXPECT_TRUE(world.run_until([&] { return closed; }, 1h));
  }
  struct Talk {
    std::string said;
    bool ended = false;
  };
  static net::Task<> talk(net::Network& network, net::Endpoint to, std::string octets, Talk& into) {
    auto connection = co_await network.connect(to, {});
    if (connection && (octets.empty() || co_await (*connection)->write(octets, 1min))) {
      std::array<char, 1000> buffer;
      while (true) {
        const auto read = co_await (*connection)->read_some(buffer, 1h);
        if (!read || *read == 0) break;
        into.said.append(buffer.data(), *read);
      }
    }
    into.ended = true;
  }
  void begin(std::string octets, Talk& into) {
    world.loop().spawn(talk(client, {host.addresses().front(), 9464}, std::move(octets), into));
  }
  std::string ask(std::string octets) {
    Talk one;
    begin(std::move(octets), one);
    EXPECT_TRUE(world.run_until([&] { return one.ended; }, 1h));
    return one.said;
  }

  sim::World world{5};
  sim::Network network{world};
  sim::Host& host{network.host("192.0.2.1")};
  sim::Host& client{network.host("198.51.100.7")};
  Server server{world.loop(), world.timers(), world.clock(), answer, {.connections_max = 2}};
  std::shared_ptr<net::Listener> listener;
};

TEST_F(HttpServerTest, AnswersAPathAndEnds) {
  EXPECT_THAT(ask("GET /live?x HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(ask("GET /other HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("POST /live HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(ask("GET /" + std::string(9000, 'x')), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(ask("EHLO x\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, WhoSaysNothingIsSentAwayInTime) {
  const auto began = world.clock().steady();
  EXPECT_EQ(ask("GET /live"), "");
  EXPECT_GE(world.clock().steady() - began, 10s);
  EXPECT_LT(world.clock().steady() - began, 15s);
}

TEST_F(HttpServerTest, HasPlaceForSoManyAndNoMore) {
  Talk first;
  Talk second;
  begin("GET", first);
  begin("GET", second);
  world.settle();
  world.advance(1s);
  EXPECT_EQ(ask("GET /live HTTP/1.1\r\n\r\n"), "") << "the third is closed";
  ASSERT_TRUE(world.run_until([&] { return first.ended && second.ended; }, 1h));
  EXPECT_THAT(ask("GET /live HTTP/1.1\r\n\r\n"), HasSubstr("yes"))
      << "when they are gone there is place";
}

}  // namespace
}  // namespace letterlock::http
