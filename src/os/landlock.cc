// Landlock, without a library: the kernel's three calls. What is asked grows with the version that
// the kernel has.
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/confine.h"
#include "os/descriptor.h"

namespace letterlock::os {
namespace {

using base::ErrorKind;
using Rights = std::uint64_t;

// Numbers of the kernel's interface that Debian 12's headers don't have yet.
constexpr Rights truncate = 1ULL << 14;                   // version 3
constexpr Rights device_io = 1ULL << 15;                  // version 5
constexpr Rights bind_tcp = 1ULL << 0;                    // version 4
constexpr Rights all_scopes = (1ULL << 0) | (1ULL << 1);  // version 6: abstract sockets, signals
constexpr int rule_net_port = 2;
struct RulesetAttributes {
  Rights files = 0;
  Rights net = 0;
  Rights scoped = 0;
};
struct PortAttributes {
  Rights allowed = 0;
  std::uint64_t port = 0;
};

constexpr Rights reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr Rights writing = LANDLOCK_ACCESS_FS_WRITE_FILE | truncate;
constexpr Rights own = reading | writing | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                       LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                       LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                       LANDLOCK_ACCESS_FS_REFER;
constexpr Rights logs = reading | writing | LANDLOCK_ACCESS_FS_MAKE_REG;
constexpr Rights sockets = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;
// The rights that a rule on a single file may name.
constexpr Rights of_files = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                            LANDLOCK_ACCESS_FS_READ_FILE | truncate | device_io;

std::unexpected<base::Error> fail_now(const std::string& doing) {
  return base::fail(ErrorKind::io,
                    doing + ": " + std::error_code(errno, std::generic_category()).message());
}

// All that this version knows, so that what isn't allowed is refused.
Rights known_to(int version) {
  Rights all = (1ULL << 13) - 1;  // version 1: execute to make_sym
  if (version >= 2) all |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) all |= truncate;
  if (version >= 5) all |= device_io;
  return all;
}

base::Result<> allow(int ruleset, const std::string& path, Rights rights) {
  const Descriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!place) return {};
  struct stat about{};
  if (fstat(place.number(), &about) != 0) return fail_now("looking at " + path);
  if (!S_ISDIR(about.st_mode)) rights &= of_files;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = place.number();
  if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return fail_now("keeping " + path + " within reach");
  return {};
}

// A service manager that waits at an abstract socket must still be told.
bool manager_is_abstract() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  return path != nullptr && path[0] == '@';
}

base::Result<Descriptor> make_ruleset(int version) {
  RulesetAttributes attributes;
  attributes.files = known_to(version);
  attributes.net = bind_tcp;
  attributes.scoped = manager_is_abstract() ? all_scopes & ~Rights{1} : all_scopes;
  const std::size_t octets = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  Descriptor ruleset(
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, octets, 0)));
  if (!ruleset) return fail_now("asking for Landlock");
  return ruleset;
}

}  // namespace

base::Result<int> close_files(const FileReach& reach) {
  const auto version = static_cast<int>(
      syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
  if (version < 1)
    return base::fail(ErrorKind::unavailable,
                      "Landlock is not to be had here: " +
                          std::error_code(errno, std::generic_category()).message());
  const auto ruleset = TRY(make_ruleset(version));
  const auto known = known_to(version);
  const auto allow_all = [&](const std::vector<std::string>& paths,
                             Rights rights) -> base::Result<> {
    for (const auto& path : paths) TRY(allow(ruleset.number(), path, rights & known));
    return {};
  };
  TRY(allow_all(reach.own, own));
  TRY(allow_all(reach.readable, reading));
  TRY(allow_all(reach.logs, logs));
  TRY(allow_all(reach.sockets, sockets));
  if (version >= 4) {
    // Port 0: a connection that goes out may still be bound to one of our addresses.
    const PortAttributes any{bind_tcp, 0};
    if (syscall(SYS_landlock_add_rule, ruleset.number(), rule_net_port, &any, 0) != 0)
      return fail_now("closing the ports");
  }
  if (syscall(SYS_landlock_restrict_self, ruleset.number(), 0) != 0)
    return fail_now("closing the file system");
  return version;
}

}  // namespace letterlock::os
