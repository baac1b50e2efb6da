#include "protection/join.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace letterlock::protection {
namespace {

using hop::Source;

template <class Value>
hop::Part<Value> stricter(const hop::Part<Value>& a, const hop::Part<Value>& b) {
  if (a.value != b.value) return a.value > b.value ? a : b;
  return a.source.kind != Source::Kind::nobody ? a : b;
}

}  // namespace

hop::Requirement join(const hop::Requirement& a, const hop::Requirement& b) {
  return {.level = stricter(a.level, b.level),
          .tls_version = stricter(a.tls_version, b.tls_version),
          .network = stricter(a.network, b.network),
          .sealing = stricter(a.sealing, b.sealing),
          .fetch = stricter(a.fetch, b.fetch),
          .post_quantum = stricter(a.post_quantum, b.post_quantum)};
}

hop::Requirement without_reasons(hop::Requirement requirement) {
  auto& [level, tls, network, sealing, fetch, post_quantum] = requirement;
  for (Source* source : {&level.source, &tls.source, &network.source, &sealing.source,
                         &fetch.source, &post_quantum.source}) {
    source->reason.clear();
  }
  return requirement;
}

std::vector<hop::Required> in_words(const hop::Requirement& requirement) {
  std::vector<hop::Required> list;
  const auto add = [&list](std::string what, const Source& source) {
    list.push_back({std::move(what), hop::describe(source), source.reason});
  };
  const auto& [level, tls, network, sealing, fetch, post_quantum] = requirement;
  if (level.value != hop::Level::clear) {
    add(fmt::format("level >= {}", hop::name(level.value)), level.source);
  }
  if (tls.value != hop::TlsVersion::none) {
    add(fmt::format("{} or later", hop::name(tls.value)), tls.source);
  }
  if (network.value != hop::NetworkNeed::any) add("network private", network.source);
  if (sealing.value == hop::Sealing::required) add("sealing", sealing.source);
  if (fetch.value != hop::Fetch::any) add("fetch protected", fetch.source);
  if (post_quantum.value != hop::PostQuantum::preferred) {
    add("post-quantum key exchange", post_quantum.source);
  }
  return list;
}

std::string because(const Source& source) {
  const std::string name = base::printable(source.name, 255);
  std::string who = source.kind == Source::Kind::message ? fmt::format("{} in the message", name)
                                                         : hop::describe({source.kind, name, {}});
  if (source.reason.empty()) return who;
  return fmt::format("{}: {}", who, base::printable(source.reason, 120));
}

}  // namespace letterlock::protection
