// Peers that aren't ours: OpenSSL's own client and server set to other choices, and garbage.
#include <atomic>

#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "hop/level.h"
#include "tls/handles.h"
#include "tls/server_name.h"
#include "tls/tls_fixture_test.h"

namespace letterlock::tls {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;

using SavedSession = std::unique_ptr<SSL_SESSION, Free<SSL_SESSION_free>>;

// What a foreign client did and saw.
struct Foreign {
  std::function<void(SSL_CTX*, SSL*)> set = [](SSL_CTX*, SSL*) {};
  std::string name = "mx1.example";
  SSL_SESSION* resume = nullptr;
  bool shaken = false;
  bool resumed = false;
  SavedSession session;
  std::string exporter;
};

// A blocking client on a socket of its own, in a thread of its own.
void run_foreign(int socket, Foreign& foreign) {
  const ContextHandle context(SSL_CTX_new(TLS_client_method()));
  const SslHandle ssl(SSL_new(context.get()));
  foreign.set(context.get(), ssl.get());
  SSL_set_tlsext_host_name(ssl.get(), foreign.name.c_str());
  if (foreign.resume != nullptr) SSL_set_session(ssl.get(), foreign.resume);
  SSL_set_fd(ssl.get(), socket);
  foreign.shaken = SSL_connect(ssl.get()) == 1;
  foreign.resumed = foreign.shaken && SSL_session_reused(ssl.get()) == 1;
  if (foreign.shaken) {
    std::array<char, 8> octet{};
    (void)SSL_read(ssl.get(), octet.data(), 1);  // the ticket comes with the first octets
    foreign.exporter.resize(32);
    SSL_export_keying_material(ssl.get(), reinterpret_cast<unsigned char*>(foreign.exporter.data()),
                               32, "EXPORTER-test", 13, nullptr, 0, 1);
    foreign.session.reset(SSL_get1_session(ssl.get()));
    SSL_shutdown(ssl.get());
  }
  ERR_clear_error();
}

class Peer : public TlsTest {
 protected:
  // Our accept() against that client; the session on success is left with the peer gone.
  SessionResult accept(Foreign& foreign, ServerOptions options = {}) {
    auto listener = network.listen(*net::Endpoint::parse("127.0.0.1:0"));
    std::optional<base::Result<std::unique_ptr<net::Connection>>> accepted;
    loop.spawn(store((*listener)->accept(), accepted));
    const os::Descriptor socket = dial((*listener)->local().port);
    run_until([&] { return accepted.has_value(); });
    std::atomic<bool> over = false;
    std::thread thread([&] {
      run_foreign(socket.number(), foreign);
      ::shutdown(socket.number(), SHUT_RDWR);
      over = true;
    });
    auto session = run(tls->accept(std::move(**accepted), options, 5s));
    if (session) (void)run((*session)->write("x", 1s));
    run_until([&] { return over.load(); });
    thread.join();
    return session;
  }
  static os::Descriptor dial(std::uint16_t port) {
    os::Descriptor made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(made.number(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    return made;
  }
  base::Error refusal(const std::function<void(SSL_CTX*, SSL*)>& set, ServerOptions options = {}) {
    Foreign foreign;
    foreign.set = set;
    const auto session = accept(foreign, options);
    return session ? base::Error{ErrorKind::exists, "a session"} : session.error();
  }
  base::Error refusal_of(std::string_view octets, bool client = false) {
    auto pair = connect();
    std::optional<SessionResult> result;
    if (client)
      loop.spawn(store(tls->connect(std::move(pair.server), {}, 2s), result));
    else
      loop.spawn(store(tls->accept(std::move(pair.server), {}, 2s), result));
    EXPECT_TRUE(run(pair.client->write(octets, 1s)));
    loop.spawn(pair.client->shutdown(2s));
    run_until([&] { return result.has_value(); });
    return *result ? base::Error{ErrorKind::exists, "a session"} : result->error();
  }
};

TEST_F(Peer, Tls12) {
  Foreign foreign;
  foreign.set = [](SSL_CTX*, SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); };
  const auto session = accept(foreign);
  ASSERT_TRUE(session) << session.error().what;
  const auto facts = (*session)->facts();
  EXPECT_EQ(facts.version, hop::TlsVersion::tls1_2);
  EXPECT_EQ(facts.cipher, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
  EXPECT_EQ(facts.group, "X25519");
  EXPECT_EQ((*session)->exporter("EXPORTER-test", "", 32), foreign.exporter);
}

// The server's order of groups decides.
TEST_F(Peer, Tls12WithOtherGroup) {
  Foreign foreign;
  foreign.set = [](SSL_CTX*, SSL* ssl) {
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    SSL_set1_groups_list(ssl, "P-384:P-256");
  };
  const auto session = accept(foreign);
  ASSERT_TRUE(session) << session.error().what;
  EXPECT_EQ((*session)->facts().group, "secp256r1");
}

// RFC 9266 §4.2: TLS 1.2 without extended master secret binds nothing.
TEST_F(Peer, NoExporterWithoutExtendedMasterSecret) {
  Foreign foreign;
  foreign.set = [](SSL_CTX*, SSL* ssl) {
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    SSL_set_options(ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  };
  const auto session = accept(foreign);
  ASSERT_TRUE(session);
  EXPECT_EQ((*session)->exporter("EXPORTER-test", "", 32).error().kind, ErrorKind::denied);
}

void show(SSL* ssl, const std::string& stem_path) {
  EXPECT_EQ(SSL_use_certificate_file(ssl, (stem_path + ".pem").c_str(), SSL_FILETYPE_PEM), 1);
  EXPECT_EQ(SSL_use_PrivateKey_file(ssl, (stem_path + ".key").c_str(), SSL_FILETYPE_PEM), 1);
}

// Who has a certificate shows it, whoever issued it and however old it is; who has none goes on.
TEST_F(Peer, AClientIsAskedForACertificateAndNeedsNone) {
  const ServerOptions asking{.asks_certificate = true};
  const auto old = make({"alice@acorn.example", "al@acorn.example", "x.example"}, -20 * 24h, -24h);
  const auto own = *make_self_signed({"bob@birch.example"}, clock.now(), clock.now() + 1h);
  files("old", old);
  files("own", own);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto with = [&](const std::string& stem) {
      Foreign foreign;
      foreign.set = [&](SSL_CTX*, SSL* ssl) {
        SSL_set_max_proto_version(ssl, version);
        if (!stem.empty()) show(ssl, at(stem));
      };
      auto session = accept(foreign, asking);
      EXPECT_TRUE(session) << session.error().what;
      EXPECT_TRUE(foreign.shaken);
      return session;
    };
    const auto none = with("");
    EXPECT_EQ((*none)->peer_key_digest(), "");
    EXPECT_TRUE((*none)->peer_addresses().empty());
    const auto expired = with("old");
    EXPECT_EQ((*expired)->peer_key_digest(), old.key_digest);
    EXPECT_EQ((*expired)->peer_addresses(),
              (std::vector<std::string>{"alice@acorn.example", "al@acorn.example"}));
    EXPECT_FALSE((*expired)->peer_verified());
    const auto self_signed = with("own");
    EXPECT_EQ((*self_signed)->peer_key_digest(), own.key_digest);
  }
  // Where nobody asks, nothing is shown.
  Foreign foreign;
  foreign.set = [&](SSL_CTX*, SSL* ssl) { show(ssl, at("own")); };
  EXPECT_EQ((*accept(foreign))->peer_key_digest(), "");
}

// A resumed session is the client of the session before: it has that one's certificate, and none if
// that one had none, whatever it could show now.
TEST_F(Peer, Attack42AResumedSessionHasTheCertificateThatItBeganWith) {
  const ServerOptions asking{.resumption_scope = "msa", .asks_certificate = true};
  const auto own = *make_self_signed({"bob@birch.example"}, clock.now(), clock.now() + 1h);
  files("own", own);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto go = [&](bool shows, SSL_SESSION* resume) {
      Foreign foreign;
      foreign.resume = resume;
      foreign.set = [&](SSL_CTX*, SSL* ssl) {
        SSL_set_max_proto_version(ssl, version);
        if (shows) show(ssl, at("own"));
      };
      const auto session = accept(foreign, asking);
      EXPECT_TRUE(session) << session.error().what;
      EXPECT_EQ(foreign.resumed, resume != nullptr) << version;
      return std::pair(std::move(foreign.session), session ? (*session)->peer_key_digest() : "");
    };
    const auto [with, digest] = go(true, nullptr);
    EXPECT_EQ(digest, own.key_digest);
    EXPECT_EQ(go(false, with.get()).second, own.key_digest);
    const auto [without, nothing] = go(false, nullptr);
    EXPECT_EQ(nothing, "");
    EXPECT_EQ(go(true, without.get()).second, "");
  }
}

net::Task<> read_until_end(Session& session, base::Result<std::size_t>& last) {
  std::array<char, 64> buffer{};
  do last = co_await session.read_some(buffer, 10s);
  while (last && *last > 0);
}

// RFC 9325 §3.5: a client that asks for another handshake hears no_renegotiation and the end, and
// doesn't wait.
TEST_F(Peer, Attack41NoRenegotiation) {
  auto listener = network.listen(*net::Endpoint::parse("127.0.0.1:0"));
  std::optional<base::Result<std::unique_ptr<net::Connection>>> accepted;
  loop.spawn(store((*listener)->accept(), accepted));
  const os::Descriptor socket = dial((*listener)->local().port);
  run_until([&] { return accepted.has_value(); });
  std::atomic<bool> over = false;
  int alert = 0;
  int asked = 1;
  std::thread thread([&] {
    const ContextHandle context(SSL_CTX_new(TLS_client_method()));
    const SslHandle ssl(SSL_new(context.get()));
    SSL_set_max_proto_version(ssl.get(), TLS1_2_VERSION);
    SSL_set_fd(ssl.get(), socket.number());
    SSL_set_app_data(ssl.get(), &alert);
    SSL_set_info_callback(ssl.get(), [](const SSL* its, int where, int value) {
      if ((where & SSL_CB_READ_ALERT) != 0 && *static_cast<int*>(SSL_get_app_data(its)) == 0)
        *static_cast<int*>(SSL_get_app_data(its)) = value & 0xff;
    });
    if (SSL_connect(ssl.get()) == 1) {
      SSL_renegotiate(ssl.get());
      asked = SSL_do_handshake(ssl.get());
    }
    ERR_clear_error();
    over = true;
  });
  auto session = run(tls->accept(std::move(**accepted), {}, 5s));
  EXPECT_TRUE(session);
  base::Result<std::size_t> last = std::size_t{1};
  loop.spawn(read_until_end(**session, last));
  run_until([&] { return !last || *last == 0; });
  (*session)->close();
  run_until([&] { return over.load(); });
  thread.join();
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error(), (base::Error{ErrorKind::protocol, "the peer asked for a renegotiation"}));
  EXPECT_NE(asked, 1);
  EXPECT_EQ(alert, SSL_AD_NO_RENEGOTIATION);
}

TEST_F(Peer, SentencesForWhatIsNotShared) {
  EXPECT_EQ(refusal([](SSL_CTX*, SSL* ssl) {
              SSL_set_security_level(ssl, 0);
              SSL_set_min_proto_version(ssl, TLS1_VERSION);
              SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
            }).what,
            "no shared TLS version: the peer offers none from TLS 1.2 on");
  EXPECT_EQ(refusal([](SSL_CTX*, SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); },
                    {.version_min = hop::TlsVersion::tls1_3})
                .what,
            "no shared TLS version: the peer offers none from TLS 1.2 on");
  EXPECT_EQ(refusal([](SSL_CTX*, SSL* ssl) {
              SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
              SSL_set_cipher_list(ssl, "AES256-SHA:ECDHE-ECDSA-AES256-SHA");
            }).what,
            "no shared cipher");
  EXPECT_EQ(refusal([](SSL_CTX*, SSL* ssl) { SSL_set1_groups_list(ssl, "P-521"); }).what,
            "no shared key exchange group");
}

TEST_F(Peer, Garbage) {
  using namespace std::string_view_literals;
  EXPECT_EQ(refusal_of("EHLO client.example\r\nMAIL FROM:<>\r\n").what,
            "wrong version number: the peer does not speak TLS");
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n").what,
            "an HTTP request came instead of TLS");
  EXPECT_EQ(refusal_of("220 mx ESMTP hello\r\n250 x\r\n", true).what,
            "wrong version number: the peer does not speak TLS");
  EXPECT_EQ(refusal_of("").what, "the peer closed during the handshake");
  EXPECT_EQ(refusal_of("\x16\x03\x01\x02\x00\x01"sv).what, "the peer closed during the handshake");
  for (const auto octets :
       {"\x16\x03\x01\xff\xff\x01"sv, "\x16\x03\x01\x00\x05\x01\xff\xff\xff\x00"sv,
        "\x17\x03\x03\x00\x03xxx"sv, "\x15\x03\x01\x00\x02\x02\x28"sv,
        "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"sv}) {
    const auto error = refusal_of(octets);
    EXPECT_TRUE(error.kind == ErrorKind::protocol || error.kind == ErrorKind::closed) << error.what;
    EXPECT_FALSE(error.what.empty());
  }
  EXPECT_EQ(refusal_of("\x15\x03\x01\x00\x02\x02\x28"sv, true).what,
            "the peer ended TLS: handshake failure");
}

// Passes on what it is given, but for the last octet of each read once it is told to.
class Changer final : public net::Connection {
 public:
  Changer(std::unique_ptr<net::Connection> under, const bool& change)
      : under_(std::move(under)), change_(change) {}
  net::ResultTask<std::size_t> read_some(std::span<char> buffer,
                                         base::Milliseconds timeout) override {
    return change(buffer, timeout);
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
  net::ResultTask<std::size_t> change(std::span<char> buffer, base::Milliseconds timeout) {
    auto octets = co_await under_->read_some(buffer, timeout);
    if (octets && *octets > 0 && change_)
      buffer[*octets - 1] = static_cast<char>(buffer[*octets - 1] ^ 1);
    co_return octets;
  }
  std::unique_ptr<net::Connection> under_;
  const bool& change_;
};

TEST_F(Peer, ARecordThatWasChangedEndsTheSession) {
  bool change = false;
  auto pair = connect();
  pair.server = std::make_unique<Changer>(std::move(pair.server), change);
  auto both = handshake(std::move(pair), {.server_name = "mx1.example"}, {});
  ASSERT_TRUE(both.client && both.server);
  change = true;
  EXPECT_TRUE(run((*both.client)->write("MAIL FROM:<a@b.example>", 1s)));
  std::array<char, 64> buffer{};
  for (int i = 0; i < 2; ++i) {
    const auto result = run((*both.server)->read_some(buffer, 1s));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(),
              (base::Error{ErrorKind::protocol, "a record was changed on its way"}));
  }
  EXPECT_EQ(run((*both.server)->write("x", 1s)).error().kind, ErrorKind::protocol);
  const auto told = run((*both.client)->read_some(buffer, 1s));
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().what, "the peer ended TLS: bad record mac");
}

class Attack42 : public Peer, public testing::WithParamInterface<int> {
 protected:
  void limit(Foreign& foreign) {
    foreign.set = [version = GetParam()](SSL_CTX*, SSL* ssl) {
      SSL_set_max_proto_version(ssl, version);
    };
  }
  // Takes a ticket under one name and scope, and offers it under others.
  bool resumes(
      const std::string& name, const ServerOptions& first, const std::string& other_name,
      const ServerOptions& second, const std::function<void()>& between = [] {}) {
    Foreign taking;
    limit(taking);
    taking.name = name;
    EXPECT_TRUE(accept(taking, first));
    EXPECT_TRUE(taking.session);
    between();
    Foreign offering;
    limit(offering);
    offering.name = other_name;
    offering.resume = taking.session.get();
    EXPECT_TRUE(accept(offering, second));
    return offering.resumed;
  }
};

TEST_P(Attack42, TicketsResumeOnlyWhereTheyWereGiven) {
  serve({{"mx1.example"}, {"acorn.example"}});
  EXPECT_TRUE(resumes("acorn.example", {}, "acorn.example", {}));
  EXPECT_FALSE(resumes("acorn.example", {}, "mx1.example", {}));
  EXPECT_FALSE(resumes("acorn.example", {.resumption_scope = "submission"}, "acorn.example",
                       {.resumption_scope = "relay"}));
  // Not with another key of the server's, and not after the tickets' keys have changed.
  EXPECT_FALSE(resumes("acorn.example", {}, "acorn.example", {}, [&] {
    (void)files("c2", make({"acorn.example"}));
    clock.by += 2s;
  }));
  EXPECT_FALSE(resumes("acorn.example", {}, "acorn.example", {}, [&] { clock.by += 13h; }));
}

INSTANTIATE_TEST_SUITE_P(Versions, Attack42, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST(ServerName, ParsesTheExtension) {
  const auto extension = [](std::string_view name, char type = 0) {
    const auto counted =
        std::string{static_cast<char>(name.size() >> 8), static_cast<char>(name.size())} +
        std::string(name);
    const auto list = std::string(1, type) + counted;
    return std::string{static_cast<char>(list.size() >> 8), static_cast<char>(list.size())} + list;
  };
  EXPECT_EQ(parse_server_name(extension("MX1.Example")), "mx1.example");
  EXPECT_EQ(parse_server_name(extension("a_b-c.example")), "a_b-c.example");
  for (const std::string_view bad : {"", ".", "a..b", ".a", "a.", "a b", "a\n", "ü", "a/b"})
    EXPECT_EQ(parse_server_name(extension(bad)), "") << bad;
  EXPECT_EQ(parse_server_name(extension(std::string(64, 'a'))), "");
  EXPECT_EQ(parse_server_name(extension("mx1.example", 1)), "");
  EXPECT_EQ(parse_server_name(""), "");
  EXPECT_EQ(parse_server_name(extension("mx1.example") + "x"), "");
  EXPECT_EQ(parse_server_name(extension("mx1.example").substr(0, 9)), "");
}

}  // namespace
}  // namespace letterlock::tls
