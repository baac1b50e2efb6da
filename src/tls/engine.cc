#include "tls/engine.h"

#include <algorithm>
#include <cstring>

#include <openssl/err.h>

#include "base/assert.h"
#include "tls/failure.h"

namespace letterlock::tls {
namespace {

using base::ErrorKind;

// A command fits the small read; one that is filled is followed by large ones, of a whole record.
constexpr std::size_t pull_small = 1024;
constexpr std::size_t pull_handshake = 4096;
constexpr std::size_t pull_large = SSL3_RT_MAX_PLAIN_LENGTH + 512;
constexpr std::size_t record_octets = SSL3_RT_MAX_PLAIN_LENGTH;
// Two records go out in one write.
constexpr std::size_t coalesce_octets = std::size_t{2} * SSL3_RT_MAX_PLAIN_LENGTH;
// Warnings and answers that pile up because nobody writes: a peer that causes so many attacks.
constexpr std::size_t unsent_octets_max = 4096;
constexpr base::Milliseconds alert_wait = std::chrono::seconds(1);

Engine& engine_of(BIO* bio) {
  return *static_cast<Engine*>(BIO_get_data(bio));
}

int take_incoming(BIO* bio, char* to, std::size_t octets_max, std::size_t* octets) {
  auto& engine = engine_of(bio);
  BIO_clear_retry_flags(bio);
  *octets = std::min(octets_max, engine.incoming_end - engine.incoming_begin);
  if (*octets == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(to, engine.incoming.get() + engine.incoming_begin, *octets);
  engine.incoming_begin += *octets;
  if (engine.incoming_begin == engine.incoming_end) engine.incoming.reset();
  return 1;
}

int leave_outgoing(BIO* bio, const char* from, std::size_t octets, std::size_t* taken) {
  engine_of(bio).outgoing.append(from, octets);
  *taken = octets;
  return 1;
}

long control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* methods = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "letterlock");
    ASSERT(methods != nullptr);
    BIO_meth_set_read_ex(methods, take_incoming);
    BIO_meth_set_write_ex(methods, leave_outgoing);
    BIO_meth_set_ctrl(methods, control);
    return methods;
  }();
  return made;
}

base::Milliseconds rest(const Engine& engine, Steady deadline) {
  return std::max(deadline - engine.clock.steady(), base::Milliseconds(0));
}

// Ciphertext from the connection, for OpenSSL to take. The buffer is all that a waiting session
// holds.
net::ResultTask<> pull(std::shared_ptr<Engine> engine, Steady deadline) {
  ASSERT(engine->incoming_begin == engine->incoming_end);
  const auto octets_max = engine->pull_octets;
  auto buffer = std::make_unique_for_overwrite<char[]>(octets_max);
  CO_TRY(const auto octets, co_await engine->connection->read_some({buffer.get(), octets_max},
                                                                   rest(*engine, deadline)));
  // RFC 8446 §6.1: an end without close_notify may be an attacker's cut.
  if (octets == 0)
    co_return base::fail(ErrorKind::closed, "the peer ended the connection without ending TLS");
  engine->incoming = std::move(buffer);
  engine->incoming_begin = 0;
  engine->incoming_end = octets;
  if (octets == octets_max) {
    engine->pull_octets = pull_large;
  } else if (octets < pull_small) {
    engine->pull_octets = pull_small;
  }
  co_return base::Result<>();
}

// All that OpenSSL has left for the peer.
net::ResultTask<> push(std::shared_ptr<Engine> engine, base::Milliseconds timeout) {
  ASSERT(!engine->writing);
  while (!engine->outgoing.empty()) {
    const auto octets = std::exchange(engine->outgoing, {});
    engine->writing = true;
    const auto written = co_await engine->connection->write(octets, timeout);
    engine->writing = false;
    if (!written) {
      engine->write_failed = true;
      co_return base::fail(written.error());
    }
  }
  co_return base::Result<>();
}

// The peer broke the protocol, or OpenSSL can't go on: tells the peer as far as that is quick.
net::ResultTask<> break_off(std::shared_ptr<Engine> engine, std::string sentence, Steady deadline) {
  engine->failure = base::Error{ErrorKind::protocol, std::move(sentence)};
  if (!engine->writing && !engine->write_failed)
    (void)co_await push(engine, std::min(alert_wait, rest(*engine, deadline)));
  co_return base::fail(*engine->failure);
}

}  // namespace

Engine::Engine(SslHandle session, std::unique_ptr<net::Connection> over, const os::Clock& of)
    : pull_octets(pull_handshake), clock(of), connection(std::move(over)), ssl(std::move(session)) {
  BIO* bio = BIO_new(method());
  ASSERT(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);
  SSL_set_app_data(ssl.get(), this);
}

net::ResultTask<> handshake(std::shared_ptr<Engine> engine, Steady deadline) {
  while (true) {
    ERR_clear_error();
    const int done = SSL_do_handshake(engine->ssl.get());
    const int error = SSL_get_error(engine->ssl.get(), done);
    if (done != 1 && error != SSL_ERROR_WANT_READ)
      co_return co_await break_off(engine, failure_sentence(), deadline);
    CO_CHECK(co_await push(engine, rest(*engine, deadline)));
    if (done == 1) break;
    const auto pulled = co_await pull(engine, deadline);
    if (!pulled && pulled.error().kind == ErrorKind::closed) {
      co_return base::fail(ErrorKind::closed, "the peer closed during the handshake");
    }
    if (!pulled && pulled.error().kind == ErrorKind::timeout) {
      co_return base::fail(ErrorKind::timeout, "the TLS handshake took too long");
    }
    CO_CHECK(pulled);
  }
  engine->pull_octets = pull_small;
  co_return base::Result<>();
}

net::ResultTask<std::size_t> read_some(std::shared_ptr<Engine> engine, std::span<char> buffer,
                                       Steady deadline) {
  while (true) {
    if (engine->failure) co_return base::fail(*engine->failure);
    ERR_clear_error();
    std::size_t octets = 0;
    const int done = SSL_read_ex(engine->ssl.get(), buffer.data(), buffer.size(), &octets);
    if (done == 1) co_return octets;
    const int error = SSL_get_error(engine->ssl.get(), done);
    if (error == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
    auto sentence = error == SSL_ERROR_WANT_READ ? std::string() : failure_sentence();
    // RFC 9325 §3.5: OpenSSL has left a no_renegotiation for a client that asked for another
    // handshake. Such a client waits for an answer, not for what it asked before: it gets the alert
    // and the end. (In TLS 1.3 what OpenSSL leaves here is the answer to a KeyUpdate.)
    const bool asked_again = SSL_is_server(engine->ssl.get()) == 1 &&
                             SSL_version(engine->ssl.get()) < TLS1_3_VERSION &&
                             !engine->outgoing.empty();
    if (sentence.empty() && asked_again) sentence = "the peer asked for a renegotiation";
    if (engine->outgoing.size() > unsent_octets_max && !engine->writing)
      sentence = "the peer causes one warning after the other";
    if (!sentence.empty()) {
      CO_CHECK(co_await break_off(engine, std::move(sentence), deadline));
    }
    // Who has room for a record expects content, and doesn't idle.
    if (buffer.size() > pull_handshake) engine->pull_octets = pull_large;
    CO_CHECK(co_await pull(engine, deadline));
  }
}

net::ResultTask<> wait_readable(std::shared_ptr<Engine> engine, Steady deadline) {
  const bool has_more =
      engine->incoming_begin < engine->incoming_end || SSL_pending(engine->ssl.get()) > 0;
  if (has_more || engine->failure) co_return base::Result<>();
  co_return co_await engine->connection->wait_readable(rest(*engine, deadline));
}

net::ResultTask<> write_all(std::shared_ptr<Engine> engine, std::string_view octets,
                            Steady deadline) {
  if (engine->failure) co_return base::fail(*engine->failure);
  if (engine->write_failed)
    co_return base::fail(ErrorKind::closed,
                         "an earlier write was cut: nothing can be written behind it");
  do {
    while (!octets.empty() && engine->outgoing.size() < coalesce_octets) {
      ERR_clear_error();
      const auto piece = octets.substr(0, record_octets);
      std::size_t taken = 0;
      // Once the peer has ended TLS in order, its side is read no more, and ours may still be
      // written.
      if (SSL_write_ex(engine->ssl.get(), piece.data(), piece.size(), &taken) != 1) {
        co_return co_await break_off(engine, failure_sentence(), deadline);
      }
      octets.remove_prefix(taken);
    }
    CO_CHECK(co_await push(engine, rest(*engine, deadline)));
  } while (!octets.empty());
  co_return base::Result<>();
}

net::Task<> say_goodbye(std::shared_ptr<Engine> engine, Steady deadline) {
  if (!engine->failure && !engine->write_failed && !engine->writing &&
      SSL_is_init_finished(engine->ssl.get()) == 1) {
    ERR_clear_error();
    (void)SSL_shutdown(engine->ssl.get());
    ERR_clear_error();
    (void)co_await push(engine, rest(*engine, deadline));
  }
  co_await engine->connection->shutdown(rest(*engine, deadline));
}

}  // namespace letterlock::tls
