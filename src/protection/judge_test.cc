#include "protection/judge.h"

#include <gtest/gtest.h>

#include "protection/inbound.h"
#include "protection/join.h"
#include "protection/network.h"

namespace letterlock::protection {
namespace {

using hop::Answer;
using hop::Level;
using hop::Proof;
using hop::Source;
using hop::TlsVersion;

HostFacts host_with(Names names, Tlsa tlsa = Tlsa::none, MtaSts mta_sts = MtaSts::none,
                    bool in_policy = true) {
  HostFacts host;
  host.domain = "modern.example";
  host.host = "mx1.modern.example";
  host.names = names;
  host.tlsa = tlsa;
  host.mta_sts = mta_sts;
  host.in_mta_sts_policy = in_policy;
  return host;
}

HostFacts known_as(Known known) {
  HostFacts host = host_with(Names::insecure);
  host.known = known;
  host.connector = "bank";
  return host;
}

SessionFacts tls_session(bool verified, std::string failure = "expired on 2026-11-20") {
  SessionFacts session;
  session.start = SessionFacts::Tls::done;
  session.tls = {.version = TlsVersion::tls1_3,
                 .cipher = "TLS_AES_256_GCM_SHA384",
                 .group = "X25519",
                 .post_quantum = false,
                 .exporter_digest = ""};
  session.verified = verified;
  session.dane_ee = true;
  if (!verified) session.failure = std::move(failure);
  return session;
}

SessionFacts clear_session() {
  return {};
}

Demand nothing() {
  return {};
}
Demand demanding(std::string_view text) {
  Demand demand;
  demand.requirement =
      hop::requirement_from(text, {Source::Kind::sending_tenant, "acorn.example", ""}).value();
  return demand;
}

// What proves an identity, and what doesn't: a row each.
TEST(LevelOf, TheTableOfTheDesign) {
  struct Row {
    const char* what;
    HostFacts host;
    SessionFacts session;
    Level level;
    Proof proof;
  };
  using enum Level;
  SessionFacts trust_anchor = tls_session(true);
  trust_anchor.dane_ee = false;
  const Row rows[] = {
      {"no TLS", host_with(Names::secure, Tlsa::usable), clear_session(), clear, Proof::none},
      {"DANE-EE", host_with(Names::secure, Tlsa::usable), tls_session(true), authenticated,
       Proof::dane_ee},
      {"DANE-TA", host_with(Names::secure, Tlsa::usable), trust_anchor, authenticated,
       Proof::dane_ta},
      {"DANE without a match", host_with(Names::secure, Tlsa::usable), tls_session(false),
       encrypted, Proof::none},
      {"TLSA behind an insecure MX", host_with(Names::insecure, Tlsa::usable), tls_session(true),
       encrypted, Proof::none},
      {"TLSA unusable", host_with(Names::secure, Tlsa::unusable), tls_session(true), encrypted,
       Proof::none},
      {"MTA-STS enforce", host_with(Names::insecure, Tlsa::none, MtaSts::enforce),
       tls_session(true), authenticated, Proof::mta_sts},
      {"MTA-STS enforce, wrong certificate",
       host_with(Names::insecure, Tlsa::none, MtaSts::enforce), tls_session(false), encrypted,
       Proof::none},
      {"MTA-STS enforce, MX not in it",
       host_with(Names::insecure, Tlsa::none, MtaSts::enforce, false), tls_session(true), encrypted,
       Proof::none},
      {"MTA-STS testing", host_with(Names::insecure, Tlsa::none, MtaSts::testing),
       tls_session(true), encrypted, Proof::none},
      {"DANE outranks MTA-STS", host_with(Names::secure, Tlsa::usable, MtaSts::enforce, false),
       tls_session(true), authenticated, Proof::dane_ee},
      {"an attacker's TLSA does not outrank MTA-STS",
       host_with(Names::insecure, Tlsa::usable, MtaSts::enforce, false), tls_session(true),
       encrypted, Proof::none},
      {"valid certificate, insecure DNS", host_with(Names::insecure), tls_session(true), encrypted,
       Proof::none},
      {"valid certificate, secure DNS, nothing published", host_with(Names::secure),
       tls_session(true), encrypted, Proof::none},
      {"connector with a name and a CA", known_as(Known::name), tls_session(true), authenticated,
       Proof::connector},
      {"connector with a pinned key", known_as(Known::pin), tls_session(true), authenticated,
       Proof::pin},
      {"connector with a pinned key, another key", known_as(Known::pin), tls_session(false),
       encrypted, Proof::none},
      {"connector with a CA and no name", known_as(Known::ca), tls_session(true), encrypted,
       Proof::none},
      {"site link", known_as(Known::site), tls_session(true), mutual, Proof::site},
      {"site link, not verified", known_as(Known::site), tls_session(false), encrypted,
       Proof::none},
  };
  for (const Row& row : rows) {
    const auto protection = protection_of(row.host, row.session);
    EXPECT_EQ(protection.level, row.level) << row.what;
    EXPECT_EQ(protection.proved_by, row.proof) << row.what;
    EXPECT_EQ(protection.tls.version, row.level == clear ? TlsVersion::none : TlsVersion::tls1_3)
        << row.what;
  }
}

TEST(InboundLevel, SaysOnlyWhatWeCanSee) {
  const hop::TlsFacts tls{.version = TlsVersion::tls1_3,
                          .cipher = "TLS_AES_128_GCM_SHA256",
                          .group = "X25519",
                          .post_quantum = false,
                          .exporter_digest = {}};
  const auto network = hop::Network::public_;
  const auto level = [&](SignIn sign_in, Accepts accepts, const hop::TlsFacts& facts) {
    const auto protection = submission_level(sign_in, accepts, facts, network);
    return std::pair(protection.level, protection.proved_by);
  };
  using enum SignIn;
  using enum Accepts;
  EXPECT_EQ(level(password, only_bound, tls), std::pair(Level::encrypted, Proof::none));
  EXPECT_EQ(level(scram, only_bound, tls), std::pair(Level::encrypted, Proof::none));
  EXPECT_EQ(level(scram_plus, weaker_too, tls), std::pair(Level::encrypted, Proof::none));
  EXPECT_EQ(level(scram_plus, only_bound, tls), std::pair(Level::authenticated, Proof::scram_plus));
  EXPECT_EQ(level(client_certificate, weaker_too, tls),
            std::pair(Level::mutual, Proof::client_certificate));
  EXPECT_EQ(level(scram_plus, only_bound, {}), std::pair(Level::clear, Proof::none));
  EXPECT_EQ(reception_level(tls, network).level, Level::encrypted);
  EXPECT_EQ(reception_level({}, network).level, Level::clear);
  EXPECT_EQ(delivery_level().level, Level::local);
  EXPECT_EQ(delivery_level().network, hop::Network::local);

  EXPECT_TRUE(password_in_clear(password, fetch_level(password, weaker_too, {}, network)));
  EXPECT_FALSE(password_in_clear(password, fetch_level(password, weaker_too, tls, network)));
  EXPECT_FALSE(password_in_clear(scram, fetch_level(scram, weaker_too, {}, network)));
  EXPECT_FALSE(
      password_in_clear(password, fetch_level(password, weaker_too, {}, hop::Network::local)));
}

TEST(Network, IsPrivateOnlyWhereConfigured) {
  const auto address = [](std::string_view text) { return net::IpAddress::parse(text).value(); };
  const auto prefix = [](std::string_view text) { return net::Prefix::parse(text).value(); };
  KnownNetworks known;
  const auto between = [&](std::string_view a, std::string_view b) {
    return network_between(address(a), address(b), known);
  };
  const auto over = [&](std::string_view a, std::string_view b) {
    return network_between(address(a), address(b), known, Loopback::this_machine);
  };
  // Behind a proxy, or where SNAT makes both ends equal, the internet looks like this.
  for (const auto* one : {"127.0.0.1", "::1", "192.0.2.1"})
    EXPECT_EQ(between(one, one), hop::Network::public_) << one;
  EXPECT_EQ(over("127.0.0.1", "127.0.0.2"), hop::Network::local);
  EXPECT_EQ(over("::1", "::1"), hop::Network::local);
  EXPECT_EQ(over("192.0.2.1", "192.0.2.1"), hop::Network::public_) << "no loopback";
  EXPECT_EQ(over("127.0.0.1", "192.0.2.1"), hop::Network::public_);
  EXPECT_EQ(between("10.1.2.3", "10.1.2.4"), hop::Network::public_);
  EXPECT_EQ(between("0.0.0.0", "0.0.0.0"), hop::Network::public_);
  known.private_ = {prefix("10.0.0.0/8"), prefix("fd00::/8")};
  EXPECT_EQ(between("10.1.2.3", "10.1.2.4"), hop::Network::private_);
  EXPECT_EQ(between("10.1.2.3", "fd00::1"), hop::Network::private_);
  EXPECT_EQ(between("10.1.2.3", "198.51.100.1"), hop::Network::public_);
  known.private_.push_back(prefix("127.0.0.0/8"));
  EXPECT_EQ(between("127.0.0.1", "127.0.0.1"), hop::Network::private_) << "as the operator says";
  known.public_ = {prefix("127.0.1.0/24")};
  EXPECT_EQ(over("127.0.0.1", "127.0.1.9"), hop::Network::public_);
}

// Every combination of every part, joined in every way.
TEST(Join, StrictestWinsAndNothingIsLowered) {
  std::vector<hop::Requirement> all;
  unsigned count = 0;
  for (const auto level : {Level::clear, Level::encrypted, Level::authenticated, Level::mutual}) {
    for (const auto tls : {TlsVersion::none, TlsVersion::tls1_3}) {
      for (const auto sealing :
           {hop::Sealing::none, hop::Sealing::preferred, hop::Sealing::required}) {
        for (const auto rest : {0, 1}) {
          const Source source{Source::Kind::sending_tenant, std::to_string(++count), {}};
          hop::Requirement requirement;
          requirement.level = {level, source};
          requirement.tls_version = {tls, source};
          requirement.sealing = {sealing, source};
          if (rest != 0) {
            requirement.network = {hop::NetworkNeed::private_, source};
            requirement.fetch = {hop::Fetch::protected_, source};
            requirement.post_quantum = {hop::PostQuantum::required, source};
          }
          all.push_back(requirement);
        }
      }
    }
  }
  const auto values = [](const hop::Requirement& r) {
    return std::tuple(r.level.value, r.tls_version.value, r.network.value, r.sealing.value,
                      r.fetch.value, r.post_quantum.value);
  };
  for (const auto& a : all) {
    EXPECT_EQ(join(a, a), a);
    EXPECT_EQ(join(a, {}), a);
    EXPECT_EQ(join({}, a), a);
    for (const auto& b : all) {
      const auto ab = join(a, b);
      EXPECT_EQ(values(ab), values(join(b, a)));
      EXPECT_GE(ab.level.value, a.level.value);
      EXPECT_GE(ab.level.value, b.level.value);
      EXPECT_GE(ab.sealing.value, b.sealing.value);
      EXPECT_GE(ab.fetch.value, b.fetch.value);
      EXPECT_GE(ab.network.value, b.network.value);
      EXPECT_GE(ab.tls_version.value, b.tls_version.value);
      EXPECT_GE(ab.post_quantum.value, b.post_quantum.value);
      // The source belongs to the value that won.
      EXPECT_TRUE(ab.level == a.level || ab.level == b.level);
      if (a.level.value > b.level.value) EXPECT_EQ(ab.level, a.level);
      if (b.level.value > a.level.value) EXPECT_EQ(ab.level, b.level);
      EXPECT_EQ(join(ab, a), ab);
    }
  }
  for (std::size_t i = 0; i < all.size(); i += 5) {
    for (std::size_t j = 1; j < all.size(); j += 3) {
      for (const auto& c : all) {
        EXPECT_EQ(join(join(all[i], all[j]), c), join(all[i], join(all[j], c)));
      }
    }
  }
}

TEST(Plan, AsksOfTlsWhatCanProve) {
  const auto ask = [](const Demand& demand, const HostFacts& host) {
    const auto made = plan(demand, host, Others::more);
    EXPECT_EQ(made.judgement.answer, Answer::take) << made.judgement.sentence;
    return made.ask;
  };
  using enum TlsVersion;
  EXPECT_EQ(ask(nothing(), host_with(Names::insecure)), (Ask{Verify::name, tls1_2, false}));
  EXPECT_EQ(ask(nothing(), host_with(Names::secure, Tlsa::usable)),
            (Ask{Verify::tlsa, tls1_2, true}));
  EXPECT_EQ(ask(nothing(), host_with(Names::secure, Tlsa::unusable)),
            (Ask{Verify::name, tls1_2, true}));
  EXPECT_EQ(ask(nothing(), host_with(Names::insecure, Tlsa::none, MtaSts::enforce)),
            (Ask{Verify::name, tls1_2, true}));
  EXPECT_EQ(ask(nothing(), host_with(Names::insecure, Tlsa::none, MtaSts::testing)),
            (Ask{Verify::name, tls1_2, false}));
  EXPECT_EQ(ask(nothing(), known_as(Known::pin)), (Ask{Verify::pin, tls1_2, true}));
  EXPECT_EQ(ask(nothing(), known_as(Known::site)), (Ask{Verify::name, tls1_3, true}));
  EXPECT_EQ(ask(demanding("tls=1.3"), host_with(Names::insecure)),
            (Ask{Verify::name, tls1_3, true}));
  EXPECT_EQ(ask(demanding("pq=required"), host_with(Names::insecure)),
            (Ask{Verify::name, tls1_3, true}));
  HostFacts literal = host_with(Names::insecure);
  literal.host = "[192.0.2.1]";
  EXPECT_EQ(ask(nothing(), literal), (Ask{Verify::nothing, tls1_2, false}));
}

TEST(Judge, NamesSourceHostAndFact) {
  const auto sentence = [](const Demand& demand, const HostFacts& host,
                           const SessionFacts& session) {
    return judge(demand, host, session, Others::none).sentence;
  };
  const auto plain = host_with(Names::insecure);
  EXPECT_EQ(sentence(nothing(), plain, clear_session()),
            "in clear: mx1.modern.example offers no STARTTLS, and nobody requires more");
  EXPECT_EQ(sentence(demanding("level=encrypted"), plain, clear_session()),
            "mx1.modern.example offers no STARTTLS; required is encrypted (set by acorn.example)");
  EXPECT_EQ(
      sentence(demanding("level=authenticated"), plain, tls_session(true)),
      "nothing proves mx1.modern.example's identity: modern.example publishes no MTA-STS, and "
      "its DNS is not signed; required is authenticated (set by acorn.example)");
  EXPECT_EQ(
      sentence(nothing(), plain, tls_session(true)),
      "nothing proves mx1.modern.example's identity: modern.example publishes no MTA-STS, and "
      "its DNS is not signed; its certificate is valid for that name, but the name came from "
      "unsigned DNS");
  EXPECT_EQ(sentence(nothing(), host_with(Names::secure, Tlsa::usable),
                     tls_session(false, "certificate matches no TLSA record")),
            "mx1.modern.example's certificate does not match its TLSA records: certificate matches "
            "no TLSA record; required is authenticated (published by modern.example: DANE)");
  EXPECT_EQ(sentence(nothing(), host_with(Names::secure, Tlsa::usable), tls_session(true)),
            "mx1.modern.example's certificate matches a TLSA record (DANE-EE)");
  EXPECT_EQ(sentence(nothing(), known_as(Known::name), tls_session(false)),
            "mx1.modern.example's certificate is not what connector \"bank\" names: expired on "
            "2026-11-20; required is authenticated (connector \"bank\")");
  EXPECT_EQ(sentence(demanding("tls=1.3 network=private"), plain, clear_session()),
            "the way to mx1.modern.example is public; required is a private network (set by "
            "acorn.example)");
}

TEST(Judge, StrangersNamesCannotForgeALine) {
  HostFacts host = host_with(Names::insecure);
  host.host = "mx\r\n250 ok\x1b[2J.example";
  SessionFacts session = tls_session(false, "bad\r\nSubject: x");
  const auto judgement = judge(demanding("level=authenticated"), host, session, Others::none);
  for (const char c : judgement.sentence) EXPECT_GE(c, ' ');
  const auto clear = judge(nothing(), host, {}, Others::none);
  for (const char c : clear.sentence) EXPECT_GE(c, ' ');
}

TEST(Judge, RequiresMoreThanALevel) {
  auto session = tls_session(true);
  session.tls.version = TlsVersion::tls1_2;
  const auto plain = host_with(Names::insecure);
  auto judgement = judge(demanding("tls=1.3"), plain, session, Others::more);
  EXPECT_EQ(judgement.answer, Answer::try_next);
  EXPECT_EQ(judgement.status.text(), "4.7.4");
  EXPECT_EQ(judgement.sentence,
            "mx1.modern.example speaks only TLS 1.2; required is TLS 1.3 (set by acorn.example)");

  judgement = judge(demanding("pq=required"), plain, tls_session(true), Others::none);
  EXPECT_EQ(judgement.answer, Answer::hold);
  EXPECT_EQ(judgement.status.text(), "4.7.4");
  auto resistant = tls_session(true);
  resistant.tls.post_quantum = true;
  EXPECT_EQ(judge(demanding("pq=required"), plain, resistant, Others::none).answer, Answer::take);

  auto near = plain;
  near.network = hop::Network::private_;
  EXPECT_EQ(judge(demanding("network=private"), near, clear_session(), Others::none).answer,
            Answer::take);
  EXPECT_EQ(plan(demanding("network=private"), plain, Others::none).judgement.answer, Answer::hold);

  judgement = plan(demanding("sealing=required"), plain, Others::more).judgement;
  EXPECT_EQ(judgement.answer, Answer::refuse);
  EXPECT_EQ(judgement.status.text(), "5.7.4");
  auto sealed = demanding("sealing=required");
  sealed.sealed = true;
  EXPECT_EQ(judge(sealed, plain, clear_session(), Others::none).answer, Answer::take);

  judgement = plan(demanding("level=mutual"), host_with(Names::secure, Tlsa::usable), Others::more)
                  .judgement;
  EXPECT_EQ(judgement.answer, Answer::refuse);
  EXPECT_EQ(judgement.sentence,
            "mx1.modern.example has no way to prove who we are; required is mutual (set by "
            "acorn.example)");
  EXPECT_EQ(judge(demanding("level=mutual"), known_as(Known::site), tls_session(true), Others::none)
                .answer,
            Answer::take);
  // A connector's CA must have signed, though that alone proves no name.
  EXPECT_EQ(judge(nothing(), known_as(Known::ca), tls_session(true), Others::none).answer,
            Answer::take);
  EXPECT_EQ(judge(nothing(), known_as(Known::ca), tls_session(false), Others::none).status.text(),
            "4.7.5");
  // What was required is kept with the hop, and what nobody could judge here isn't.
  const auto kept = judge(demanding("level=encrypted fetch=protected sealing=preferred"), plain,
                          tls_session(true), Others::none);
  EXPECT_EQ(kept.required,
            (std::vector<hop::Required>{{"level >= encrypted", "set by acorn.example", ""}}));
}

TEST(Judge, RatchetStandsInWhereNobodyDecides) {
  hop::Requirement floor;
  floor.level = {Level::encrypted,
                 {Source::Kind::ratchet, "modern.example", "three days in November"}};
  auto host = host_with(Names::insecure);
  host.ratchet = floor;
  auto judgement = judge(nothing(), host, clear_session(), Others::none);
  EXPECT_EQ(judgement.answer, Answer::hold);
  EXPECT_EQ(judgement.sentence,
            "mx1.modern.example offers no STARTTLS; required is encrypted (what modern.example has "
            "proved before: three days in November)");
  EXPECT_EQ(after_failed_handshake(nothing(), host, "no shared cipher", Others::none).answer,
            Answer::hold);
  // A connector's hop is its tenant's business.
  host.known = Known::ca;
  EXPECT_EQ(required_of(nothing(), host).level.source.kind, Source::Kind::connector);
}

TEST(JudgeFetch, ClearOnlyWhereAllowed) {
  const hop::Protection clear;
  hop::Protection protected_;
  protected_.level = Level::encrypted;
  hop::Requirement rule;
  rule.fetch = {hop::Fetch::protected_, {Source::Kind::receiving_tenant, "birch.example", ""}};
  EXPECT_EQ(judge_fetch(rule, protected_).answer, Answer::take);
  const auto refused = judge_fetch(rule, clear);
  EXPECT_EQ(refused.answer, Answer::refuse);
  EXPECT_EQ(refused.sentence,
            "the client uses no TLS; required is a protected fetch (set by birch.example)");
  rule.fetch.value = hop::Fetch::any;
  EXPECT_EQ(judge_fetch(rule, clear).sentence,
            "fetched in clear, which is allowed (set by birch.example)");
  EXPECT_EQ(judge_fetch({}, clear).answer, Answer::take);
}

}  // namespace
}  // namespace letterlock::protection
