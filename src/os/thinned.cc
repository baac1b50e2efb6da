#include "os/thinned.h"

#include <algorithm>

namespace letterlock::os {
namespace {

std::int64_t minute_of(const Clock& clock) {
  return std::chrono::floor<std::chrono::minutes>(clock.steady().time_since_epoch()).count();
}

// The address in an event's "peer", without its port: one that comes again has another.
std::string_view address_in(const base::Event& event) {
  const auto field =
      std::ranges::find(event.fields, "peer", &std::pair<std::string_view, std::string>::first);
  if (field == event.fields.end()) return {};
  std::string_view peer = field->second;
  if (peer.starts_with('[')) return peer.substr(1, peer.find(']') - 1);
  if (std::ranges::count(peer, ':') == 1) return peer.substr(0, peer.find(':'));
  return peer;
}

}  // namespace

ThinnedEvents::ThinnedEvents(std::span<const std::string_view> names, base::EventSink& next,
                             const Clock& clock, ThinningLimits limits)
    : names_(names.begin(), names.end()),
      next_(next),
      clock_(clock),
      limits_(limits),
      minute_(minute_of(clock)) {}

ThinnedEvents::~ThinnedEvents() {
  tell(peers_);
}

void ThinnedEvents::emit(const base::Event& event) {
  // Only the first of a minute goes further than this comparison.
  if (minute_of(clock_) != minute_.load(std::memory_order_relaxed)) begin_minute();
  if (names_.contains(event.name) && is_one_too_many(event)) {
    left_out_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  next_.emit(event);
}

bool ThinnedEvents::is_one_too_many(const base::Event& event) {
  const std::scoped_lock lock(mutex_);
  std::pair<std::string_view, std::string> key{event.name, address_in(event)};
  // Whom there is no place for shares one count, under no address.
  if (peers_.size() >= limits_.peers_max && !peers_.contains(key)) key.second.clear();
  auto& count = peers_[std::move(key)];
  auto& written = written_[event.name];
  if (count.written >= limits_.of_one_peer || written >= limits_.of_one_event) {
    ++count.left_out;
    return true;
  }
  ++count.written;
  ++written;
  return false;
}

void ThinnedEvents::begin_minute() {
  Counts before;
  {
    const std::scoped_lock lock(mutex_);
    const auto now = minute_of(clock_);
    if (minute_.exchange(now, std::memory_order_relaxed) == now) return;
    before.swap(peers_);
    written_.clear();
  }
  tell(before);
}

void ThinnedEvents::tell(const Counts& counts) {
  const auto say = [this](std::string_view event, std::string peer, std::uint64_t left_out) {
    next_.emit({base::Severity::warning,
                "log.thinned",
                {{"event", std::string(event)},
                 {"peer", std::move(peer)},
                 {"left_out", std::to_string(left_out)}}});
  };
  std::vector<std::pair<std::uint64_t, const Counts::key_type*>> thinned;
  for (const auto& [key, count] : counts)
    if (count.left_out > 0) thinned.emplace_back(count.left_out, &key);
  // The worst first; whoever is beyond them is told by the event alone.
  std::ranges::sort(thinned, [](const auto& one, const auto& other) {
    if (one.first != other.first) return one.first > other.first;
    return *one.second < *other.second;
  });
  const auto told = std::min<std::size_t>(thinned.size(), limits_.counts_told_max);
  for (std::size_t i = 0; i < told; ++i)
    say(thinned[i].second->first, thinned[i].second->second, thinned[i].first);
  std::map<std::string_view, std::uint64_t> rest;
  for (std::size_t i = told; i < thinned.size(); ++i)
    rest[thinned[i].second->first] += thinned[i].first;
  for (const auto& [event, left_out] : rest) say(event, "", left_out);
}

}  // namespace letterlock::os
