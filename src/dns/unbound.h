// The real resolver: libunbound, which asks the name servers itself and validates DNSSEC itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/event.h"
#include "dns/resolver.h"
#include "os/clock.h"

namespace letterlock::dns {

// Debian's package dns-root-data.
inline constexpr const char* root_anchor_file = "/usr/share/dns/root.key";

// Names at and below `zone` are asked of this server alone.
struct Stub {
  std::string zone;
  net::Endpoint server;
};

struct UnboundOptions {
  // The root's key. Empty: none. The default may be absent, and then nothing is validated; another
  // file that can't be read is an error.
  std::string trust_anchor_file = root_anchor_file;
  // Further DS or DNSKEY records in presentation form, for zones that the root doesn't vouch for.
  std::vector<std::string> trust_anchors;
  // Resolvers to ask instead of the zones' own servers. They need not be trusted, but must pass
  // DNSSEC's records on.
  std::vector<net::Endpoint> forwarders;
  // A stub without a trust anchor at or above its zone is insecure by declaration.
  std::vector<Stub> stubs;
  bool ipv4 = true;  // speak it, and ask for A records
  bool ipv6 = true;
  base::Milliseconds timeout = std::chrono::seconds(30);
  std::size_t questions_max = 1024;  // under way at once
  std::size_t message_cache_octets = 4 << 20;
  std::size_t record_cache_octets = 8 << 20;
};

struct Validation {
  enum class State { validates, does_not, unknown } state = State::unknown;
  std::string sentence;
};

// Any number of loops may ask; libunbound works on a thread of its own, and a second thread
// brings the answers. Both end with the object, which outlives every task that asks.
class UnboundResolver final : public Resolver {
 public:
  // Errors: invalid (a zone, an anchor, an endpoint libunbound won't take), not_found (the anchor
  // file), io.
  static base::Result<std::unique_ptr<UnboundResolver>> create(UnboundOptions options,
                                                               const os::Clock& clock,
                                                               base::EventSink& events);
  ~UnboundResolver() override;

  net::ResultTask<Answer<Mx>> mx(std::string name) override;
  net::ResultTask<Answer<net::IpAddress>> addresses(std::string name) override;
  net::ResultTask<Answer<std::string>> txt(std::string name) override;
  net::ResultTask<Answer<TlsaRecord>> tlsa(std::string name) override;
  net::ResultTask<Answer<std::string>> ptr(std::string name) override;

  // Asks for what must be signed (the root, or the zone of the first anchor given as text) and sees
  // whether the answer was proved. Emits dns.validates, dns.no_validation or
  // dns.unknown_validation. For the start of a server, and again when it is unknown.
  net::ResultTask<Validation> check_validation();

 private:
  class Engine;
  UnboundResolver(std::unique_ptr<Engine> engine, UnboundOptions options, base::EventSink& events);

  std::unique_ptr<Engine> engine_;
  UnboundOptions options_;
  base::EventSink& events_;
};

}  // namespace letterlock::dns
