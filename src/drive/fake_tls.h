// A TLS for drive's own tests: a greeting of eight octets each way, then the octets as they are,
// and an exporter that both ends share if their secrets are the same.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/digest.h"
#include "tls/tls.h"

namespace letterlock::drive::test {

class FakeSession final : public tls::Session {
 public:
  FakeSession(std::unique_ptr<net::Connection> under, std::string secret, std::string shown = {})
      : under_(std::move(under)), secret_(std::move(secret)), shown_(std::move(shown)) {}

  net::ResultTask<std::size_t> read_some(std::span<char> buffer,
                                         base::Milliseconds timeout) override {
    return under_->read_some(buffer, timeout);
  }
  net::ResultTask<> wait_readable(base::Milliseconds timeout) override {
    return under_->wait_readable(timeout);
  }
  net::ResultTask<> write(std::string_view octets, base::Milliseconds timeout) override {
    return under_->write(octets, timeout);
  }
  void close() override { under_->close(); }
  void wake_reader() override { under_->wake_reader(); }
  net::Task<> shutdown(base::Milliseconds timeout) override { return under_->shutdown(timeout); }
  net::Endpoint local() const override { return under_->local(); }
  net::Endpoint peer() const override { return under_->peer(); }

  hop::TlsFacts facts() const override {
    hop::TlsFacts facts;
    facts.version = hop::TlsVersion::tls1_3;
    return facts;
  }
  base::Result<base::Bytes> exporter(std::string_view label, std::string_view context,
                                     std::size_t octets) const override {
    if (secret_.empty()) return base::fail(base::ErrorKind::denied, "no exporter that binds");
    return base::hmac_sha256(secret_, std::string(label) + std::string(context)).substr(0, octets);
  }
  bool peer_verified() const override { return false; }
  const std::string& verification_failure() const override { return nothing_; }
  hop::Proof proved_by() const override { return hop::Proof::none; }
  const std::string& peer_key_digest() const override { return shown_; }
  const std::vector<std::string>& peer_addresses() const override { return nobody_; }
  const std::string& server_name() const override { return nothing_; }

 private:
  std::unique_ptr<net::Connection> under_;
  std::string secret_;
  std::string shown_;
  std::string nothing_;
  std::vector<std::string> nobody_;
};

class FakeTls final : public tls::Tls {
 public:
  // Without a secret its sessions have no exporter. `shown`: the key of the client's certificate,
  // as a server that asks sees it.
  explicit FakeTls(std::string secret = "shared", std::string shown = {})
      : secret_(std::move(secret)), shown_(std::move(shown)) {}

  net::ResultTask<std::unique_ptr<tls::Session>> accept(std::unique_ptr<net::Connection> connection,
                                                        tls::ServerOptions options,
                                                        base::Milliseconds timeout) override {
    CO_CHECK(co_await expect(*connection, client_hello, timeout));
    CO_CHECK(co_await connection->write(server_hello, timeout));
    co_return std::make_unique<FakeSession>(std::move(connection), secret_,
                                            options.asks_certificate ? shown_ : std::string());
  }
  net::ResultTask<std::unique_ptr<tls::Session>> connect(
      std::unique_ptr<net::Connection> connection, tls::ClientOptions,
      base::Milliseconds timeout) override {
    CO_CHECK(co_await connection->write(client_hello, timeout));
    CO_CHECK(co_await expect(*connection, server_hello, timeout));
    co_return std::make_unique<FakeSession>(std::move(connection), secret_);
  }

  static constexpr std::string_view client_hello = "HELLO-C\n";
  static constexpr std::string_view server_hello = "HELLO-S\n";

 private:
  static net::ResultTask<> expect(net::Connection& connection, std::string_view hello,
                                  base::Milliseconds timeout) {
    std::string seen;
    while (seen.size() < hello.size()) {
      std::array<char, 8> buffer;
      CO_TRY(const auto count, co_await connection.read_some(
                                   std::span(buffer).first(hello.size() - seen.size()), timeout));
      if (count == 0)
        co_return base::fail(base::ErrorKind::closed, "the peer left in the handshake");
      seen.append(buffer.data(), count);
    }
    if (seen != hello) co_return base::fail(base::ErrorKind::protocol, "not a handshake");
    co_return base::Result<>();
  }

  std::string secret_;
  std::string shown_;
};

}  // namespace letterlock::drive::test
