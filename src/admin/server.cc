#include "admin/server.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace letterlock::admin {
namespace {

constexpr auto idle = std::chrono::minutes(10);
constexpr auto write_wait = std::chrono::minutes(1);

std::string error_text(const base::Error& error) {
  return json::serialize(json::object{
      {"error", json::object{{"kind", base::name(error.kind)}, {"what", error.what}}}});
}

struct Call {
  const Operation* operation = nullptr;
  json::object arguments;
};
base::Result<Call> parse(const std::string& line) {
  boost::system::error_code error;
  auto value = json::parse(line, error);
  if (error || !value.is_object())
    return base::fail(base::ErrorKind::invalid, "not a JSON object on one line");
  const auto* name = value.get_object().if_contains("operation");
  if (name == nullptr || !name->is_string())
    return base::fail(base::ErrorKind::invalid, "the call names no operation");
  Call call;
  call.operation = find(std::string_view(name->get_string()));
  if (call.operation == nullptr)
    return base::fail(
        base::ErrorKind::invalid,
        "there is no operation '" + base::printable(std::string_view(name->get_string())) + "'");
  if (auto* arguments = value.get_object().if_contains("arguments")) {
    if (!arguments->is_object())
      return base::fail(base::ErrorKind::invalid, "arguments must be an object");
    call.arguments = std::move(arguments->get_object());
  }
  TRY(check(*call.operation, call.arguments));
  return call;
}

}  // namespace

net::Task<std::string> answer(const Ports& ports, std::string line) {
  auto call = parse(line);
  if (!call) co_return error_text(call.error());
  auto result = co_await call->operation->run(ports, Arguments(std::move(call->arguments)));
  if (!result) co_return error_text(result.error());
  co_return json::serialize(json::object{{"result", std::move(*result)}});
}

net::Task<> Server::run(std::shared_ptr<net::TcpListener> listener) {
  while (true) {
    auto connection = co_await listener->accept();
    if (!connection) {
      const auto kind = connection.error().kind;
      if (kind == base::ErrorKind::cancelled || kind == base::ErrorKind::closed) break;
      if (!co_await timers_.sleep(std::chrono::seconds(1))) break;
      continue;
    }
    if (!gate_.start(serve(std::move(*connection)))) break;
  }
  co_await gate_.close(timers_, base::Milliseconds(0));
}

net::Task<> Server::serve(std::unique_ptr<net::Connection> connection) {
  std::string buffer;
  std::string chunk(16 * 1024, '\0');
  while (true) {
    const auto end = buffer.find('\n');
    if (end != std::string::npos) {
      auto line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      const auto text = co_await answer(ports_, std::move(line)) + "\n";
      if (!co_await connection->write(text, write_wait)) co_return;
      continue;
    }
    if (buffer.size() > line_octets_max) co_return;
    const auto read = co_await connection->read_some(chunk, idle);
    if (!read || *read == 0) co_return;
    buffer.append(chunk, 0, *read);
  }
}

}  // namespace letterlock::admin
