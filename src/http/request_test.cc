#include "http/request.h"

#include <gmock/gmock.h>

namespace letterlock::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Request, IsReadWhenItsHeadIsComplete) {
  const std::string whole = "GET /metrics?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const auto part = read_head(whole.substr(0, i));
    ASSERT_TRUE(part) << i << " " << part.error().what;
    EXPECT_FALSE(*part) << i;
  }
  const auto read = read_head(whole);
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->method, "GET");
  EXPECT_EQ((*read)->target, "/metrics?x=1");
}

TEST(Request, IsRefusedIfItIsNoneOrHasABody) {
  for (const auto* octets :
       {"EHLO mx.modern.example\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/3.0\r\n\r\n",
        "GET / HTTP/1.1\r\nBad Name: x\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"}) {
    const auto read = read_head(octets);
    ASSERT_FALSE(read) << octets;
    EXPECT_EQ(read.error().kind, base::ErrorKind::invalid) << octets;
  }
}

TEST(Request, IsRefusedIfItIsTooLong) {
  for (const auto& octets : {"GET /" + std::string(9000, 'x'),
                             "GET / HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n"}) {
    const auto read = read_head(octets);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, base::ErrorKind::full);
  }
}

TEST(Response, SaysItsLengthAndThatItIsTheLast) {
  const auto whole = write_response({200, "text/plain", "yes\n"}, false);
  EXPECT_THAT(whole, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(whole, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(whole, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(whole, EndsWith("\r\n\r\nyes\n"));
  const auto head = write_response({200, "text/plain", "yes\n"}, true);
  EXPECT_THAT(head, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  EXPECT_THAT(write_response({405, "text/plain", ""}, false), HasSubstr("Allow: GET, HEAD\r\n"));
}

}  // namespace
}  // namespace letterlock::http
