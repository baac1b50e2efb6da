// Stands between the program and the C library's calls that change files (LD_PRELOAD), so that the
// real binary can be ended, or told of a failure, at the Nth of them, counted over all its threads.
// (strace counts for each thread by itself.)
//
// The scenario and this share one page of memory: a file that LETTERLOCK_CALLS names, mapped when
// the program is loaded, so that neither closed descriptors nor confinement get between. Only files
// beneath the page's folder count.
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace {

// What of the calls counts, as a sum.
constexpr std::uint32_t sync_calls = 1;
constexpr std::uint32_t write_calls = 2;
constexpr std::uint32_t name_calls = 4;  // rename, unlink, ftruncate

enum class Act : std::uint32_t { nothing, end_before, end_after, end_within, fail };

// tests/scenarios/lib/calls.py knows this layout.
struct Page {
  std::atomic<std::uint64_t> all_syncs;  // since the program was loaded
  std::atomic<std::uint64_t> counted;    // of `kinds`, since the scenario set it to 0
  std::atomic<std::uint64_t> at;         // the one that is acted on; 0: none
  std::atomic<std::uint32_t> kinds;
  std::atomic<std::uint32_t> act;
  std::atomic<std::uint32_t> error;    // errno of a failing call
  std::atomic<std::uint32_t> onwards;  // 1: all that follow as well
  std::atomic<std::uint32_t> acted;    // how often
  std::uint32_t unused;
  char call[16];  // the one that was acted on last
  char file[192];
  char folder[256];
};

Page* page = nullptr;
constexpr int ended_here = 137;

__attribute__((constructor)) void load() {
  const char* name = std::getenv("LETTERLOCK_CALLS");
  if (name == nullptr) return;
  const int file = ::open(name, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (mapped != MAP_FAILED) page = static_cast<Page*>(mapped);
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

bool is_ours(const char* file) {
  const auto length = std::strlen(page->folder);
  return length > 0 && std::strncmp(file, page->folder, length) == 0;
}

bool is_ours(int descriptor, char (&file)[192]) {
  if (page == nullptr || descriptor <= STDERR_FILENO) return false;
  char link[32] = "/proc/self/fd/";
  char digits[12];
  int count = 0;
  for (int rest = descriptor; count == 0 || rest > 0; rest /= 10)
    digits[count++] = static_cast<char>('0' + rest % 10);
  for (std::size_t at = std::strlen(link); count > 0; ++at) link[at] = digits[--count];
  const auto length = ::readlink(link, file, sizeof file - 1);
  if (length <= 0) return false;
  file[length] = 0;
  return is_ours(file);
}

// As a kill from outside ends it: all threads at once, nothing flushed, nothing said.
[[noreturn]] void end_now() {
  ::syscall(SYS_exit_group, ended_here);
  __builtin_trap();
}

// Counts the call; says what is to become of it.
Act acted(std::uint32_t kind, const char* call, const char* file) {
  if (kind == sync_calls) page->all_syncs.fetch_add(1);
  if ((page->kinds & kind) == 0) return Act::nothing;
  const auto number = page->counted.fetch_add(1) + 1;
  const auto at = page->at.load();
  if (at == 0 || number < at || (number > at && page->onwards == 0)) return Act::nothing;
  const auto act = static_cast<Act>(page->act.load());
  std::strncpy(page->call, call, sizeof page->call - 1);
  std::strncpy(page->file, file, sizeof page->file - 1);
  page->acted.fetch_add(1);
  if (act == Act::end_before) end_now();
  return act;
}

template <class Call>
auto counted(std::uint32_t kind, const char* name, const char* file, Call call)
    -> decltype(call()) {
  const auto act = acted(kind, name, file);
  if (act == Act::fail) {
    errno = static_cast<int>(page->error.load());
    return -1;
  }
  const auto result = call();
  if (act == Act::end_after) end_now();
  return result;
}

// `half` writes the first half of what it was to write.
template <class Whole, class Half>
ssize_t counted_write(const char* name, const char* file, Whole whole, Half half) {
  const auto act = acted(write_calls, name, file);
  if (act == Act::end_within) {
    half();
    end_now();
  }
  if (act == Act::fail) {
    if (page->error == ENOSPC) half();  // a disk that fills up takes what still fits
    errno = static_cast<int>(page->error.load());
    return -1;
  }
  const auto result = whole();
  if (act == Act::end_after) end_now();
  return result;
}

template <auto Name>
int sync_of(int descriptor, const char* name) {
  static const auto call = real<int (*)(int)>(name);
  char file[192];
  if (!is_ours(descriptor, file)) return call(descriptor);
  return counted(sync_calls, name, file, [&] { return call(descriptor); });
}

ssize_t pwrite_of(const char* name, int descriptor, const void* octets, size_t count, off_t at) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  char file[192];
  if (!is_ours(descriptor, file)) return call(descriptor, octets, count, at);
  return counted_write(
      name, file, [&] { return call(descriptor, octets, count, at); },
      [&] { (void)call(descriptor, octets, count / 2, at); });
}

}  // namespace

extern "C" {

int fsync(int descriptor) {
  return sync_of<1>(descriptor, "fsync");
}
int fdatasync(int descriptor) {
  return sync_of<2>(descriptor, "fdatasync");
}
int sync_file_range(int descriptor, off64_t from, off64_t count, unsigned flags) {
  static const auto call = real<int (*)(int, off64_t, off64_t, unsigned)>("sync_file_range");
  char file[192];
  // Without flags it asks the kernel for nothing: RocksDB finds out whether there is such a call.
  if (flags == 0 || !is_ours(descriptor, file)) return call(descriptor, from, count, flags);
  return counted(sync_calls, "sync_file_range", file,
                 [&] { return call(descriptor, from, count, flags); });
}

ssize_t write(int descriptor, const void* octets, size_t count) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t)>("write");
  char file[192];
  if (!is_ours(descriptor, file)) return call(descriptor, octets, count);
  return counted_write(
      "write", file, [&] { return call(descriptor, octets, count); },
      [&] { (void)call(descriptor, octets, count / 2); });
}
ssize_t pwrite(int descriptor, const void* octets, size_t count, off_t at) {
  return pwrite_of("pwrite", descriptor, octets, count, at);
}
ssize_t pwrite64(int descriptor, const void* octets, size_t count, off64_t at) {
  return pwrite_of("pwrite64", descriptor, octets, count, at);
}

int rename(const char* from, const char* to) noexcept {
  static const auto call = real<int (*)(const char*, const char*)>("rename");
  if (page == nullptr || !is_ours(to)) return call(from, to);
  return counted(name_calls, "rename", to, [&] { return call(from, to); });
}
int unlink(const char* name) noexcept {
  static const auto call = real<int (*)(const char*)>("unlink");
  if (page == nullptr || !is_ours(name)) return call(name);
  return counted(name_calls, "unlink", name, [&] { return call(name); });
}
int ftruncate(int descriptor, off_t octets) noexcept {
  static const auto call = real<int (*)(int, off_t)>("ftruncate");
  char file[192];
  if (!is_ours(descriptor, file)) return call(descriptor, octets);
  return counted(name_calls, "ftruncate", file, [&] { return call(descriptor, octets); });
}
int ftruncate64(int descriptor, off64_t octets) noexcept {
  return ftruncate(descriptor, octets);
}

}  // extern "C"
