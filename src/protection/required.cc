// What is required of a host, and what can prove it.
#include "protection/required.h"

#include "protection/join.h"
#include "protection/judge.h"

namespace letterlock::protection {
namespace {

using hop::Level;
using hop::Source;

hop::Requirement at_least(Level level, Source::Kind kind, std::string name, std::string reason) {
  hop::Requirement requirement;
  requirement.level = {level, {kind, std::move(name), std::move(reason)}};
  return requirement;
}

// What the receiving domain asks of everybody who sends to it.
hop::Requirement published(const HostFacts& host) {
  using enum Source::Kind;
  switch (decider(host)) {
    case Decider::dane:
      // RFC 7672 §2.2: with usable records, TLS and a match are mandatory.
      return at_least(Level::authenticated, published_policy, host.domain, "DANE");
    case Decider::mta_sts:
      // RFC 8461 §5: enforce "MUST NOT deliver" to a host that fails.
      return at_least(Level::authenticated, published_policy, host.domain, "MTA-STS enforce");
    case Decider::dane_unusable:
      // RFC 7672 §2.2: "MUST" use TLS, though nothing can be verified.
      return at_least(Level::encrypted, published_policy, host.domain, "DANE, unusable records");
    case Decider::known:
    case Decider::nobody:
      return {};
  }
  ASSERT(false && "a decider without a case");
}

// What knowing the peer beforehand implies: a mismatch is then never just "not verified".
hop::Requirement implied(const HostFacts& host) {
  using enum Source::Kind;
  switch (host.known) {
    case Known::nobody:
      return {};
    case Known::ca:
      return at_least(Level::encrypted, connector, host.connector, {});
    case Known::name:
    case Known::pin:
      return at_least(Level::authenticated, connector, host.connector, {});
    case Known::site: {
      hop::Requirement requirement = at_least(Level::mutual, platform, {}, "site link");
      requirement.tls_version = {hop::TlsVersion::tls1_3, requirement.level.source};
      return requirement;
    }
  }
  ASSERT(false && "a known peer without a case");
}

}  // namespace

Decider decider(const HostFacts& host) {
  if (host.known != Known::nobody) return Decider::known;
  // An insecure MX never lets DANE at the attacker's own host outrank MTA-STS.
  // RFC 7672 §2.2.1 deviation: TLSA records behind an insecure MX aren't used at all.
  const bool has_dane = host.names == Names::secure;
  if (has_dane && host.tlsa == Tlsa::usable) return Decider::dane;
  if (host.mta_sts == MtaSts::enforce) return Decider::mta_sts;
  if (has_dane && host.tlsa == Tlsa::unusable) return Decider::dane_unusable;
  return Decider::nobody;
}

bool sets_aside_policy(const Demand& demand) {
  // RFC 8689 §4.1: REQUIRETLS outranks the header field, which is then ignored.
  return demand.tls_required_no && !demand.requiretls;
}

Level provable(const HostFacts& host) {
  switch (decider(host)) {
    case Decider::dane:
      return Level::authenticated;
    case Decider::mta_sts:
      return host.in_mta_sts_policy ? Level::authenticated : Level::encrypted;
    case Decider::known:
      if (host.known == Known::site) return Level::mutual;
      return host.known == Known::ca ? Level::encrypted : Level::authenticated;
    case Decider::dane_unusable:
    case Decider::nobody:
      return Level::encrypted;
  }
  ASSERT(false && "a decider without a case");
}

hop::Requirement required_of(const Demand& demand, const HostFacts& host) {
  hop::Requirement required = join(demand.requirement, implied(host));
  if (demand.requiretls) {
    // RFC 8689 §4.2.1: the peer is authenticated, its name proved by DNSSEC or MTA-STS.
    // RFC 8689 §4.2.1 deviation: a valid certificate for a name from a secure MX without TLSA
    // isn't enough here, as no hop of ours calls that authenticated.
    required =
        join(required, at_least(Level::authenticated, Source::Kind::message, "REQUIRETLS", {}));
  }
  // RFC 8689 §4.2.2: "No" asks to ignore what the recipient domain asserts, and nothing else. What
  // tenant, account or connector require stays, and so does the ratchet, which is our own memory.
  if (!sets_aside_policy(demand)) required = join(required, published(host));
  // What the ratchet remembers stands in for a policy where none decides.
  const bool nobody_decides =
      decider(host) == Decider::nobody || decider(host) == Decider::dane_unusable;
  if (host.ratchet && nobody_decides) {
    required = join(required, *host.ratchet);
  }
  // How the message is fetched at its end is unknown from a relay's hop: nothing here could judge
  // it.
  required.fetch = {};
  return required;
}

bool has_tls(const SessionFacts& session) {
  return session.start == SessionFacts::Tls::done && session.tls.version != hop::TlsVersion::none;
}

hop::Protection protection_of(const HostFacts& host, const SessionFacts& session) {
  hop::Protection protection;
  protection.network = host.network;
  if (!has_tls(session)) return protection;
  protection.tls = session.tls;
  protection.level = Level::encrypted;
  if (!session.verified || provable(host) < Level::authenticated) return protection;
  protection.level = provable(host);
  switch (decider(host)) {
    case Decider::dane:
      protection.proved_by = session.dane_ee ? hop::Proof::dane_ee : hop::Proof::dane_ta;
      break;
    case Decider::mta_sts:
      protection.proved_by = hop::Proof::mta_sts;
      break;
    case Decider::known:
      protection.proved_by = host.known == Known::site  ? hop::Proof::site
                             : host.known == Known::pin ? hop::Proof::pin
                                                        : hop::Proof::connector;
      break;
    case Decider::dane_unusable:
    case Decider::nobody:
      ASSERT(false && "nothing to prove it by");
  }
  return protection;
}

}  // namespace letterlock::protection
