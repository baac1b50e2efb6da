#include "sim/tls.h"

#include <gtest/gtest.h>

#include "sim/network.h"
#include "sim/tls_verify.h"

namespace letterlock::sim {
namespace {

using namespace std::chrono_literals;
using tls::ClientOptions;

net::Endpoint at(std::string_view text) {
  return net::Endpoint::parse(text).value();
}

// One end of a session and what became of it.
struct End {
  std::unique_ptr<tls::Session> session;
  std::optional<base::Error> error;
  std::string octets;
  std::optional<base::Error> read_error;
  bool done = false;
};

net::Task<> serve(Tls& tls, net::Listener& listener, End& end) {
  auto connection = co_await listener.accept();
  auto session = co_await tls.accept(std::move(*connection), {}, 10s);
  if (session)
    end.session = std::move(*session);
  else
    end.error = session.error();
  end.done = true;
}

net::Task<> call(Host& host, Tls& tls, net::Endpoint to, ClientOptions options, End& end) {
  auto connection = co_await host.connect(to, {});
  auto session = co_await tls.connect(std::move(*connection), std::move(options), 10s);
  if (session)
    end.session = std::move(*session);
  else
    end.error = session.error();
  end.done = true;
}

net::Task<> read_all(End& end) {
  std::array<char, 500> buffer;
  while (true) {
    const auto count = co_await end.session->read_some(buffer, 10s);
    if (!count) end.read_error = count.error();
    if (!count || *count == 0) co_return;
    end.octets.append(buffer.data(), *count);
  }
}

net::Task<> write_all(tls::Session& session, std::string octets, bool goodbye) {
  (void)co_await session.write(octets, 1min);
  if (goodbye)
    co_await session.shutdown(1s);
  else
    session.close();
}

class SimTls : public testing::Test {
 protected:
  SimTls() { server_tls.settings.identities = {identity_for("mx.birch.example", "Birch CA")}; }

  void shake_hands(ClientOptions options = {}) {
    client = {};
    server = {};
    const auto listener = server_host.listen(at("192.0.2.2:25")).value();
    world.loop().spawn(serve(server_tls, *listener, server));
    world.loop().spawn(
        call(client_host, client_tls, at("192.0.2.2:25"), std::move(options), client));
    EXPECT_TRUE(world.run_until([&] { return client.done && server.done; }, 1h));
  }

  World world{7};
  Network network{world};
  Host& client_host = network.host("192.0.2.1");
  Host& server_host = network.host("192.0.2.2");
  Tls client_tls{world, "client"};
  Tls server_tls{world, "server"};
  End client;
  End server;
};

TEST_F(SimTls, BothEndsAgreeOnFactsAndExporter) {
  client_tls.settings.post_quantum = server_tls.settings.post_quantum = true;
  shake_hands({.server_name = "mx.birch.example"});
  ASSERT_TRUE(client.session && server.session);
  EXPECT_EQ(client.session->facts(), server.session->facts());
  EXPECT_EQ(client.session->facts().version, hop::TlsVersion::tls1_3);
  EXPECT_EQ(client.session->facts().group, "X25519MLKEM768");
  EXPECT_EQ(server.session->server_name(), "mx.birch.example");
  const auto exported = client.session->exporter("label", "context", 40);
  EXPECT_EQ(exported->size(), 40U);
  EXPECT_EQ(exported, server.session->exporter("label", "context", 40));
  EXPECT_NE(exported, server.session->exporter("label", "other", 40));
  EXPECT_NE(exported, server.session->exporter("other", "context", 40));
  EXPECT_FALSE(client.session->peer_verified());
  EXPECT_EQ(client.session->peer_key_digest(), server_tls.settings.identities[0].key_digest);
}

TEST_F(SimTls, AMiddleManHasTwoSessionsWithTwoSecrets) {
  Host& middle = network.host("203.0.113.66");
  Tls middle_tls(world, "middle");
  middle_tls.settings.identities = {identity_for("mx.birch.example", "Mallory CA")};
  network.add({.what = Rule::What::divert,
               .to = server_host.addresses()[0],
               .instead = at("203.0.113.66:25")});
  End inner, outer;
  const auto trap = middle.listen(at("203.0.113.66:25")).value();
  const auto listener = server_host.listen(at("192.0.2.2:25")).value();
  world.loop().spawn(serve(middle_tls, *trap, outer));
  world.loop().spawn(serve(server_tls, *listener, server));
  world.loop().spawn(call(middle, middle_tls, at("192.0.2.2:25"), {}, inner));
  client_tls.settings.trusted_issuers = {"Birch CA"};
  world.loop().spawn(
      call(client_host, client_tls, at("192.0.2.2:25"),
           {.server_name = "mx.birch.example", .verify = ClientOptions::Verify::name}, client));
  EXPECT_TRUE(
      world.run_until([&] { return client.done && server.done && inner.done && outer.done; }, 1h));
  ASSERT_TRUE(client.session && server.session);
  EXPECT_EQ(client.session->peer(), at("192.0.2.2:25"));
  EXPECT_NE(client.session->exporter("l", "", 32), server.session->exporter("l", "", 32));
  EXPECT_EQ(client.session->exporter("l", "", 32), outer.session->exporter("l", "", 32));
  EXPECT_EQ(inner.session->exporter("l", "", 32), server.session->exporter("l", "", 32));
  EXPECT_FALSE(client.session->peer_verified());
  EXPECT_EQ(client.session->verification_failure(),
            "the certificate's issuer Mallory CA is not trusted");
}

TEST_F(SimTls, VersionsMeetOrTheHandshakeFails) {
  server_tls.settings.version_max = hop::TlsVersion::tls1_2;
  shake_hands();
  ASSERT_TRUE(client.session);
  EXPECT_EQ(client.session->facts().version, hop::TlsVersion::tls1_2);
  EXPECT_TRUE(client.session->exporter("l", "", 32));
  shake_hands({.version_min = hop::TlsVersion::tls1_3});
  EXPECT_EQ(client.error->kind, base::ErrorKind::protocol);
  EXPECT_EQ(client.error->what, "the peer ended the TLS handshake: no shared version");
  EXPECT_EQ(server.error->kind, base::ErrorKind::protocol);
  server_tls.settings.extended_master_secret = false;
  shake_hands();
  EXPECT_EQ(client.session->exporter("l", "", 32).error().kind, base::ErrorKind::denied);
  EXPECT_EQ(server.session->exporter("l", "", 32).error().kind, base::ErrorKind::denied);
}

TEST_F(SimTls, ServersMayRefuseOrHaveNoCertificate) {
  server_tls.settings.refuses = true;
  shake_hands();
  EXPECT_EQ(client.error->kind, base::ErrorKind::protocol);
  server_tls.settings = {};
  shake_hands();
  EXPECT_EQ(client.error->what, "the peer ended the TLS handshake: no certificate");
}

TEST_F(SimTls, TheCertificateIsChosenByName) {
  server_tls.settings.identities.push_back(identity_for("*.acorn.example", "Acorn CA"));
  client_tls.settings.trusted_issuers = {"Acorn CA"};
  shake_hands({.server_name = "mx.acorn.example", .verify = ClientOptions::Verify::name});
  EXPECT_TRUE(client.session->peer_verified());
  EXPECT_EQ(client.session->proved_by(), hop::Proof::connector);
}

TEST_F(SimTls, CarriesALotAndTellsTheObserverThatItIsProtected) {
  std::string clear, hidden;
  network.observe([&](const Crossing& crossing) {
    (crossing.is_protected ? hidden : clear) += crossing.octets;
  });
  shake_hands();
  const std::string octets(300'000, 'm');
  world.loop().spawn(write_all(*client.session, octets, true));
  world.loop().spawn(read_all(server));
  world.advance(1h);
  EXPECT_EQ(server.octets, octets);
  EXPECT_FALSE(server.read_error);
  EXPECT_EQ(hidden, octets);
  EXPECT_EQ(clear, "");
}

TEST_F(SimTls, AnEndWithoutGoodbyeIsNoEnd) {
  shake_hands();
  world.loop().spawn(write_all(*client.session, "half", false));
  world.loop().spawn(read_all(server));
  world.advance(1h);
  EXPECT_EQ(server.octets, "half");
  ASSERT_TRUE(server.read_error);
  EXPECT_EQ(server.read_error->kind, base::ErrorKind::closed);
}

// Wherever one octet changes, one of the two ends notices, or the connection stops: nothing but
// what was written is ever read.
TEST_F(SimTls, AChangedOctetIsNoticedWhereverItIs) {
  for (std::uint64_t place = 0; place < 300; ++place) {
    const auto rule = network.add(
        {.what = Rule::What::corrupt, .direction = Rule::Direction::out, .octets = place});
    shake_hands();
    network.remove(rule);
    if (!client.session || !server.session) continue;
    EXPECT_GT(place, 40U);
    world.loop().spawn(write_all(*client.session, std::string(500, 'm'), true));
    world.loop().spawn(read_all(server));
    world.advance(1h);
    EXPECT_TRUE(server.read_error) << place;
    EXPECT_EQ(server.octets, "") << place;
  }
}

TEST_F(SimTls, ClearTextIsNoTls) {
  const auto listener = server_host.listen(at("192.0.2.2:25")).value();
  world.loop().spawn(serve(server_tls, *listener, server));
  const auto shout = [](Host& host, World& in) -> net::Task<> {
    auto connection = co_await host.connect(at("192.0.2.2:25"), {});
    (void)co_await (*connection)->write("EHLO there\r\n", 1s);
    (void)co_await in.timers().sleep(1h);
  };
  world.loop().spawn(shout(client_host, world));
  EXPECT_TRUE(world.run_until([&] { return server.done; }, 1min));
  EXPECT_EQ(server.error->kind, base::ErrorKind::protocol);
}

TEST_F(SimTls, SilentPeersTimeOut) {
  network.add({.what = Rule::What::stall, .direction = Rule::Direction::in, .octets = 5});
  shake_hands();
  EXPECT_EQ(client.error->kind, base::ErrorKind::timeout);
}

struct VerifyCase {
  const char* what;
  ClientOptions options;
  bool expired;
  bool verified;
  hop::Proof proof;
  const char* failure;
};

TEST(SimVerify, JudgesAsTheRealOneWould) {
  using V = ClientOptions::Verify;
  using hop::Proof;
  auto identity = identity_for("mx.birch.example", "Birch CA");
  identity.names.emplace_back("*.birch.example");
  const auto other = identity_for("other.example", "Other CA");
  const std::vector<VerifyCase> cases = {
      {"nothing asked", {.server_name = "x.example"}, true, false, Proof::none, ""},
      {"name",
       {.server_name = "mx.birch.example", .verify = V::name},
       false,
       true,
       Proof::connector,
       ""},
      {"wildcard",
       {.server_name = "a.birch.example", .verify = V::name},
       false,
       true,
       Proof::connector,
       ""},
      {"one label only",
       {.server_name = "a.b.birch.example", .verify = V::name},
       false,
       false,
       Proof::none,
       "the certificate is for mx.birch.example, not for a.b.birch.example"},
      {"expired",
       {.server_name = "mx.birch.example", .verify = V::name},
       true,
       false,
       Proof::none,
       "the certificate has expired"},
      {"named CA",
       {.server_name = "mx.birch.example", .verify = V::name, .ca_file = "Birch CA"},
       false,
       true,
       Proof::connector,
       ""},
      {"other CA",
       {.server_name = "mx.birch.example", .verify = V::name, .ca_file = "Acorn CA"},
       false,
       false,
       Proof::none,
       "the certificate's issuer Birch CA is not trusted"},
      {"pin", {.verify = V::pin, .pin_digest = identity.key_digest}, true, true, Proof::pin, ""},
      {"other pin",
       {.verify = V::pin, .pin_digest = other.key_digest},
       false,
       false,
       Proof::none,
       "the certificate's key is not the pinned one"},
      {"3 1 1, other name, expired",
       {.server_name = "x.example", .verify = V::tlsa, .tlsa = {dane_ee(other), dane_ee(identity)}},
       true,
       true,
       Proof::dane_ee,
       ""},
      {"2 0 1",
       {.server_name = "mx.birch.example", .verify = V::tlsa, .tlsa = {dane_ta(identity)}},
       false,
       true,
       Proof::dane_ta,
       ""},
      {"2 0 1, more names",
       {.server_name = "x.example",
        .verify = V::tlsa,
        .more_names = {"mx.birch.example"},
        .tlsa = {dane_ta(identity)}},
       false,
       true,
       Proof::dane_ta,
       ""},
      {"2 0 1, other name",
       {.server_name = "x.example", .verify = V::tlsa, .tlsa = {dane_ta(identity)}},
       false,
       false,
       Proof::none,
       "the certificate is for mx.birch.example, not for x.example"},
      {"2 0 1, expired",
       {.server_name = "mx.birch.example", .verify = V::tlsa, .tlsa = {dane_ta(identity)}},
       true,
       false,
       Proof::none,
       "the certificate has expired"},
      {"no record matches",
       {.verify = V::tlsa, .tlsa = {dane_ee(other), dane_ta(other)}},
       false,
       false,
       Proof::none,
       "the certificate matches no TLSA record"},
  };
  TlsSettings settings;
  settings.trusted_issuers = {"Birch CA"};
  for (const auto& test : cases) {
    identity.expired = test.expired;
    const auto verdict = verify(identity, test.options, settings);
    EXPECT_EQ(verdict.verified, test.verified) << test.what;
    EXPECT_EQ(verdict.proof, test.proof) << test.what;
    EXPECT_EQ(verdict.failure, test.failure) << test.what;
  }
}

}  // namespace
}  // namespace letterlock::sim
