#include "net/pipe.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>

#include "net/loop.h"

namespace letterlock::net {
namespace {

using std::chrono::steady_clock;

auto closed() {
  return base::fail(base::ErrorKind::closed, "the pipe is closed");
}

// One direction.
struct Stream {
  std::string octets;
  bool writer_gone = false;
  bool reader_gone = false;
  bool reader_woken = false;
  Bell readable;
  Bell writable;
};

struct State {
  PipeOptions options;
  Stream streams[2];  // [i] is written by end i
  LoopTimers timers;
};

// Waits for the bell until the deadline.
ResultTask<> wait_until(Bell& bell, Timers& timers, steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<base::Milliseconds>(deadline - steady_clock::now());
  if (left.count() <= 0)
    co_return base::fail(base::ErrorKind::timeout, "the pipe's peer was too slow");
  auto rung = co_await bell.wait(timers, left);
  if (!rung) co_return base::fail(std::move(rung.error()));
  co_return base::Result<>();
}

class PipeEnd final : public Connection {
 public:
  PipeEnd(std::shared_ptr<State> state, std::size_t side) : state_(std::move(state)), side_(side) {}
  ~PipeEnd() override { close(); }

  ResultTask<std::size_t> read_some(std::span<char> buffer, base::Milliseconds timeout) override {
    const auto state = state_;
    auto& stream = state->streams[1 - side_];
    const auto deadline = steady_clock::now() + timeout;
    stream.reader_woken = false;
    while (stream.octets.empty()) {
      if (stream.reader_gone) co_return closed();
      if (stream.reader_woken) co_return base::fail(base::ErrorKind::cancelled, "stopping");
      if (stream.writer_gone) co_return std::size_t{0};
      CO_CHECK(co_await wait_until(stream.readable, state->timers, deadline));
    }
    if (stream.reader_gone) co_return closed();
    const auto count = std::min(buffer.size(), stream.octets.size());
    std::memcpy(buffer.data(), stream.octets.data(), count);
    stream.octets.erase(0, count);
    stream.writable.ring();
    co_return count;
  }

  ResultTask<> wait_readable(base::Milliseconds timeout) override {
    const auto state = state_;
    auto& stream = state->streams[1 - side_];
    const auto deadline = steady_clock::now() + timeout;
    stream.reader_woken = false;
    while (stream.octets.empty() && !stream.reader_gone && !stream.writer_gone) {
      if (stream.reader_woken) co_return base::fail(base::ErrorKind::cancelled, "stopping");
      CO_CHECK(co_await wait_until(stream.readable, state->timers, deadline));
    }
    co_return base::Result<>();
  }

  ResultTask<> write(std::string_view octets, base::Milliseconds timeout) override {
    const auto state = state_;
    auto& stream = state->streams[side_];
    const auto deadline = steady_clock::now() + timeout;
    while (true) {
      if (stream.writer_gone || stream.reader_gone) co_return closed();
      const auto room =
          state->options.octets_max - std::min(state->options.octets_max, stream.octets.size());
      const auto count = std::min(room, octets.size());
      stream.octets.append(octets.substr(0, count));
      octets.remove_prefix(count);
      if (count > 0) stream.readable.ring();
      if (octets.empty()) co_return base::Result<>();
      CO_CHECK(co_await wait_until(stream.writable, state->timers, deadline));
    }
  }

  void close() override {
    auto& out = state_->streams[side_];
    auto& in = state_->streams[1 - side_];
    out.writer_gone = true;
    in.reader_gone = true;
    for (auto* stream : {&out, &in}) {
      stream->readable.ring();
      stream->writable.ring();
    }
  }

  void wake_reader() override {
    auto& in = state_->streams[1 - side_];
    in.reader_woken = true;
    in.readable.ring();
  }

  Task<> shutdown(base::Milliseconds) override {
    close();
    co_return;
  }

  Endpoint local() const override {
    return side_ == 0 ? state_->options.first : state_->options.second;
  }
  Endpoint peer() const override {
    return side_ == 0 ? state_->options.second : state_->options.first;
  }

 private:
  std::shared_ptr<State> state_;
  std::size_t side_;
};

}  // namespace

std::pair<std::unique_ptr<Connection>, std::unique_ptr<Connection>> make_pipe(PipeOptions options) {
  const auto state = std::make_shared<State>();
  state->options = options;
  return {std::make_unique<PipeEnd>(state, 0), std::make_unique<PipeEnd>(state, 1)};
}

}  // namespace letterlock::net
