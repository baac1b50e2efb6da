// What operations check before they ask the store. Pure. For this room's files.
#pragma once

#include <string>
#include <string_view>

#include "directory/operations.h"

namespace letterlock::directory::checks {

// Errors of all: invalid, with what would be right.
base::Result<void> who(std::string_view by);  // denied
base::Result<void> text(std::string_view what, std::string_view value);
base::Result<std::string> tenant_name(std::string_view name);   // as it is kept
base::Result<std::string> password(std::string_view password);  // prepared
base::Result<void> limits(const SendingLimits& limits);
base::Result<void> alias(const Alias& alias);
base::Result<void> group(const Group& group);

// Adds and removes by key(), each once, in order. Errors: not_found (to remove what isn't there).
base::Result<std::vector<Address>> changed(std::vector<Address> addresses,
                                           const std::vector<Address>& add,
                                           const std::vector<Address>& remove);
bool contains(const std::vector<Address>& addresses, const Address& address);

// Sentences.
std::unexpected<base::Error> no_tenant(std::string_view name);
std::unexpected<base::Error> no_domain(const Domain& domain);
std::unexpected<base::Error> nobody_at(std::string_view what, const Address& address);
std::unexpected<base::Error> taken(const Address& address, Entry::Kind kind);

}  // namespace letterlock::directory::checks
