// One TCP connection over its loop's reactor. The state is shared with the operations that wait,
// so that they end in order when the connection is destroyed under them.
#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>

#include "base/assert.h"
#include "net/sockets.h"
#include "net/tcp.h"

namespace letterlock::net {
namespace asio = boost::asio;
using base::ErrorKind;
using boost::system::error_code;

namespace {

using Socket = asio::generic::stream_protocol::socket;
using Moment = asio::steady_timer::time_point;

// What a peer may still send while it is told goodbye; more is not waited for.
constexpr std::size_t goodbye_octets_max = 256 * 1024;
constexpr std::size_t at_once_octets_max = 256 * 1024;

// Reading or writing: what waits, until when.
struct Direction {
  Moment deadline = Moment::max();
  bool busy = false;
  bool timed_out = false;
  bool woken = false;
};

struct State : std::enable_shared_from_this<State> {
  State(const asio::any_io_executor& executor, os::Descriptor descriptor)
      : socket(executor), timer(executor) {
    error_code error;
    socket.assign(asio::generic::stream_protocol(AF_INET, 0), descriptor.number(), error);
    // Where the kernel can't watch one more descriptor, the connection is born closed.
    if (error)
      closed = true;
    else
      (void)descriptor.release();
  }

  // The operation passes through the loop.
  void begin(Direction& direction, base::Milliseconds timeout) {
    ASSERT(!direction.busy);
    at_once = 0;
    constexpr base::Milliseconds longest = std::chrono::years(1);
    direction = {asio::steady_timer::clock_type::now() + std::min(timeout, longest), true};
    if (direction.deadline < armed) arm(direction.deadline);
  }
  // The timer stays armed: the next operation most often waits beyond it, and moves it only then.
  static void end(Direction& direction) {
    direction.busy = false;
    direction.deadline = Moment::max();
  }
  void arm(Moment when) {
    armed = when;
    timer.expires_at(when);
    timer.async_wait([weak = weak_from_this()](const error_code& error) {
      const auto state = weak.lock();
      if (!error && state) state->fire();
    });
  }
  void fire() {
    armed = Moment::max();
    const auto now = asio::steady_timer::clock_type::now();
    bool over = false;
    for (auto* direction : {&reading, &writing}) {
      if (direction->deadline > now) continue;
      direction->deadline = Moment::max();
      direction->timed_out = over = true;
    }
    // This wakes both directions; one whose time is not over begins again, having moved nothing.
    error_code ignored;
    if (over) socket.cancel(ignored);
    const auto next = std::min(reading.deadline, writing.deadline);
    if (next < armed) arm(next);
  }
  // The writer is woken as well, and begins again.
  void wake_reader() {
    if (!reading.busy) return;
    reading.woken = true;
    error_code ignored;
    socket.cancel(ignored);
  }
  void close() {
    closed = true;
    error_code ignored;
    timer.cancel();
    socket.close(ignored);
  }

  Socket socket;
  asio::steady_timer timer;
  Moment armed = Moment::max();
  Direction reading;
  Direction writing;
  bool closed = false;
  std::size_t at_once = 0;  // octets written since the loop last had its turn
  Endpoint local;
  Endpoint peer;
};

// Ends a direction when its operation does, however that ends.
struct Busy {
  Busy(std::shared_ptr<State> of, Direction& which, base::Milliseconds timeout)
      : state(std::move(of)), direction(which) {
    state->begin(direction, timeout);
  }
  ~Busy() { State::end(direction); }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  std::shared_ptr<State> state;
  Direction& direction;
};

// What an operation that didn't succeed comes to; no error: begin it again.
base::Result<> outcome(const State& state, const Direction& direction, error_code error,
                       bool cancelled, const char* doing) {
  if (state.closed) return base::fail(ErrorKind::closed, "the connection was closed here");
  if (error != asio::error::operation_aborted) {
    return base::fail(ErrorKind::closed,
                      std::string(doing) + " " + state.peer.text() + ": " + error.message());
  }
  if (direction.timed_out) {
    return base::fail(ErrorKind::timeout,
                      std::string(doing) + " " + state.peer.text() + " took too long");
  }
  if (cancelled || direction.woken) return base::fail(ErrorKind::cancelled, "stopping");
  return {};
}

bool is_cancelled(const asio::cancellation_state& cancellation) {
  return cancellation.cancelled() != asio::cancellation_type::none;
}

// What is there without waiting; nothing: ask the loop, which tells what is wrong as well.
std::optional<std::size_t> read_now(State& state, std::span<char> buffer) {
  ASSERT(!state.reading.busy);
  const auto got = ::recv(state.socket.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  return got >= 0 ? std::optional(static_cast<std::size_t>(got)) : std::nullopt;
}

ResultTask<std::size_t> read(std::shared_ptr<State> state, std::span<char> buffer,
                             base::Milliseconds timeout) {
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (timeout <= base::Milliseconds(0) && !is_cancelled(cancellation) && !state->closed) {
    if (const auto got = read_now(*state, buffer)) co_return *got;
    if (errno == EAGAIN) co_return base::fail(ErrorKind::timeout, "nothing has come yet");
  }
  const Busy busy(state, state->reading, timeout);
  while (true) {
    error_code error = asio::error::operation_aborted;
    std::size_t octets = 0;
    if (!is_cancelled(cancellation) && !state->closed) {
      octets =
          co_await state->socket.async_read_some(asio::buffer(buffer.data(), buffer.size()),
                                                 asio::redirect_error(asio::use_awaitable, error));
    }
    if (!error) co_return octets;
    if (error == asio::error::eof) co_return std::size_t{0};
    CO_CHECK(outcome(*state, state->reading, error, is_cancelled(cancellation), "reading from"));
  }
}

ResultTask<> wait_for_octets(std::shared_ptr<State> state, base::Milliseconds timeout) {
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  const Busy busy(state, state->reading, timeout);
  while (true) {
    error_code error = asio::error::operation_aborted;
    if (!is_cancelled(cancellation) && !state->closed) {
      co_await state->socket.async_wait(Socket::wait_read,
                                        asio::redirect_error(asio::use_awaitable, error));
    }
    if (!error) co_return base::Result<>();
    CO_CHECK(outcome(*state, state->reading, error, is_cancelled(cancellation), "reading from"));
  }
}

// As much as the kernel takes at once: nearly always all of it, and then the loop need not be
// asked. What goes wrong here is told by the operation that waits. Who has long answers to many
// short questions doesn't keep the loop to himself: after so many octets the others have their
// turn.
std::size_t write_now(State& state, std::string_view octets) {
  ASSERT(!state.writing.busy);
  if (state.at_once > at_once_octets_max) return 0;
  const auto sent = ::send(state.socket.native_handle(), octets.data(), octets.size(),
                           MSG_NOSIGNAL | MSG_DONTWAIT);
  const auto octets_sent = sent > 0 ? static_cast<std::size_t>(sent) : 0;
  state.at_once += octets_sent;
  return octets_sent;
}

ResultTask<> write_all(std::shared_ptr<State> state, std::string_view octets,
                       base::Milliseconds timeout) {
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (!is_cancelled(cancellation) && !state->closed && !octets.empty())
    octets.remove_prefix(write_now(*state, octets));
  if (octets.empty()) co_return base::Result<>();
  const Busy busy(state, state->writing, timeout);
  while (!octets.empty()) {
    error_code error = asio::error::operation_aborted;
    if (!is_cancelled(cancellation) && !state->closed) {
      octets.remove_prefix(co_await state->socket.async_write_some(
          asio::buffer(octets.data(), octets.size()),
          asio::redirect_error(asio::use_awaitable, error)));
    }
    if (error)
      CO_CHECK(outcome(*state, state->writing, error, is_cancelled(cancellation), "writing to"));
  }
  co_return base::Result<>();
}

// Until the kernel knows whether the peer took the connection.
ResultTask<> wait_connected(std::shared_ptr<State> state, base::Milliseconds timeout) {
  const Busy busy(state, state->writing, timeout);
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  while (true) {
    error_code error = asio::error::operation_aborted;
    if (!is_cancelled(cancellation)) {
      co_await state->socket.async_wait(Socket::wait_write,
                                        asio::redirect_error(asio::use_awaitable, error));
    }
    if (!error) break;
    CO_CHECK(outcome(*state, state->writing, error, is_cancelled(cancellation), "connecting to"));
  }
  int error = 0;
  socklen_t octets = sizeof error;
  if (getsockopt(state->socket.native_handle(), SOL_SOCKET, SO_ERROR, &error, &octets) != 0)
    error = errno;
  if (error == 0) co_return base::Result<>();
  co_return base::fail(error == ETIMEDOUT ? ErrorKind::timeout : ErrorKind::unavailable,
                       sentence("connecting to", state->peer, error));
}

// A socket closed with octets unread resets the connection, and our last words may be lost with
// it. So what still comes is read and thrown away until the peer ends too.
Task<> say_goodbye(std::shared_ptr<State> state, base::Milliseconds timeout) {
  if (!state->closed && ::shutdown(state->socket.native_handle(), SHUT_WR) == 0 &&
      !state->reading.busy) {
    const auto until = asio::steady_timer::clock_type::now() + timeout;
    std::size_t left = goodbye_octets_max;
    std::array<char, 512> thrown_away;
    while (true) {
      const auto rest =
          std::chrono::ceil<base::Milliseconds>(until - asio::steady_timer::clock_type::now());
      if (rest <= base::Milliseconds(0)) break;
      const auto octets = co_await read(state, thrown_away, rest);
      if (!octets || *octets == 0 || *octets > left) break;
      left -= *octets;
    }
  }
  state->close();
}

class TcpConnection final : public Connection {
 public:
  explicit TcpConnection(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~TcpConnection() override { state_->close(); }
  ResultTask<std::size_t> read_some(std::span<char> buffer, base::Milliseconds timeout) override {
    ASSERT(!buffer.empty());
    return read(state_, buffer, timeout);
  }
  ResultTask<> wait_readable(base::Milliseconds timeout) override {
    return wait_for_octets(state_, timeout);
  }
  ResultTask<> write(std::string_view octets, base::Milliseconds timeout) override {
    return write_all(state_, octets, timeout);
  }
  void close() override { state_->close(); }
  void wake_reader() override { state_->wake_reader(); }
  Task<> shutdown(base::Milliseconds timeout) override { return say_goodbye(state_, timeout); }
  Endpoint local() const override { return state_->local; }
  Endpoint peer() const override { return state_->peer; }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<Connection> adopt_here(const asio::any_io_executor& executor,
                                       os::Descriptor socket) {
  const int number = socket.number();
  const auto state = std::make_shared<State>(executor, std::move(socket));
  state->local = local_of(number);
  state->peer = peer_of(number);
  return std::make_unique<TcpConnection>(state);
}

std::unique_ptr<Connection> adopt_connection(Loop& loop, os::Descriptor socket) {
  return adopt_here(loop.context().get_executor(), std::move(socket));
}

ResultTask<std::unique_ptr<Connection>> TcpNetwork::connect(Endpoint to, ConnectOptions options) {
  CO_TRY(auto socket, open_socket(to, options.source));
  const int number = socket.number();
  const auto state = std::make_shared<State>(co_await asio::this_coro::executor, std::move(socket));
  state->peer = to;
  const auto address = SocketAddress::of(to);
  if (::connect(number, address.pointer(), address.octets) != 0 && errno != EINPROGRESS) {
    co_return base::fail(errno == EAGAIN ? ErrorKind::full : ErrorKind::unavailable,
                         sentence("connecting to", to, errno));
  }
  // From here on the connection owns the state, so that whatever ends this closes the socket.
  auto connection = std::make_unique<TcpConnection>(state);
  CO_CHECK(co_await wait_connected(state, options.timeout));
  state->local = local_of(number);
  // A port of our own that nobody listens at can meet itself (RFC 9293 §3.5, simultaneous open).
  if (state->local == to)
    co_return base::fail(ErrorKind::unavailable, sentence("connecting to", to, ECONNREFUSED));
  co_return connection;
}

}  // namespace letterlock::net
