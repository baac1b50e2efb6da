#include "sim/day/impostor.h"

#include <array>

namespace letterlock::day {

using namespace std::chrono_literals;

struct Impostor::Ends {
  std::unique_ptr<net::Connection> client;
  std::unique_ptr<net::Connection> node;
};

Impostor::Impostor(sim::World& world, sim::Network& network)
    : world_(world),
      host_(network.host("198.51.100.66")),
      tls_(world, "impostor"),
      gate_(world.loop()) {
  tls_.settings.identities = {sim::identity_for("mail.acorn.example", "nobody")};
}

void Impostor::open(const net::IpAddress& node) {
  node_ = node;
  if (!listeners_.empty()) return;
  static constexpr std::array<std::uint16_t, 3> doors{465, 995, 110};
  for (const auto port : doors) {
    auto listener = host_.listen({address(), port});
    if (!listener) continue;
    listeners_.push_back(std::move(*listener));
    gate_.start(accept(listeners_.back(), port));
  }
}

net::Task<> Impostor::accept(std::shared_ptr<net::Listener> listener, std::uint16_t port) {
  while (true) {
    auto connection = co_await listener->accept();
    if (!connection) co_return;
    if (!gate_.start(sit_between(std::move(*connection), port))) co_return;
  }
}

net::Task<> Impostor::sit_between(std::unique_ptr<net::Connection> client, std::uint16_t port) {
  auto ends = std::make_shared<Ends>();
  auto node = co_await host_.connect({node_, port}, {.timeout = 30s});
  if (!node) co_return;
  if (port == 110) {
    ends->client = std::move(client);
    ends->node = std::move(*node);
  } else {
    auto inner = co_await tls_.accept(std::move(client), {}, 1min);
    if (!inner) co_return;
    auto outer = co_await tls_.connect(std::move(*node), {}, 1min);
    if (!outer) co_return;
    ends->client = std::move(*inner);
    ends->node = std::move(*outer);
  }
  if (!gate_.start(carry(ends, false))) co_return;
  co_await carry(ends, true);
}

net::Task<> Impostor::carry(std::shared_ptr<Ends> ends, bool to_node) {
  auto& from = to_node ? *ends->client : *ends->node;
  auto& to = to_node ? *ends->node : *ends->client;
  std::array<char, 8192> buffer{};
  while (true) {
    const auto count = co_await from.read_some(buffer, 10min);
    if (!count || *count == 0) break;
    if (!co_await to.write(std::string_view(buffer.data(), *count), 2min)) break;
  }
  from.close();
  to.close();
}

net::Task<> Impostor::close() {
  for (const auto& listener : listeners_) listener->close();
  listeners_.clear();
  co_await gate_.close(world_.timers(), base::Milliseconds(0));
}

}  // namespace letterlock::day
