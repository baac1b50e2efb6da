// A filter of the kernel's calls, as the small program that seccomp takes. It names what is denied:
// docs/decisions/ says why not what is allowed.
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/confine.h"
#include "os/descriptor.h"

namespace letterlock::os {
namespace {

using base::ErrorKind;
using Program = std::vector<sock_filter>;

#if defined(__x86_64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t architecture = 0;
#endif

// Numbers from here on are x32's on x86-64, and nobody's elsewhere.
constexpr std::uint32_t foreign_numbers = 0x40000000;

constexpr std::array denied{
    // other programs
    SYS_execve,
    SYS_execveat,
    // other processes
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_process_madvise,
    SYS_kcmp,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    SYS_kill,
    SYS_tkill,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    // whose process it is, and in what it stands
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setgroups,
    SYS_setfsuid,
    SYS_setfsgid,
    SYS_capset,
    SYS_unshare,
    SYS_setns,
    SYS_chroot,
    SYS_pivot_root,
    // file systems, and files by handle instead of by name
    SYS_mount,
    SYS_umount2,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_mount_setattr,
    SYS_swapon,
    SYS_swapoff,
    SYS_quotactl,
    SYS_quotactl_fd,
    SYS_name_to_handle_at,
    SYS_open_by_handle_at,
    SYS_fanotify_init,
    SYS_mknodat,
    // what Landlock before version 3 doesn't see; a file that may be opened is truncated by
    // descriptor
    SYS_truncate,
    // the kernel
    SYS_bpf,
    SYS_perf_event_open,
    SYS_kexec_load,
    SYS_kexec_file_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_reboot,
    SYS_syslog,
    SYS_acct,
    SYS_personality,
    // the machine's name and clock
    SYS_sethostname,
    SYS_setdomainname,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    // what has been the way into kernels, and nothing here needs
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_vhangup,
    SYS_nfsservctl,
    SYS_lookup_dcookie,
    SYS_memfd_create,
#if defined(__x86_64__)
    SYS_fork,
    SYS_vfork,
    SYS_mknod,
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
    SYS_create_module,
    SYS_uselib,
    SYS_ustat,
    SYS_sysfs,
    SYS__sysctl,
#endif
};

// The low half of an argument; every one that is looked at fits in it.
constexpr std::uint32_t argument(unsigned number) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + number * sizeof(std::uint64_t));
}
void load(Program& program, std::uint32_t offset) {
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}
void load_number(Program& program) {
  load(program, offsetof(seccomp_data, nr));
}
void refuse(Program& program, std::uint32_t error) {
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
}
// What follows, `count` long, is for this call alone.
void only_for(Program& program, long call, unsigned char count) {
  program.push_back(
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, count));
}

// A thread, never a process. glibc asks with clone() where clone3() isn't there: the filter can
// read clone()'s flags, clone3()'s lie in memory.
void threads_only(Program& program) {
  only_for(program, SYS_clone3, 1);
  refuse(program, ENOSYS);
  only_for(program, SYS_clone, 3);
  load(program, argument(0));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0));
  refuse(program, EPERM);
  load_number(program);
}

// Streams and datagrams, local or TCP and UDP over IP: neither raw sockets nor MPTCP, SCTP and
// what else makes connections that Landlock's rules for TCP don't know.
void local_and_ip_only(Program& program) {
  constexpr std::uint32_t type_bits = 0xf;  // the rest are SOCK_CLOEXEC and SOCK_NONBLOCK
  for (const auto call : {SYS_socket, SYS_socketpair}) {
    only_for(program, call, 15);
    load(program, argument(0));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 3, 0));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0));
    refuse(program, EAFNOSUPPORT);
    load(program, argument(1));
    program.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, type_bits));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 2, 0));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 1, 0));
    refuse(program, EPROTONOSUPPORT);
    load(program, argument(2));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 2, 0));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0));
    refuse(program, EPROTONOSUPPORT);
    load_number(program);
  }
}

// A signal to a thread: of this process alone, as abort() sends it.
void own_threads_only(Program& program) {
  only_for(program, SYS_tgkill, 4);
  load(program, argument(0));
  program.push_back(
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(getpid()), 1, 0));
  refuse(program, EPERM);
  load_number(program);
}

// Memory is written or run, never both: mapped so at once or made so later.
void no_written_code(Program& program) {
  only_for(program, SYS_mmap, 4);
  load(program, argument(2));
  program.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_WRITE | PROT_EXEC, 0, 1));
  refuse(program, EPERM);
  load_number(program);
  for (const auto call : {SYS_mprotect, SYS_pkey_mprotect}) {
    only_for(program, call, 3);
    load(program, argument(2));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1));
    refuse(program, EPERM);
    load_number(program);
  }
}

Program filter() {
  Program program;
  load(program, offsetof(seccomp_data, arch));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0));
  refuse(program, EPERM);
  load_number(program);
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, foreign_numbers, 0, 1));
  refuse(program, EPERM);
  for (const auto call : denied) {
    only_for(program, call, 1);
    refuse(program, EPERM);
  }
  threads_only(program);
  local_and_ip_only(program);
  own_threads_only(program);
  no_written_code(program);
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return program;
}

std::unexpected<base::Error> fail_now(const std::string& doing) {
  return base::fail(ErrorKind::io,
                    doing + ": " + std::error_code(errno, std::generic_category()).message());
}

// All threads of the process are under the program from now on.
base::Result<> put_in_force(Program program) {
  const sock_fprog given{static_cast<unsigned short>(program.size()), program.data()};
  const auto set = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &given);
  if (set == 0) return {};
  if (set > 0) return base::fail(ErrorKind::io, "a thread keeps the kernel's calls open");
  // EPERM: a filter from outside, as a service manager's, lets none be added.
  if (errno == ENOSYS || errno == EINVAL || errno == EPERM)
    return base::fail(ErrorKind::unavailable,
                      "filters of calls (seccomp) are not to be had here: " +
                          std::error_code(errno, std::generic_category()).message());
  return fail_now("closing the kernel's calls");
}

}  // namespace

base::Result<> close_calls() {
  if (architecture == 0)
    return base::fail(ErrorKind::unavailable, "no filter of calls for this processor");
  return put_in_force(filter());
}

base::Result<> close_doors() {
  if (architecture == 0)
    return base::fail(ErrorKind::unavailable, "no filter of calls for this processor");
  Program program;
  load(program, offsetof(seccomp_data, arch));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0));
  refuse(program, EPERM);
  load_number(program);
  only_for(program, SYS_listen, 1);
  refuse(program, EPERM);
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return put_in_force(std::move(program));
}

base::Result<> forbid_dumps() {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_now("forbidding core files");
  return {};
}

base::Result<> close_inherited(int first) {
  for (int standard = 0; standard < 3; ++standard) {
    if (fcntl(standard, F_GETFD) >= 0) continue;
    // The lowest free number is taken, which is this one.
    if (::open("/dev/null", O_RDWR) != standard) return fail_now("opening /dev/null");
  }
  // Kernels before 5.9 have no such call.
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) return {};
  if (errno != ENOSYS) return fail_now("closing inherited descriptors");
  for (long number = sysconf(_SC_OPEN_MAX) - 1; number >= first; --number)
    (void)::close(static_cast<int>(number));
  return {};
}

}  // namespace letterlock::os
