#include "sim/line.h"

#include <algorithm>

namespace letterlock::sim {

namespace {
// As TCP does: what can't cross is tried again, later and later, and given up after a while.
constexpr base::Milliseconds hold_min = std::chrono::milliseconds(200);
constexpr base::Milliseconds hold_max = std::chrono::minutes(1);
constexpr base::Milliseconds held_max = std::chrono::minutes(15);
constexpr std::size_t segment_octets = 1460;
}  // namespace

Line::Line(std::shared_ptr<Schedule> schedule, Random random, Terms terms)
    : schedule_(std::move(schedule)),
      random_(random),
      terms_(std::move(terms)),
      streams_{Stream(schedule_), Stream(schedule_)} {}

// Mostly whole writes and segments; sometimes a few octets alone, so that every parser meets
// every border. No chunk crosses the place of a fault.
std::size_t Line::chunk_octets(std::size_t side, std::size_t octets) {
  const auto& faults = terms_.faults[side];
  const auto sent = streams_[side].sent;
  for (const auto border : {faults.stall_after, faults.cut_after}) {
    if (border > sent) octets = std::min<std::uint64_t>(octets, border - sent);
  }
  if (faults.octets_per_second != StreamFaults::never) {
    octets =
        std::min<std::uint64_t>(octets, std::max<std::uint64_t>(faults.octets_per_second / 10, 1));
  }
  const auto mood = random_.below(8);
  if (mood == 0) return std::min<std::size_t>(octets, random_.between(1, 3));
  if (mood <= 3) return std::min<std::size_t>(octets, random_.between(1, segment_octets));
  return octets;
}

std::size_t Line::send(std::size_t side, std::string_view octets) {
  auto& stream = streams_[side];
  const auto ahead = stream.under_way_octets + stream.unread();
  const auto room = window_octets - std::min(window_octets, ahead);
  // A window that is nearly full takes the last of it or a segment, and waits for less: else each
  // small read would bring a small write, for ever (RFC 9293 §3.8.6.2.1).
  if (room < std::min(octets.size(), segment_octets)) return 0;
  octets = octets.substr(0, room);
  if (!protected_) observe(side, octets, false);
  for (std::size_t at = 0; at < octets.size();) {
    const auto count = chunk_octets(side, octets.size() - at);
    enqueue(side, std::string(octets.substr(at, count)));
    at += count;
  }
  return octets.size();
}

void Line::observe(std::size_t side, std::string_view octets, bool is_protected) const {
  if (!terms_.observer || octets.empty()) return;
  terms_.observer({terms_.ends[side], terms_.ends[1 - side], octets, is_protected, terms_.number,
                   side == 0, terms_.is_diverted, is_protected ? &tls_ : nullptr});
}

void Line::enqueue(std::size_t side, std::string octets) {
  auto& stream = streams_[side];
  const auto& faults = terms_.faults[side];
  stream.under_way_octets += octets.size();
  // What is swallowed never leaves the window, so that its writer stops too.
  if (faults.cut_after == 0) return reset_later();
  if (stream.sent >= faults.cut_after || stream.sent >= faults.stall_after) return;
  if (faults.corrupt_at >= stream.sent && faults.corrupt_at - stream.sent < octets.size()) {
    auto& octet = octets[faults.corrupt_at - stream.sent];
    octet = static_cast<char>(static_cast<unsigned char>(octet) ^ random_.between(1, 255));
  }
  stream.sent += octets.size();
  const auto latency = base::Milliseconds(static_cast<std::int64_t>(
      random_.between(static_cast<std::uint64_t>(terms_.latency_min.count()),
                      static_cast<std::uint64_t>(terms_.latency_max.count()))));
  const auto last = stream.under_way.empty() ? schedule_->now() : stream.under_way.back().due;
  auto due = std::max(last, schedule_->now() + latency);
  if (faults.octets_per_second != StreamFaults::never) {
    const auto rate = std::max<std::uint64_t>(faults.octets_per_second, 1);
    const auto milliseconds = (octets.size() * 1000 + rate - 1) / rate;
    due = std::max(due, last + base::Milliseconds(static_cast<std::int64_t>(milliseconds)));
  }
  stream.under_way.push_back({due, std::move(octets)});
  if (stream.under_way.size() == 1) wait_for_front(side, due - schedule_->now());
}

void Line::wait_for_front(std::size_t side, base::Milliseconds delay) {
  schedule_->after(delay, [line = shared_from_this(), side] { line->front_is_due(side); });
}

void Line::front_is_due(std::size_t side) {
  auto& stream = streams_[side];
  if (stream.under_way.empty()) return;
  if (terms_.arrives && !terms_.arrives(terms_.ends[side], terms_.ends[1 - side])) {
    if (stream.held_since < base::Milliseconds(0)) {
      stream.held_since = schedule_->now();
      stream.hold = hold_min;
    }
    if (schedule_->now() - stream.held_since >= held_max) return reset();
    wait_for_front(side, stream.hold);
    stream.hold = std::min(stream.hold * 2, hold_max);
    return;
  }
  stream.held_since = base::Milliseconds(-1);
  auto chunk = std::move(stream.under_way.front());
  stream.under_way.pop_front();
  deliver(side, std::move(chunk));
  if (!stream.under_way.empty()) {
    wait_for_front(side, stream.under_way.front().due - schedule_->now());
  }
}

void Line::deliver(std::size_t side, Chunk chunk) {
  auto& stream = streams_[side];
  stream.under_way_octets -= chunk.octets.size();
  stream.delivered += chunk.octets.size();
  if (forgotten_[1 - side]) return reset();
  if (stream.reader_gone) {
    if (!chunk.octets.empty()) reset_later();
    return;
  }
  if (chunk.octets.empty()) {
    stream.ended = true;
  } else {
    if (stream.taken == stream.arrived.size()) {
      stream.arrived.clear();
      stream.taken = 0;
    }
    if (stream.taken >= window_octets) {
      stream.arrived.erase(0, stream.taken);
      stream.taken = 0;
    }
    stream.arrived += chunk.octets;
  }
  stream.readable.wake();
  if (stream.delivered >= terms_.faults[side].cut_after) reset_later();
}

std::size_t Line::take(std::size_t side, std::span<char> buffer) {
  auto& stream = streams_[1 - side];
  const auto count = std::min(buffer.size(), stream.unread());
  std::copy_n(stream.arrived.data() + stream.taken, count, buffer.data());
  stream.taken += count;
  if (count > 0) stream.writable.wake();
  return count;
}

bool Line::at_end(std::size_t side) const {
  const auto& stream = streams_[1 - side];
  return stream.ended && stream.unread() == 0;
}

void Line::finish(std::size_t side) {
  auto& out = streams_[side];
  auto& in = streams_[1 - side];
  if (!out.end_sent && !out.writer_broken) enqueue(side, "");
  out.end_sent = true;
  out.writer_broken = true;
  in.reader_broken = true;
  in.reader_gone = true;
  in.arrived.clear();
  in.taken = 0;
  out.writable.wake();
  in.readable.wake();
}

void Line::close(std::size_t side) {
  const bool unread = streams_[1 - side].unread() > 0;
  finish(side);
  if (unread) reset_later();
}

void Line::reset_later() {
  schedule_->after(terms_.latency_min, [line = shared_from_this()] { line->reset(); });
}

void Line::reset() {
  for (auto& stream : streams_) {
    stream.under_way.clear();
    stream.under_way_octets = 0;
    stream.writer_broken = true;
    stream.reader_broken = true;
    stream.end_sent = true;
    stream.writable.wake();
    stream.readable.wake();
  }
}

}  // namespace letterlock::sim
