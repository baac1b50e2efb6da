// What the process may do, settled once at the start, before it listens to strangers.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace letterlock::os {

// As many descriptors as the machine lets this process have; where that is fewer than `wanted`,
// root raises it. Returns how many. Errors: io.
base::Result<std::uint64_t> raise_descriptor_limit(std::uint64_t wanted);

enum class Root { refused, allowed };

// Started as root, the process becomes `user` for good: groups, group, user. With no user named, it
// refuses to go on as root unless that is allowed. Any other start changes nothing.
// Errors: denied (root and no user), not_found (no such user), io.
base::Result<> leave_root(const std::string& user, Root root);

// From now on nothing that this process could run gains rights by its file. Errors: io.
base::Result<> forbid_new_privileges();

}  // namespace letterlock::os
