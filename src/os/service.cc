#include "os/service.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace letterlock::os {
namespace {

using base::ErrorKind;

constexpr int given_max = 1024;

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

int number_from(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

}  // namespace

base::Result<> notify_service(std::string_view state) {
  const auto path = environment("NOTIFY_SOCKET");
  if (path.empty()) return {};
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if ((path[0] != '/' && path[0] != '@') || path.size() >= sizeof to.sun_path)
    return base::fail(ErrorKind::io, "NOTIFY_SOCKET names no socket");
  std::memcpy(to.sun_path, path.data(), path.size());
  if (path[0] == '@') to.sun_path[0] = '\0';  // an abstract one
  const auto octets = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || sendto(socket.number(), state.data(), state.size(), MSG_NOSIGNAL,
                        reinterpret_cast<sockaddr*>(&to), octets) < 0) {
    return base::fail(ErrorKind::io, "telling the service manager: " +
                                         std::error_code(errno, std::generic_category()).message());
  }
  return {};
}

std::optional<base::Milliseconds> watchdog_interval() {
  const auto whose = environment("WATCHDOG_PID");
  if (!whose.empty() && number_from(whose) != getpid()) return std::nullopt;
  const auto text = environment("WATCHDOG_USEC");
  std::int64_t microseconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), microseconds);
  if (error != std::errc() || end != text.data() + text.size() || microseconds < 1000)
    return std::nullopt;
  return base::Milliseconds(microseconds / 1000);
}

std::vector<GivenListener> take_given_listeners() {
  std::vector<GivenListener> given;
  const bool ours = number_from(environment("LISTEN_PID")) == getpid();
  const int count = ours ? std::clamp(number_from(environment("LISTEN_FDS")), 0, given_max) : 0;
  std::string_view names = environment("LISTEN_FDNAMES");
  for (int number = first_inherited; number < first_inherited + count; ++number) {
    const auto colon = std::min(names.find(':'), names.size());
    if (fcntl(number, F_SETFD, FD_CLOEXEC) == 0)
      given.push_back({std::string(names.substr(0, colon)), Descriptor(number)});
    names.remove_prefix(std::min(colon + 1, names.size()));
  }
  for (const auto* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) unsetenv(name);
  return given;
}

}  // namespace letterlock::os
