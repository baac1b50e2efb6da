// Stands between a program and the C library's clocks (LD_PRELOAD), so that all of the tests can be
// run on another day: LETTERLOCK_CLOCK_AHEAD says how many seconds the wall clock is ahead. Steady
// clocks are as they were, and so are files' times, which the kernel makes.
//
// A wait until a time of that clock is told to the kernel in its own time.
#include <cstdlib>
#include <ctime>

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

time_t ahead() {
  static const time_t seconds = [] {
    const char* text = std::getenv("LETTERLOCK_CLOCK_AHEAD");
    return text == nullptr ? time_t{0} : static_cast<time_t>(std::strtoll(text, nullptr, 10));
  }();
  return seconds;
}

bool is_wall(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

// Not by dlsym, which allocates: an allocator asks for the time before it is ready.
int asked(clockid_t clock, timespec* time) {
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (result == 0 && is_wall(clock)) time->tv_sec += ahead();
  return result;
}

// A deadline of the steady clock is much smaller than any of the wall clock, and stays.
timespec in_real_time(const timespec& deadline) {
  timespec now{};
  ::syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  auto real = deadline;
  if (real.tv_sec > now.tv_sec / 2 + ahead() / 2) real.tv_sec -= ahead();
  return real;
}

template <class Function>
Function next(const char* name, const char* version) {
  void* found = ::dlvsym(RTLD_NEXT, name, version);  // an older one stands beside it on x86-64
  return reinterpret_cast<Function>(found != nullptr ? found : ::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  return asked(clock, time);
}

time_t time(time_t* into) noexcept {
  timespec now{};
  asked(CLOCK_REALTIME, &now);
  if (into != nullptr) *into = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(timeval* into, void* /*zone*/) noexcept {
  timespec now{};
  if (asked(CLOCK_REALTIME, &now) != 0) return -1;
  *into = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

int timespec_get(timespec* into, int base) noexcept {
  return base == TIME_UTC && asked(CLOCK_REALTIME, into) == 0 ? base : 0;
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* deadline) {
  static const auto real =
      next<decltype(&pthread_cond_timedwait)>("pthread_cond_timedwait", "GLIBC_2.3.2");
  const auto until = in_real_time(*deadline);
  return real(condition, mutex, &until);
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* deadline) {
  static const auto real =
      next<decltype(&pthread_cond_clockwait)>("pthread_cond_clockwait", "GLIBC_2.34");
  const auto until = is_wall(clock) ? in_real_time(*deadline) : *deadline;
  return real(condition, mutex, clock, &until);
}

int sem_timedwait(sem_t* semaphore, const timespec* deadline) {
  static const auto real = next<decltype(&sem_timedwait)>("sem_timedwait", "GLIBC_2.34");
  const auto until = in_real_time(*deadline);
  return real(semaphore, &until);
}

}  // extern "C"
