// What is known of a next hop: before connecting, and when its session stands. Values that the
// caller gathers (names, policies, connectors, TLS); the judgement reads nothing else.
#pragma once

#include <optional>
#include <string>

#include "hop/hop.h"
#include "hop/requirement.h"

namespace letterlock::protection {

// How the host's name and addresses came out of DNS: the MX, every CNAME before the host and its
// addresses together, the weakest of them.
enum class Names { secure, insecure, bogus, failing };

// The host's TLSA records; only asked for where its names are secure. RFC: 7672 section 2.2.
enum class Tlsa { none, usable, unusable, bogus, failing };

enum class MtaSts { none, testing, enforce };

// How a connector or the platform knows its peer beforehand.
enum class Known {
  nobody,
  ca,    // its certificate comes from this CA, under whatever name
  name,  // and says this name
  pin,   // it has this key
  site,  // another site of this platform, which knows us the same way
};

// One host that the message could be given to next.
struct HostFacts {
  std::string domain;  // the next-hop domain: "modern.example"
  std::string host;    // "mx1.modern.example"; "[192.0.2.1]" has no name to verify
  Names names = Names::insecure;
  Tlsa tlsa = Tlsa::none;
  MtaSts mta_sts = MtaSts::none;
  bool in_mta_sts_policy = false;  // the policy's mx patterns match the host
  Known known = Known::nobody;
  std::string connector;  // its name, where a connector leads here; may be empty
  // The floor that the domain has proved before.
  std::optional<hop::Requirement> ratchet;
  hop::Network network = hop::Network::public_;
};

// Whether anything is left to try after this host.
enum class Others {
  more,       // further hosts
  none,       // this was the last, and all were asked
  unreached,  // this was the last, but some could not be asked
};

// What a session with the host has shown.
struct SessionFacts {
  enum class Tls {
    not_offered,  // no STARTTLS in the answer to EHLO
    failed,       // the handshake failed on an earlier connection; this one stays in clear
    done,
  };
  Tls start = Tls::not_offered;
  hop::TlsFacts tls;                // of `done`
  bool verified = false;            // the certificate is what the plan asked for
  bool dane_ee = false;             // of a TLSA match: usage 3, not 2
  std::string failure;              // why it isn't verified, or why the handshake failed
  bool requiretls_offered = false;  // in the answer to EHLO inside TLS. RFC: 8689 section 2
};

// What the message and its sender ask of every hop on.
struct Demand {
  hop::Requirement requirement;  // joined: tenant, account, connector
  bool requiretls = false;       // MAIL FROM had REQUIRETLS
  bool tls_required_no = false;  // the header field TLS-Required: No
  bool sealed = false;           // the content is encrypted to the recipients' keys
};

}  // namespace letterlock::protection
