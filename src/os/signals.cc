#include "os/signals.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/assert.h"

namespace letterlock::os {

base::Result<std::unique_ptr<Signals>> Signals::create() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  // A write to a peer that has gone is an error code; as a signal it would end the process.
  (void)std::signal(SIGPIPE, SIG_IGN);
  Descriptor end(eventfd(0, EFD_CLOEXEC));
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0 || !end)
    return base::fail(base::ErrorKind::io, "signals can't be blocked");
  Descriptor signals(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return base::fail(base::ErrorKind::io, "signals can't be waited for");
  return std::unique_ptr<Signals>(new Signals(std::move(signals), std::move(end)));
}

void Signals::listen(std::function<void(Asked)> asked) {
  ASSERT(!thread_.joinable());
  thread_ = std::thread([this, asked = std::move(asked)] { run(asked); });
}

Signals::~Signals() {
  const std::uint64_t one = 1;
  (void)!::write(end_.number(), &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

void Signals::run(const std::function<void(Asked)>& asked) const {
  std::array<pollfd, 2> waiting{{{signals_.number(), POLLIN, 0}, {end_.number(), POLLIN, 0}}};
  while (true) {
    if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    signalfd_siginfo about{};
    while (::read(signals_.number(), &about, sizeof about) == sizeof about) {
      asked(about.ssi_signo == SIGHUP ? Asked::reload : Asked::stop);
    }
  }
}

}  // namespace letterlock::os
