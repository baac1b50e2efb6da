#include "store/directory.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace letterlock::store {
namespace {

constexpr std::string_view lock_name = "letterlock.lock";

std::unexpected<base::Error> failed(std::string_view doing, const std::string& path) {
  const int error = errno;
  const auto kind = error == ENOSPC                     ? base::ErrorKind::full
                    : error == EACCES || error == EPERM ? base::ErrorKind::denied
                                                        : base::ErrorKind::io;
  return base::fail(kind, fmt::format("{} {}: {}", doing, path, std::strerror(error)));
}

base::Result<> sync_parent(const std::string& path) {
  const auto slash = path.find_last_of('/', path.find_last_not_of('/'));
  const std::string parent = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path.substr(0, slash);
  const int directory = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return failed("opening", parent);
  const int synced = ::fsync(directory);
  ::close(directory);
  if (synced != 0) return failed("syncing", parent);
  return {};
}

base::Result<bool> is_empty_directory(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (!directory) return failed("listing", path);
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && name != "lost+found" && name != lock_name) return false;
  }
  return true;
}

}  // namespace

bool holds_database(const std::string& path) {
  return ::access((path + "/CURRENT").c_str(), F_OK) == 0;
}

std::uint64_t free_files(const std::string& path) {
  struct statvfs system{};
  const bool counted = ::statvfs(path.c_str(), &system) == 0 && system.f_files > 0;
  return counted ? system.f_favail : std::numeric_limits<std::uint64_t>::max();
}

base::Result<> prepare_directory(const std::string& path) {
  if (path.empty()) return base::fail(base::ErrorKind::invalid, "the store has no directory");
  if (::mkdir(path.c_str(), 0700) == 0) return sync_parent(path);
  if (errno != EEXIST) return failed("making the store's directory", path);
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return failed("looking at", path);
  if (!S_ISDIR(status.st_mode)) {
    return base::fail(base::ErrorKind::denied,
                      path + " is not a directory (a link to one doesn't count)");
  }
  if (status.st_uid != ::geteuid()) {
    return base::fail(base::ErrorKind::denied,
                      fmt::format("{} belongs to user {}, not to user {} who runs this", path,
                                  status.st_uid, ::geteuid()));
  }
  if ((status.st_mode & 0077) != 0) {
    return base::fail(
        base::ErrorKind::denied,
        fmt::format("{} is open to others (mode {:o}): chmod 700 it", path, status.st_mode & 0777));
  }
  if (holds_database(path)) return {};
  if (!TRY(is_empty_directory(path))) {
    return base::fail(base::ErrorKind::invalid, path + " is neither empty nor a store");
  }
  return {};
}

base::Result<> check_remembers(const std::string& path) {
  struct statfs system{};
  if (::statfs(path.c_str(), &system) != 0) return failed("asking the file system of", path);
  if (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC) {
    return base::fail(base::ErrorKind::invalid,
                      path + " is in memory: what is stored there is gone after a restart");
  }
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return failed("looking at", path);
  std::ifstream file("/proc/self/mountinfo");
  const std::string mountinfo((std::istreambuf_iterator<char>(file)),
                              std::istreambuf_iterator<char>());
  const auto options = mount_options(mountinfo, major(status.st_dev), minor(status.st_dev));
  if (is_weak_mount(options)) {
    return base::fail(
        base::ErrorKind::invalid,
        fmt::format("{} is mounted without barriers ({}): a power cut would lose mail", path,
                    options));
  }
  return {};
}

// Each line: id, parent, major:minor, root, mount point, options, optional fields, "-", type,
// source, super options.
std::string mount_options(std::string_view mountinfo, unsigned major, unsigned minor) {
  const auto device = fmt::format(" {}:{} ", major, minor);
  std::string options;
  while (!mountinfo.empty()) {
    const auto end = mountinfo.find('\n');
    const auto line = mountinfo.substr(0, end);
    mountinfo.remove_prefix(end == std::string_view::npos ? mountinfo.size() : end + 1);
    const auto dash = line.find(" - ");
    if (line.find(device) == std::string_view::npos || dash == std::string_view::npos) continue;
    options = line.substr(line.find_last_of(' ') + 1);
  }
  return options;
}

bool is_weak_mount(std::string_view options) {
  while (!options.empty()) {
    const auto comma = options.find(',');
    const auto option = options.substr(0, comma);
    if (option == "nobarrier" || option == "barrier=0" || option == "barrier=none") return true;
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
  }
  return false;
}

base::Result<int> lock_directory(const std::string& path) {
  const auto name = path + "/" + std::string(lock_name);
  const int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return failed("opening", name);
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  const bool taken = errno == EWOULDBLOCK;
  auto error = failed("locking", name);
  ::close(file);
  if (taken)
    return base::fail(base::ErrorKind::unavailable,
                      "another process has the store " + path + " open");
  return error;
}

}  // namespace letterlock::store
