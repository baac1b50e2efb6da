#include "os/process_figures.h"

#include <array>
#include <charconv>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace letterlock::os {
namespace {

std::vector<Sample> one(double value) {
  return {{{}, value}};
}

double cpu_seconds() {
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) != 0) return 0;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double descriptors_max() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

}  // namespace

base::Result<std::unique_ptr<ProcessFigures>> ProcessFigures::create(Metrics& metrics,
                                                                     const Clock& clock) {
  Descriptor memory(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  Descriptor descriptors(::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!memory || !descriptors)
    return base::fail(base::ErrorKind::io, "/proc/self can't be read: mount /proc");
  std::unique_ptr<ProcessFigures> out(
      new ProcessFigures(std::move(memory), std::move(descriptors)));
  const auto* self = out.get();
  using Kind = Metrics::Kind;
  metrics.asked(Kind::gauge, "process_resident_memory_bytes", "Memory of the process in RAM.",
                [self] { return one(self->resident_octets()); });
  metrics.asked(Kind::gauge, "process_open_fds", "Descriptors that are open.",
                [self] { return one(self->open_descriptors()); });
  metrics.asked(Kind::gauge, "process_max_fds", "Descriptors that may be open at once.",
                [] { return one(descriptors_max()); });
  metrics.asked(Kind::counter, "process_cpu_seconds_total", "CPU time of the process.",
                [] { return one(cpu_seconds()); });
  metrics.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.")
      .set(base::to_milliseconds(clock.now()) / 1000);
  return out;
}

// The second number of statm: pages in RAM.
double ProcessFigures::resident_octets() const {
  std::array<char, 128> text{};
  const auto count = ::pread(memory_.number(), text.data(), text.size(), 0);
  if (count <= 0) return 0;
  const std::string_view line(text.data(), static_cast<std::size_t>(count));
  const auto second = line.substr(std::min(line.find(' ') + 1, line.size()));
  std::uint64_t pages = 0;
  std::from_chars(second.data(), second.data() + second.size(), pages);
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double ProcessFigures::open_descriptors() const {
  const int again = ::openat(descriptors_.number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return 0;
  DIR* folder = ::fdopendir(again);
  if (folder == nullptr) {
    ::close(again);
    return 0;
  }
  std::size_t count = 0;
  while (const auto* entry = ::readdir(folder)) count += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(folder);
  return static_cast<double>(count) - 1;  // but the one it is counted through
}

}  // namespace letterlock::os
