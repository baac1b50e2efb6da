// Two OpensslTls over loopback TCP, for this room's tests.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "net/tcp.h"
#include "os/files.h"
#include "os/temporary.h"
#include "tls/authority.h"
#include "tls/openssl.h"

namespace letterlock::tls {

using SessionResult = base::Result<std::unique_ptr<Session>>;

struct Heard final : base::EventSink {
  void emit(const base::Event& event) override {
    std::string line(event.name);
    for (const auto& [key, value] : event.fields) line += " " + std::string(key) + "=" + value;
    lines.push_back(line);
  }
  bool has(std::string_view part) const {
    for (const auto& line : lines) {
      if (line.contains(part)) return true;
    }
    return false;
  }
  std::vector<std::string> lines;
};

// The machine's clock, moved.
struct MovedClock final : os::Clock {
  base::Time now() const override { return os::SystemClock().now() + by; }
  os::Steady steady() const override { return os::SystemClock().steady() + by; }
  base::Milliseconds by{0};
};

class TlsTest : public testing::Test {
 protected:
  TlsTest() { serve({{"mx1.example"}}); }

  std::string at(const std::string& name) const { return folder.path() + "/" + name; }

  // Writes a certificate's files, and says where they are.
  CertificateFiles files(const std::string& stem, const MadeCertificate& certificate,
                         std::vector<std::string> names = {}) {
    EXPECT_TRUE(os::write_file(at(stem + ".pem"), certificate.chain_pem));
    EXPECT_TRUE(os::write_file(at(stem + ".key"), certificate.key_pem));
    return {std::move(names), at(stem + ".pem"), at(stem + ".key")};
  }
  MadeCertificate make(const std::vector<std::string>& names,
                       base::Milliseconds from = -std::chrono::hours(1),
                       base::Milliseconds to = std::chrono::days(90)) {
    return *make_certificate(authority, names, clock.now() + from, clock.now() + to);
  }
  // The server's certificates, one for each list of names.
  void serve(const std::vector<std::vector<std::string>>& lists) {
    std::vector<CertificateFiles> all;
    made.clear();
    for (const auto& names : lists) {
      made.push_back(make(names));
      all.push_back(files("c" + std::to_string(made.size()), made.back()));
    }
    serve_files(all);
  }
  void serve_files(const std::vector<CertificateFiles>& all) {
    auto loaded = ServerCertificates::load(all, clock, heard);
    ASSERT_TRUE(loaded) << loaded.error().what;
    tls = std::move(*OpensslTls::create(*loaded, clock, heard));
  }

  void run_until(const std::function<bool()>& done) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done() && std::chrono::steady_clock::now() < until) {
      if (loop.poll() == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    ASSERT_TRUE(done());
  }
  template <class T>
  T run(net::Task<T> task) {
    std::optional<T> result;
    loop.spawn(store(std::move(task), result));
    run_until([&] { return result.has_value(); });
    return std::move(*result);
  }
  template <class T>
  static net::Task<> store(net::Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }

  struct Pair {
    std::unique_ptr<net::Connection> client;
    std::unique_ptr<net::Connection> server;
  };
  Pair connect() {
    auto listener = network.listen(*net::Endpoint::parse("127.0.0.1:0"));
    std::optional<base::Result<std::unique_ptr<net::Connection>>> accepted;
    std::optional<base::Result<std::unique_ptr<net::Connection>>> connected;
    loop.spawn(store((*listener)->accept(), accepted));
    loop.spawn(store(network.connect((*listener)->local(), {}), connected));
    run_until([&] { return accepted && connected; });
    return {std::move(**connected), std::move(**accepted)};
  }

  struct Both {
    SessionResult client;
    SessionResult server;
  };
  Both handshake(ClientOptions client = {.server_name = "mx1.example"}, ServerOptions server = {}) {
    return handshake(connect(), client, server);
  }
  Both handshake(Pair pair, ClientOptions client, ServerOptions server,
                 base::Milliseconds timeout = std::chrono::seconds(5)) {
    std::optional<SessionResult> accepted;
    std::optional<SessionResult> connected;
    loop.spawn(store(tls->accept(std::move(pair.server), server, timeout), accepted));
    loop.spawn(store(tls->connect(std::move(pair.client), client, timeout), connected));
    run_until([&] { return accepted && connected; });
    return {std::move(*connected), std::move(*accepted)};
  }
  // What the client says of the server's certificate.
  std::string verdict(const ClientOptions& options) {
    auto both = handshake(options);
    if (!both.client) return both.client.error().what;
    const auto& session = **both.client;
    if (options.verify != ClientOptions::Verify::nothing) {
      EXPECT_EQ(session.peer_verified(), session.verification_failure().empty());
    }
    return session.peer_verified() ? "verified " + std::string(hop::name(session.proved_by()))
                                   : session.verification_failure();
  }
  std::string ca_file() {
    EXPECT_TRUE(os::write_file(at("ca.pem"), authority.certificate_pem));
    return at("ca.pem");
  }
  // Reads until that many octets have come.
  std::string read(Session& session, std::size_t octets,
                   base::Milliseconds timeout = std::chrono::seconds(5)) {
    std::string all;
    std::vector<char> buffer(1 << 16);
    while (all.size() < octets) {
      const auto count = run(session.read_some(buffer, timeout));
      if (!count) return all + "!" + count.error().what;
      if (*count == 0) return all + "|end";
      all.append(buffer.data(), *count);
    }
    return all;
  }

  MovedClock clock;
  Heard heard;
  os::TemporaryFolder folder = *os::TemporaryFolder::create("tls-test");
  Authority authority =
      *make_authority("Test authority", os::SystemClock().now() - std::chrono::days(400));
  net::Loop loop;
  net::TcpNetwork network{heard};
  std::vector<MadeCertificate> made;
  std::unique_ptr<OpensslTls> tls;
};

}  // namespace letterlock::tls
