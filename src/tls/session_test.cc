// Two sessions of ours with each other: what they agree on, what goes through, how they end.
#include <malloc.h>
#include <sys/resource.h>

#include "hop/level.h"
#include "tls/tls_fixture_test.h"

namespace letterlock::tls {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;

TEST_F(TlsTest, AgreesOnTheBest) {
  auto both = handshake();
  ASSERT_TRUE(both.client) << both.client.error().what;
  ASSERT_TRUE(both.server) << both.server.error().what;
  const auto facts = (*both.client)->facts();
  EXPECT_EQ(facts, (*both.server)->facts());
  EXPECT_EQ(facts.version, hop::TlsVersion::tls1_3);
  EXPECT_EQ(facts.cipher, "TLS_AES_256_GCM_SHA384");
  EXPECT_TRUE(facts.group == "X25519" || facts.group == "X25519MLKEM768") << facts.group;
  EXPECT_EQ(facts.post_quantum, facts.group == "X25519MLKEM768");
  EXPECT_EQ((*both.server)->server_name(), "mx1.example");
  EXPECT_EQ((*both.client)->peer_key_digest(), made[0].key_digest);
  EXPECT_EQ((*both.server)->peer_key_digest(), "");
  EXPECT_EQ((*both.client)->verification_failure(), "");
  EXPECT_FALSE((*both.client)->peer_verified());
}

TEST_F(TlsTest, CarriesOctetsBothWaysAndEnds) {
  auto both = handshake();
  auto& client = **both.client;
  auto& server = **both.server;
  EXPECT_TRUE(run(client.write("EHLO me\r\n", 1s)));
  EXPECT_EQ(read(server, 9), "EHLO me\r\n");
  EXPECT_TRUE(run(server.write("250 you\r\n", 1s)));
  EXPECT_EQ(read(client, 9), "250 you\r\n");
  std::optional<bool> gone;
  loop.spawn(client.shutdown(2s), [&] { gone = true; });
  EXPECT_EQ(read(server, 1), "|end");
  loop.spawn(server.shutdown(2s));
  run_until([&] { return gone.has_value(); });
}

TEST_F(TlsTest, CarriesMuch) {
  auto both = handshake();
  std::string much(3 << 20, 'x');
  for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 2654435761U >> 24);
  std::optional<base::Result<>> there;
  std::optional<base::Result<>> back;
  loop.spawn(store((*both.client)->write(much, 20s), there));
  loop.spawn(store((*both.server)->write(much, 20s), back));
  std::optional<std::string> seen;
  std::string other;
  std::vector<char> buffer(1 << 16);
  std::string mine;
  while (mine.size() < much.size() || other.size() < much.size()) {
    if (mine.size() < much.size()) {
      const auto count = run((*both.server)->read_some(buffer, 5s));
      ASSERT_TRUE(count) << count.error().what;
      mine.append(buffer.data(), *count);
    }
    if (other.size() < much.size()) {
      const auto count = run((*both.client)->read_some(buffer, 5s));
      ASSERT_TRUE(count) << count.error().what;
      other.append(buffer.data(), *count);
    }
  }
  EXPECT_TRUE(mine == much);
  EXPECT_TRUE(other == much);
  EXPECT_TRUE(there && *there && back && *back);
}

TEST_F(TlsTest, ReadTimesOutAndGoesOn) {
  auto both = handshake();
  EXPECT_TRUE(read(**both.server, 1, 20ms).ends_with("took too long"));
  EXPECT_TRUE(run((*both.client)->write("x", 1s)));
  EXPECT_EQ(read(**both.server, 1), "x");
}

// RFC 8446 §6.1: an end without close_notify may be somebody's cut.
TEST_F(TlsTest, TruncationIsNotTheEnd) {
  auto both = handshake();
  (*both.client)->close();
  std::array<char, 10> buffer{};
  const auto result = run((*both.server)->read_some(buffer, 1s));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::closed);
}

TEST_F(TlsTest, ExporterIsTheSameOnBothEndsAndNowhereElse) {
  auto both = handshake();
  auto other = handshake();
  const auto mine = (*both.client)->exporter("EXPORTER-Channel-Binding", "", 32);
  ASSERT_TRUE(mine);
  EXPECT_EQ(mine->size(), 32U);
  EXPECT_EQ(*mine, (*both.server)->exporter("EXPORTER-Channel-Binding", "", 32));
  EXPECT_NE(*mine, (*other.server)->exporter("EXPORTER-Channel-Binding", "", 32));
  EXPECT_NE(*mine, (*both.server)->exporter("EXPORTER-Channel-Binding", "x", 32));
  EXPECT_NE(*mine, (*both.server)->exporter("EXPORTER-other", "", 32));
  EXPECT_EQ((*both.client)->exporter("EXPORTER-Channel-Binding", "", 0).error().kind,
            ErrorKind::invalid);
}

TEST_F(TlsTest, CertificateByServerName) {
  serve({{"mx1.example", "also.example"}, {"mail.acorn.example"}, {"*.birch.example"}});
  const auto served = [&](const std::string& name) {
    return (*handshake({.server_name = name}).client)->peer_key_digest();
  };
  EXPECT_EQ(served("mx1.example"), made[0].key_digest);
  EXPECT_EQ(served("MAIL.acorn.example"), made[1].key_digest);
  EXPECT_EQ(served("mx.birch.example"), made[2].key_digest);
  EXPECT_EQ(served("deep.mx.birch.example"), made[0].key_digest);
  EXPECT_EQ(served("unknown.example"), made[0].key_digest);
  EXPECT_EQ(served(""), made[0].key_digest);
  EXPECT_EQ(served("127.0.0.1"), made[0].key_digest);
}

TEST_F(TlsTest, NamesInTheConfigurationDecide) {
  serve_files({files("a", make({"a.example"}), {"first.example"}),
               files("b", make({"b.example"}), {"*.second.example"})});
  EXPECT_EQ((*handshake({.server_name = "x.second.example"}).client)->peer_key_digest(),
            inspect_certificate({{}, at("b.pem"), at("b.key")})->key_digest);
  EXPECT_EQ((*handshake({.server_name = "b.example"}).client)->peer_key_digest(),
            inspect_certificate({{}, at("a.pem"), at("a.key")})->key_digest);
}

TEST_F(TlsTest, Attack40OtherProtocolsAreRefused) {
  EXPECT_TRUE(handshake({.alpn = "pop3"}, {.alpn = "pop3"}).client);
  EXPECT_TRUE(handshake({}, {.alpn = "pop3"}).client);
  EXPECT_TRUE(handshake({.alpn = "pop3"}, {}).client);
  const auto refused = handshake({.alpn = "h2"}, {.alpn = "pop3"});
  ASSERT_FALSE(refused.server);
  EXPECT_EQ(refused.server.error(),
            (base::Error{ErrorKind::protocol,
                         "the peer asks for another protocol than the one spoken here (ALPN)"}));
  ASSERT_FALSE(refused.client);
  EXPECT_EQ(refused.client.error(),
            (base::Error{ErrorKind::protocol, "the peer ended TLS: no application protocol"}));
}

// Gives and takes one octet at a time.
class Trickle final : public net::Connection {
 public:
  explicit Trickle(std::unique_ptr<net::Connection> under) : under_(std::move(under)) {}
  net::ResultTask<std::size_t> read_some(std::span<char> buffer,
                                         base::Milliseconds timeout) override {
    return under_->read_some(buffer.first(1), timeout);
  }
  net::ResultTask<> write(std::string_view octets, base::Milliseconds timeout) override {
    return under_->write(octets, timeout);
  }
  void close() override { under_->close(); }
  void wake_reader() override { under_->wake_reader(); }
  net::Task<> shutdown(base::Milliseconds timeout) override { return under_->shutdown(timeout); }
  net::Endpoint local() const override { return under_->local(); }
  net::Endpoint peer() const override { return under_->peer(); }

 private:
  std::unique_ptr<net::Connection> under_;
};

TEST_F(TlsTest, OneOctetAtATime) {
  auto pair = connect();
  pair.client = std::make_unique<Trickle>(std::move(pair.client));
  pair.server = std::make_unique<Trickle>(std::move(pair.server));
  auto both = handshake(std::move(pair), {.server_name = "mx1.example"}, {});
  ASSERT_TRUE(both.client && both.server);
  EXPECT_TRUE(run((*both.client)->write(std::string(40000, 'x'), 5s)));
  EXPECT_EQ(read(**both.server, 40000), std::string(40000, 'x'));
}

TEST_F(TlsTest, Attack53SlowHandshakeEnds) {
  auto pair = connect();
  const auto slow = run(tls->accept(std::move(pair.server), {}, 30ms));
  EXPECT_EQ(slow.error(), (base::Error{ErrorKind::timeout, "the TLS handshake took too long"}));
  // An octet now and then doesn't prolong it.
  pair = connect();
  std::optional<SessionResult> accepted;
  const auto before = std::chrono::steady_clock::now();
  loop.spawn(store(tls->accept(std::move(pair.server), {}, 60ms), accepted));
  for (int i = 0; i < 12 && !accepted; ++i) {
    (void)run(pair.client->write(
        std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03zzz", 14).substr(i, 1), 1s));
    std::this_thread::sleep_for(10ms);
  }
  run_until([&] { return accepted.has_value(); });
  EXPECT_EQ(accepted->error().kind, ErrorKind::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
}

TEST_F(TlsTest, CancelEndsTheHandshake) {
  auto pair = connect();
  std::optional<SessionResult> accepted;
  const auto running = loop.spawn(store(tls->accept(std::move(pair.server), {}, 10s), accepted));
  loop.poll();
  running->cancel();
  run_until([&] { return accepted.has_value(); });
  EXPECT_EQ(accepted->error().kind, ErrorKind::cancelled);
}

TEST_F(TlsTest, NothingToServeWith) {
  auto bare = OpensslTls::create(nullptr, clock, heard);
  ASSERT_TRUE(bare);
  EXPECT_EQ(run((*bare)->accept(connect().server, {}, 1s)).error().kind, ErrorKind::unavailable);
}

net::Task<> idle(Session& session, std::size_t& ended) {
  std::array<char, 64> buffer{};
  (void)co_await session.read_some(buffer, 60s);
  ++ended;
}

// Both ends live here: a thousand connections are two thousand sessions, each waiting to read.
TEST_F(TlsTest, MemoryOfIdleSessions) {
  constexpr std::size_t count = 1000;
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 3 * count);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  (void)handshake();
  const auto before = mallinfo2().uordblks;
  std::vector<Both> sessions;
  std::size_t ended = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sessions.push_back(handshake());
    ASSERT_TRUE(sessions.back().client && sessions.back().server);
    // As in life: both have written and read before they idle. (A ticket that comes between leaves
    // the client a buffer for writing until it writes again.)
    for (int line = 0; line < 2; ++line) {
      ASSERT_TRUE(run((*sessions.back().client)->write("EHLO me\r\n", 1s)));
      ASSERT_EQ(read(**sessions.back().server, 9), "EHLO me\r\n");
      ASSERT_TRUE(run((*sessions.back().server)->write("250 you\r\n", 1s)));
      ASSERT_EQ(read(**sessions.back().client, 9), "250 you\r\n");
    }
    loop.spawn(idle(**sessions.back().client, ended));
    loop.spawn(idle(**sessions.back().server, ended));
  }
  while (loop.poll() != 0) {
  }
  const auto each = (mallinfo2().uordblks - before) / (2 * count);
  RecordProperty("octets_per_idle_session", std::to_string(each));
  std::printf("an idle session holds %zu octets\n", static_cast<std::size_t>(each));
  EXPECT_LT(each, 28U * 1024);
  for (auto& both : sessions) {
    (*both.client)->close();
    (*both.server)->close();
  }
  run_until([&] { return ended == 2 * count; });
}

}  // namespace
}  // namespace letterlock::tls
