#include "dns/engine.h"

#include <algorithm>
#include <array>

#include <poll.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

namespace letterlock::dns {
using base::ErrorKind;

namespace {

constexpr int class_internet = 1;

Reply reply_from(const ub_result& result) {
  Reply reply;
  reply.rcode = result.rcode;
  reply.name_exists = result.nxdomain == 0;
  reply.secure = result.secure != 0;
  reply.bogus = result.bogus != 0;
  if (result.why_bogus != nullptr) reply.why_bogus = result.why_bogus;
  if (result.canonname != nullptr) reply.canonical_name = result.canonname;
  // One more than is allowed is enough to know that there are too many.
  for (std::size_t i = 0; result.havedata != 0 && result.data[i] != nullptr && i <= records_max;
       ++i) {
    reply.rdata.emplace_back(result.data[i], static_cast<std::size_t>(std::max(result.len[i], 0)));
  }
  reply.time_to_live_seconds = result.ttl;
  return reply;
}

}  // namespace

void UnboundResolver::Engine::Free::operator()(ub_ctx* context) const {
  ub_ctx_delete(context);
}

UnboundResolver::Engine::Engine(const UnboundOptions& options, const os::Clock& clock)
    : clock_(clock), timeout_(options.timeout), questions_max_(options.questions_max) {}

base::Result<std::unique_ptr<UnboundResolver::Engine>> UnboundResolver::Engine::create(
    const UnboundOptions& options, const os::Clock& clock) {
  std::unique_ptr<Engine> engine(new Engine(options, clock));
  engine->context_.reset(TRY(make_context(options)));
  engine->bell_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!engine->bell_) return base::fail(ErrorKind::io, "no descriptor is left for the resolver");
  engine->thread_ = std::thread([raw = engine.get()] { raw->bring_answers(); });
  return engine;
}

UnboundResolver::Engine::~Engine() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
    for (const auto& [number, place] : places_) {
      place->settle(base::fail(ErrorKind::cancelled, "the resolver ends"));
    }
  }
  ring();
  if (thread_.joinable()) thread_.join();
  context_.reset();  // no callback comes any more: the places may go
}

void UnboundResolver::Engine::ring() const {
  const std::uint64_t one = 1;
  // Can only fail when the bell rings already.
  [[maybe_unused]] const auto written = ::write(bell_.number(), &one, sizeof one);
}

base::Result<std::unique_ptr<UnboundResolver::Engine::Question>> UnboundResolver::Engine::ask(
    const std::string& name, Type type) {
  auto place = std::make_unique<Place>();
  auto* raw = place.get();
  raw->engine = this;
  raw->what = std::string(dns::name(type)) + " of " + (name.empty() ? "the root" : name);
  auto promise = *raw->promise;
  bool first = false;
  {
    const std::scoped_lock lock(mutex_);
    if (places_.size() >= questions_max_)
      return base::fail(ErrorKind::unavailable, "too many names are being looked up at once");
    raw->number = next_number_++;
    first = deadlines_.empty();
    deadlines_.emplace_back(clock_.steady() + timeout_, raw->number);
    places_.emplace(raw->number, std::move(place));
  }
  const auto number = raw->number;
  auto question = std::make_unique<Question>(*this, number, std::move(promise));
  // Not under the lock: libunbound takes its own, and calls answered() from the other thread.
  const int error = ub_resolve_async(context_.get(), (name + ".").c_str(), static_cast<int>(type),
                                     class_internet, raw, &Engine::answered, nullptr);
  if (error != UB_NOERROR) {
    arrived(number, base::fail(ErrorKind::unavailable,
                               std::string("libunbound can't ask: ") + ub_strerror(error)));
  } else if (first) {
    ring();  // the thread sleeps without a deadline
  }
  return question;
}

void UnboundResolver::Engine::answered(void* place, int error, ub_result* result) {
  auto& asked = *static_cast<Place*>(place);
  base::Result<Reply> reply =
      base::fail(ErrorKind::unavailable, "libunbound failed on " + asked.what);
  if (error == 0 && result != nullptr) reply = reply_from(*result);
  ub_resolve_free(result);
  asked.engine->arrived(asked.number, std::move(reply));
}

void UnboundResolver::Engine::arrived(std::uint64_t number, base::Result<Reply> reply) {
  const std::scoped_lock lock(mutex_);
  const auto found = places_.find(number);
  if (found == places_.end()) return;
  // Under the lock, so that no Question ends between the two.
  found->second->settle(std::move(reply));
  places_.erase(found);
}

void UnboundResolver::Engine::forget(std::uint64_t number) {
  const std::scoped_lock lock(mutex_);
  const auto found = places_.find(number);
  if (found != places_.end()) found->second->promise.reset();
}

void UnboundResolver::Engine::expire() {
  const std::scoped_lock lock(mutex_);
  while (!deadlines_.empty()) {
    const auto [deadline, number] = deadlines_.front();
    const auto found = places_.find(number);
    if (found != places_.end() && found->second->promise) {
      if (deadline > clock_.steady()) return;
      found->second->settle(base::fail(
          ErrorKind::timeout, "no name server answered in time about " + found->second->what));
    }
    deadlines_.pop_front();
  }
}

// In milliseconds, -1: for ever.
int UnboundResolver::Engine::poll_wait() const {
  const std::scoped_lock lock(mutex_);
  if (deadlines_.empty()) return -1;
  const auto left = (deadlines_.front().first - clock_.steady()).count() + 1;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void UnboundResolver::Engine::bring_answers() {
  std::array<pollfd, 2> waits{{{ub_fd(context_.get()), POLLIN, 0}, {bell_.number(), POLLIN, 0}}};
  while (true) {
    ::poll(waits.data(), waits.size(), poll_wait());
    {
      const std::scoped_lock lock(mutex_);
      if (ending_) return;
    }
    std::uint64_t rung = 0;
    if (waits[1].revents != 0) (void)!::read(bell_.number(), &rung, sizeof rung);
    if (waits[0].revents != 0) ub_process(context_.get());
    expire();
  }
}

UnboundResolver::Engine::Question::~Question() {
  engine_.forget(number_);
}

net::ResultTask<Reply> UnboundResolver::Engine::Question::answer() {
  CO_TRY(auto reply, co_await promise_.wait());
  co_return reply;
}

}  // namespace letterlock::dns
