#include "drive/pop_client.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "pop/content.h"
#include "sasl/keys.h"

namespace letterlock::drive {
namespace {

using base::ErrorKind;

auto protocol(std::string_view what) {
  return base::fail(ErrorKind::protocol, fmt::format("POP3: {}", what));
}

ErrorKind kind_of(pop::Code code) {
  switch (code) {
    case pop::Code::auth:
      return ErrorKind::denied;
    case pop::Code::sys_temp:
    case pop::Code::in_use:
      return ErrorKind::unavailable;
    case pop::Code::none:
    case pop::Code::sys_perm:
      return ErrorKind::invalid;
  }
  return ErrorKind::invalid;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 2);
  }
  return lines;
}

bool offers_plus(const std::vector<std::string>& capabilities) {
  return std::ranges::any_of(capabilities, [](const std::string& line) {
    return line.starts_with("SASL ") && line.find("SCRAM-SHA-256-PLUS") != std::string::npos;
  });
}

}  // namespace

net::ResultTask<> PopClient::open(std::unique_ptr<net::Connection> connection) {
  connection_ = std::move(connection);
  if (options_.entry == PopClientOptions::Entry::tls) CO_CHECK(co_await start_tls());
  CO_TRY(const auto greeting, co_await read_status());
  if (!greeting.ok)
    co_return base::fail(kind_of(greeting.code), "POP3: the server's greeting is -ERR");
  co_return base::Result<>();
}

net::ResultTask<> PopClient::start_tls() {
  CO_TRY(auto session,
         co_await world_.tls.connect(std::move(connection_), options_.tls, options_.wait));
  tls_ = session.get();
  connection_ = std::move(session);
  plus_ = Plus::not_asked;
  co_return base::Result<>();
}

net::ResultTask<> PopClient::stls() {
  CO_CHECK(co_await do_command(pop::command::Stls{}));
  // ATTACKS 2: what came in clear behind the answer was put there by somebody else.
  if (lines_.octets() > 0) {
    connection_->close();
    co_return protocol("more than an answer to STLS came in clear");
  }
  co_return co_await start_tls();
}

net::ResultTask<std::vector<std::string>> PopClient::capa() {
  CO_CHECK(co_await do_command(pop::command::Capa{}));
  CO_TRY(auto lines, co_await read_listing());
  plus_ = offers_plus(lines) ? Plus::offered : Plus::not_offered;
  co_return std::move(lines);
}

net::ResultTask<> PopClient::user_pass(std::string user, std::string password) {
  CO_CHECK(co_await do_command(pop::command::User{std::move(user)}));
  co_return co_await do_command(pop::command::Pass{std::move(password)});
}

net::ResultTask<> PopClient::auth(sasl::Mechanism mechanism, std::string user,
                                  std::string password) {
  sasl::ClientOptions options{
      .mechanism = mechanism, .user = std::move(user), .password = std::move(password)};
  options.nonce = sasl::nonce_from(world_.random.octets(18));
  options.rounds_min = options_.rounds_min;
  const bool plus = mechanism == sasl::Mechanism::scram_sha_256_plus;
  if (tls_ != nullptr && (plus || plus_ == Plus::not_offered)) {
    auto binding = tls_->exporter(sasl::channel_binding_label, {}, sasl::channel_binding_octets);
    if (binding) options.channel_binding = std::move(*binding);
  }
  const std::shared_ptr<sasl::ClientMechanism> client = sasl::make_client(std::move(options));
  CO_TRY(auto initial, client->initial());
  CO_CHECK(co_await send(
      pop::to_line(pop::command::Auth{std::string(name(mechanism)), std::move(initial)})));
  while (true) {
    CO_TRY(const auto line, co_await read_line());
    if (!line.starts_with("+ ")) {
      CO_TRY(const auto status, pop::parse_status(line));
      if (!status.ok)
        co_return base::fail(kind_of(status.code),
                             "POP3: sign-in: " + base::printable(status.text));
      co_return client->succeeded();
    }
    CO_TRY(auto challenge, base::from_base64(std::string_view(line).substr(2)));
    auto response = co_await respond(client, std::move(challenge));
    if (!response) {
      // RFC 5034 §4: "*" ends the exchange; whatever is answered, this session is over.
      (void)co_await send("*\r\n");
      co_return base::fail(std::move(response.error()));
    }
    CO_CHECK(co_await send(base::to_base64(*response) + "\r\n"));
  }
}

// The work may outlive this task, if that is cancelled: what it touches it owns.
net::ResultTask<base::Bytes> PopClient::respond(std::shared_ptr<sasl::ClientMechanism> mechanism,
                                                base::Bytes challenge) {
  const auto response = std::make_shared<base::Result<base::Bytes>>();
  CO_CHECK(co_await world_.workers.run(
      [mechanism, response, challenge] { *response = mechanism->respond(challenge); }));
  co_return std::move(*response);
}

net::ResultTask<pop::Pair> PopClient::stat() {
  CO_TRY(const auto status, co_await ask(pop::command::Stat{}));
  co_return pop::parse_pair(status.text);
}

net::ResultTask<std::vector<pop::Pair>> PopClient::list() {
  CO_CHECK(co_await do_command(pop::command::List{}));
  CO_TRY(const auto lines, co_await read_listing());
  std::vector<pop::Pair> pairs;
  for (const auto& line : lines) {
    CO_TRY(const auto pair, pop::parse_pair(line));
    pairs.push_back(pair);
  }
  co_return std::move(pairs);
}

net::ResultTask<std::vector<pop::UniqueId>> PopClient::uidl() {
  CO_CHECK(co_await do_command(pop::command::Uidl{}));
  CO_TRY(const auto lines, co_await read_listing());
  std::vector<pop::UniqueId> ids;
  for (const auto& line : lines) {
    CO_TRY(auto id, pop::parse_unique_id(line));
    ids.push_back(std::move(id));
  }
  co_return std::move(ids);
}

net::ResultTask<base::Bytes> PopClient::retr(std::uint32_t message, std::size_t octets_max) {
  CO_CHECK(co_await do_command(pop::command::Retr{message}));
  co_return co_await read_content(octets_max);
}

net::ResultTask<base::Bytes> PopClient::top(std::uint32_t message, std::uint32_t lines,
                                            std::size_t octets_max) {
  CO_CHECK(co_await do_command(pop::command::Top{message, lines}));
  co_return co_await read_content(octets_max);
}

net::ResultTask<> PopClient::dele(std::uint32_t message) {
  return do_command(pop::command::Dele{message});
}
net::ResultTask<> PopClient::rset() {
  return do_command(pop::command::Rset{});
}
net::ResultTask<> PopClient::noop() {
  return do_command(pop::command::Noop{});
}

net::ResultTask<> PopClient::quit() {
  CO_CHECK(co_await do_command(pop::command::Quit{}));
  co_await connection_->shutdown(options_.wait);
  co_return base::Result<>();
}

net::ResultTask<> PopClient::send(std::string line) {
  co_return co_await connection_->write(line, options_.wait);
}

net::ResultTask<std::string> PopClient::read_line() {
  while (true) {
    if (auto line = lines_.next()) {
      if (line->fault != pop::Line::Fault::none) co_return protocol("a broken line");
      co_return std::move(line->text);
    }
    std::array<char, 4096> buffer;
    CO_TRY(const auto count, co_await connection_->read_some(buffer, options_.wait));
    if (count == 0) co_return base::fail(ErrorKind::closed, "POP3: the server left");
    lines_.add({buffer.data(), count});
  }
}

net::ResultTask<pop::Status> PopClient::read_status() {
  CO_TRY(const auto line, co_await read_line());
  co_return pop::parse_status(line);
}

net::ResultTask<pop::Status> PopClient::ask(pop::Command command) {
  CO_CHECK(co_await send(pop::to_line(command)));
  CO_TRY(auto status, co_await read_status());
  if (!status.ok)
    co_return base::fail(kind_of(status.code), "POP3: " + base::printable(status.text));
  co_return std::move(status);
}

net::ResultTask<> PopClient::do_command(pop::Command command) {
  const auto status = co_await ask(std::move(command));
  if (!status) co_return base::fail(status.error());
  co_return base::Result<>();
}

// What stands between a status line and the dot, without its stuffing.
net::ResultTask<base::Bytes> PopClient::read_content(std::size_t octets_max) {
  pop::DotUnstuffer unstuffer;
  base::Bytes content;
  auto wire = lines_.take_rest();
  while (true) {
    const auto taken = unstuffer.add(wire, content);
    if (unstuffer.done()) {
      lines_.add(std::string_view(wire).substr(taken));
      co_return std::move(content);
    }
    if (content.size() > octets_max)
      co_return base::fail(ErrorKind::full, "POP3: more content than wanted");
    wire.resize(16 * 1024);
    CO_TRY(const auto count, co_await connection_->read_some(wire, options_.wait));
    if (count == 0)
      co_return base::fail(ErrorKind::closed, "POP3: the server left within a content");
    wire.resize(count);
  }
}

net::ResultTask<std::vector<std::string>> PopClient::read_listing() {
  CO_TRY(const auto text, co_await read_content(options_.listing_octets_max));
  co_return split_lines(text);
}

}  // namespace letterlock::drive
