#include "protection/sentences.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "protection/join.h"
#include "protection/judge.h"
#include "protection/required.h"

namespace letterlock::protection {
namespace {

std::string failure_of(const SessionFacts& session) {
  return session.failure.empty() ? "no reason given" : base::printable(session.failure, 200);
}

// What the domain has published that could have proved its host, and why it doesn't.
std::string why_nothing_proves(const HostFacts& host) {
  const std::string domain = shown(host.domain);
  if (host.known == Known::ca) {
    return fmt::format("connector \"{}\" names a CA but no name", shown(host.connector));
  }
  if (host.mta_sts == MtaSts::testing) {
    return fmt::format("{} publishes MTA-STS only for testing", domain);
  }
  if (host.names == Names::secure && (host.tlsa == Tlsa::bogus || host.tlsa == Tlsa::failing)) {
    return "its TLSA records can't be had";
  }
  if (host.names == Names::secure && host.tlsa == Tlsa::unusable) {
    return "none of its TLSA records is usable";
  }
  if (host.names == Names::secure) {
    return fmt::format("{} publishes neither DANE nor MTA-STS", domain);
  }
  return fmt::format("{} publishes no MTA-STS, and its DNS is not signed", domain);
}

// What the certificate says, where that proves nothing.
std::string certificate_note(const HostFacts& host, const SessionFacts& session) {
  if (host.host.starts_with('[')) return {};
  if (!session.verified) return fmt::format("; its certificate: {}", failure_of(session));
  if (host.names == Names::secure || host.known == Known::ca) return "; its certificate is valid";
  return "; its certificate is valid for that name, but the name came from unsigned DNS";
}

std::string why_proved(const HostFacts& host, const SessionFacts& session) {
  const std::string name = shown(host.host);
  switch (decider(host)) {
    case Decider::dane:
      return fmt::format("{}'s certificate matches a TLSA record ({})", name,
                         session.dane_ee ? "DANE-EE" : "DANE-TA");
    case Decider::mta_sts:
      return fmt::format("{}'s certificate is valid for its name, which {}'s MTA-STS policy lists",
                         name, shown(host.domain));
    case Decider::known:
      if (host.known == Known::site)
        return fmt::format("{} is another site of this platform", name);
      return fmt::format("{}'s {} is the one that connector \"{}\" names", name,
                         host.known == Known::pin ? "key" : "certificate", shown(host.connector));
    case Decider::dane_unusable:
    case Decider::nobody:
      break;
  }
  ASSERT(false && "proved by nothing");
}

std::string set_aside_note(const Demand& demand, const HostFacts& host) {
  const bool has_policy = decider(host) == Decider::dane || decider(host) == Decider::mta_sts ||
                          decider(host) == Decider::dane_unusable;
  if (!sets_aside_policy(demand) || !has_policy) return {};
  return fmt::format("; what {} publishes is set aside by TLS-Required: No in the message",
                     shown(host.domain));
}

}  // namespace

std::string shown(const std::string& name) {
  return base::printable(name, 255);
}

std::string missing(const std::string& fact, std::string_view needed, const hop::Source& source) {
  return fmt::format("{}; required is {} ({})", fact, needed, because(source));
}

std::string why_unproved(const Demand& demand, const HostFacts& host, const SessionFacts& session) {
  const std::string name = shown(host.host);
  const std::string note = set_aside_note(demand, host);
  switch (decider(host)) {
    case Decider::dane:
      return fmt::format("{}'s certificate does not match its TLSA records: {}{}", name,
                         failure_of(session), note);
    case Decider::mta_sts:
      if (!host.in_mta_sts_policy) return why_unprovable(host) + note;
      return fmt::format("{}'s certificate is not valid for its name: {}{}", name,
                         failure_of(session), note);
    case Decider::known:
      if (host.known == Known::ca && session.verified) break;
      return fmt::format("{}'s certificate is not what connector \"{}\" names: {}", name,
                         shown(host.connector), failure_of(session));
    case Decider::dane_unusable:
    case Decider::nobody:
      break;
  }
  return why_unprovable(host) + certificate_note(host, session) + note;
}

std::string why_unprovable(const HostFacts& host) {
  if (decider(host) == Decider::mta_sts) {
    return fmt::format("{} is not in {}'s MTA-STS policy", shown(host.host), shown(host.domain));
  }
  return fmt::format("nothing proves {}'s identity: {}", shown(host.host),
                     why_nothing_proves(host));
}

std::string why_clear(const HostFacts& host, const SessionFacts& session) {
  if (session.start == SessionFacts::Tls::failed) {
    return fmt::format("the TLS handshake with {} failed: {}", shown(host.host),
                       failure_of(session));
  }
  return fmt::format("{} offers no STARTTLS", shown(host.host));
}

std::string why_taken(const Demand& demand, const HostFacts& host, const SessionFacts& session) {
  const auto level = protection_of(host, session).level;
  if (level >= hop::Level::authenticated) return why_proved(host, session);
  if (level == hop::Level::encrypted) return why_unproved(demand, host, session);
  return fmt::format("in clear: {}, and nobody requires more{}", why_clear(host, session),
                     set_aside_note(demand, host));
}

}  // namespace letterlock::protection
