// The small parts that the judgement is made of, each by itself: joining, naming, and the facts of
// hops that others open towards us.
#include <gtest/gtest.h>

#include "protection/inbound.h"
#include "protection/join.h"
#include "protection/judge.h"
#include "protection/network.h"

namespace letterlock::protection {
namespace {

using hop::Answer;
using hop::Level;
using hop::Source;
using hop::TlsVersion;

Source tenant(std::string name, std::string reason = "") {
  return {Source::Kind::sending_tenant, std::move(name), std::move(reason)};
}

hop::Requirement asking(std::string_view text, const Source& source) {
  return hop::requirement_from(text, source).value();
}

TEST(InWords, EachPartAloneAndAllInTheirOrder) {
  const std::pair<const char*, const char*> parts[] = {
      {"level=encrypted", "level >= encrypted"}, {"level=mutual", "level >= mutual"},
      {"tls=1.2", "TLS 1.2 or later"},           {"tls=1.3", "TLS 1.3 or later"},
      {"network=private", "network private"},    {"sealing=required", "sealing"},
      {"fetch=protected", "fetch protected"},    {"pq=required", "post-quantum key exchange"}};
  for (const auto& [text, words] : parts) {
    EXPECT_EQ(in_words(asking(text, tenant("acorn.example", "contract"))),
              (std::vector<hop::Required>{{words, "set by acorn.example", "contract"}}))
        << text;
  }
  hop::Requirement all;
  all.level = asking("level=encrypted", tenant("a")).level;
  all.tls_version = asking("tls=1.3", tenant("b")).tls_version;
  all.network = asking("network=private", tenant("c")).network;
  all.sealing = asking("sealing=required", tenant("d")).sealing;
  all.fetch = asking("fetch=protected", tenant("e")).fetch;
  all.post_quantum = asking("pq=required", tenant("f")).post_quantum;
  EXPECT_EQ(in_words(all),
            (std::vector<hop::Required>{{"level >= encrypted", "set by a", ""},
                                        {"TLS 1.3 or later", "set by b", ""},
                                        {"network private", "set by c", ""},
                                        {"sealing", "set by d", ""},
                                        {"fetch protected", "set by e", ""},
                                        {"post-quantum key exchange", "set by f", ""}}));
  EXPECT_TRUE(in_words({}).empty());
  EXPECT_TRUE(in_words(asking("sealing=preferred pq=preferred", tenant("a"))).empty());
}

TEST(Because, NamesWhoAndWhy) {
  EXPECT_EQ(because(tenant("acorn.example")), "set by acorn.example");
  EXPECT_EQ(because(tenant("acorn.example", "contract")), "set by acorn.example: contract");
  EXPECT_EQ(because({Source::Kind::message, "REQUIRETLS", ""}), "REQUIRETLS in the message");
  EXPECT_EQ(because({Source::Kind::message, "REQUIRETLS", "why"}),
            "REQUIRETLS in the message: why");
  EXPECT_EQ(because({Source::Kind::platform, "", "site link"}), "set by the platform: site link");
  // At the limits of what is shown, and one beyond.
  const auto cut = [](std::size_t name, std::size_t reason) {
    return because(tenant(std::string(name, 'n'), std::string(reason, 'r')));
  };
  EXPECT_EQ(cut(255, 120), "set by " + std::string(255, 'n') + ": " + std::string(120, 'r'));
  EXPECT_EQ(cut(256, 121).find(std::string(256, 'n')), std::string::npos);
  EXPECT_EQ(cut(256, 121).find(std::string(121, 'r')), std::string::npos);
}

// Each part by itself, on either side; of two that ask for the same the first is named, unless
// nobody asked for it.
TEST(Join, EachPartGoesItsOwnWay) {
  const char* weak[] = {"level=encrypted", "tls=1.2", "sealing=preferred"};
  const char* strong[] = {"level=authenticated", "tls=1.3", "sealing=required"};
  for (std::size_t i = 0; i < std::size(weak); ++i) {
    const auto less = asking(weak[i], tenant("less"));
    const auto more = asking(strong[i], tenant("more"));
    EXPECT_EQ(join(less, more), more) << strong[i];
    EXPECT_EQ(join(more, less), more) << strong[i];
  }
  for (const auto* text : {"level=encrypted", "tls=1.3", "network=private", "sealing=required",
                           "fetch=protected", "pq=required"}) {
    const auto first = asking(text, tenant("first"));
    EXPECT_EQ(join(first, asking(text, tenant("second"))), first) << text;
    EXPECT_EQ(join(first, {}), first) << text;
    EXPECT_EQ(join({}, first), first) << text;
  }
  // Somebody's word that nothing is asked is kept before nobody's, from either side.
  const auto said = asking("level=clear", tenant("said"));
  EXPECT_EQ(join(said, {}).level.source, tenant("said"));
  EXPECT_EQ(join({}, said).level.source, tenant("said"));
  // Two that ask for different things don't get in each other's way.
  const auto both = join(asking("level=mutual", tenant("a")), asking("tls=1.3", tenant("b")));
  EXPECT_EQ(both.level, asking("level=mutual", tenant("a")).level);
  EXPECT_EQ(both.tls_version, asking("tls=1.3", tenant("b")).tls_version);
}

TEST(Inbound, TheFactsOfTheSessionAreKept) {
  const hop::TlsFacts tls{.version = TlsVersion::tls1_2,
                          .cipher = "TLS_AES_128_GCM_SHA256",
                          .group = "X25519",
                          .post_quantum = true,
                          .exporter_digest = "e0"};
  for (const auto network : {hop::Network::private_, hop::Network::public_}) {
    const hop::Protection encrypted{.level = Level::encrypted,
                                    .tls = tls,
                                    .proved_by = hop::Proof::none,
                                    .network = network,
                                    .confirmed = false};
    EXPECT_EQ(reception_level(tls, network), encrypted);
    EXPECT_EQ(submission_level(SignIn::password, Accepts::weaker_too, tls, network), encrypted);
    EXPECT_EQ(fetch_level(SignIn::none, Accepts::only_bound, tls, network), encrypted);
    // What was said of a session without a version says nothing.
    auto none = tls;
    none.version = TlsVersion::none;
    hop::Protection clear;
    clear.network = network;
    EXPECT_EQ(reception_level(none, network), clear);
    EXPECT_EQ(submission_level(SignIn::client_certificate, Accepts::only_bound, none, network),
              clear);
  }
  hop::Protection local;
  local.level = Level::local;
  local.network = hop::Network::local;
  EXPECT_EQ(delivery_level(), local);
}

TEST(Inbound, APasswordIsInClearWhereAnybodyCouldReadIt) {
  hop::Protection protection;
  for (const auto network : {hop::Network::private_, hop::Network::public_}) {
    protection.network = network;
    EXPECT_TRUE(password_in_clear(SignIn::password, protection));
    for (const auto sign_in :
         {SignIn::none, SignIn::scram, SignIn::scram_plus, SignIn::client_certificate})
      EXPECT_FALSE(password_in_clear(sign_in, protection));
  }
  protection.network = hop::Network::local;
  EXPECT_FALSE(password_in_clear(SignIn::password, protection));
}

// Both ends, and each of them alone; loopback alone, and where only this machine is there.
TEST(Network, BothEndsCount) {
  const auto address = [](std::string_view text) { return net::IpAddress::parse(text).value(); };
  const auto prefix = [](std::string_view text) { return net::Prefix::parse(text).value(); };
  const KnownNetworks known{.private_ = {prefix("10.0.0.0/8"), prefix("172.16.0.0/12")},
                            .public_ = {prefix("10.9.0.0/16"), prefix("127.0.1.0/24")}};
  using enum hop::Network;
  // The second is over loopback where only this machine is there.
  const std::tuple<const char*, const char*, hop::Network, hop::Network> cases[] = {
      {"127.0.0.1", "127.0.0.2", public_, local},   {"127.0.0.1", "192.0.2.1", public_, public_},
      {"192.0.2.1", "127.0.0.1", public_, public_}, {"192.0.2.1", "192.0.2.1", public_, public_},
      {"0.0.0.0", "0.0.0.0", public_, public_},     {"10.1.0.1", "172.16.0.1", private_, private_},
      {"10.1.0.1", "10.1.0.1", private_, private_}, {"10.1.0.1", "192.0.2.1", public_, public_},
      {"192.0.2.1", "10.1.0.1", public_, public_},  {"10.9.0.1", "10.1.0.1", public_, public_},
      {"10.1.0.1", "10.9.0.1", public_, public_},   {"127.0.1.1", "127.0.0.1", public_, public_},
      {"127.0.0.1", "127.0.1.1", public_, public_},
  };
  for (const auto& [a, b, anybody, this_machine] : cases) {
    EXPECT_EQ(network_between(address(a), address(b), known), anybody) << a << " " << b;
    EXPECT_EQ(network_between(address(a), address(b), known, Loopback::this_machine), this_machine)
        << a << " " << b;
  }
}

// Behind a proxy: its own road to us counts as well as the client's to it, which it tells.
TEST(Network, AProxysRoadCounts) {
  struct Proxied final : net::Connection {
    std::optional<Ends> behind;
    net::ResultTask<std::size_t> read_some(std::span<char>, base::Milliseconds) override {
      co_return base::fail(base::ErrorKind::closed, "");
    }
    net::ResultTask<> write(std::string_view, base::Milliseconds) override {
      co_return base::Result<>();
    }
    void close() override {}
    void wake_reader() override {}
    net::Task<> shutdown(base::Milliseconds) override { co_return; }
    net::Endpoint local() const override { return net::Endpoint::parse("10.0.0.5:25").value(); }
    net::Endpoint peer() const override { return net::Endpoint::parse("10.1.1.7:4000").value(); }
    std::optional<Ends> proxy() const override { return behind; }
  };
  const KnownNetworks known{.private_ = {net::Prefix::parse("10.0.0.0/8").value()}, .public_ = {}};
  using enum hop::Network;
  const std::tuple<const char*, const char*, hop::Network> cases[] = {
      {"10.0.0.9:1", "10.0.0.5:25", private_},
      {"203.0.113.9:1", "192.0.2.1:25", public_},
      {"203.0.113.9:1", "10.0.0.5:25", public_},
      {"127.0.0.1:1", "127.0.0.1:25", public_},
  };
  Proxied connection;
  EXPECT_EQ(network_of(connection, known), private_);
  for (const auto& [proxy, us, network] : cases) {
    connection.behind = {net::Endpoint::parse(us).value(), net::Endpoint::parse(proxy).value()};
    EXPECT_EQ(network_of(connection, known), network) << proxy;
  }
}

TEST(Plan, AsksForWhatEachCauseNeeds) {
  const auto ask = [](std::string_view text, const HostFacts& host) {
    Demand demand;
    demand.requirement = asking(text, tenant("acorn.example"));
    return plan(demand, host, Others::none).ask;
  };
  using enum TlsVersion;
  HostFacts host;
  host.domain = "modern.example";
  host.host = "mx1.modern.example";
  EXPECT_EQ(ask("", host), (Ask{Verify::name, tls1_2, false}));
  EXPECT_EQ(ask("level=encrypted", host), (Ask{Verify::name, tls1_2, true}));
  EXPECT_EQ(ask("tls=1.2", host), (Ask{Verify::name, tls1_2, true}));
  EXPECT_EQ(ask("tls=1.3", host), (Ask{Verify::name, tls1_3, true}));
  EXPECT_EQ(ask("pq=required", host), (Ask{Verify::name, tls1_3, true}));
  EXPECT_EQ(ask("pq=preferred", host), (Ask{Verify::name, tls1_2, false}));
  host.known = Known::name;
  EXPECT_EQ(ask("", host), (Ask{Verify::name, tls1_2, true}));
  // DANE's records are not asked for where a connector knows the key.
  host.names = Names::secure;
  host.tlsa = Tlsa::usable;
  host.known = Known::pin;
  EXPECT_EQ(ask("", host), (Ask{Verify::pin, tls1_2, true}));
  host.host = "[192.0.2.1]";
  EXPECT_EQ(ask("", host), (Ask{Verify::pin, tls1_2, true}));
  host.known = Known::nobody;
  host.names = Names::insecure;
  EXPECT_EQ(ask("", host), (Ask{Verify::nothing, tls1_2, false}));
}

// What is asked of a host, part by part, with its source. The literal is the oracle.
TEST(Required, OfEachThatAsks) {
  HostFacts host;
  host.domain = "modern.example";
  host.connector = "bank";
  const auto level = [](Level value, Source::Kind kind, std::string name, std::string reason) {
    hop::Requirement out;
    out.level = {value, {kind, std::move(name), std::move(reason)}};
    return out;
  };
  using enum Source::Kind;
  EXPECT_EQ(required_of({}, host), hop::Requirement());
  host.known = Known::ca;
  EXPECT_EQ(required_of({}, host), level(Level::encrypted, connector, "bank", ""));
  host.known = Known::name;
  EXPECT_EQ(required_of({}, host), level(Level::authenticated, connector, "bank", ""));
  host.known = Known::site;
  auto site = level(Level::mutual, platform, "", "site link");
  site.tls_version = {TlsVersion::tls1_3, {platform, "", "site link"}};
  EXPECT_EQ(required_of({}, host), site);
  Demand demand;
  demand.requiretls = true;
  host.known = Known::nobody;
  EXPECT_EQ(required_of(demand, host), level(Level::authenticated, message, "REQUIRETLS", ""));
  // Whoever asked first for as much keeps the name.
  host.known = Known::name;
  EXPECT_EQ(required_of(demand, host), level(Level::authenticated, connector, "bank", ""));
  // Parts that a relay's hop can't be judged by aren't among them; the others are all kept.
  host.known = Known::nobody;
  demand = {};
  demand.requirement =
      asking("level=encrypted tls=1.3 network=private sealing=required fetch=protected pq=required",
             tenant("acorn.example"));
  auto expected = demand.requirement;
  expected.fetch = {};
  EXPECT_EQ(required_of(demand, host), expected);
}

TEST(Protection, IsWhatTheHostAndTheSessionAre) {
  HostFacts host;
  SessionFacts session;
  session.start = SessionFacts::Tls::done;
  session.tls = {.version = TlsVersion::tls1_2,
                 .cipher = "TLS_AES_128_GCM_SHA256",
                 .group = "X25519",
                 .post_quantum = true,
                 .exporter_digest = "e0"};
  for (const auto network : {hop::Network::local, hop::Network::private_, hop::Network::public_}) {
    host.network = network;
    hop::Protection expected;
    expected.network = network;
    EXPECT_EQ(protection_of(host, {}), expected);
    expected.tls = session.tls;
    expected.level = Level::encrypted;
    EXPECT_EQ(protection_of(host, session), expected);
  }
}

// Strangers' words, at the limits of what is shown of them and one beyond.
TEST(Sentences, StrangersWordsAreCut) {
  HostFacts host;
  const auto sentence = [&](std::size_t name, std::size_t failure) {
    host.host = std::string(name, 'h');
    return after_failed_handshake({}, host, std::string(failure, 'f'), Others::none).sentence;
  };
  EXPECT_EQ(sentence(255, 200), "in clear: the TLS handshake with " + std::string(255, 'h') +
                                    " failed: " + std::string(200, 'f') +
                                    ", and nobody requires more");
  EXPECT_EQ(sentence(256, 1).find(std::string(256, 'h')), std::string::npos);
  EXPECT_EQ(sentence(1, 201).find(std::string(201, 'f')), std::string::npos);
}

TEST(JudgeFetch, EachWayIsSaid) {
  hop::Protection clear;
  clear.network = hop::Network::private_;
  hop::Protection encrypted = clear;
  encrypted.level = Level::encrypted;
  const Source birch{Source::Kind::receiving_tenant, "birch.example", "old clients"};
  hop::Requirement any;
  any.fetch = {hop::Fetch::any, birch};
  hop::Requirement guarded;
  guarded.fetch = {hop::Fetch::protected_, birch};
  const auto check = [](const Judgement& judgement, Answer answer, std::string_view status,
                        std::string_view sentence) {
    EXPECT_EQ(judgement.answer, answer) << sentence;
    EXPECT_EQ(judgement.status.text(), status) << sentence;
    EXPECT_EQ(judgement.sentence, sentence);
  };
  check(judge_fetch({}, encrypted), Answer::take, "2.0.0", "fetched over TLS");
  check(judge_fetch(any, encrypted), Answer::take, "2.0.0", "fetched over TLS");
  check(judge_fetch(guarded, encrypted), Answer::take, "2.0.0", "fetched over TLS");
  check(judge_fetch({}, clear), Answer::take, "2.0.0", "fetched in clear, which nobody forbids");
  check(judge_fetch(any, clear), Answer::take, "2.0.0",
        "fetched in clear, which is allowed (set by birch.example: old clients)");
  check(judge_fetch(guarded, clear), Answer::refuse, "5.7.4",
        "the client uses no TLS; required is a protected fetch (set by birch.example: old "
        "clients)");
  EXPECT_EQ(judge_fetch(guarded, clear).protection, clear);
  EXPECT_EQ(judge_fetch(guarded, encrypted).protection, encrypted);
  EXPECT_EQ(
      judge_fetch(guarded, clear).required,
      (std::vector<hop::Required>{{"fetch protected", "set by birch.example", "old clients"}}));
}

}  // namespace
}  // namespace letterlock::protection
