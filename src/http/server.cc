#include "http/server.h"

#include <array>

namespace letterlock::http {
namespace {

using base::ErrorKind;

constexpr base::Milliseconds accept_pause = std::chrono::milliseconds(100);
constexpr base::Milliseconds goodbye_wait = std::chrono::seconds(2);

Response refusal(unsigned status, std::string body) {
  return {status, Response().content_type, std::move(body)};
}

}  // namespace

Server::Server(net::Loop& loop, net::Timers& timers, const os::Clock& clock, Answer answer,
               Limits limits)
    : timers_(timers), clock_(clock), answer_(std::move(answer)), limits_(limits), gate_(loop) {}

net::Task<> Server::run(std::shared_ptr<net::Listener> listener) {
  while (true) {
    auto connection = co_await listener->accept();
    if (!connection) {
      const auto kind = connection.error().kind;
      if (kind == ErrorKind::cancelled || kind == ErrorKind::closed) co_return;
      if (!co_await timers_.sleep(accept_pause)) co_return;
      continue;
    }
    if (gate_.running() >= limits_.connections_max) continue;  // closed as it goes
    if (!gate_.start(serve(std::move(*connection)))) co_return;
  }
}

net::Task<> Server::close() {
  co_await gate_.close(timers_, base::Milliseconds(0));
}

net::Task<> Server::serve(std::unique_ptr<net::Connection> connection) {
  std::string octets;
  std::array<char, 2048> chunk{};
  base::Result<std::optional<Request>> request = std::optional<Request>();
  // Each wait is for the rest of one time: who sends an octet now and then gets no more.
  const auto until = clock_.steady() + limits_.request_wait;
  while (request && !*request) {
    const base::Milliseconds left = until - clock_.steady();
    const auto read = left.count() > 0 ? co_await connection->read_some(chunk, left)
                                       : base::Result<std::size_t>(base::fail(
                                             ErrorKind::timeout, "the request took too long"));
    if (!read || *read == 0) co_return;
    octets.append(chunk.data(), *read);
    request = read_head(octets);
  }
  const bool head_only = request && (*request)->method == "HEAD";
  const auto text = write_response(respond(request), head_only);
  if (co_await connection->write(text, limits_.write_wait))
    co_await connection->shutdown(goodbye_wait);
}

Response Server::respond(const base::Result<std::optional<Request>>& request) const {
  if (!request && request.error().kind == ErrorKind::full)
    return refusal(431, "the request is too long\n");
  if (!request) return refusal(400, "this is no request that can be answered\n");
  const auto& asked = **request;
  if (asked.method != "GET" && asked.method != "HEAD")
    return refusal(405, "GET and HEAD are answered\n");
  const auto path = std::string_view(asked.target).substr(0, asked.target.find('?'));
  if (auto found = answer_(path)) return std::move(*found);
  return refusal(404, "there is no such thing here\n");
}

}  // namespace letterlock::http
