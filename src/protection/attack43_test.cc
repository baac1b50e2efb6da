// Attack 43, downgrade: every policy against every failure, with what RFC 7672, 8461 and 8689 and
// the house's own rules say must follow. Each row is judged with a further host, then as the last.
#include <gtest/gtest.h>

#include "protection/judge.h"

namespace letterlock::protection {
namespace {

using hop::Answer;
using hop::Level;
using hop::Source;

enum class Policy {
  nothing,           // opportunistic
  dane,              // usable TLSA, all names secure
  dane_unusable,     // secure TLSA, none usable
  dane_insecure_mx,  // TLSA at a host whose MX is insecure
  sts_enforce,
  sts_testing,
  dane_and_sts,      // both
  tenant_encrypted,  // nothing published, the tenant requires
  tenant_authenticated,
  requiretls_dane,  // REQUIRETLS towards a domain with DANE
  no_dane,          // TLS-Required: No towards a domain with DANE
  no_sts,
  no_tenant,        // TLS-Required: No, but the tenant requires encrypted
  both_words_dane,  // REQUIRETLS and TLS-Required: No
};

enum class Failure {
  none,       // TLS, verified, REQUIRETLS offered
  stripped,   // no STARTTLS
  handshake,  // TLS fails; what may a new connection do?
  wrong_certificate,
  not_in_policy,  // the MX was swapped for one that MTA-STS doesn't list
  tlsa_bogus,
  tlsa_failing,
  names_bogus,
  no_requiretls,
};

struct Row {
  Policy policy;
  Failure failure;
  Answer answer;       // with further hosts to try
  const char* status;  // when this was the last: "2.0.0", "4.7.5" …
  Level level;         // the hop's, where it is taken
};

HostFacts host_of(Policy policy) {
  HostFacts host;
  host.domain = "modern.example";
  host.host = "mx1.modern.example";
  host.in_mta_sts_policy = true;
  switch (policy) {
    case Policy::nothing:
    case Policy::tenant_encrypted:
    case Policy::tenant_authenticated:
    case Policy::no_tenant:
      break;
    case Policy::dane:
    case Policy::requiretls_dane:
    case Policy::no_dane:
    case Policy::both_words_dane:
      host.names = Names::secure;
      host.tlsa = Tlsa::usable;
      break;
    case Policy::dane_unusable:
      host.names = Names::secure;
      host.tlsa = Tlsa::unusable;
      break;
    case Policy::dane_insecure_mx:
      host.tlsa = Tlsa::usable;
      break;
    case Policy::sts_enforce:
    case Policy::no_sts:
      host.mta_sts = MtaSts::enforce;
      break;
    case Policy::sts_testing:
      host.mta_sts = MtaSts::testing;
      break;
    case Policy::dane_and_sts:
      host.names = Names::secure;
      host.tlsa = Tlsa::usable;
      host.mta_sts = MtaSts::enforce;
      break;
  }
  return host;
}

Demand demand_of(Policy policy) {
  Demand demand;
  const Source acorn{Source::Kind::sending_tenant, "acorn.example", ""};
  const bool asks = policy == Policy::tenant_encrypted || policy == Policy::no_tenant;
  if (asks) demand.requirement.level = {Level::encrypted, acorn};
  if (policy == Policy::tenant_authenticated)
    demand.requirement.level = {Level::authenticated, acorn};
  demand.requiretls = policy == Policy::requiretls_dane || policy == Policy::both_words_dane;
  demand.tls_required_no = policy == Policy::no_dane || policy == Policy::no_sts ||
                           policy == Policy::no_tenant || policy == Policy::both_words_dane;
  return demand;
}

void break_it(Failure failure, HostFacts& host, SessionFacts& session) {
  session.start = SessionFacts::Tls::done;
  session.tls.version = hop::TlsVersion::tls1_3;
  session.verified = true;
  session.dane_ee = true;
  session.requiretls_offered = true;
  switch (failure) {
    case Failure::none:
      break;
    case Failure::stripped:
      session = {};
      break;
    case Failure::handshake:
      session = {};
      session.start = SessionFacts::Tls::failed;
      session.failure = "no shared cipher";
      break;
    case Failure::wrong_certificate:
      session.verified = false;
      session.failure = "certificate expired";
      break;
    case Failure::not_in_policy:
      host.in_mta_sts_policy = false;
      break;
    case Failure::tlsa_bogus:
      host.names = Names::secure;
      host.tlsa = Tlsa::bogus;
      break;
    case Failure::tlsa_failing:
      host.names = Names::secure;
      host.tlsa = Tlsa::failing;
      break;
    case Failure::names_bogus:
      host.names = Names::bogus;
      break;
    case Failure::no_requiretls:
      session.requiretls_offered = false;
      break;
  }
}

constexpr auto take = Answer::take;
constexpr auto try_next = Answer::try_next;
constexpr auto clear = Level::clear;
constexpr auto encrypted = Level::encrypted;
constexpr auto authenticated = Level::authenticated;
using enum Policy;
using enum Failure;

const Row rows[] = {
    // Opportunistic: whatever there is, said as what it is.
    {nothing, none, take, "2.0.0", encrypted},
    {nothing, stripped, take, "2.0.0", clear},
    {nothing, handshake, take, "2.0.0", clear},
    {nothing, wrong_certificate, take, "2.0.0", encrypted},
    {nothing, tlsa_bogus, try_next, "4.7.5", clear},
    {nothing, tlsa_failing, try_next, "4.7.5", clear},
    {nothing, names_bogus, try_next, "4.7.5", clear},
    // DANE. RFC 7672 §2.2: no match, no delivery.
    {dane, none, take, "2.0.0", authenticated},
    {dane, stripped, try_next, "4.7.4", clear},
    {dane, handshake, try_next, "4.7.5", clear},
    {dane, wrong_certificate, try_next, "4.7.5", encrypted},
    {dane, tlsa_bogus, try_next, "4.7.5", clear},
    {dane, tlsa_failing, try_next, "4.7.5", clear},
    {dane, names_bogus, try_next, "4.7.5", clear},
    // RFC 7672 §2.2: unusable records still ask for TLS.
    {dane_unusable, none, take, "2.0.0", encrypted},
    {dane_unusable, stripped, try_next, "4.7.4", clear},
    {dane_unusable, handshake, try_next, "4.7.5", clear},
    {dane_unusable, wrong_certificate, take, "2.0.0", encrypted},
    // Behind an insecure MX they mean nothing.
    {dane_insecure_mx, none, take, "2.0.0", encrypted},
    {dane_insecure_mx, stripped, take, "2.0.0", clear},
    {dane_insecure_mx, wrong_certificate, take, "2.0.0", encrypted},
    // RFC 8461 §5: enforce "MUST NOT deliver".
    {sts_enforce, none, take, "2.0.0", authenticated},
    {sts_enforce, stripped, try_next, "4.7.4", clear},
    {sts_enforce, handshake, try_next, "4.7.5", clear},
    {sts_enforce, wrong_certificate, try_next, "4.7.5", encrypted},
    {sts_enforce, not_in_policy, try_next, "4.7.5", encrypted},
    {sts_enforce, tlsa_bogus, try_next, "4.7.5", clear},
    {sts_enforce, names_bogus, try_next, "4.7.5", clear},
    // Testing reports; it holds nothing.
    {sts_testing, none, take, "2.0.0", encrypted},
    {sts_testing, stripped, take, "2.0.0", clear},
    {sts_testing, wrong_certificate, take, "2.0.0", encrypted},
    {sts_testing, not_in_policy, take, "2.0.0", encrypted},
    // RFC 8461 §2: MTA-STS never overrides a failing DANE; DANE that matches decides alone.
    {dane_and_sts, none, take, "2.0.0", authenticated},
    {dane_and_sts, not_in_policy, take, "2.0.0", authenticated},
    {dane_and_sts, wrong_certificate, try_next, "4.7.5", encrypted},
    {dane_and_sts, stripped, try_next, "4.7.4", clear},
    {dane_and_sts, tlsa_bogus, try_next, "4.7.5", clear},
    // The sending tenant's own floor.
    {tenant_encrypted, none, take, "2.0.0", encrypted},
    {tenant_encrypted, stripped, try_next, "4.7.4", clear},
    {tenant_encrypted, handshake, try_next, "4.7.5", clear},
    {tenant_encrypted, wrong_certificate, take, "2.0.0", encrypted},
    {tenant_authenticated, none, try_next, "4.7.5", encrypted},
    {tenant_authenticated, stripped, try_next, "4.7.5", clear},
    // REQUIRETLS. RFC 8689 §4.2.1.
    {requiretls_dane, none, take, "2.0.0", authenticated},
    {requiretls_dane, stripped, try_next, "4.7.4", clear},
    {requiretls_dane, handshake, try_next, "4.7.5", clear},
    {requiretls_dane, wrong_certificate, try_next, "4.7.5", encrypted},
    {requiretls_dane, no_requiretls, try_next, "5.7.30", authenticated},
    // TLS-Required: No sets aside what the domain publishes, and only that. RFC 8689 §4.2.2.
    {no_dane, none, take, "2.0.0", authenticated},
    {no_dane, stripped, take, "2.0.0", clear},
    {no_dane, handshake, take, "2.0.0", clear},
    {no_dane, wrong_certificate, take, "2.0.0", encrypted},
    {no_dane, tlsa_bogus, take, "2.0.0", encrypted},
    {no_dane, names_bogus, try_next, "4.7.5", clear},
    {no_sts, stripped, take, "2.0.0", clear},
    {no_sts, wrong_certificate, take, "2.0.0", encrypted},
    {no_sts, not_in_policy, take, "2.0.0", encrypted},
    {no_tenant, none, take, "2.0.0", encrypted},
    {no_tenant, stripped, try_next, "4.7.4", clear},
    {no_tenant, handshake, try_next, "4.7.5", clear},
    // RFC 8689 §4.1: with REQUIRETLS the header field is ignored.
    {both_words_dane, none, take, "2.0.0", authenticated},
    {both_words_dane, stripped, try_next, "4.7.4", clear},
    {both_words_dane, wrong_certificate, try_next, "4.7.5", encrypted},
    {both_words_dane, tlsa_bogus, try_next, "4.7.5", clear},
};

TEST(Attack43, EveryPolicyAgainstEveryFailure) {
  ASSERT_GE(std::size(rows), 60U);
  for (const Row& row : rows) {
    HostFacts host = host_of(row.policy);
    SessionFacts session;
    break_it(row.failure, host, session);
    const Demand demand = demand_of(row.policy);
    const auto first = judge(demand, host, session, Others::more);
    const auto last = judge(demand, host, session, Others::none);
    const auto which = testing::Message() << "policy " << int(row.policy) << ", failure "
                                          << int(row.failure) << ": " << last.sentence;
    EXPECT_EQ(first.answer, row.answer) << which;
    EXPECT_EQ(last.status.text(), row.status) << which;
    if (row.answer == take) {
      EXPECT_EQ(first.protection.level, row.level) << which;
    } else {
      EXPECT_EQ(last.answer, row.status[0] == '5' ? Answer::refuse : Answer::hold) << which;
    }
    EXPECT_FALSE(last.sentence.empty());
    EXPECT_NE(last.sentence.find("modern.example"), std::string::npos) << which;
  }
}

// The invariant behind the table, over all policies and failures: nothing is ever taken below what
// is required, and the plan never sends us to a host that no session could satisfy.
TEST(Attack43, NothingIsTakenBelowWhatIsRequired) {
  for (int policy = 0; policy <= static_cast<int>(both_words_dane); ++policy) {
    for (int failure = 0; failure <= static_cast<int>(no_requiretls); ++failure) {
      HostFacts host = host_of(static_cast<Policy>(policy));
      SessionFacts session;
      break_it(static_cast<Failure>(failure), host, session);
      const Demand demand = demand_of(static_cast<Policy>(policy));
      const auto required = required_of(demand, host);
      const auto judgement = judge(demand, host, session, Others::none);
      const auto made = plan(demand, host, Others::none);
      if (judgement.answer == take) {
        EXPECT_GE(judgement.protection.level, required.level.value);
        EXPECT_EQ(made.judgement.answer, take);
        EXPECT_TRUE(!made.ask.tls_required || session.start == SessionFacts::Tls::done);
      }
      if (made.judgement.answer != take) EXPECT_NE(judgement.answer, take);
      if (session.start == SessionFacts::Tls::failed) {
        EXPECT_EQ(after_failed_handshake(demand, host, session.failure, Others::none), judgement);
      }
      EXPECT_GE(required.level.value, demand.requirement.level.value);
    }
  }
}

TEST(Attack43, OnlyWhenAllWereAskedIsRequiretlsRefused) {
  HostFacts host = host_of(requiretls_dane);
  SessionFacts session;
  break_it(no_requiretls, host, session);
  const Demand demand = demand_of(requiretls_dane);
  EXPECT_EQ(judge(demand, host, session, Others::unreached).status.text(), "4.7.30");
  EXPECT_EQ(judge(demand, host, session, Others::unreached).answer, Answer::hold);
  EXPECT_EQ(judge(demand, host, session, Others::none).answer, Answer::refuse);
}

}  // namespace
}  // namespace letterlock::protection
