// libunbound's context and the thread that brings its answers back. Inside dns. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "dns/answer.h"
#include "dns/unbound.h"
#include "net/loop.h"
#include "os/descriptor.h"

struct ub_ctx;
struct ub_result;

namespace letterlock::dns {

class UnboundResolver::Engine {
 public:
  static base::Result<std::unique_ptr<Engine>> create(const UnboundOptions& options,
                                                      const os::Clock& clock);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // A question under way. Destroying it loses the answer, not the question's place: libunbound
  // works on it to its end, and only then may another take the place.
  class Question {
   public:
    Question(Engine& engine, std::uint64_t number, net::Promise<base::Result<Reply>> promise)
        : engine_(engine), number_(number), promise_(std::move(promise)) {}
    ~Question();
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    // Errors: timeout, unavailable, cancelled.
    net::ResultTask<Reply> answer();

   private:
    Engine& engine_;
    std::uint64_t number_;
    net::Promise<base::Result<Reply>> promise_;
  };
  // `name` without the last dot, "" for the root. Errors: unavailable (too many questions).
  base::Result<std::unique_ptr<Question>> ask(const std::string& name, Type type);

 private:
  struct Place {
    Engine* engine = nullptr;
    std::uint64_t number = 0;
    std::string what;  // "MX of birch.example"
    // As long as somebody wants the answer: a promise holds on to the loop of the task that waits.
    std::optional<net::Promise<base::Result<Reply>>> promise = net::Promise<base::Result<Reply>>();

    void settle(base::Result<Reply> reply) {
      if (promise) promise->set(std::move(reply));
      promise.reset();
    }
  };
  struct Free {
    void operator()(ub_ctx* context) const;
  };

  Engine(const UnboundOptions& options, const os::Clock& clock);
  static void answered(void* place, int error, ub_result* result);
  void arrived(std::uint64_t number, base::Result<Reply> reply);
  void forget(std::uint64_t number);
  void bring_answers();
  int poll_wait() const;
  void expire();
  void ring() const;

  const os::Clock& clock_;
  const base::Milliseconds timeout_;
  const std::size_t questions_max_;
  std::unique_ptr<ub_ctx, Free> context_;
  os::Descriptor bell_;
  mutable std::mutex mutex_;  // what follows
  bool ending_ = false;
  std::uint64_t next_number_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Place>> places_;
  std::deque<std::pair<os::Steady, std::uint64_t>>
      deadlines_;  // in order, for all wait equally long
  std::thread thread_;
};

// A context that is ready to be asked. Errors as UnboundResolver::create.
base::Result<ub_ctx*> make_context(const UnboundOptions& options);

}  // namespace letterlock::dns
