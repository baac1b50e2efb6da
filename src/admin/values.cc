#include "admin/values.h"

#include <algorithm>

namespace letterlock::admin {

base::Result<address::Address> address_of(const std::string& text) {
  auto address = address::Address::parse(text);
  if (!address)
    return base::fail(
        base::within(fmt::format("'{}' is no address", base::printable(text)), address.error()));
  return address;
}

base::Result<std::vector<address::Address>> addresses_of(const std::vector<std::string>& texts) {
  std::vector<address::Address> out;
  for (const auto& text : texts) out.push_back(TRY(address_of(text)));
  return out;
}

base::Result<address::Domain> domain_of(const std::string& text) {
  auto domain = address::Domain::parse(text);
  if (!domain)
    return base::fail(
        base::within(fmt::format("'{}' is no domain", base::printable(text)), domain.error()));
  return domain;
}

std::size_t page_of(const Arguments& arguments) {
  return std::clamp<std::size_t>(arguments.number("count", 100), 1, 1000);
}

json::object done(std::string_view what) {
  return {{"done", what}};
}

}  // namespace letterlock::admin
