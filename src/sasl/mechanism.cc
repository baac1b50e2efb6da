#include "sasl/mechanism.h"

#include "base/bytes.h"

namespace letterlock::sasl {

std::string_view name(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::plain:
      return "PLAIN";
    case Mechanism::scram_sha_256:
      return "SCRAM-SHA-256";
    case Mechanism::scram_sha_256_plus:
      return "SCRAM-SHA-256-PLUS";
    case Mechanism::external:
      return "EXTERNAL";
  }
  return "";
}

std::optional<Mechanism> mechanism_from(std::string_view text) {
  for (const auto mechanism : {Mechanism::plain, Mechanism::scram_sha_256,
                               Mechanism::scram_sha_256_plus, Mechanism::external}) {
    if (base::equal_ignoring_case(text, name(mechanism))) return mechanism;
  }
  return std::nullopt;
}

}  // namespace letterlock::sasl
