#include "drive/pop_conversation.h"

#include <algorithm>
#include <array>

#include "pop/response.h"

namespace letterlock::drive {
namespace {

using base::ErrorKind;
using Why = PopEnd::Why;

// What waits to be sent before it is sent although more is to come.
constexpr std::size_t out_octets_max = 16 * 1024;
constexpr base::Milliseconds goodbye_wait = std::chrono::seconds(5);

Why why_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::timeout:
      return Why::timeout;
    case ErrorKind::cancelled:
      return Why::cancelled;
    case ErrorKind::protocol:
      return Why::tls;
    default:
      return Why::closed;
  }
}

}  // namespace

PopConversation::PopConversation(PopServer::World world, const PopOptions& options,
                                 PopHandler& handler, std::unique_ptr<net::Connection> connection)
    : Member(world.sessions),
      world_(world),
      options_(options),
      handler_(handler),
      connection_(std::move(connection)),
      lines_(pop::ServerSession::line_octets_max) {}

net::Task<PopEnd> PopConversation::run() {
  started_ = world_.clock.steady();
  const auto talked = co_await talk();
  if (!talked) {
    if (end_.detail.empty()) end_ = {why_of(talked.error().kind), talked.error().what};
    if (session_ && talked.error().kind != ErrorKind::cancelled) co_await tell_unread();
    if (connection_) connection_->close();
  } else if (connection_) {
    co_await connection_->shutdown(goodbye_wait);
  }
  co_return std::move(end_);
}

net::ResultTask<> PopConversation::talk() {
  if (options_.entry == PopOptions::Entry::tls) CO_CHECK(co_await start_tls());
  begin_session();
  out_ = session_->greeting();
  while (true) {
    CO_TRY(const auto line, co_await read_line(options_.idle));
    CO_TRY(const auto goes, co_await perform(session_->line(line)));
    if (goes == Goes::ended) break;
    if (out_.size() >= out_octets_max) CO_CHECK(co_await flush());
  }
  co_return co_await flush();
}

// The state of what comes now: nothing is kept of a session before STLS. RFC: 2595 section 4.
void PopConversation::begin_session() {
  pop::SessionOptions options;
  options.tls = tls_ != nullptr;
  options.stls_offered = options_.entry == PopOptions::Entry::stls;
  options.clear_sign_in = options_.clear_sign_in;
  for (const auto mechanism : options_.mechanisms) {
    if (mechanism == sasl::Mechanism::scram_sha_256_plus && !channel_binding_) continue;
    if (mechanism == sasl::Mechanism::external && !certificate_user_) continue;
    options.mechanisms.push_back(mechanism);
  }
  auto passwords = session_ ? session_->passwords() : sasl::ShownPasswords();
  session_.emplace(std::move(options), std::move(passwords));
}

net::ResultTask<> PopConversation::start_tls() {
  auto accepted =
      co_await world_.tls.accept(std::move(connection_), options_.tls, options_.handshake_wait);
  if (!accepted) {
    end_ = {accepted.error().kind == ErrorKind::cancelled ? Why::cancelled : Why::tls,
            accepted.error().what};
    co_return base::fail(std::move(accepted.error()));
  }
  tls_ = accepted->get();
  connection_ = std::move(*accepted);
  // Kept only where PLUS is offered: a client that says it saw none is then told apart from one
  // that was lied to. Without an exporter that binds (RFC 9266 §4.2) it isn't offered on this
  // session.
  if (std::ranges::find(options_.mechanisms, sasl::Mechanism::scram_sha_256_plus) !=
      options_.mechanisms.end()) {
    auto binding = tls_->exporter(sasl::channel_binding_label, {}, sasl::channel_binding_octets);
    if (binding) channel_binding_ = std::move(*binding);
  }
  // RFC 7627 §1: where no exporter binds, a certificate proves nothing about this session either.
  if (channel_binding_ && !tls_->peer_key_digest().empty()) {
    auto user = co_await handler_.certificate_user(*tls_);
    if (user) certificate_user_ = std::move(*user);
  }
  co_return base::Result<>();
}

net::ResultTask<pop::Line> PopConversation::read_line(base::Milliseconds wait) {
  // The deadline is the line's, not the octet's: a drop a minute doesn't hold a session.
  auto deadline = world_.clock.steady() + wait;
  if (!session_->is_signed_in()) deadline = std::min(deadline, started_ + options_.sign_in_wait);
  while (true) {
    if (auto line = lines_.next()) co_return std::move(*line);
    CO_CHECK(co_await flush());
    const auto left = deadline - world_.clock.steady();
    // RFC 1939 §3: a session that times out ends without a response and deletes nothing.
    if (left.count() <= 0) co_return base::fail(ErrorKind::timeout, "no command in time");
    if (stopping()) co_return base::fail(ErrorKind::cancelled, "stopping");
    reads_ = true;
    auto heard = co_await hear(std::min(left, quiet_after));
    const bool only_quiet =
        !heard && heard.error().kind == ErrorKind::timeout && left > quiet_after;
    // A node that began to stop as the short wait ended has woken nobody: this one goes by itself.
    if (only_quiet && !stopping()) {
      out_ = {};
      heard = co_await connection_->wait_readable(left - quiet_after);
    }
    reads_ = false;
    if (!heard && stopping()) co_return base::fail(ErrorKind::cancelled, "stopping");
    CO_CHECK(std::move(heard));
  }
}

net::ResultTask<> PopConversation::hear(base::Milliseconds wait) {
  std::array<char, 4096> buffer;
  CO_TRY(const auto count, co_await connection_->read_some(buffer, wait));
  if (count == 0) co_return base::fail(ErrorKind::closed, "the client left without QUIT");
  lines_.add({buffer.data(), count});
  co_return base::Result<>();
}

// RFC 1939 §3: what ends without QUIT ends without a response, and deletes nothing.
void PopConversation::wake() {
  if (reads_) connection_->wake_reader();
}

net::ResultTask<> PopConversation::flush() {
  if (out_.empty()) co_return base::Result<>();
  auto written = co_await connection_->write(out_, options_.write_wait);
  out_.clear();
  co_return written;
}

net::ResultTask<PopConversation::Goes> PopConversation::perform(pop::Action action) {
  // Each round answers what the session asked; what it then says ends the loop.
  while (true) {
    if (auto* say = std::get_if<pop::Say>(&action)) {
      out_ += say->text;
      co_return Goes::on;
    }
    if (auto* close = std::get_if<pop::Close>(&action)) {
      co_await tell_unread();
      out_ += close->text;
      end_ = close->text.starts_with("+OK")
                 ? PopEnd{Why::quit, "QUIT"}
                 : PopEnd{Why::cut, std::string(base::trim(base::printable(close->text)))};
      co_return Goes::ended;
    }
    if (auto* begin = std::get_if<pop::StartTls>(&action)) {
      out_ += begin->text;
      CO_CHECK(co_await flush());
      co_await tell_unread();
      // RFC 2595 §4 and ATTACKS 1: what came in clear behind STLS is never a command.
      lines_.clear();
      CO_CHECK(co_await start_tls());
      begin_session();
      co_return Goes::on;
    }
    if (auto* listing = std::get_if<pop::SendListing>(&action)) {
      CO_CHECK(co_await send_listing(std::move(listing->head)));
      co_return Goes::on;
    }
    if (auto* content = std::get_if<pop::SendContent>(&action)) {
      CO_TRY(auto instead, co_await send_content(std::move(*content)));
      if (!instead) co_return Goes::on;
      action = std::move(*instead);
    } else if (auto* clear = std::get_if<pop::AllowClear>(&action)) {
      CO_TRY(action, co_await ask_clear(std::move(*clear)));
    } else if (auto* password = std::get_if<pop::CheckPassword>(&action)) {
      CO_TRY(action, co_await check_password(std::move(*password)));
    } else if (auto* shown = std::get_if<pop::PasswordShown>(&action)) {
      co_await tell(std::move(shown->shown));
      auto then = std::move(shown->then);
      std::visit([&](auto& next) { action = std::move(next); }, then);
    } else if (auto* begun = std::get_if<pop::Exchange>(&action)) {
      CO_TRY(action, co_await exchange(std::move(*begun)));
    } else if (auto* marked = std::get_if<pop::Commit>(&action)) {
      CO_TRY(action, co_await commit(std::move(*marked)));
    }
  }
}

net::ResultTask<> PopConversation::send_listing(std::string head) {
  out_ += head;
  for (auto lines = session_->next_listing(out_octets_max); !lines.empty();
       lines = session_->next_listing(out_octets_max)) {
    out_ += lines;
    if (out_.size() >= out_octets_max) CO_CHECK(co_await flush());
  }
  co_return base::Result<>();
}

net::ResultTask<pop::Action> PopConversation::commit(pop::Commit marked) {
  const auto done = co_await handler_.commit(std::move(marked.uids));
  if (!done && done.error().kind == ErrorKind::cancelled) co_return base::fail(done.error());
  co_return session_->committed(done.has_value());
}

}  // namespace letterlock::drive
