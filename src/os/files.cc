#include "os/files.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace letterlock::os {
namespace {

using base::ErrorKind;

std::unexpected<base::Error> fail_with(int error, std::string_view doing, const std::string& path) {
  auto kind = ErrorKind::io;
  if (error == ENOENT || error == ENOTDIR) kind = ErrorKind::not_found;
  if (error == EACCES || error == EPERM || error == ELOOP || error == EROFS)
    kind = ErrorKind::denied;
  if (error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE)
    kind = ErrorKind::full;
  const auto why = error == ELOOP ? "a part of the path is a symbolic link"
                                  : std::error_code(error, std::generic_category()).message();
  return base::fail(kind, std::string(doing) + " " + path + ": " + why);
}

// Fails with ELOOP where any part of the path is a link; on kernels and in sandboxes without
// openat2 only its last part is looked at.
Descriptor open_without_links(const std::string& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_NO_SYMLINKS;
  const auto number = syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how);
  if (number >= 0 || errno != ENOSYS) return Descriptor(static_cast<int>(number));
  return Descriptor(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode));
}

bool is_regular(const Descriptor& file) {
  struct stat about{};
  return fstat(file.number(), &about) == 0 && S_ISREG(about.st_mode);
}

// All of it, though a signal or a full pipe cuts it. Returns errno, 0 when done.
int write_all(const Descriptor& file, std::string_view octets) {
  while (!octets.empty()) {
    const auto count = ::write(file.number(), octets.data(), octets.size());
    if (count < 0 && errno != EINTR) return errno;
    if (count > 0) octets.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

// Makes a rename in this folder last.
int sync_folder(const std::string& path) {
  const auto slash = path.rfind('/');
  const auto folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const auto opened = open_without_links(folder, O_RDONLY | O_DIRECTORY, 0);
  return opened && fsync(opened.number()) == 0 ? 0 : errno;
}

}  // namespace

base::Result<std::string> read_file(const std::string& path, std::size_t octets_max) {
  // Without O_NONBLOCK a pipe would wait for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return fail_with(errno, "reading", path);
  if (!is_regular(file))
    return base::fail(ErrorKind::invalid, "reading " + path + ": not a regular file");
  std::string octets;
  while (octets.size() <= octets_max) {
    const auto before = octets.size();
    octets.resize(before + 16384);
    const auto count = ::read(file.number(), octets.data() + before, 16384);
    const int error = errno;
    octets.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return octets;
    if (count < 0 && error != EINTR) return fail_with(error, "reading", path);
  }
  return base::fail(ErrorKind::full,
                    "reading " + path + ": more than " + std::to_string(octets_max) + " octets");
}

base::Result<> write_file(const std::string& path, std::string_view octets, unsigned mode) {
  const auto temporary = path + ".new";
  // One left by a crash is in the way of O_EXCL, which keeps a planted file from being written to.
  (void)::unlink(temporary.c_str());
  const auto file = open_without_links(temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (!file) return fail_with(errno, "writing", temporary);
  int error = fchmod(file.number(), mode) == 0 ? 0 : errno;
  if (error == 0) error = write_all(file, octets);
  if (error == 0 && fsync(file.number()) != 0) error = errno;
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) error = sync_folder(path);
  if (error == 0) return {};
  (void)::unlink(temporary.c_str());
  return fail_with(error, "writing", path);
}

base::Result<Descriptor> open_append(const std::string& path, unsigned mode) {
  auto file = open_without_links(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, mode);
  if (!file) return fail_with(errno, "opening", path);
  if (!is_regular(file))
    return base::fail(ErrorKind::invalid, "opening " + path + ": not a regular file");
  return file;
}

FileStamp FileStamp::of(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return {};
  return {std::int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec, about.st_ino,
          about.st_dev, static_cast<std::uint64_t>(about.st_size)};
}

}  // namespace letterlock::os
