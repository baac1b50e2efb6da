// Doors: waiting for peers, what to do when the process has no descriptor left, and handing
// connections to loops.
#include <cerrno>
#include <optional>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <sys/socket.h>

#include "net/sockets.h"
#include "net/tcp.h"

namespace letterlock::net {
namespace asio = boost::asio;
using base::ErrorKind;
using boost::system::error_code;

namespace {

// How long a listener rests when the process or the machine has no descriptor left.
constexpr base::Milliseconds rest = std::chrono::milliseconds(100);
// After so many connections in a row that waited already, others get their turn on the loop.
constexpr unsigned burst_max = 16;

os::Descriptor open_reserve() {
  return os::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool is_out_of_descriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

struct TcpListener::State {
  State(os::Descriptor descriptor, base::EventSink& to)
      : socket(std::move(descriptor)),
        local(local_of(socket.number())),
        events(to),
        reserve(open_reserve()) {}

  os::Descriptor accept_now() const {
    return os::Descriptor(
        ::accept4(socket.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  }
  // With the reserve given up one peer can be taken in and sent away, so that it tries another
  // host at once instead of waiting for ours.
  void send_one_away() {
    if (!reserve) return;
    reserve.reset();
    (void)accept_now();
    reserve = open_reserve();
  }
  void close() {
    closed = true;
    if (waiting) {
      (void)waiting->release();
      waiting.reset();
    }
    timer.reset();
    socket.reset();
    reserve.reset();
  }
  // Until a peer comes, the moment is over, or close().
  static Task<> wait_for_peer(std::shared_ptr<State> state);
  static Task<> wait_a_moment(std::shared_ptr<State> state);

  os::Descriptor socket;
  Endpoint local;
  base::EventSink& events;
  os::Descriptor reserve;
  std::optional<asio::posix::stream_descriptor> waiting;  // made on the loop that accepts
  std::optional<asio::steady_timer> timer;
  bool closed = false;
  bool starved = false;
  unsigned burst = 0;
};

Task<> TcpListener::State::wait_for_peer(std::shared_ptr<State> state) {
  error_code ignored;
  if (!state->waiting) {
    error_code error;
    state->waiting.emplace(co_await asio::this_coro::executor);
    state->waiting->assign(state->socket.number(), error);
    if (error) {
      state->waiting.reset();
      co_await wait_a_moment(state);
      co_return;
    }
  }
  co_await state->waiting->async_wait(asio::posix::stream_descriptor::wait_read,
                                      asio::redirect_error(asio::use_awaitable, ignored));
}

Task<> TcpListener::State::wait_a_moment(std::shared_ptr<State> state) {
  error_code ignored;
  state->timer.emplace(co_await asio::this_coro::executor, rest);
  co_await state->timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

TcpListener::TcpListener(os::Descriptor socket, base::EventSink& events)
    : state_(std::make_shared<State>(std::move(socket), events)) {}

TcpListener::~TcpListener() {
  state_->close();
}

Endpoint TcpListener::local() const {
  return state_->local;
}

void TcpListener::close() {
  state_->close();
}

ResultTask<os::Descriptor> TcpListener::accept_socket() {
  const auto state = state_;
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  while (true) {
    if (state->closed)
      co_return base::fail(ErrorKind::closed, "no longer listening at " + state->local.text());
    if (cancellation.cancelled() != asio::cancellation_type::none)
      co_return base::fail(ErrorKind::cancelled, "stopping");
    if (state->burst >= burst_max) {
      state->burst = 0;
      co_await yield();
      continue;
    }
    auto accepted = state->accept_now();
    if (accepted) {
      ++state->burst;
      state->starved = false;
      co_return accepted;
    }
    const int error = errno;
    if (error == EAGAIN) {
      state->burst = 0;
      co_await State::wait_for_peer(state);
    } else if (is_out_of_descriptors(error)) {
      if (!std::exchange(state->starved, true)) {
        state->events.emit({base::Severity::error,
                            "net.out_of_descriptors",
                            {{"listener", state->local.text()},
                             {"reason", sentence("accepting at", state->local, error)}}});
      }
      state->send_one_away();
      co_await State::wait_a_moment(state);
    } else {
      // accept(2): errors of the peer's connection that came before it was taken; they pass.
      ++state->burst;
    }
  }
}

ResultTask<std::unique_ptr<Connection>> TcpListener::accept() {
  CO_TRY(auto socket, co_await accept_socket());
  co_return adopt_here(co_await asio::this_coro::executor, std::move(socket));
}

Acceptor::Acceptor(std::unique_ptr<TcpListener> listener, std::vector<Loop*> loops, Take take)
    : listener_(std::move(listener)),
      loops_(std::move(loops)),
      take_(std::move(take)),
      local_(listener_->local()) {}

Task<> Acceptor::run() {
  while (true) {
    auto socket = co_await listener_->accept_socket();
    if (!socket) break;
    const auto index = next_++ % loops_.size();
    // A posted function must be copyable; the descriptor isn't. A loop that ends first closes it.
    const auto held = std::make_shared<os::Descriptor>(std::move(*socket));
    Loop* loop = loops_[index];
    loop->post([held, loop, index, take = take_] {
      take(index, adopt_connection(*loop, std::move(*held)));
    });
  }
}

void Acceptor::close() {
  listener_->close();
}

base::Result<std::unique_ptr<TcpListener>> TcpNetwork::listen_tcp(Endpoint at) {
  auto socket = TRY(open_listener(at));
  return std::make_unique<TcpListener>(std::move(socket), events_);
}

base::Result<os::Descriptor> TcpNetwork::open_port(const Endpoint& at) {
  return open_listener(at);
}

base::Result<std::unique_ptr<Listener>> TcpNetwork::listen(Endpoint at) {
  return TRY(listen_tcp(at));
}

base::Result<std::unique_ptr<TcpListener>> TcpNetwork::adopt_listener(os::Descriptor socket) {
  int listens = 0;
  socklen_t octets = sizeof listens;
  if (getsockopt(socket.number(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &octets) != 0 ||
      listens == 0) {
    return base::fail(ErrorKind::invalid, "descriptor " + std::to_string(socket.number()) +
                                              " is not a listening socket");
  }
  const int number = socket.number();
  if (fcntl(number, F_SETFD, FD_CLOEXEC) != 0 ||
      fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) != 0) {
    return base::fail(ErrorKind::io, "descriptor " + std::to_string(number) +
                                         " can't be made close-on-exec and non-blocking");
  }
  set_connection_options(number);
  return std::make_unique<TcpListener>(std::move(socket), events_);
}

}  // namespace letterlock::net
