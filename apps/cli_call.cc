// The client's end of the admin socket, and the password's prompt. Blocking: a command does one
// thing.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/terminal.h"
#include "os/descriptor.h"

namespace letterlock::apps {
namespace {

namespace json = boost::json;
using base::ErrorKind;
using base::fail;

constexpr std::size_t answer_octets_max = 64 << 20;

base::Result<os::Descriptor> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(ErrorKind::invalid, path + " is too long for a socket's path");
  std::memcpy(address.sun_path, path.data(), path.size());
  os::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail(ErrorKind::io, std::string("no socket: ") + std::strerror(errno));
  if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
      0) {
    if (errno == EACCES)
      return fail(ErrorKind::denied,
                  path + " belongs to another user: be the one who runs the node, or root");
    return fail(ErrorKind::not_found, "no node answers at " + path +
                                          ": is `letterlock serve` running? (" +
                                          std::strerror(errno) + ")");
  }
  return socket;
}

base::Result<> write_all(const os::Descriptor& socket, std::string_view octets) {
  while (!octets.empty()) {
    const auto written = ::send(socket.number(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (written <= 0) return fail(ErrorKind::closed, "the node ended the connection");
    octets.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

base::Result<std::string> read_line(const os::Descriptor& socket) {
  std::string line;
  char chunk[16 * 1024];
  while (line.size() < answer_octets_max) {
    const auto count = ::recv(socket.number(), chunk, sizeof chunk, 0);
    if (count <= 0)
      return fail(ErrorKind::closed, "the node ended the connection without an answer");
    line.append(chunk, static_cast<std::size_t>(count));
    if (line.back() == '\n') return line;
  }
  return fail(ErrorKind::protocol, "the node's answer has no end");
}

std::string prompt(std::string_view question) {
  std::cerr << question << std::flush;
  std::string line;
  std::getline(std::cin, line);
  std::cerr << '\n';
  return line;
}

}  // namespace

base::Result<json::object> call(const std::string& socket_path, std::string_view operation,
                                json::object arguments) {
  const auto socket = TRY(connect_to(socket_path));
  TRY(write_all(socket, json::serialize(json::object{{"operation", operation},
                                                     {"arguments", std::move(arguments)}}) +
                            "\n"));
  const auto line = TRY(read_line(socket));
  boost::system::error_code error;
  auto value = json::parse(line, error);
  if (error || !value.is_object()) return fail(ErrorKind::protocol, "the node's answer is no JSON");
  if (auto* result = value.get_object().if_contains("result");
      result != nullptr && result->is_object())
    return std::move(result->get_object());
  const auto* failure = value.get_object().if_contains("error");
  const auto* what = failure != nullptr && failure->is_object()
                         ? failure->get_object().if_contains("what")
                         : nullptr;
  return fail(ErrorKind::invalid, what != nullptr && what->is_string()
                                      ? std::string(what->get_string())
                                      : "the node's answer says nothing");
}

namespace {

// A change that had to end before all was done goes on, and says how far it is.
base::Result<json::object> go_on(const std::string& socket_path, std::string_view operation,
                                 json::object arguments, json::object first) {
  const auto count_in = [](const json::object& result) -> std::uint64_t {
    const auto* count = result.if_contains("recipients");
    return count != nullptr && count->is_number() ? count->to_number<std::uint64_t>() : 0;
  };
  auto count = count_in(first);
  auto last = std::move(first);
  while (const auto* next = last.if_contains("next")) {
    const std::string place(next->is_string() ? next->get_string() : json::string());
    std::cerr << operation << ": " << count << " recipients so far\n";
    arguments["after"] = *next;
    auto page = call(socket_path, operation, arguments);
    if (!page) {
      return fail(page.error().kind, page.error().what + "; " + std::to_string(count) +
                                         " recipients are done, the rest goes on with --after " +
                                         place);
    }
    last = std::move(*page);
    count += count_in(last);
  }
  last["recipients"] = count;
  return last;
}

}  // namespace

base::Result<json::object> call_all(const std::string& socket_path, std::string_view operation,
                                    json::object arguments) {
  const auto wanted = [&]() -> std::uint64_t {
    const auto* count = arguments.if_contains("count");
    return count != nullptr && count->is_number() ? count->to_number<std::uint64_t>() : 100;
  }();
  auto all = TRY(call(socket_path, operation, arguments));
  if (all.contains("done") && all.contains("next"))
    return go_on(socket_path, operation, std::move(arguments), std::move(all));
  while (true) {
    const auto* rows = all.if_contains("rows");
    const auto* next = all.if_contains("next");
    if (rows == nullptr || next == nullptr || !rows->is_array()) return all;
    const auto have = rows->get_array().size();
    if (have >= wanted) return all;
    // A page without rows had too much to look through: what is looked for may come behind it.
    arguments["after"] = *next;
    arguments["count"] = wanted - have;
    auto page = TRY(call(socket_path, operation, arguments));
    auto* more = page.if_contains("rows");
    if (more == nullptr || !more->is_array()) return all;
    auto& into = all["rows"].get_array();
    for (auto& row : more->get_array()) into.push_back(std::move(row));
    for (const auto* key : {"next", "note"}) {
      all.erase(key);
      if (auto* value = page.if_contains(key)) all[key] = std::move(*value);
    }
  }
}

base::Result<std::string> read_password() {
  std::string password;
  if (isatty(STDIN_FILENO) != 1) {
    std::getline(std::cin, password);
    if (!password.empty() && password.back() == '\r') password.pop_back();
  } else {
    const TerminalInput quiet(ECHO);  // what is typed isn't shown
    password = prompt("Password: ");
    if (prompt("Once more: ") != password)
      return fail(ErrorKind::invalid, "the two differ; nothing was changed");
  }
  if (password.empty())
    return fail(ErrorKind::invalid,
                "no password came: type it at the prompt, or give it on standard input");
  return password;
}

}  // namespace letterlock::apps
