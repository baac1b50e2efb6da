#include "protection/judge.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "protection/join.h"
#include "protection/required.h"
#include "protection/sentences.h"

namespace letterlock::protection {
namespace {

using hop::Answer;
using hop::Level;
namespace status = dsn::status;

// One fact that stands against taking the hop.
struct Objection {
  enum class Lasts { this_host, for_good } lasts = Lasts::this_host;
  dsn::Status status;  // as class 5
  std::string sentence;
};

Judgement with(const hop::Requirement& required, hop::Protection protection) {
  Judgement judgement;
  judgement.required = in_words(required);
  judgement.protection = std::move(protection);
  return judgement;
}

Judgement taken(Judgement judgement, std::string sentence) {
  judgement.answer = Answer::take;
  judgement.status = status::ok;
  judgement.sentence = std::move(sentence);
  return judgement;
}

// The next host, or waiting: what is missing today may be there tomorrow. Only what no host and no
// time can bring is refused.
Judgement objected(Judgement judgement, Objection objection, Others others) {
  judgement.sentence = std::move(objection.sentence);
  if (objection.lasts == Objection::Lasts::for_good) {
    judgement.answer = Answer::refuse;
    judgement.status = objection.status;
    return judgement;
  }
  judgement.answer = others == Others::more ? Answer::try_next : Answer::hold;
  judgement.status = objection.status.as_temporary();
  return judgement;
}

bool needs_tls(const hop::Requirement& required) {
  return required.level.value > Level::clear ||
         required.tls_version.value > hop::TlsVersion::none ||
         required.post_quantum.value == hop::PostQuantum::required;
}

// Who is to be named where there is no TLS at all.
std::string no_tls(const std::string& fact, const hop::Requirement& required) {
  if (required.level.value > Level::clear) {
    return missing(fact, hop::name(required.level.value), required.level.source);
  }
  if (required.tls_version.value > hop::TlsVersion::none) {
    return missing(fact, hop::name(required.tls_version.value), required.tls_version.source);
  }
  return missing(fact, "a post-quantum key exchange", required.post_quantum.source);
}

// What stands against the host before anybody has connected to it, by its names and policies.
std::optional<Objection> names_objection(const Demand& demand, const HostFacts& host) {
  const std::string name = shown(host.host.empty() ? host.domain : host.host);
  if (host.names == Names::bogus) {
    return Objection{
        .status = status::security_not_verified,
        .sentence = fmt::format("the DNS answers for {} fail DNSSEC validation", name)};
  }
  if (host.names == Names::failing) {
    return Objection{.status = status::directory_failure,
                     .sentence = fmt::format("the DNS does not answer for {}", name)};
  }
  if (host.known != Known::nobody || sets_aside_policy(demand)) return std::nullopt;
  // RFC 7672 §2.2: a TLSA lookup that fails, or is bogus, makes the host unusable for now: an
  // attacker who can't forge the records could suppress them.
  if (host.names == Names::secure && host.tlsa == Tlsa::bogus) {
    return Objection{
        .status = status::security_not_verified,
        .sentence = fmt::format("the TLSA records of {} fail DNSSEC validation", name)};
  }
  if (host.names == Names::secure && host.tlsa == Tlsa::failing) {
    return Objection{.status = status::security_not_verified,
                     .sentence = fmt::format("the TLSA records of {} can't be looked up", name)};
  }
  return std::nullopt;
}

std::optional<Objection> content_objection(const Demand& demand, const hop::Requirement& required) {
  if (required.sealing.value != hop::Sealing::required || demand.sealed) return std::nullopt;
  return Objection{
      .lasts = Objection::Lasts::for_good,
      .status = status::security_not_offered,
      .sentence = missing("the message is not sealed", "sealing", required.sealing.source)};
}

std::optional<Objection> network_objection(const HostFacts& host,
                                           const hop::Requirement& required) {
  if (required.network.value != hop::NetworkNeed::private_) return std::nullopt;
  if (host.network != hop::Network::public_) return std::nullopt;
  return Objection{.status = status::security_not_offered,
                   .sentence = missing(fmt::format("the way to {} is public", shown(host.host)),
                                       "a private network", required.network.source)};
}

// Nothing that the handshake could show would be enough.
std::optional<Objection> provable_objection(const HostFacts& host,
                                            const hop::Requirement& required) {
  if (required.level.value <= provable(host)) return std::nullopt;
  const auto& source = required.level.source;
  const auto needed = hop::name(required.level.value);
  if (required.level.value > Level::authenticated) {
    // Only another site of the platform can prove us as we prove it.
    return Objection{
        .lasts = Objection::Lasts::for_good,
        .status = status::security_not_offered,
        .sentence = missing(fmt::format("{} has no way to prove who we are", shown(host.host)),
                            needed, source)};
  }
  return Objection{.status = status::security_not_verified,
                   .sentence = missing(why_unprovable(host), needed, source)};
}

std::optional<Objection> before_connecting(const Demand& demand, const HostFacts& host,
                                           const hop::Requirement& required) {
  if (auto objection = names_objection(demand, host)) return objection;
  if (auto objection = content_objection(demand, required)) return objection;
  if (auto objection = network_objection(host, required)) return objection;
  return provable_objection(host, required);
}

std::optional<Objection> session_objection(const Demand& demand, const HostFacts& host,
                                           const hop::Requirement& required,
                                           const SessionFacts& session) {
  if (!has_tls(session)) {
    if (!needs_tls(required)) return std::nullopt;
    // RFC 3463 §3.8: 7.4 is a feature not supported, 7.5 one that failed.
    const bool was_offered = session.start == SessionFacts::Tls::failed;
    return Objection{
        .status = was_offered ? status::security_not_verified : status::security_not_offered,
        .sentence = no_tls(why_clear(host, session), required)};
  }
  if (session.tls.version < required.tls_version.value) {
    return Objection{
        .status = status::security_not_offered,
        .sentence = missing(
            fmt::format("{} speaks only {}", shown(host.host), hop::name(session.tls.version)),
            hop::name(required.tls_version.value), required.tls_version.source)};
  }
  const bool is_below = protection_of(host, session).level < required.level.value;
  if (is_below || (host.known == Known::ca && !session.verified)) {
    return Objection{.status = status::security_not_verified,
                     .sentence = missing(why_unproved(demand, host, session),
                                         hop::name(required.level.value), required.level.source)};
  }
  if (required.post_quantum.value == hop::PostQuantum::required && !session.tls.post_quantum) {
    return Objection{
        .status = status::security_not_offered,
        .sentence = missing(
            fmt::format("{}'s key exchange does not resist a quantum computer", shown(host.host)),
            "one that does", required.post_quantum.source)};
  }
  return std::nullopt;
}

}  // namespace

Plan plan(const Demand& demand, const HostFacts& host, Others others) {
  const hop::Requirement required = required_of(demand, host);
  Plan plan;
  hop::Protection nothing_yet;
  nothing_yet.network = host.network;
  Judgement judgement = with(required, nothing_yet);
  if (auto objection = before_connecting(demand, host, required)) {
    plan.judgement = objected(std::move(judgement), std::move(*objection), others);
    return plan;
  }
  plan.judgement = taken(std::move(judgement), fmt::format("{} is worth a try", shown(host.host)));
  plan.ask.tls_required = needs_tls(required);
  // The hybrid groups exist in TLS 1.3 alone.
  const bool needs_1_3 = required.post_quantum.value == hop::PostQuantum::required;
  plan.ask.version_min = std::max(required.tls_version.value,
                                  needs_1_3 ? hop::TlsVersion::tls1_3 : hop::TlsVersion::tls1_2);
  // The name is verified also where it proves nothing, so that the trace can say how it stood.
  plan.ask.verify = decider(host) == Decider::dane ? Verify::tlsa
                    : host.known == Known::pin     ? Verify::pin
                    : host.host.starts_with('[')   ? Verify::nothing
                                                   : Verify::name;
  return plan;
}

Judgement after_failed_handshake(const Demand& demand, const HostFacts& host,
                                 const std::string& failure, Others others) {
  SessionFacts session;
  session.start = SessionFacts::Tls::failed;
  session.failure = failure;
  return judge(demand, host, session, others);
}

Judgement judge(const Demand& demand, const HostFacts& host, const SessionFacts& session,
                Others others) {
  const hop::Requirement required = required_of(demand, host);
  Judgement judgement = with(required, protection_of(host, session));
  // Facts may have changed since the plan was made; nothing is taken on an old one.
  if (auto objection = before_connecting(demand, host, required)) {
    return objected(std::move(judgement), std::move(*objection), others);
  }
  if (auto objection = session_objection(demand, host, required, session)) {
    return objected(std::move(judgement), std::move(*objection), others);
  }
  if (demand.requiretls && !session.requiretls_offered) {
    // RFC 8689 §5: 5.7.30 where none of the servers supports it; one that couldn't be asked might.
    Objection objection{.status = status::requiretls_not_offered,
                        .sentence = fmt::format("{} does not offer REQUIRETLS, which the message "
                                                "asks of every server on its way",
                                                shown(host.host))};
    if (others == Others::none) objection.lasts = Objection::Lasts::for_good;
    return objected(std::move(judgement), std::move(objection), others);
  }
  return taken(std::move(judgement), why_taken(demand, host, session));
}

Judgement judge_fetch(const hop::Requirement& requirement, const hop::Protection& protection) {
  Judgement judgement = with(requirement, protection);
  if (requirement.fetch.value == hop::Fetch::any || protection.level != hop::Level::clear) {
    if (protection.level != hop::Level::clear) {
      return taken(std::move(judgement), "fetched over TLS");
    }
    const hop::Source& source = requirement.fetch.source;
    return taken(std::move(judgement),
                 source.kind == hop::Source::Kind::nobody
                     ? "fetched in clear, which nobody forbids"
                     : fmt::format("fetched in clear, which is allowed ({})", because(source)));
  }
  Objection objection{
      .lasts = Objection::Lasts::for_good,
      .status = status::security_not_offered,
      .sentence = missing("the client uses no TLS", "a protected fetch", requirement.fetch.source)};
  return objected(std::move(judgement), std::move(objection), Others::none);
}

}  // namespace letterlock::protection
