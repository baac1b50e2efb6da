#include "net/local.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <boost/asio/this_coro.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/sockets.h"

namespace letterlock::net {
namespace {

using base::ErrorKind;

std::unexpected<base::Error> fail_with(int error, const std::string& doing,
                                       const std::string& path) {
  auto kind = ErrorKind::unavailable;
  if (error == ENOENT || error == ENOTDIR || error == ECONNREFUSED) kind = ErrorKind::not_found;
  if (error == EACCES || error == EPERM || error == EROFS) kind = ErrorKind::denied;
  if (error == EADDRINUSE) kind = ErrorKind::exists;
  if (error == EMFILE || error == ENFILE || error == EAGAIN) kind = ErrorKind::full;
  return base::fail(
      kind, doing + " " + path + ": " + std::error_code(error, std::generic_category()).message());
}

base::Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path || path.contains('\0')) {
    return base::fail(ErrorKind::invalid,
                      "a socket's path has 1 to 107 octets: " + path.substr(0, 120));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

os::Descriptor open_local() {
  return os::Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int connect_to(const os::Descriptor& socket, const sockaddr_un& address) {
  return ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                 0
             ? 0
             : errno;
}

// A socket that nobody listens at any more.
bool is_left_behind(const std::string& path, const sockaddr_un& address) {
  struct stat about{};
  if (lstat(path.c_str(), &about) != 0 || !S_ISSOCK(about.st_mode)) return false;
  const auto probe = open_local();
  return probe && connect_to(probe, address) == ECONNREFUSED;
}

}  // namespace

base::Result<std::unique_ptr<TcpListener>> listen_local(const std::string& path,
                                                        base::EventSink& events) {
  const auto address = TRY(address_of(path));
  auto socket = open_local();
  // The mode set before bind() is the file's from its first moment.
  if (!socket || fchmod(socket.number(), 0600) != 0) return fail_with(errno, "listening at", path);
  if (is_left_behind(path, address)) (void)::unlink(path.c_str());
  if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.number(), SOMAXCONN) != 0) {
    return fail_with(errno, "listening at", path);
  }
  return std::make_unique<TcpListener>(std::move(socket), events);
}

ResultTask<std::unique_ptr<Connection>> connect_local(std::string path) {
  CO_TRY(const auto address, address_of(path));
  auto socket = open_local();
  const int error = socket ? connect_to(socket, address) : errno;
  if (error != 0) co_return fail_with(error, "connecting to", path);
  co_return adopt_here(co_await boost::asio::this_coro::executor, std::move(socket));
}

}  // namespace letterlock::net
