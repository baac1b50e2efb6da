#include "address/registered.h"

#include <libpsl.h>

namespace letterlock::address {

std::string registered_domain(const Domain& domain) {
  const auto& text = domain.text();
  if (domain.is_literal()) return text;
  const char* registered = psl_registrable_domain(psl_builtin(), text.c_str());
  return registered == nullptr ? text : registered;
}

}  // namespace letterlock::address
