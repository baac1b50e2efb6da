#include "dns/peer_names.h"

#include <algorithm>

#include <fmt/format.h>

namespace letterlock::dns {

std::string reverse_name(const net::IpAddress& address) {
  std::string name;
  const auto octets = address.octets();
  for (auto octet = octets.rbegin(); octet != octets.rend(); ++octet) {
    const auto value = static_cast<std::uint8_t>(*octet);
    name += address.is_v4() ? fmt::format("{}.", value)
                            : fmt::format("{:x}.{:x}.", value & 0xFU, value >> 4U);
  }
  return name + (address.is_v4() ? "in-addr.arpa" : "ip6.arpa");
}

net::Task<std::optional<std::string>> verified_name(Resolver& resolver, net::IpAddress address) {
  auto reverse = co_await resolver.ptr(reverse_name(address));
  if (!reverse) co_return std::nullopt;
  auto& names = reverse->records;
  // The same ones of many each time, whatever order they come in.
  std::ranges::sort(names);
  if (names.size() > names_tried_max) names.resize(names_tried_max);
  for (auto& name : names) {
    const auto forward = co_await resolver.addresses(name);
    if (!forward) continue;
    if (std::ranges::find(forward->records, address) != forward->records.end())
      co_return std::move(name);
  }
  co_return std::nullopt;
}

PeerNames::PeerNames(Resolver& resolver, net::Loop& loop, const os::Clock& clock)
    : resolver_(resolver), loop_(loop), clock_(clock), gate_(loop) {}

// Those that are over, or else all that aren't under way: they are looked up again when they come.
void PeerNames::make_room() {
  if (entries_.size() < remembered_max) return;
  const auto now = clock_.steady();
  std::erase_if(entries_, [&](const auto& entry) {
    return !entry.second.is_under_way && entry.second.until <= now;
  });
  if (entries_.size() < remembered_max) return;
  std::erase_if(entries_, [](const auto& entry) { return !entry.second.is_under_way; });
}

void PeerNames::begin(const net::IpAddress& address) {
  {
    const std::scoped_lock lock(mutex_);
    const auto at = entries_.find(address);
    const bool is_known =
        at != entries_.end() && (at->second.is_under_way || at->second.until > clock_.steady());
    if (is_known || closing_ || under_way_ == under_way_max) return;
    make_room();
    entries_[address] = Entry();
    ++under_way_;
  }
  loop_.post([this, address] {
    if (gate_.start(look_up(address))) return;
    const std::scoped_lock lock(mutex_);
    --under_way_;
  });
}

std::optional<std::string> PeerNames::known(const net::IpAddress& address) const {
  const std::scoped_lock lock(mutex_);
  const auto at = entries_.find(address);
  if (at == entries_.end() || at->second.is_under_way || at->second.until <= clock_.steady())
    return std::nullopt;
  return at->second.name;
}

net::Task<> PeerNames::look_up(net::IpAddress address) {
  auto name = co_await verified_name(resolver_, address);
  const std::scoped_lock lock(mutex_);
  --under_way_;
  const auto stays = name ? remembered_for : nothing_remembered_for;
  entries_[address] = Entry{false, clock_.steady() + stays, std::move(name)};
}

net::Task<> PeerNames::close(net::Timers& timers) {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  co_await gate_.close(timers, base::Milliseconds(0));
}

}  // namespace letterlock::dns
