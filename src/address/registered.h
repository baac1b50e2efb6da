// Under which domain somebody registered a name with a registry: what lies below it is his, however
// many names that are.
#pragma once

#include "address/domain.h"

namespace letterlock::address {

// "a.b.example.co.uk": "example.co.uk", by the Public Suffix List that libpsl brings with it. The
// domain itself where nothing is registered below its suffix, and an address literal's.
std::string registered_domain(const Domain& domain);

}  // namespace letterlock::address
