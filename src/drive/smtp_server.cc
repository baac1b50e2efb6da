// Reading, writing and time. What is done about each command is in smtp_server_steps.cc.
#include "drive/smtp_server.h"

#include <algorithm>

#include "base/assert.h"

namespace letterlock::drive {
namespace {

using base::ErrorKind;

constexpr std::size_t out_octets_max = 16 * 1024;
// What a session that waits for a command holds ready: nearly every command fits.
constexpr std::size_t waiting_octets = 512;
constexpr base::Milliseconds goodbye_wait = std::chrono::seconds(5);
// Whoever is stopped is told, but not waited for.
constexpr base::Milliseconds last_words_wait = std::chrono::milliseconds(200);

}  // namespace

SmtpServer::SmtpServer(std::unique_ptr<net::Connection> connection, SmtpHandler& handler,
                       SmtpServerWorld world, const SmtpServerOptions& options)
    : Member(world.sessions),
      connection_(std::move(connection)),
      handler_(handler),
      world_(world),
      options_(options),
      session_(options_.session) {
  ASSERT(world_.tls != nullptr || (options_.start == SmtpServerOptions::Start::clear &&
                                   options_.session.tls == smtp::Need::none));
}

SmtpServer::~SmtpServer() = default;

net::Task<> SmtpServer::run() {
  started_ = now();
  std::string detail;
  const auto result = co_await converse();
  if (!result) {
    detail = result.error().what;
    if (result.error().kind == ErrorKind::cancelled)
      end_ = SmtpEnd::stopped;
    else
      co_await tell_unread();
    if (connection_) connection_->close();
  }
  co_await reset();
  co_await handler_.on_end(end_, std::move(detail));
  connection_.reset();
}

net::ResultTask<> SmtpServer::converse() {
  // Before TLS: who has no place costs no handshake.
  smtp::Reply welcome = co_await handler_.on_connect();
  if (!welcome.is_positive()) co_return co_await turn_away(std::move(welcome));
  if (options_.start == SmtpServerOptions::Start::tls) CO_CHECK(co_await begin_tls());
  CO_CHECK(co_await greet());
  while (!session_.is_closed()) {
    if (session_.in_content()) {
      CO_CHECK(co_await content());
    } else {
      CO_CHECK(co_await next_command());
    }
    if (out_.size() > out_octets_max) CO_CHECK(co_await flush());
  }
  co_await tell_unread();
  CO_CHECK(co_await flush());
  co_await connection_->shutdown(goodbye_wait);
  co_return base::Result<>();
}

// A peer that isn't wanted holds its descriptor no longer than its refusal takes to leave. Where it
// expects TLS it hears TLS's own alert: a handshake would cost more than the session.
net::ResultTask<> SmtpServer::turn_away(smtp::Reply reply) {
  end_ = SmtpEnd::refused;
  if (!reply.lines.empty()) {
    if (options_.start == SmtpServerOptions::Start::clear)
      say(reply);
    else
      out_ = tls::no_place_alert;
    co_await tell_and_close(*connection_, out_);
  }
  connection_->close();
  co_return base::Result<>();
}

void SmtpServer::wake() {
  if (reads_command_) connection_->wake_reader();
}

// RFC 5321 §3.8: 421 at any time when the service is shut down.
net::ResultTask<> SmtpServer::end_for_stop() {
  end_ = SmtpEnd::stopped;
  say(smtp::reply(421, dsn::Status{4, 3, 2}, "stopping, try again later"));
  if (const auto written = co_await connection_->write(out_, last_words_wait); written)
    co_await connection_->shutdown(last_words_wait);
  co_return base::fail(ErrorKind::cancelled, "stopping");
}

net::ResultTask<> SmtpServer::greet() {
  if (options_.greeting_pause && tls_ == nullptr) {
    const auto early = co_await connection_->read_some(buffer_.room(SmtpBuffer::small_octets),
                                                       *options_.greeting_pause);
    if (!early && early.error().kind != ErrorKind::timeout) co_return base::fail(early.error());
    if (early) {
      end_ = SmtpEnd::refused;
      buffer_.filled(*early);
      say(session_.early_talker());
      co_return base::Result<>();
    }
  }
  say(session_.greeting());
  co_return base::Result<>();
}

net::ResultTask<> SmtpServer::begin_tls() {
  end_ = SmtpEnd::tls_failed;
  buffer_.clear();
  auto secured =
      co_await world_.tls->accept(std::move(connection_), options_.tls, options_.handshake_wait);
  if (!secured) co_return base::fail(std::move(secured.error()));
  tls_ = secured->get();
  connection_ = std::move(*secured);
  end_ = SmtpEnd::peer_gone;
  const bool binds = options_.session.authentication != smtp::Need::none && channel_binding();
  co_await handler_.on_tls(*tls_);
  // RFC 7627 §1: a TLS 1.2 session without an exporter that binds can be made to look like another,
  // so a certificate in it proves nothing either.
  certificate_user_.reset();
  if (binds) certificate_user_ = co_await certificate_user();
  session_.tls_started(
      binds ? smtp::ChannelBinding::available : smtp::ChannelBinding::none,
      certificate_user_ ? smtp::ClientCertificate::known : smtp::ClientCertificate::none);
  co_return base::Result<>();
}

net::Task<std::optional<std::string>> SmtpServer::certificate_user() {
  if (tls_->peer_key_digest().empty()) co_return std::nullopt;
  auto user = co_await handler_.on_certificate(*tls_);
  if (!user) co_return std::nullopt;
  co_return std::move(*user);
}

net::ResultTask<> SmtpServer::flush() {
  if (out_.empty()) co_return base::Result<>();
  const auto written = co_await connection_->write(out_, options_.write_wait);
  out_.clear();
  if (out_.capacity() > out_octets_max) out_.shrink_to_fit();
  if (!written && written.error().kind == ErrorKind::timeout) end_ = SmtpEnd::timeout;
  co_return written;
}

os::Steady SmtpServer::deadline(Waiting waiting) {
  if (!waits_) {
    waits_ = true;
    waiting_since_ = now();
  }
  os::Steady until = waiting_since_ + options_.command_wait;
  if (waiting == Waiting::content) {
    const std::uint64_t credit = content_received_ * 1000 /
                                 std::max<std::uint64_t>(1, options_.content_octets_per_second_min);
    until = waiting_since_ + options_.content_wait + base::Milliseconds(credit);
  }
  if (options_.session.authentication == smtp::Need::required && !session_.is_authenticated())
    until = std::min(until, started_ + options_.sign_in_wait);
  return std::min(until, started_ + options_.session_wait);
}

// Says what is to be said, and waits for more octets.
net::ResultTask<> SmtpServer::read(Waiting waiting) {
  CO_CHECK(co_await flush());
  if (waiting == Waiting::command) buffer_.release(waiting_octets);
  const bool for_command = waiting == Waiting::command;
  if (for_command && stopping()) co_return co_await end_for_stop();
  reads_command_ = for_command;
  auto result = co_await read_more(waiting);
  const bool only_quiet = for_command && !result && result.error().kind == ErrorKind::timeout &&
                          buffer_.is_empty() && deadline(waiting) > now();
  // A node that began to stop as the short wait ended has woken nobody: this one goes by itself.
  if (only_quiet && !stopping()) result = co_await stand_by();
  reads_command_ = false;
  const bool was_waiting = !result && (result.error().kind == ErrorKind::cancelled ||
                                       result.error().kind == ErrorKind::timeout);
  if (for_command && stopping() && was_waiting) co_return co_await end_for_stop();
  if (!result && result.error().kind == ErrorKind::timeout) {
    // RFC 5321 §3.8: 421 before closing for a timeout.
    end_ = SmtpEnd::timeout;
    say(smtp::reply(421, dsn::status::bad_connection, "you are too slow"));
    if (const auto written = co_await flush(); written)
      co_await connection_->shutdown(goodbye_wait);
  }
  co_return result;
}

// Until the peer says something, without room for it. It is read the next time.
net::ResultTask<> SmtpServer::stand_by() {
  buffer_.release(0);
  out_ = {};
  return connection_->wait_readable(deadline(Waiting::command) - now());
}

net::ResultTask<> SmtpServer::read_more(Waiting waiting) {
  base::Milliseconds left = deadline(waiting) - now();
  if (left.count() <= 0) co_return base::fail(ErrorKind::timeout, "the peer was too slow");
  if (waiting == Waiting::command && buffer_.is_empty()) left = std::min(left, quiet_after);
  std::size_t wanted = std::max(buffer_.capacity(), waiting_octets);
  const bool is_full = buffer_.view().size() == wanted;
  if (is_full) wanted = std::max(wanted, SmtpBuffer::small_octets);
  const bool is_full_still = buffer_.view().size() == wanted;
  if (waiting == Waiting::content || is_full_still) {
    wanted = std::max(wanted, read_filled_ ? SmtpBuffer::large_octets : SmtpBuffer::middle_octets);
  }
  const std::span<char> room = buffer_.room(wanted);
  CO_TRY(const std::size_t count, co_await connection_->read_some(room, left));
  if (count == 0) co_return base::fail(ErrorKind::closed, "the peer closed the connection");
  read_filled_ = count == room.size();
  buffer_.filled(count);
  if (waiting == Waiting::content) content_received_ += count;
  co_return base::Result<>();
}

net::ResultTask<> SmtpServer::next_command() {
  std::size_t consumed = 0;
  auto step = session_.next(buffer_.view(), consumed);
  buffer_.consume(consumed);
  if (!step) {
    if (consumed > 0) co_return base::Result<>();
    co_return co_await read(Waiting::command);
  }
  waits_ = false;
  co_return co_await std::visit([this](auto& known) { return take(std::move(known)); }, *step);
}

net::ResultTask<> SmtpServer::content() {
  waits_ = false;
  content_received_ = 0;
  while (session_.in_content()) {
    const bool wants_octets = session_.content_octets_expected() > 0;
    if (wants_octets && buffer_.is_empty()) CO_CHECK(co_await read(Waiting::content));
    const smtp::ContentStep step = session_.content(buffer_.octets());
    CO_CHECK(co_await take_content(step));
    const bool stuck = step.next == smtp::ContentStep::Next::more && step.consumed == 0;
    if (stuck && wants_octets) CO_CHECK(co_await read(Waiting::content));
  }
  waits_ = false;
  co_return base::Result<>();
}

}  // namespace letterlock::drive
