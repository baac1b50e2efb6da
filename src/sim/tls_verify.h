// How a client judges an identity, in the model.
#pragma once

#include <string>

#include "sim/tls.h"

namespace letterlock::sim {

struct Verdict {
  bool verified = false;
  hop::Proof proof = hop::Proof::none;
  std::string failure;  // one sentence, empty if verified or nothing was asked
};

bool matches_name(const Identity& identity, std::string_view name);
Verdict verify(const Identity& identity, const tls::ClientOptions& options,
               const TlsSettings& settings);

}  // namespace letterlock::sim
