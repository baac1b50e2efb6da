#include "tls/openssl.h"

#include <algorithm>
#include <mutex>

#include <openssl/err.h>

#include "tls/engine.h"
#include "tls/failure.h"
#include "tls/policy.h"
#include "tls/verify.h"

namespace letterlock::tls {
namespace {

using base::ErrorKind;

// RFC 9325 §3.4: keys of tickets are changed regularly; what they protect is open to who has them.
constexpr base::Milliseconds tickets_keys_kept = std::chrono::hours(12);
constexpr base::Milliseconds longest = std::chrono::years(1);
constexpr base::Milliseconds goodbye_wait = std::chrono::seconds(1);
constexpr std::size_t exporter_octets_max = 1024;

Steady deadline_in(const Engine& engine, base::Milliseconds timeout) {
  return engine.clock.steady() + std::min(timeout, longest);
}

class OpensslSession final : public Session {
 public:
  OpensslSession(std::shared_ptr<Engine> engine, Verdict verdict)
      : engine_(std::move(engine)), verdict_(std::move(verdict)) {}
  ~OpensslSession() override { engine_->connection->close(); }

  net::ResultTask<std::size_t> read_some(std::span<char> buffer,
                                         base::Milliseconds timeout) override {
    return tls::read_some(engine_, buffer, deadline_in(*engine_, timeout));
  }
  net::ResultTask<> wait_readable(base::Milliseconds timeout) override {
    return tls::wait_readable(engine_, deadline_in(*engine_, timeout));
  }
  net::ResultTask<> write(std::string_view octets, base::Milliseconds timeout) override {
    return write_all(engine_, octets, deadline_in(*engine_, timeout));
  }
  void close() override { engine_->connection->close(); }
  void wake_reader() override { engine_->connection->wake_reader(); }
  net::Task<> shutdown(base::Milliseconds timeout) override {
    return say_goodbye(engine_, deadline_in(*engine_, timeout));
  }
  net::Endpoint local() const override { return engine_->connection->local(); }
  net::Endpoint peer() const override { return engine_->connection->peer(); }

  hop::TlsFacts facts() const override { return facts_of(engine_->ssl.get()); }
  base::Result<base::Bytes> exporter(std::string_view label, std::string_view context,
                                     std::size_t octets) const override;
  bool peer_verified() const override { return verdict_.verified; }
  const std::string& verification_failure() const override { return verdict_.failure; }
  hop::Proof proved_by() const override { return verdict_.proved_by; }
  const std::string& peer_key_digest() const override { return verdict_.key_digest; }
  const std::vector<std::string>& peer_addresses() const override { return verdict_.addresses; }
  const std::string& server_name() const override { return engine_->server_name; }

 private:
  base::Result<base::Bytes> derive(std::string_view label, std::string_view context,
                                   std::size_t octets) const;

  std::shared_ptr<Engine> engine_;
  Verdict verdict_;
  // What was asked last: who binds each message to the session asks the same each time.
  struct Exported {
    std::string label;
    std::string context;
    base::Bytes material;
  };
  mutable Exported exported_;
};

base::Result<base::Bytes> OpensslSession::exporter(std::string_view label, std::string_view context,
                                                   std::size_t octets) const {
  const bool is_last = exported_.label == label && exported_.context == context &&
                       exported_.material.size() == octets;
  if (octets == 0 || !is_last) {
    auto material = TRY(derive(label, context, octets));
    exported_ = {std::string(label), std::string(context), std::move(material)};
  }
  return exported_.material;
}

base::Result<base::Bytes> OpensslSession::derive(std::string_view label, std::string_view context,
                                                 std::size_t octets) const {
  auto* ssl = engine_->ssl.get();
  if (octets == 0 || octets > exporter_octets_max)
    return base::fail(ErrorKind::invalid, "an exporter gives 1 to 1024 octets");
  // RFC 9266 §4.2: without extended master secret (RFC 7627) an attacker can make two sessions
  // alike.
  if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1) {
    return base::fail(ErrorKind::denied,
                      "TLS 1.2 without extended master secret: an exporter would bind nothing");
  }
  base::Bytes material(octets, '\0');
  ERR_clear_error();
  const auto* bound = reinterpret_cast<const unsigned char*>(context.data());
  if (SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(material.data()), octets,
                                 label.data(), label.size(), bound, context.size(), 1) != 1) {
    return base::fail(ErrorKind::protocol, failure_sentence());
  }
  return material;
}

// With the handshake over, or the connection closed.
net::ResultTask<> run_handshake(std::shared_ptr<Engine> engine, base::Milliseconds timeout) {
  const auto deadline = deadline_in(*engine, timeout);
  const auto done = co_await handshake(engine, deadline);
  if (!done && done.error().kind == ErrorKind::protocol) {
    // A reset would take the alert with it, and the peer wouldn't learn why.
    const auto rest = std::max(deadline - engine->clock.steady(), base::Milliseconds(0));
    co_await engine->connection->shutdown(std::min(rest, goodbye_wait));
  }
  if (!done) engine->connection->close();
  co_return done;
}

}  // namespace

struct OpensslTls::State {
  std::shared_ptr<ServerCertificates> certificates;
  const os::Clock& clock;
  base::EventSink& events;
  ContextHandle client;
  TrustStores stores;
  std::mutex mutex;
  std::shared_ptr<SSL_CTX> server;
  os::Steady server_made;

  // The one that stands, with new keys for tickets when the old ones are old. Null: out of memory.
  std::shared_ptr<SSL_CTX> server_context() {
    const std::scoped_lock lock(mutex);
    const auto now = clock.steady();
    if (!server || now - server_made >= tickets_keys_kept) {
      if (auto fresh = make_server_context()) {
        server = std::move(fresh);
        server_made = now;
      }
    }
    return server;
  }
};

OpensslTls::OpensslTls(std::unique_ptr<State> state) : state_(std::move(state)) {}
OpensslTls::~OpensslTls() = default;

base::Result<std::unique_ptr<OpensslTls>> OpensslTls::create(
    std::shared_ptr<ServerCertificates> certificates, const os::Clock& clock,
    base::EventSink& events) {
  auto state =
      std::make_unique<State>(std::move(certificates), clock, events, make_client_context());
  if (!state->client || !state->server_context())
    return base::fail(ErrorKind::io, "OpenSSL can't be set up: " + failure_sentence());
  return std::unique_ptr<OpensslTls>(new OpensslTls(std::move(state)));
}

net::ResultTask<std::unique_ptr<Session>> OpensslTls::accept(
    std::unique_ptr<net::Connection> connection, ServerOptions options,
    base::Milliseconds timeout) {
  const auto certificates = state_->certificates;
  if (!certificates) co_return base::fail(ErrorKind::unavailable, "no certificate is configured");
  certificates->refresh();
  const auto context = state_->server_context();
  SslHandle ssl(SSL_new(context.get()));
  if (!ssl) co_return base::fail(ErrorKind::full, "no memory for a TLS session");
  SSL_set_accept_state(ssl.get());
  set_version_min(ssl.get(), options.version_min);
  if (options.asks_certificate) ask_certificate(ssl.get());
  const auto engine =
      std::make_shared<Engine>(std::move(ssl), std::move(connection), state_->clock);
  engine->server = &options;
  engine->certificates = certificates.get();
  CO_CHECK(co_await run_handshake(engine, timeout));
  engine->server = nullptr;
  engine->certificates = nullptr;
  co_return std::make_unique<OpensslSession>(engine, shown_by_client(*engine));
}

net::ResultTask<std::unique_ptr<Session>> OpensslTls::connect(
    std::unique_ptr<net::Connection> connection, ClientOptions options,
    base::Milliseconds timeout) {
  SslHandle ssl(SSL_new(state_->client.get()));
  if (!ssl) co_return base::fail(ErrorKind::full, "no memory for a TLS session");
  SSL_set_connect_state(ssl.get());
  set_version_min(ssl.get(), options.version_min);
  offer_alpn(ssl.get(), options.alpn);
  if (!options.certificate_file.empty()) {
    auto shown = show_certificate(ssl.get(), options.certificate_file);
    if (!shown) connection->close();
    CO_CHECK(std::move(shown));
  }
  const auto engine =
      std::make_shared<Engine>(std::move(ssl), std::move(connection), state_->clock);
  const auto prepared = prepare(*engine, options, state_->stores, state_->clock.now());
  if (!prepared) {
    state_->events.emit({base::Severity::error,
                         "tls.nothing_to_verify_by",
                         {{"server", options.server_name}, {"reason", prepared.error().what}}});
  }
  CO_CHECK(co_await run_handshake(engine, timeout));
  co_return std::make_unique<OpensslSession>(engine, judge(*engine, options, prepared));
}

}  // namespace letterlock::tls
