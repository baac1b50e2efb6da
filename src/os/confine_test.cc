// The process closed behind itself. Each is tried in a child: there is no way back.
#include "os/confine.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/privileges.h"
#include "os/temporary.h"
#include "os/test_child.h"

namespace letterlock::os {
namespace {

using test::in_child;

bool fails_with(long result, int error) {
  return result < 0 && errno == error;
}

bool confined(const FileReach& reach = {}) {
  if (!forbid_new_privileges()) return false;
  const auto files = close_files(reach);
  return (files || files.error().kind == base::ErrorKind::unavailable) && close_calls();
}

char* const no_words[] = {nullptr};

TEST(Attack08, NoProgramRunsOnceConfined) {
  EXPECT_EQ(
      in_child([] {
        if (!confined()) return 1;
        if (!fails_with(execve("/bin/true", no_words, no_words), EPERM)) return 2;
        if (!fails_with(syscall(SYS_execveat, AT_FDCWD, "/bin/true", no_words, no_words, 0), EPERM))
          return 3;
        // No other thread has kept the way open, be it older or younger.
        int in_thread = 0;
        std::thread([&] {
          in_thread = fails_with(execve("/bin/true", no_words, no_words), EPERM) ? 1 : 0;
        }).join();
        return in_thread == 1 ? 0 : 4;
      }),
      0);
}

TEST(Attack52, NoProcessIsStarted) {
  EXPECT_EQ(in_child([] {
              if (!confined()) return 1;
              if (!fails_with(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), EPERM)) return 2;
              if (!fails_with(fork(), EPERM)) return 3;
              return fails_with(kill(getppid(), 0), EPERM) ? 0 : 4;
            }),
            0);
}

TEST(Confine, ReachesTheFilterInThreadsThatRanBefore) {
  EXPECT_EQ(in_child([] {
              std::atomic<bool> closed = false;
              int in_thread = 0;
              std::thread older([&] {
                while (!closed) usleep(1000);
                in_thread = fails_with(execve("/bin/true", no_words, no_words), EPERM) ? 1 : 0;
              });
              const bool done = forbid_new_privileges() && close_calls();
              closed = true;
              older.join();
              return done && in_thread == 1 ? 0 : 1;
            }),
            0);
}

TEST(Confine, CallsThatNothingHereNeeds) {
  EXPECT_EQ(in_child([] {
              if (!confined()) return 1;
              if (!fails_with(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr), EPERM)) return 2;
              if (!fails_with(syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, nullptr), EPERM))
                return 3;
              if (!fails_with(syscall(SYS_bpf, 0, nullptr, 0), EPERM)) return 4;
              if (!fails_with(syscall(SYS_keyctl, 0, 0), EPERM)) return 5;
              if (!fails_with(syscall(SYS_userfaultfd, 0), EPERM)) return 6;
              if (!fails_with(syscall(SYS_io_uring_setup, 1, nullptr), EPERM)) return 7;
              if (!fails_with(syscall(SYS_unshare, CLONE_NEWUSER), EPERM)) return 8;
              if (!fails_with(syscall(SYS_setuid, 0), EPERM)) return 9;
              if (!fails_with(socket(AF_NETLINK, SOCK_RAW, 0), EAFNOSUPPORT)) return 10;
              if (!fails_with(socket(AF_PACKET, SOCK_RAW, 0), EAFNOSUPPORT)) return 11;
              return 0;
            }),
            0);
}

TEST(Confine, MemoryIsWrittenOrRun) {
  EXPECT_EQ(in_child([] {
              if (!confined()) return 1;
              constexpr int both = PROT_READ | PROT_WRITE | PROT_EXEC;
              constexpr int own = MAP_PRIVATE | MAP_ANONYMOUS;
              if (mmap(nullptr, 4096, both, own, -1, 0) != MAP_FAILED || errno != EPERM) return 2;
              void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, own, -1, 0);
              if (page == MAP_FAILED) return 3;
              if (!fails_with(mprotect(page, 4096, PROT_READ | PROT_EXEC), EPERM)) return 4;
              return mprotect(page, 4096, PROT_READ) == 0 ? 0 : 5;
            }),
            0);
}

TEST(Confine, WhatAServerNeedsGoesOn) {
  EXPECT_EQ(in_child([] {
              if (!confined()) return 1;
              int ran = 0;
              std::thread([&] { ran = 1; }).join();
              if (ran != 1) return 2;
              const int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
              if (peer < 0 || socket(AF_INET6, SOCK_DGRAM, 0) < 0) return 3;
              // A connection that goes out may be bound to an address of ours.
              sockaddr_in own{};
              own.sin_family = AF_INET;
              own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
              if (bind(peer, reinterpret_cast<sockaddr*>(&own), sizeof own) != 0) return 4;
              int pair[2];
              return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 ? 0 : 5;
            }),
            0);
}

// The kernel of a test machine has Landlock or not; what it has must hold.
TEST(Confine, OnlyWhatIsNamedIsWithinReach) {
  const auto own = *TemporaryFolder::create("confine-own");
  const auto read = *TemporaryFolder::create("confine-read");
  const auto other = *TemporaryFolder::create("confine-other");
  for (const auto* folder : {&own, &read, &other}) std::ofstream(folder->path() + "/file") << "x";
  EXPECT_EQ(
      in_child([&] {
        if (!forbid_new_privileges()) return 1;
        FileReach reach;
        reach.own = {own.path()};
        reach.readable = {read.path(), "/nowhere/at/all"};
        const auto version = close_files(reach);
        if (!version) return version.error().kind == base::ErrorKind::unavailable ? 0 : 2;
        const auto open_file = [](const TemporaryFolder& folder, const char* file, int flags) {
          return ::open((folder.path() + file).c_str(), flags | O_CLOEXEC, 0600);
        };
        if (open_file(own, "/file", O_RDWR) < 0 || open_file(own, "/new", O_CREAT | O_RDWR) < 0)
          return 3;
        if (open_file(read, "/file", O_RDONLY) < 0) return 4;
        if (!fails_with(open_file(read, "/file", O_RDWR), EACCES)) return 5;
        if (!fails_with(open_file(read, "/new", O_CREAT | O_RDWR), EACCES)) return 6;
        if (!fails_with(open_file(other, "/file", O_RDONLY), EACCES)) return 7;
        if (!fails_with(::open("/etc/passwd", O_RDONLY), EACCES)) return 8;
        if (!fails_with(unlink((other.path() + "/file").c_str()), EACCES)) return 9;
        if (!fails_with(symlink("/etc/passwd", (own.path() + "/link").c_str()), EACCES)) return 10;
        if (!fails_with(rename((own.path() + "/file").c_str(), (other.path() + "/file").c_str()),
                        EXDEV) &&
            errno != EACCES)
          return 11;
        return 0;
      }),
      0);
}

TEST(Confine, NoFurtherPortListens) {
  EXPECT_EQ(in_child([] {
              if (!forbid_new_privileges()) return 1;
              const auto version = close_files({});
              if (!version) return version.error().kind == base::ErrorKind::unavailable ? 0 : 2;
              const int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
              sockaddr_in at{};
              at.sin_family = AF_INET;
              at.sin_port = htons(28'431);
              at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
              const int bound = bind(door, reinterpret_cast<sockaddr*>(&at), sizeof at);
              return *version < 4 || fails_with(bound, EACCES) ? 0 : 3;
            }),
            0);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}
int bound_to_any_port(int type) {
  const int made = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const auto at = loopback(0);
  return made >= 0 && bind(made, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 ? made
                                                                                         : -1;
}

// Landlock lets port 0 be bound, and before version 4 any: whoever is in the process listens at
// none of them, on each kernel.
TEST(Confine, NothingListensOnceTheDoorsAreClosed) {
  EXPECT_EQ(in_child([] {
              const int door = bound_to_any_port(SOCK_STREAM);
              if (door < 0 || listen(door, 1) != 0) return 1;
              sockaddr_in at{};
              socklen_t octets = sizeof at;
              if (getsockname(door, reinterpret_cast<sockaddr*>(&at), &octets) != 0) return 2;
              std::atomic<bool> closed = false;
              bool in_thread = false;
              std::thread older([&] {
                while (!closed) usleep(1000);
                in_thread = fails_with(listen(bound_to_any_port(SOCK_STREAM), 1), EPERM);
              });
              const bool done = confined() && close_doors();
              closed = true;
              older.join();
              if (!done || !in_thread) return 3;
              if (!fails_with(listen(bound_to_any_port(SOCK_STREAM), 1), EPERM)) return 4;
              // Without bind() the kernel would choose the port.
              if (!fails_with(listen(socket(AF_INET, SOCK_STREAM, 0), 1), EPERM)) return 5;
              if (!fails_with(listen(socket(AF_INET6, SOCK_STREAM, 0), 1), EPERM)) return 6;
              if (!fails_with(listen(socket(AF_UNIX, SOCK_STREAM, 0), 1), EPERM)) return 7;
              // What listened before takes connections, and connections go out; names are asked by
              // UDP from a port of the kernel's choice.
              const int out = bound_to_any_port(SOCK_STREAM);
              if (connect(out, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return 8;
              if (accept(door, nullptr, nullptr) < 0) return 9;
              return bound_to_any_port(SOCK_DGRAM) >= 0 ? 0 : 10;
            }),
            0);
}

TEST(Confine, OnlyTcpUdpAndLocalSockets) {
  constexpr int mptcp = 262;
  EXPECT_EQ(in_child([] {
              if (!confined()) return 1;
              if (!fails_with(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPROTONOSUPPORT)) return 2;
              if (!fails_with(socket(AF_INET, SOCK_STREAM, mptcp), EPROTONOSUPPORT)) return 3;
              if (!fails_with(socket(AF_INET6, SOCK_STREAM, IPPROTO_SCTP), EPROTONOSUPPORT))
                return 4;
              if (!fails_with(socket(AF_INET, SOCK_SEQPACKET, 0), EPROTONOSUPPORT)) return 5;
              if (!fails_with(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), EPROTONOSUPPORT)) return 6;
              if (socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP) < 0) return 7;
              if (socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP) < 0) return 8;
              return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : 9;
            }),
            0);
}

TEST(Confine, SignalsStayInTheProcess) {
  EXPECT_EQ(in_child([] {
              if (!confined()) return 1;
              if (!fails_with(syscall(SYS_tgkill, getppid(), getppid(), 0), EPERM)) return 2;
              if (!fails_with(syscall(SYS_tgkill, 1, 1, 0), EPERM)) return 3;
              return syscall(SYS_tgkill, getpid(), gettid(), 0) == 0 ? 0 : 4;
            }),
            0);
}

TEST(Confine, NoFileIsTruncatedByName) {
  const auto folder = *TemporaryFolder::create("confine-truncate");
  const auto file = folder.path() + "/file";
  std::ofstream(file) << "x";
  EXPECT_EQ(in_child([&] {
              if (!close_calls()) return 1;
              if (!fails_with(truncate(file.c_str(), 0), EPERM)) return 2;
              const int open_file = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
              return ftruncate(open_file, 0) == 0 ? 0 : 3;
            }),
            0);
}

TEST(Confine, NoCoreIsWritten) {
  EXPECT_EQ(
      in_child([] { return forbid_dumps() && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 1; }),
      0);
}

TEST(Attack52, WhatWasInheritedIsClosed) {
  EXPECT_EQ(
      in_child([] {
        if (dup2(STDIN_FILENO, 3) < 0 || dup2(STDIN_FILENO, 4) < 0 || dup2(STDIN_FILENO, 40) < 0)
          return 1;
        ::close(STDERR_FILENO);
        if (!close_inherited(4)) return 2;
        if (fcntl(3, F_GETFD) < 0) return 3;
        if (fcntl(4, F_GETFD) >= 0 || fcntl(40, F_GETFD) >= 0) return 4;
        // Standard error that was closed is nobody's socket later.
        struct stat standard{};
        struct stat nothing{};
        if (fstat(STDERR_FILENO, &standard) != 0 || stat("/dev/null", &nothing) != 0) return 5;
        return standard.st_rdev == nothing.st_rdev ? 0 : 6;
      }),
      0);
}

}  // namespace
}  // namespace letterlock::os
