// The judgement: given what is required and what is known, whether this hop is taken. Pure: the
// same facts always give the same answer, for explain, for enforcement and for the trace.
//
//   plan()                    before connecting: is it worth it, and what must TLS be asked?
//   after_failed_handshake()  may the host be tried again in clear, on a new connection?
//   judge()                   before the envelope is given: take, try the next, hold or refuse?
#pragma once

#include <string>
#include <vector>

#include "dsn/status.h"
#include "hop/hop.h"
#include "protection/facts.h"

namespace letterlock::protection {

// What must be verified in the handshake. Verification never ends the handshake: judge() decides.
enum class Verify { nothing, name, tlsa, pin };

struct Ask {
  Verify verify = Verify::nothing;
  hop::TlsVersion version_min = hop::TlsVersion::tls1_2;
  bool tls_required = false;  // without TLS the hop isn't taken
  bool operator==(const Ask&) const = default;
};

struct Judgement {
  hop::Answer answer = hop::Answer::hold;
  // 2.0.0 for take. Class 4 for try and hold, 5 for refuse: x.7.4 not offered, x.7.5 not verified,
  // x.7.30 for REQUIRETLS alone.
  dsn::Status status;
  // Names the host, the fact, and who required what. Strangers' words in it are printable.
  std::string sentence;
  // What guards the hop, as far as this is known yet.
  hop::Protection protection;
  std::vector<hop::Required> required;
  bool operator==(const Judgement&) const = default;
};

struct Plan {
  Judgement judgement;  // `take`: connect
  Ask ask;
};

// Everything that is required of this host: what the demand says, what the domain publishes (unless
// TLS-Required: No sets it aside), the ratchet where nothing published decides, and what knowing
// the peer implies. RFC: 7672 section 2, 8461 section 5, 8689 section 4.2.
hop::Requirement required_of(const Demand& demand, const HostFacts& host);

// What proves the identity of the host, and so the hop's level. judge_test.cc has the table.
hop::Protection protection_of(const HostFacts& host, const SessionFacts& session);

Plan plan(const Demand& demand, const HostFacts& host, Others others);

// `take` means that clear may be tried, on a new connection; never on this one.
Judgement after_failed_handshake(const Demand& demand, const HostFacts& host,
                                 const std::string& failure, Others others);

Judgement judge(const Demand& demand, const HostFacts& host, const SessionFacts& session,
                Others others);

// A fetch from the mailbox, or a sign-in before it: `take` or `refuse`, never anything else.
// `source` names whose account it is where it isn't refused.
Judgement judge_fetch(const hop::Requirement& requirement, const hop::Protection& protection);

}  // namespace letterlock::protection
