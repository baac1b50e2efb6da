#include "net/loop.h"

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/assert.h"

namespace letterlock::net {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// A spawned task with the signal that cancels it. Once cancelled it stays cancelled: the task's
// own cancellation state remembers, and each later wait fails at once. A task that is cancelled
// before its first step hears of it at that step: until then Asio would throw out of it.
class Spawned final : public Running {
 public:
  void cancel() override {
    asked_ = true;
    if (begun_ && !ended_) signal_.emit(asio::cancellation_type::terminal);
  }
  void begin() {
    begun_ = true;
    if (asked_) cancel();
  }
  void end() { ended_ = true; }
  asio::cancellation_slot slot() { return signal_.slot(); }

 private:
  asio::cancellation_signal signal_;
  bool asked_ = false;
  bool begun_ = false;
  bool ended_ = false;
};

Task<> keep_cancelled(std::shared_ptr<Spawned> spawned, Task<> task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  spawned->begin();
  co_await std::move(task);
}

[[noreturn]] void end_on(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bug: an exception left a task: %s\n", error.what());
  } catch (...) {
    std::fprintf(stderr, "bug: an unknown exception left a task\n");
  }
  std::abort();
}

std::shared_ptr<Spawned> spawn_on(const asio::any_io_executor& executor, Task<> task,
                                  std::function<void()> done) {
  auto spawned = std::make_shared<Spawned>();
  asio::co_spawn(
      executor, keep_cancelled(spawned, std::move(task)),
      asio::bind_cancellation_slot(
          spawned->slot(), [spawned, done = std::move(done)](const std::exception_ptr& exception) {
            spawned->end();
            if (exception) end_on(exception);
            if (done) done();
          }));
  return spawned;
}

auto cancelled() {
  return base::fail(base::ErrorKind::cancelled, "stopping");
}

}  // namespace

Task<bool> is_cancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

Loop::Loop() : context_(std::make_unique<asio::io_context>(1)) {}
Loop::~Loop() = default;

std::shared_ptr<Running> Loop::spawn(Task<> task, std::function<void()> done) {
  return spawn_on(context_->get_executor(), std::move(task), std::move(done));
}

void Loop::post(std::function<void()> function) {
  asio::post(*context_, std::move(function));
}

void Loop::run() {
  const auto stay = asio::make_work_guard(*context_);
  context_->run();
}

void Loop::stop() {
  context_->stop();
}

std::size_t Loop::poll(std::size_t most) {
  context_->restart();
  std::size_t ran = 0;
  while (ran < most && context_->poll_one() > 0) ++ran;
  return ran;
}

bool Loop::is_this_thread() const {
  return context_->get_executor().running_in_this_thread();
}

ResultTask<> LoopTimers::sleep(base::Milliseconds duration) {
  if (co_await is_cancelled()) co_return cancelled();
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  error_code error;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return cancelled();
  co_return base::Result<>();
}

namespace {

// A task that waits without a timer. Its loop owns it, so that a loop that is destroyed takes its
// waiting tasks with it, whether what they wait for ever happens or not.
struct Parked {
  asio::any_io_executor executor;
  std::move_only_function<void()> resume;
};

// Each loop's parked tasks. Used on the loop's thread alone.
class Park final : public asio::execution_context::service {
 public:
  using key_type = Park;
  static inline asio::execution_context::id id;
  explicit Park(asio::execution_context& context) : service(context) {}
  void shutdown() noexcept override { const auto gone = std::exchange(parked_, {}); }

  static Park& of(const asio::any_io_executor& executor) {
    return asio::use_service<Park>(asio::query(executor, asio::execution::context));
  }
  void add(std::shared_ptr<Parked> task) { parked_.insert(std::move(task)); }
  void remove(const std::shared_ptr<Parked>& task) { parked_.erase(task); }

 private:
  std::unordered_set<std::shared_ptr<Parked>> parked_;
};

void resume_soon(const std::weak_ptr<Parked>& weak) {
  auto task = weak.lock();
  if (!task) return;
  const auto executor = task->executor;
  asio::post(executor, [task = std::move(task)] {
    Park::of(task->executor).remove(task);
    task->resume();
  });
}

}  // namespace

// Waiters that may be cancelled are timers that never fire: cancelling one is how it is woken, on
// its own executor. The others are only resumed there.
struct Signal::State {
  mutable std::mutex mutex;
  bool set = false;
  std::vector<std::shared_ptr<asio::steady_timer>> waiters;
  std::vector<std::weak_ptr<Parked>> parked;
};

Signal::Signal() : state_(std::make_shared<State>()) {}
Signal::~Signal() = default;

void Signal::set() {
  std::vector<std::shared_ptr<asio::steady_timer>> waiters;
  std::vector<std::weak_ptr<Parked>> parked;
  {
    const std::scoped_lock lock(state_->mutex);
    state_->set = true;
    waiters.swap(state_->waiters);
    parked.swap(state_->parked);
  }
  for (const auto& task : parked) resume_soon(task);
  for (const auto& waiter : waiters)
    asio::post(waiter->get_executor(), [waiter] { waiter->cancel(); });
}

bool Signal::is_set() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->set;
}

ResultTask<> Signal::wait() {
  const auto state = state_;
  if (co_await is_cancelled()) co_return cancelled();
  const auto executor = co_await asio::this_coro::executor;
  const auto timer =
      std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
  {
    const std::scoped_lock lock(state->mutex);
    if (state->set) co_return base::Result<>();
    state->waiters.push_back(timer);
  }
  // set() may come between here and the wait; it posts to this executor, so its cancel runs after
  // the wait has begun.
  error_code error;
  co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, error));
  const std::scoped_lock lock(state->mutex);
  if (state->set) co_return base::Result<>();
  std::erase(state->waiters, timer);
  co_return cancelled();
}

// No cancellation reaches this wait; the state of the task remembers it, so it isn't lost.
Task<> Signal::wait_to_the_end() {
  const auto state = state_;
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [&state](auto handler) {
        const auto executor = asio::get_associated_executor(handler);
        const auto task = std::make_shared<Parked>(executor, std::move(handler));
        Park::of(executor).add(task);
        {
          const std::scoped_lock lock(state->mutex);
          if (!state->set) {
            state->parked.push_back(task);
            return;
          }
        }
        resume_soon(task);
      },
      asio::use_awaitable);
}

// The waiter owns one round; a ring ends the round that stands.
struct Bell::State {
  std::mutex mutex;
  bool rung = false;
  std::shared_ptr<Signal> waiting;
};

Bell::Bell() : state_(std::make_shared<State>()) {}
Bell::~Bell() = default;

void Bell::ring() {
  std::shared_ptr<Signal> waiting;
  {
    const std::scoped_lock lock(state_->mutex);
    state_->rung = true;
    waiting = state_->waiting;
  }
  if (waiting) waiting->set();
}

namespace {
Task<> ring_after(Timers& timers, base::Milliseconds duration, std::shared_ptr<Signal> signal) {
  if (co_await timers.sleep(duration)) signal->set();
}
}  // namespace

ResultTask<bool> Bell::wait(Timers& timers, base::Milliseconds timeout) {
  const auto state = state_;
  const auto signal = std::make_shared<Signal>();
  {
    const std::scoped_lock lock(state->mutex);
    if (state->rung) {
      state->rung = false;
      co_return true;
    }
    state->waiting = signal;
  }
  const auto sleeping =
      spawn_on(co_await asio::this_coro::executor, ring_after(timers, timeout, signal), {});
  const auto waited = co_await signal->wait();
  sleeping->cancel();
  const std::scoped_lock lock(state->mutex);
  state->waiting = nullptr;
  if (!waited) co_return base::fail(waited.error());
  co_return std::exchange(state->rung, false);
}

struct ThreadWorkers::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::pair<std::function<void()>, std::shared_ptr<Signal>>> waiting;
  std::size_t waiting_max = 0;
  bool ending = false;
  std::vector<std::thread> threads;

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return ending || !waiting.empty(); });
      if (waiting.empty()) return;
      const auto [job, done] = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      job();
      done->set();
      lock.lock();
    }
  }
};

ThreadWorkers::ThreadWorkers(unsigned threads, std::size_t waiting_max)
    : state_(std::make_shared<State>()) {
  state_->waiting_max = waiting_max;
  for (unsigned i = 0; i < threads; ++i)
    state_->threads.emplace_back([state = state_] { state->work(); });
}

ThreadWorkers::~ThreadWorkers() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->ending = true;
  }
  state_->changed.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

ResultTask<> ThreadWorkers::run(std::function<void()> work) {
  const auto done = std::make_shared<Signal>();
  {
    const std::scoped_lock lock(state_->mutex);
    if (state_->waiting.size() >= state_->waiting_max)
      co_return base::fail(base::ErrorKind::full, "too much work waits for the worker threads");
    state_->waiting.emplace_back(std::move(work), done);
  }
  state_->changed.notify_one();
  co_await done->wait_to_the_end();  // the work refers to the caller's variables
  co_return base::Result<>();
}

ResultTask<> InlineWorkers::run(std::function<void()> work) {
  work();
  co_return base::Result<>();
}

struct Gate::State {
  Loop& loop;
  bool closing = false;
  std::uint64_t next = 0;
  std::map<std::uint64_t, std::shared_ptr<Running>> running;
  Bell ended;
};

Gate::Gate(Loop& loop) : state_(std::make_shared<State>(loop)) {}
Gate::~Gate() {
  ASSERT(state_->running.empty());
}

bool Gate::start(Task<> task) {
  if (state_->closing) return false;
  const auto number = state_->next++;
  // The task never starts inside spawn(), so it can't end before it is noted.
  state_->running[number] = state_->loop.spawn(std::move(task), [state = state_, number] {
    state->running.erase(number);
    state->ended.ring();
  });
  return true;
}

std::size_t Gate::running() const {
  return state_->running.size();
}

namespace {
template <class GateState>
Task<> end_all(std::shared_ptr<GateState> state, Timers& timers, base::Milliseconds grace) {
  bool in_grace = grace > base::Milliseconds(0);
  while (!state->running.empty()) {
    if (in_grace) {
      // Any end rings; when a whole grace passes without one, the rest is cancelled.
      const auto rung = co_await state->ended.wait(timers, grace);
      if (rung && *rung) continue;
      in_grace = false;
    }
    const auto running = state->running;
    for (const auto& [number, task] : running) task->cancel();
    (void)co_await state->ended.wait(timers, std::chrono::seconds(1));
  }
}
}  // namespace

// By a task of its own: whoever closes a gate may be cancelled already, and its waits fail at once.
Task<> Gate::close(Timers& timers, base::Milliseconds grace) {
  state_->closing = true;
  Signal closed;
  state_->loop.spawn(end_all(state_, timers, grace), [closed]() mutable { closed.set(); });
  co_await closed.wait_to_the_end();
}

Task<void> yield() {
  const auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
}

}  // namespace letterlock::net
