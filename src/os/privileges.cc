#include "os/privileges.h"

#include <array>
#include <cerrno>
#include <system_error>

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bytes.h"

namespace letterlock::os {
namespace {

using base::ErrorKind;

std::unexpected<base::Error> fail_now(const std::string& doing) {
  return base::fail(ErrorKind::io,
                    doing + ": " + std::error_code(errno, std::generic_category()).message());
}

base::Result<> become(const std::string& user) {
  passwd about{};
  passwd* found = nullptr;
  std::array<char, 16384> memory{};
  if (getpwnam_r(user.c_str(), &about, memory.data(), memory.size(), &found) != 0 ||
      found == nullptr) {
    return base::fail(ErrorKind::not_found,
                      "no such user on this machine: " + base::printable(user, 64));
  }
  // In this order: without root's user id the groups can't be changed any more.
  if (initgroups(user.c_str(), about.pw_gid) != 0) return fail_now("taking the groups of " + user);
  if (setgid(about.pw_gid) != 0) return fail_now("taking the group of " + user);
  if (setuid(about.pw_uid) != 0) return fail_now("becoming " + user);
  if (about.pw_uid != 0 && (setuid(0) == 0 || geteuid() == 0))
    return base::fail(ErrorKind::denied, "root's rights could be taken back");
  return {};
}

}  // namespace

base::Result<std::uint64_t> raise_descriptor_limit(std::uint64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_now("reading the limit of descriptors");
  if (limit.rlim_max < wanted) {
    // Only root may, and not everywhere.
    const rlimit higher{wanted, wanted};
    if (setrlimit(RLIMIT_NOFILE, &higher) == 0) return wanted;
  }
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_now("raising the limit of descriptors");
  return limit.rlim_cur;
}

base::Result<> leave_root(const std::string& user, Root root) {
  if (geteuid() != 0) return {};
  if (!user.empty()) return become(user);
  if (root == Root::allowed) return {};
  return base::fail(ErrorKind::denied,
                    "refusing to run as root: start as another user, or name the user to become");
}

base::Result<> forbid_new_privileges() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_now("giving up new privileges");
  return {};
}

}  // namespace letterlock::os
