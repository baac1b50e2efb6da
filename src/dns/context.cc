// How libunbound is set up: what it asks, whom it trusts, how much it may keep.
#include <algorithm>
#include <array>
#include <fstream>

#include <unbound.h>

#include "dns/engine.h"
#include "dns/name.h"

namespace letterlock::dns {
using base::ErrorKind;

namespace {

base::Result<> took(int error, const std::string& what) {
  if (error == UB_NOERROR) return {};
  const auto kind = error == UB_NOMEM || error == UB_PIPE || error == UB_SOCKET
                        ? ErrorKind::io
                        : ErrorKind::invalid;
  return base::fail(kind, "libunbound does not take " + what + ": " + ub_strerror(error));
}

base::Result<> set(ub_ctx* context, const char* option, const std::string& value) {
  return took(ub_ctx_set_option(context, option, value.c_str()), std::string(option) + " " + value);
}

std::string yes(bool value) {
  return value ? "yes" : "no";
}

// "192.0.2.1@5353", as libunbound writes endpoints.
std::string at(const net::Endpoint& endpoint) {
  return endpoint.address.text() + "@" + std::to_string(endpoint.port);
}

// The owner of a record in presentation form.
std::string owner(const std::string& record) {
  const auto start = record.find_first_not_of(" \t");
  if (start == std::string::npos) return "";
  return parse_name(record.substr(start, record.find_first_of(" \t", start) - start)).value_or("");
}

base::Result<> set_limits(ub_ctx* context, const UnboundOptions& options) {
  const std::array<std::pair<const char*, std::string>, 12> settings{{
      {"msg-cache-size:", std::to_string(options.message_cache_octets)},
      {"rrset-cache-size:", std::to_string(options.record_cache_octets)},
      {"key-cache-size:", "2m"},
      {"neg-cache-size:", "1m"},
      {"infra-cache-numhosts:", "4000"},
      {"num-queries-per-thread:", std::to_string(options.questions_max)},
      {"outgoing-range:", "256"},
      {"cache-max-ttl:", "86400"},
      // DNS Flag Day 2020: no fragments, which could be forged.
      {"edns-buffer-size:", "1232"},
      {"harden-dnssec-stripped:", "yes"},
      {"do-ip4:", yes(options.ipv4)},
      {"do-ip6:", yes(options.ipv6)},
  }};
  for (const auto& [option, value] : settings) TRY(set(context, option, value));
  return {};
}

base::Result<> set_servers(ub_ctx* context, const UnboundOptions& options) {
  bool local = false;
  for (const auto& forwarder : options.forwarders) {
    local = local || forwarder.address.is_loopback();
    TRY(took(ub_ctx_set_fwd(context, at(forwarder).c_str()), "the forwarder " + forwarder.text()));
  }
  for (const auto& stub : options.stubs) {
    const auto zone = TRY(parse_name(stub.zone));
    local = local || stub.server.address.is_loopback();
    TRY(took(ub_ctx_set_stub(context, zone.c_str(), at(stub.server).c_str(), 0),
             "the stub zone " + zone));
    const auto vouches = [&](const std::string& anchor) { return is_within(zone, owner(anchor)); };
    if (std::ranges::none_of(options.trust_anchors, vouches))
      TRY(set(context, "domain-insecure:", zone));
  }
  // A stranger's zone must not send questions to this machine's own ports.
  return set(context, "do-not-query-localhost:", yes(!local));
}

base::Result<> set_anchors(ub_ctx* context, const UnboundOptions& options) {
  const auto& file = options.trust_anchor_file;
  if (!file.empty()) {
    const bool readable = std::ifstream(file).good();
    if (readable)
      TRY(took(ub_ctx_add_ta_file(context, file.c_str()), "the trust anchor file " + file));
    else if (file != root_anchor_file)
      return base::fail(ErrorKind::not_found, "the trust anchor file " + file + " can't be read");
  }
  for (const auto& anchor : options.trust_anchors) {
    TRY(took(ub_ctx_add_ta(context, anchor.c_str()),
             "the trust anchor \"" + base::printable(anchor) + "\""));
  }
  return {};
}

// libunbound answers some zones itself (test, invalid, reverse zones of private networks): not
// those that have a server here. Ends the set-up: anchors that can't be used fail now.
base::Result<> free_zones(ub_ctx* context, const UnboundOptions& options) {
  for (const std::string special :
       {"test", "invalid", "onion", "home.arpa", "localhost", "10.in-addr.arpa",
        "168.192.in-addr.arpa", "127.in-addr.arpa"}) {
    const bool wanted = std::ranges::any_of(options.stubs, [&](const Stub& stub) {
      return is_within(parse_name(stub.zone).value_or(""), special);
    });
    if (wanted)
      TRY(took(ub_ctx_zone_remove(context, special.c_str()), "away its own zone " + special));
  }
  // A zone of our own that nobody asks for: set-up ends with the first of these calls.
  return took(ub_ctx_zone_add(context, "letterlock.invalid", "static"),
              "its trust anchors or settings");
}

base::Result<> set_up(ub_ctx* context, const UnboundOptions& options) {
  ub_ctx_debugout(context, nullptr);
  TRY(took(ub_ctx_async(context, 1), "a thread of its own"));
  TRY(set_limits(context, options));
  TRY(set_servers(context, options));
  TRY(set_anchors(context, options));
  return free_zones(context, options);
}

}  // namespace

base::Result<ub_ctx*> make_context(const UnboundOptions& options) {
  ub_ctx* context = ub_ctx_create();
  if (context == nullptr)
    return base::fail(ErrorKind::io, "libunbound can't start: no memory or no entropy");
  const auto ready = set_up(context, options);
  if (ready) return context;
  ub_ctx_delete(context);
  return base::fail(ready.error());
}

}  // namespace letterlock::dns
