#include "net/proxied.h"

#include <algorithm>

#include "net/proxy_header.h"

namespace letterlock::net {
namespace {

class Proxied final : public Connection {
 public:
  Proxied(std::unique_ptr<Connection> under, const ProxyEnds& ends)
      : under_(std::move(under)), ends_(ends) {}

  ResultTask<std::size_t> read_some(std::span<char> buffer, base::Milliseconds timeout) override {
    return under_->read_some(buffer, timeout);
  }
  ResultTask<> wait_readable(base::Milliseconds timeout) override {
    return under_->wait_readable(timeout);
  }
  ResultTask<> write(std::string_view octets, base::Milliseconds timeout) override {
    return under_->write(octets, timeout);
  }
  void close() override { under_->close(); }
  void wake_reader() override { under_->wake_reader(); }
  Task<> shutdown(base::Milliseconds timeout) override { return under_->shutdown(timeout); }
  Endpoint local() const override { return ends_.local; }
  Endpoint peer() const override { return ends_.peer; }
  std::optional<Ends> proxy() const override { return Ends{under_->local(), under_->peer()}; }

 private:
  std::unique_ptr<Connection> under_;
  ProxyEnds ends_;
};

// So many octets, in pieces as they come.
ResultTask<std::string> read_exactly(Connection& connection, std::size_t octets_count,
                                     const os::Clock& clock, os::Steady deadline) {
  std::string octets(octets_count, '\0');
  std::size_t have = 0;
  while (have < octets_count) {
    const auto left = std::max(deadline - clock.steady(), base::Milliseconds(0));
    CO_TRY(const auto count, co_await connection.read_some(std::span(octets).subspan(have), left));
    if (count == 0) co_return base::fail(base::ErrorKind::closed, "the peer closed");
    have += count;
  }
  co_return octets;
}

ResultTask<std::optional<ProxyEnds>> read_header(Connection& connection, const os::Clock& clock,
                                                 os::Steady deadline) {
  CO_TRY(const auto first, co_await read_exactly(connection, proxy_head_octets, clock, deadline));
  CO_TRY(const auto head, parse_proxy_head(first));
  CO_TRY(const auto rest, co_await read_exactly(connection, head.rest_octets, clock, deadline));
  co_return parse_proxy_ends(head, rest);
}

}  // namespace

ResultTask<std::unique_ptr<Connection>> take_proxied(std::unique_ptr<Connection> connection,
                                                     const os::Clock& clock,
                                                     base::Milliseconds timeout) {
  auto ends = co_await read_header(*connection, clock, clock.steady() + timeout);
  if (!ends) {
    connection->close();
    co_return base::fail(std::move(ends.error()));
  }
  if (!*ends) co_return std::move(connection);
  co_return std::make_unique<Proxied>(std::move(connection), **ends);
}

}  // namespace letterlock::net
